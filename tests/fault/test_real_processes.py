"""Real processes, really killed: what was acknowledged is there, once."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import trackio

LOGGING = """
import sys, trackio
run = trackio.init("killed", name="victim")
for step in range(100_000):
    trackio.log({"loss": step / 7, "double": 2.0 * step})
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
"""

CROWD = """
import multiprocessing, sys, trackio

def work(number):
    run = trackio.init("crowd", config={"number": number})
    for step in range(500):
        trackio.log({"value": number * 1000.0 + step})
    report = trackio.finish()
    sys.exit(0 if report.is_complete else 1)

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(number,)) for number in range(64)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(max(worker.exitcode for worker in workers))
"""


def run_python(code: str, folder: Path, **kwargs) -> subprocess.Popen:
    script = folder / "script.py"
    script.write_text(code)
    environment = {**os.environ, "TRACKIO_DIR": str(folder / "store")}
    return subprocess.Popen([sys.executable, str(script)], env=environment, **kwargs)


def logged_steps(folder: Path, project: str) -> Counter:
    runs = trackio.Api(str(folder / "store")).runs(project)
    return Counter((run.id, row["step"]) for run in runs for row in run.scan_history())


@pytest.mark.parametrize("seed", range(6))
def test_every_call_that_returned_survives_kill_9(tmp_path: Path, seed: int, monkeypatch):
    """Killed at a random call, recovered: each acknowledged row is in the store exactly once."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "store"))
    victim = run_python(LOGGING, tmp_path, stdout=subprocess.PIPE, text=True)
    with victim:
        for _ in range(random.Random(seed).randrange(1, 4000)):
            said = victim.stdout.readline()
        victim.send_signal(signal.SIGKILL)
        # The pipe keeps what was written before the kill, but for a last line cut short.
        whole = (said + victim.stdout.read()).split("\n")[:-1]
    acknowledged = int(whole[-1])

    recovered = subprocess.run(
        [sys.executable, "-m", "trackio", "recover"], capture_output=True, text=True, check=False
    )
    assert 0 == recovered.returncode, recovered.stderr

    steps = logged_steps(tmp_path, "killed")
    assert set(range(acknowledged + 1)) <= {step for _, step in steps}
    assert {1} == set(steps.values())


def test_64_processes_log_into_one_project_at_once(tmp_path: Path):
    """No row is lost, no process fails, and no two runs get the same id or name."""
    crowd = run_python(CROWD, tmp_path, stderr=subprocess.PIPE, text=True)
    with crowd:
        errors = crowd.stderr.read()
    assert 0 == crowd.returncode, errors
    assert "" == errors

    steps = logged_steps(tmp_path, "crowd")
    assert 64 * 500 == len(steps)
    assert {1} == set(steps.values())
    runs = trackio.Api(str(tmp_path / "store")).runs("crowd")
    assert 64 == len({run.name for run in runs})
    assert set(range(64)) == {run.config["number"] for run in runs}
