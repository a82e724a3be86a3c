"""What a run tells by itself: where it came from, and what its machine does."""

import subprocess
import sys
import threading

import orjson
import pytest

import trackio
from trackio import current
from trackio.writer import surroundings


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own; what the suite turns off is on."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    monkeypatch.delenv("TRACKIO_SYSTEM_S")
    monkeypatch.delenv("TRACKIO_ENVIRONMENT")
    yield tmp_path
    while current._latest or current._current.get():
        trackio.finish()


def _read(run):
    run.finish()
    return trackio.Api().run(f"{run.project}/{run.id}")


def test_the_shortest_run_tells_where_it_came_from():
    """In the background, and before the end."""
    read = _read(trackio.init("p"))
    said = read.environment
    assert {"host", "pid", "command", "directory", "git", "packages", "python"} <= set(said)
    assert trackio.__version__ == said["trackio"]
    assert list(map(str, sys.orig_argv))[-1] == said["command"][-1]


def test_a_run_is_told_what_its_machine_does(monkeypatch):
    """Every live run of the process, until it ends."""
    sampler = surroundings._sampler
    told = threading.Semaphore(0)
    real = sampler._tell

    def tell(one, reading, probes):
        real(one, reading, probes)
        if reading:
            told.release()

    monkeypatch.setattr(sampler, "_tell", tell)
    monkeypatch.setenv("TRACKIO_SYSTEM_S", "0.01")
    first = trackio.init("p", name="first")
    second = trackio.init("p", name="second", reinit="create_new")
    for _ in range(8):
        assert told.acquire(timeout=60)
    for run in (first, second):
        read = _read(run)
        frame = read.system_metrics()
        assert {"cpu/utilization", "memory/used", "process/memory"} <= set(frame.columns)
        assert 1 <= len(frame)
        assert read.environment["cores"] >= 1


def test_turned_off_nothing_is_told_and_no_thread_begins(monkeypatch):
    """For those who want their rows alone."""
    monkeypatch.setenv("TRACKIO_SYSTEM_S", "0")
    monkeypatch.setenv("TRACKIO_ENVIRONMENT", "0")
    monkeypatch.setattr(surroundings, "_sampler", surroundings.Sampler(pytest.fail, RuntimeError))
    read = _read(trackio.init("p"))
    assert "packages" not in read.environment
    assert read.system_metrics().empty
    assert not surroundings._sampler._is_running


LOGS = """
import os, sys, time, trackio
run = trackio.init("p", name="parent")
if (pid := os.fork()) == 0:
    run.log({"i": 1})
    from trackio.writer import surroundings
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not surroundings._sampler._watched:
        time.sleep(0.01)
    while time.monotonic() < deadline and not surroundings._sampler._watched[0].is_described:
        time.sleep(0.01)
    run.finish()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
run.finish()
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_a_forked_child_looks_at_the_machine_itself(home, monkeypatch):
    """It has none of its parent's threads."""
    monkeypatch.setenv("TRACKIO_SYSTEM_S", "0.05")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", LOGS],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert 0 == done.returncode, done.stderr
    (read,) = trackio.Api().runs("p")
    assert 1 <= len(read.system_metrics())


def test_a_log_loads_nothing_of_the_monitor_in_the_callers_thread(home):
    """Importing and beginning stay quick."""
    script = (
        "import sys, threading; threading.Thread.start = lambda self: None\n"
        "import trackio; run = trackio.init('p'); run.log({'a': 1})\n"
        "print([m for m in ('psutil', 'pynvml', 'PIL', 'pyarrow', 'trackio.monitor.git')"
        " if m in sys.modules])\n"
        "import os; sys.stdout.flush(); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert [] == orjson.loads(done.stdout.replace("'", '"'))
