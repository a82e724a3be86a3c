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
from trackio.errors import InvalidInput, StoreUnavailable, TrackioError
from trackio.store import memory, open_store
from trackio.store.directory import Directory
from trackio.store.faulty import Chances, Fault, Faulty
from trackio.store.memory import MemoryStore, open_memory
from trackio.store.retrying import RetryPolicy

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


def _large(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is not small any more."""
    monkeypatch.setattr("trackio.artifacts.upload._SMALL_BYTES", 4)
    path.write_bytes(b"weights")
    return path


def test_what_is_large_goes_straight_and_is_there_when_the_call_returns(tmp_path, monkeypatch):
    """No copy is made of it, and the same again puts nothing."""
    file = _large(tmp_path / "file", monkeypatch)
    monkeypatch.setattr("trackio.artifacts.staging._copy", None)
    with trackio.init("p", store="memory://straight") as run:
        first = run.log_artifact(file, name="m", type="model", aliases=["best"])
        store = open_memory("straight")
        assert ("v0", [first.version_id]) == (first.version, [*list_versions(store, "p", "m").ids])
        before = {entry.key: entry.version for entry in store.list(keys.artifacts_prefix("p"))}
        assert first.version_id == run.log_artifact(file, name="m", type="model").version_id
    assert before == {e.key: e.version for e in store.list(keys.artifacts_prefix("p"))}


def test_a_large_one_of_another_type_is_refused_at_once(tmp_path, monkeypatch):
    """The call waits for the store anyway, so it can say so."""
    file = _large(tmp_path / "file", monkeypatch)
    with trackio.init("p", store="memory://types") as run:
        run.log_artifact(file, name="m", type="model")
        with pytest.raises(InvalidInput, match="of type 'model'"):
            run.log_artifact(file, name="m", type="dataset")


def test_a_store_that_is_slower_than_a_disk_is_not_waited_for(tmp_path, monkeypatch):
    """The files are copied then, so that they may change; what comes is what was logged."""
    file = _large(tmp_path / "file", monkeypatch)
    monkeypatch.setattr("trackio.artifacts.upload._LEAST_S", 0.0)
    monkeypatch.setattr("trackio.artifacts.upload._LEAST_BYTES_S", 1 << 40)
    truth, goes_on = MemoryStore("slow"), threading.Event()

    def before(op, key):
        if op == "list":
            goes_on.wait(60)

    far = Faulty(truth, before=before)
    monkeypatch.setitem(memory._living, "slow", far)
    with trackio.init("p", store="memory://slow") as run:
        logged = run.log_artifact(file, name="m", type="model", aliases=["best"])
        file.write_bytes(b"changed after it was logged")
        goes_on.set()
        logged.wait(60)
    assert 1 == len(list_versions(truth, "p", "m").ids)
    found = open_artifact(truth, "p", "m", "best")
    assert b"weights" == (Path(found.download(tmp_path / "out")) / "file").read_bytes()
    left = [path for path in (tmp_path / "home" / ".spool").rglob("artifacts/*") if path.is_file()]
    assert [] == left


def test_a_large_one_is_copied_while_the_store_is_down(tmp_path, monkeypatch):
    """And sent when it is back."""
    file = _large(tmp_path / "file", monkeypatch)
    truth, is_down = MemoryStore("broken"), [True]
    far = Faulty(truth, lambda op, names: Fault.FAILED if is_down[0] else Fault.NONE)
    monkeypatch.setitem(memory._living, "broken", far)
    monkeypatch.setattr("trackio.artifacts.upload._STRAIGHT", RetryPolicy(attempts=1))
    with trackio.init("p", store="memory://broken") as run:
        logged = run.log_artifact(file, name="m", type="model")
        file.unlink()
        is_down[0] = False
        logged.wait(60)
    found = open_artifact(truth, "p", "m")
    assert b"weights" == (Path(found.download(tmp_path / "out")) / "file").read_bytes()


def test_a_download_goes_on_where_it_broke_off(s3_server, tmp_path, monkeypatch):
    """Of a large file only the parts that are missing are fetched, and all of it is checked."""
    for name, value in s3_server.credentials().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("trackio.artifacts.fetch._LARGE", 1000)
    monkeypatch.setattr("trackio.artifacts.partial.PART_BYTES", 1000)
    data = os.urandom(10_500)
    (tmp_path / "file").write_bytes(data)
    store = open_store(s3_server.url(f"parts-{tmp_path.name}"))
    artifact = Artifact("m", "model").add_file(tmp_path / "file")
    commit(store, *artifact.make_manifest("p"))
    asked: list[int] = []

    def get_range(entry, begin, end, *, get=store.get_range, most=None):
        if most is not None and len(asked) >= most:
            raise StoreUnavailable("the network is gone")
        asked.append(begin)
        return get(entry, begin, end)

    found = open_artifact(store, "p", "m")
    monkeypatch.setattr(store, "get_range", lambda *what: get_range(*what, most=4))
    with pytest.raises(StoreUnavailable):
        found.download(tmp_path / "out")
    assert [] == [path for path in (tmp_path / "out").glob("*") if path.name[0] != "."]
    monkeypatch.setattr(store, "get_range", get_range)
    found.download(tmp_path / "out")
    assert (11, 11) == (len(asked), len(set(asked)))
    assert ["file"] == [path.name for path in (tmp_path / "out").iterdir()]
    assert data == (tmp_path / "out" / "file").read_bytes()
