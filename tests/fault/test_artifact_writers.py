"""Artifacts while many write at once, stores are down, and processes are killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import trackio
from trackio import keys
from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.commit import commit
from trackio.artifacts.versions import list_versions, read_manifests
from trackio.cli import main
from trackio.errors import TrackioError
from trackio.store import memory, open_store
from trackio.store.directory import Directory
from trackio.store.faulty import Chances, Fault, Faulty
from trackio.store.memory import MemoryStore, open_memory

WRITERS = 6


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Each test has a machine of its own."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("TRACKIO_SYSTEM_S", "0")


_LOG_MANY = """
import sys
from pathlib import Path
from trackio.artifacts.artifact import Artifact
from trackio.artifacts.commit import commit
from trackio.store.directory import Directory

store, mine, folder = Directory(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
folder.mkdir()
(folder / "shared").write_text("shared")
for turn in range(4):
    (folder / "own").write_text(f"{mine} {turn}")
    artifact = Artifact("m", "model").add_dir(folder)
    commit(store, *artifact.make_manifest("p"), aliases=[f"of-{mine}"])
"""


def test_processes_that_log_the_same_name_never_collide(tmp_path):
    """Each version of each is there, whole, under a number of its own."""
    command = [sys.executable, "-c", _LOG_MANY, str(tmp_path / "store")]
    started = [
        subprocess.Popen([*command, str(mine), str(tmp_path / str(mine))])
        for mine in range(WRITERS)
    ]
    assert [0] * WRITERS == [process.wait(timeout=120) for process in started]
    store = Directory(tmp_path / "store")
    versions = list_versions(store, "p", "m")
    manifests = read_manifests(store, "p", "m", versions.ids)
    assert 4 * WRITERS == len(versions.ids) == len({it.digest for it in manifests.values()})
    assert {f"of-{mine}" for mine in range(WRITERS)} == versions.aliases.keys()
    for number in range(4 * WRITERS):
        folder = Path(open_artifact(store, "p", "m", f"v{number}").download(tmp_path / "out"))
        assert "shared" == (folder / "shared").read_text()


@pytest.mark.parametrize("seed", range(12))
def test_a_version_is_whole_whatever_the_store_does_meanwhile(seed, tmp_path):
    """Whoever tries again gets through; a manifest never stands without its files."""
    truth = MemoryStore()
    chances = Chances(failed=0.1, lost=0.1, partial=0.1, refused=0.05)
    failures = []

    def log(mine: int) -> None:
        store = Faulty(truth, chances.chooser(seed * 100 + mine))
        for turn in range(3):
            path = tmp_path / f"{mine}-{turn}"
            path.write_text(f"{mine} {turn}")
            for _ in range(200):
                artifact = Artifact("m", "model").add_file(path, name="file")
                try:
                    commit(store, *artifact.make_manifest("p"))
                    break
                except TrackioError:
                    continue
            else:
                failures.append((mine, turn))

    threads = [threading.Thread(target=log, args=(mine,)) for mine in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures
    versions = list_versions(truth, "p", "m")
    manifests = read_manifests(truth, "p", "m", versions.ids)
    assert 9 == len({found.digest for found in manifests.values()})
    there = {entry.key for entry in truth.list(keys.blob_prefix("p"))}
    needed = {str(keys.BlobKey("p", it)) for found in manifests.values() for it in found.blobs}
    assert needed <= there


def test_a_run_logs_into_a_store_that_is_no_directory(tmp_path):
    """Through the spool: it is there when the run has finished, and nothing is left here."""
    (tmp_path / "file").write_text("x")
    with trackio.init("p", store="memory://artifacts") as run:
        logged = run.log_artifact(tmp_path / "file", name="m", type="model", aliases=["best"])
        assert logged.size == 1
    store = open_memory("artifacts")
    found = open_artifact(store, "p", "m", "best")
    assert ("v0", logged.version_id) == (found.version, found.version_id)
    assert "v0" == logged.version
    left = [path for path in (tmp_path / "home" / ".spool").rglob("artifacts/*") if path.is_file()]
    assert [] == left


def test_equal_files_are_one_version_through_the_spool_too(tmp_path):
    """The thread looks what is there before it sends anything."""
    (tmp_path / "file").write_text("x")
    for name in ("m", "m", "other"):
        with trackio.init("p", store="memory://artifacts-again") as run:
            run.log_artifact(tmp_path / "file", name=name, type="model").wait(30)
    store = open_memory("artifacts-again")
    assert (1, 1) == (
        *(len(list_versions(store, "p", name).ids) for name in ("m", "other")),)  # fmt: skip


def test_a_store_that_is_down_stops_nobody(tmp_path, monkeypatch):
    """Neither waits nor raises; when it is back, everything is sent, in the right order."""
    truth, is_down, order = MemoryStore("down"), [True], []

    def choose(op, names):
        if op == "put" and not is_down[0]:
            order.extend(names)
        return Fault.FAILED if is_down[0] else Fault.NONE

    far = Faulty(truth, choose)
    monkeypatch.setitem(memory._living, "down", far)
    monkeypatch.setenv("TRACKIO_FINISH_S", "0.2")
    (tmp_path / "file").write_text("x")
    run = trackio.init("p", store="memory://down")
    run.log_artifact(tmp_path / "file", name="m", type="model", aliases=["best"])
    (tmp_path / "file").write_text("changed after it was logged")
    assert not run.flush(0.2)
    is_down[0] = False
    assert run.flush(30)
    assert run.finish().is_complete
    found = open_artifact(truth, "p", "m", "best")
    assert b"x" == (Path(found.download(tmp_path / "out")) / "file").read_bytes()
    blob = next(at for at, key in enumerate(order) if "/blobs/" in key)
    manifest = next(at for at, key in enumerate(order) if key.endswith(f"{found.version_id}.json"))
    assert blob < manifest


_LOG_AND_DIE = """
import os, signal, sys, trackio
run = trackio.init("p", store=sys.argv[1], mode="offline")
run.log_artifact(sys.argv[2], name="m", type="model", aliases=["best"])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_artifact_that_was_logged_survives_the_process(s3_server, tmp_path, monkeypatch):
    """It waits on the disk, and `trackio sync` sends it."""
    for name, value in s3_server.credentials().items():
        monkeypatch.setenv(name, value)
    url = s3_server.url(f"artifacts-{tmp_path.name}")
    (tmp_path / "file").write_text("x")
    done = subprocess.run(
        [sys.executable, "-c", _LOG_AND_DIE, url, str(tmp_path / "file")], check=False, timeout=120
    )
    assert -signal.SIGKILL == done.returncode
    assert os.environ["TRACKIO_DIR"]
    assert 0 == main(["sync"])
    store = open_store(url)
    found = open_artifact(store, "p", "m")
    assert b"x" == (Path(found.download(tmp_path / "out")) / "file").read_bytes()
