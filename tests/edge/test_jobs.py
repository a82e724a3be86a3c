"""The jobs as people run them: commands, the scheduler, a Dask cluster, and `kill -9`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trackio import keys
from trackio.catalog import list_project
from trackio.cli import main
from trackio.store.directory import Directory
from trackio.testing.handmade import HandWriter
from trackio.testing.reading import points_in
from trackio.upkeep.child import start_jobs

TRACKIO = [sys.executable, "-m", "trackio"]
LONGEST_S = 60.0


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.delenv("TRACKIO_STORE", raising=False)
    return Directory(tmp_path / "home")


def _write(store, runs=3, calls=40, shards=4, project="p"):
    for number in range(runs):
        writer = HandWriter(store, project, f"run-{number}")
        writer.put_meta(f"name {number}")
        for i in range(calls):
            writer.log({"a": float(i), "b": float(number)})
        writer.finish()
        each = len(writer.calls) // shards
        for n in range(shards):
            last = len(writer.calls) - 1 if n == shards - 1 else (n + 1) * each - 1
            writer.put(n * each, last)


def _parquet(store):
    return [e.key for e in store.list() if e.key.endswith(".parquet") and "overview" not in e.key]


def _await(is_so):
    end = time.monotonic() + LONGEST_S
    while not is_so():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def test_compact_packs_and_collects(store, capsys):
    """With no grace at once, which is for tests and for stores nobody reads."""
    _write(store)
    before = points_in(store, "p")
    assert 0 == main(["compact", "--dry-run"])
    assert "pack 12 files of 3 writers in 3 runs" in capsys.readouterr().out
    assert 12 == len(_parquet(store))
    assert 0 == main(["compact", "--grace", "0", "--once"])
    assert "deleted 12 files" in capsys.readouterr().out
    assert 1 == len(_parquet(store))
    assert before == points_in(store, "p")


def test_compact_answers_programs(store, capsys):
    """What was packed, deleted, and what waits."""
    _write(store)
    assert 0 == main(["compact", "--json"])
    (answer,) = json.loads(capsys.readouterr().out)["projects"]
    assert ("p", 0, []) == (answer["project"], answer["deleted_files"], answer["left_out"])
    assert [12] == [pack["files"] for pack in answer["packs"]]
    assert 0 == main(["compact", "--json", "--dry-run"])
    (plan,) = json.loads(capsys.readouterr().out)["plans"]
    assert [] == plan["packs"]


def test_compact_of_nothing_and_of_two_minds_says_so(store, capsys):
    """Errors name what to do."""
    assert 1 == main(["compact"])
    assert "there is no project" in capsys.readouterr().err
    assert 2 == main(["compact", "--once", "--every", "5m"])
    assert 2 == main(["compact", "--settle", "soon"])
    assert "write it like 90s" in capsys.readouterr().err
    assert 2 == main(["compact", "--executor", "http://x"])


def test_workers_of_this_machine_pack_at_once(store):
    """Each opens the store itself."""
    _write(store, runs=2)
    before = points_in(store, "p")
    assert 0 == main(["compact", "--workers", "2", "--grace", "0"])
    assert before == points_in(store, "p")
    assert 1 == len(_parquet(store))


def test_a_dask_cluster_packs(store, tmp_path):
    """A scheduler and two workers, each a process of its own, as on several machines."""
    pytest.importorskip("distributed")
    _write(store)
    _write(store, project="q")
    before = points_in(store, "p") | points_in(store, "q")
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet = ["--no-dashboard", "--host", "127.0.0.1", "--port", "0"]
    started = [_start([*command, *quiet, "--scheduler-file", str(file)])]
    try:
        _await(file.exists)
        address = json.loads(file.read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address]
        options = ["--no-dashboard", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1"]
        scratch = ["--local-directory", str(tmp_path)]
        started += [_start([*worker, *options, *scratch]) for _ in range(2)]
        url = address.replace("tcp://", "dask://")
        done = subprocess.run(
            [*TRACKIO, "compact", "--executor", url, "--grace", "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * LONGEST_S,
        )
        assert (0, 2) == (done.returncode, done.stdout.count("into 1 packs")), done
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert before == points_in(store, "p") | points_in(store, "q")
    assert 2 == len(_parquet(store))


def _start(command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_the_scheduler_does_everything_once_and_logs_a_line_a_project(store, capfd):
    """For cron, or a scheduled Job."""
    _write(store)
    _write(store, project="q")
    done = subprocess.run(
        [sys.executable, "-m", "jobs.scheduler", "--once", "--grace", "0"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert (0, 2) == (done.returncode, len(lines)), done.stderr
    assert all(re.search(r"INFO compact: [pq]: packed \d+ rows of 12 files", li) for li in lines)


def test_the_scheduler_collects_what_no_version_of_an_artifact_holds(store, tmp_path):
    """And tells of projects that have artifacts, in a line of their own."""
    (tmp_path / "weights").write_text("x")
    assert 0 == main(["artifacts", "put", str(tmp_path / "weights"), "-p", "p", "--type", "model"])
    _write(store)
    _write(store, project="q")
    gone = str(keys.BlobKey("p", "a" * 64))
    store.put({gone: b"nobody holds it"})
    done = subprocess.run(
        [*TRACKIO, "jobs", "--once", "--grace", "0"], capture_output=True, text=True, check=False
    )
    (line,) = [line for line in done.stderr.splitlines() if "artifacts:" in line]
    assert "artifacts: p: 1 of 2 blobs may go, 15 bytes; 1 are deleted" in line
    assert 1 == len([e for e in store.list(keys.blob_prefix("p")) if e.key != gone])
    assert 0 == len([e for e in store.list(keys.blob_prefix("p")) if e.key == gone])


def test_the_scheduler_survives_a_project_that_fails_and_stops_on_sigterm(store, tmp_path):
    """The others are looked after; what was begun is whole."""
    _write(store)
    _write(store, project="q")
    before = points_in(store, "p")
    blocked = store.path("q/state")
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("a file where a folder should be")
    log = tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen([*TRACKIO, "jobs", "--every", "1s", "--grace", "0"], stderr=sink)
    try:
        _await(lambda: log.read_text().count("compact: p:") >= 2)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(LONGEST_S)
    finally:
        process.kill()
    assert "WARNING compact: q:" in log.read_text()
    assert before == points_in(store, "p")


def test_a_compactor_that_is_killed_loses_nothing(store):
    """`kill -9` at any moment, again and again; the next one goes on."""
    _write(store, runs=40, calls=60, shards=8)
    before = points_in(store, "p")
    compact = [*TRACKIO, "compact", "--every", "1s", "--grace", "0"]
    marks = ("state/", "packs/", "overview", "runs/")
    for mark in marks:
        process = _start(compact)
        seen = {entry.key for entry in store.list()}
        try:
            _await(
                lambda seen=seen, mark=mark: (
                    any(mark in e.key for e in store.list() if e.key not in seen)
                    or len(_parquet(store)) < 3
                )
            )
        finally:
            process.kill()
            process.wait()
        assert before == points_in(store, "p")
    for _ in range(4):
        assert 0 == main(["compact", "--grace", "0"])
    assert before == points_in(store, "p")
    assert list_project(store, "p").packs.keys() == {key.pack_id for key in _pointers(store)}


def _pointers(store):
    for run in list_project(store, "p").runs.values():
        for writer in run.writers.values():
            yield from (key for key in writer.ranges if key.is_pointer)


def test_doctor_tells_what_waits_and_shows_no_secret(store, monkeypatch, capsys, tmp_path):
    """A token is named by where it was found."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret_secret")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    journal = tmp_path / "home" / ".journal" / "0.journal"
    journal.parent.mkdir(parents=True)
    journal.write_text("damaged")
    assert 1 == main(["doctor", "--json"])
    answer = capsys.readouterr().out
    assert "secret" not in answer
    signs = {(s["level"], s["subject"]) for s in json.loads(answer)["signs"]}
    assert ("error", "0.journal") in signs
    assert any("HF_TOKEN" in s["message"] for s in json.loads(answer)["signs"])
    journal.unlink()
    assert 0 == main(["doctor"])


def test_a_program_must_say_yes_to_delete(store, capsys):
    """Nobody is there to be asked."""
    _write(store)
    assert 2 == main(["delete", "run", "-r", "name 1"])
    assert "say --yes" in capsys.readouterr().err
    assert 0 == main(["delete", "run", "-r", "name 1", "--dry-run"])
    assert 0 == main(["delete", "run", "-r", "name 1", "--yes", "--json"])
    assert json.loads(capsys.readouterr().out)["deleted_files"] >= 5
    assert 0 == main(["rename", "run", "-r", "name 0", "zero"])
    assert 0 == main(["move", "run", "-r", "zero", "--to", "q", "--yes"])
    assert 0 == main(["list", "runs", "-p", "q", "--json"])
    assert ["zero"] == [run["name"] for run in json.loads(capsys.readouterr().out)["runs"]]


def test_a_dashboard_starts_the_jobs_and_keeps_no_token(store, monkeypatch):
    """The child has it, as `HF_TOKEN`; a dashboard without jobs has nothing of it either."""
    environ = {**os.environ, "TRACKIO_JOBS_TOKEN": "hf_write"}
    assert start_jobs(environ) is None
    assert "TRACKIO_JOBS_TOKEN" not in environ
    _write(store)
    environ |= {"TRACKIO_JOBS_TOKEN": "hf_write", "TRACKIO_JOBS": "1", "TRACKIO_JOBS_EVERY": "1s"}
    child = start_jobs(environ)
    try:
        assert "hf_write" not in environ.values()
        _await(lambda: list_project(store, "p").packs)
        if sys.platform == "linux":
            told = Path(f"/proc/{child.pid}/environ").read_bytes().split(b"\0")
            assert b"HF_TOKEN=hf_write" in told
    finally:
        child.terminate()
        assert 0 == child.wait(LONGEST_S)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_system_shows_no_write_token_of_a_dashboard(store, tmp_path):
    """The program begins again without it, and takes its jobs along to its end."""
    _write(store)
    log = tmp_path / "log"
    environ = {**os.environ, "TRACKIO_JOBS_TOKEN": "hf_write", "TRACKIO_JOBS": "1"}
    app = Path(__file__).parents[2] / "app.py"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, str(app)], env=environ, stdout=sink, stderr=sink
        )
    try:
        _await(lambda: "dashboard: http" in log.read_text())
        shown = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"hf_write" not in shown
        _await(lambda: list_project(store, "p").packs)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGINT)
        process.wait(LONGEST_S)
        assert not Path(f"/proc/{child}").exists()
    finally:
        process.kill()
        process.wait()
