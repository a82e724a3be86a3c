"""Media and processes that die, disks that are full: what `log` returned from is there."""

import shutil
import signal
import subprocess
import sys

import pytest
from children import recover, run, start

import trackio
from trackio.store.memory import MemoryStore

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

LOGS = """
    import os, sys, numpy as np, trackio
    rng = np.random.default_rng(0)
    run = trackio.init("p", name="killed", store=sys.argv[1] or None)
    for i in range(10**6):
        picture = rng.integers(0, 255, (16, 16), dtype=np.uint8)
        table = trackio.Table(columns=["i"], data=[[i]])
        trackio.log({"i": i, "p": trackio.Image(picture), "t": table})
        os.write(1, b"%d\\n" % i)
"""


def _killed_after(folder, calls, store="", **env):
    """How many calls returned before the child was killed."""
    child = start(folder, LOGS, store, **env)
    said = []
    for line in child.stdout:
        said.append(line)
        if len(said) >= calls:
            child.kill()
            break
    said += child.stdout.read().split()
    _, err = child.communicate()
    assert -signal.SIGKILL == child.returncode, err
    return len(said)


def _read_all(api):
    """The steps of the pictures and of the tables, all of whose bytes were read."""
    (found,) = api.runs("p")
    pictures = found.media("p")
    assert all(picture.read() for picture in pictures)
    tables = [media.to_pandas()["i"].tolist() for media in found.media("t")]
    assert [[media.step] for media in found.media("t")] == tables
    return [media.step for media in pictures]


@pytest.mark.parametrize(("calls", "flush_s"), [(1, "60"), (40, "60"), (40, "0.02")])
def test_media_of_calls_that_returned_survive_a_kill(tmp_path, calls, flush_s):
    """Before any shard was put, and with some on the way."""
    returned = _killed_after(tmp_path, calls, TRACKIO_FLUSH_S=flush_s)
    recover(tmp_path)
    steps = _read_all(trackio.Api(tmp_path))
    assert list(range(len(steps))) == steps
    assert returned <= len(steps) <= returned + 1


def test_media_of_a_killed_process_are_sent_before_the_rows_that_need_them(tmp_path, monkeypatch):
    """What lay in the spool is taken up with the journal."""
    puts = []

    class Elsewhere(MemoryStore):
        def put(self, files):
            puts.extend(files)
            super().put(files)

    elsewhere = Elsewhere("elsewhere")
    returned = _killed_after(tmp_path, 20, elsewhere.url, TRACKIO_FLUSH_S="60")
    assert [] == puts
    recover(tmp_path)
    steps = _read_all(trackio.Api(elsewhere))
    assert returned <= len(steps) <= returned + 1
    first_shard = next(n for n, key in enumerate(puts) if key.endswith(".parquet"))
    assert not [key for key in puts[first_shard:] if "/media/" in key]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a megabyte, mounted for the test."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "none"]
    if sys.platform != "linux" or mount is None or _call([mount, *options, folder]):
        pytest.skip("mounting is not permitted here")
    yield folder
    _call([shutil.which("umount"), "--lazy", folder])


def _call(command):
    return subprocess.run(command, check=False, capture_output=True).returncode


FILLS = """
    import os, numpy as np, trackio
    store = os.environ["STORE"]
    run = trackio.init("p", store=store)
    picture = np.zeros((16, 16), np.uint8)
    run.log({"i": 0, "p": trackio.Image(picture)})
    assert run.flush()
    with open(store + "/ballast", "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    for i in range(1, 5):
        run.log({"i": i, "p": trackio.Image(np.full((64, 64), i, np.uint8))})
    os.remove(store + "/ballast")
    run.log({"i": 5, "p": trackio.Image(picture + 1)})
    print(run.finish().local)
"""


def test_a_full_disk_costs_the_pictures_and_no_number(tmp_path, small_disk):
    """One warning names the key; there is room again, and the next one is kept."""
    done = run(tmp_path, FILLS, STORE=str(small_disk), TRACKIO_FLUSH_S="0.05")
    assert (0, "0") == (done.returncode, done.stdout.strip()), done.stderr
    assert 1 == done.stderr.count("'p' is skipped")
    assert "No space left" in done.stderr
    (found,) = trackio.Api(small_disk).runs("p")
    assert {"i": 6} == found.metrics()
    assert [0, 5] == [picture.step for picture in found.media("p") if picture.read()]
    assert not list(small_disk.rglob("*.tmp"))
