"""The cache of files that never change: small, shared, and never in the way."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trackio.errors import InvalidInput, StoreRefused
from trackio.query.cache import RECENT_S, Cache
from trackio.settings import Settings
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.testing.clock import ManualClock

DAY_S = 86_400.0


def cache(tmp_path: Path, limit: int = 10_000, clock: ManualClock | None = None) -> Cache:
    """One of the store `s`."""
    clock = clock or ManualClock()
    return Cache(tmp_path / "s", home=tmp_path, limit_bytes=limit, clock=clock)


def put(cache: Cache, key: str, data: bytes) -> Path:
    with cache.coming([key]) as parts:
        parts[key].write_bytes(data)
        path = cache.keep(key, parts[key])
        assert path is not None
        return path


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())


def remove_all(folder: Path) -> None:
    """As somebody who wants the space back."""
    for path in list(folder.rglob("*")):
        if path.is_file():
            path.unlink(missing_ok=True)


def test_what_is_kept_is_found(tmp_path: Path):
    """Whole, under its key, by any process."""
    put(cache(tmp_path), "a/b", b"12345")
    found = cache(tmp_path).find("a/b", 5)
    assert found is not None
    assert b"12345" == found.read_bytes()
    assert cache(tmp_path).find("a/c") is None


def test_a_file_of_another_size_than_listed_is_removed(tmp_path: Path):
    """It was truncated, by a full disk or a power cut."""
    put(cache(tmp_path), "a", b"123")
    assert cache(tmp_path).find("a", 5) is None
    assert [] == names(tmp_path)


def test_a_file_that_did_not_come_leaves_nothing(tmp_path: Path):
    """Nobody sees a part of one."""
    mine = cache(tmp_path)

    def break_off() -> None:
        with mine.coming(["a"]) as parts:
            parts["a"].write_bytes(b"12")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert mine.find("a") is None
    assert [] == names(tmp_path)


def test_what_was_used_longest_ago_goes_first(tmp_path: Path):
    """Down to nine tenths of the limit."""
    clock = ManualClock()
    mine = cache(tmp_path, 1000, clock)
    for name in "abcd":
        put(mine, name, bytes(240))
        clock.advance(DAY_S)
    mine.find("a")
    clock.advance(RECENT_S * 2)
    put(mine, "e", bytes(240))
    mine.tidy()
    assert ["a", "d", "e"] == names(tmp_path)


def test_what_somebody_used_just_now_stays(tmp_path: Path):
    """Another process may be about to open it, even if that makes the cache too large."""
    mine = cache(tmp_path, 1000)
    for name in "abcdefgh":
        put(mine, name, bytes(240))
    mine.tidy()
    assert list("abcdefgh") == names(tmp_path)


def test_what_a_query_of_this_process_reads_stays(tmp_path: Path):
    """However long it takes."""
    clock = ManualClock()
    mine = cache(tmp_path, 1000, clock)
    paths = [str(put(mine, name, bytes(300))) for name in "abcd"]
    clock.advance(DAY_S)
    with mine.pinned(paths[:2]):
        mine.tidy()
        assert ["a", "b"] == names(tmp_path)[:2]
    put(mine, "e", bytes(900))
    clock.advance(DAY_S)
    put(mine, "f", bytes(100))
    mine.tidy()
    assert ["f"] == names(tmp_path)


def test_the_caches_of_all_stores_share_one_limit(tmp_path: Path):
    """The folder has the size that was set, not each of those in it."""
    clock = ManualClock()
    first = Cache(tmp_path / "1", home=tmp_path, limit_bytes=1000, clock=clock)
    put(first, "a", bytes(800))
    clock.advance(DAY_S)
    second = Cache(tmp_path / "2", home=tmp_path, limit_bytes=1000, clock=clock)
    put(second, "b", bytes(800))
    second.tidy()
    assert ["b"] == names(tmp_path)


def test_what_a_killed_process_left_half_way_goes(tmp_path: Path):
    """After an hour nobody is going to finish it."""
    clock = ManualClock()
    mine = cache(tmp_path, 1000, clock)
    (tmp_path / "s").mkdir()
    part = tmp_path / "s" / ".part-dead-0"
    part.write_bytes(bytes(10))
    old_s = clock.time_ns() / 1e9 - 2 * 3600
    os.utime(part, (old_s, old_s))
    put(mine, "a", bytes(10))
    mine.tidy()
    assert ["a"] == names(tmp_path)


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, caplog):
    """Files are kept as long as the process lives, and it is said how to change that."""
    (tmp_path / "file").write_bytes(b"")
    mine = Cache(tmp_path / "file" / "s", home=tmp_path / "file")
    put(mine, "a", b"1")
    assert mine.find("a", 1) is not None
    assert "TRACKIO_CACHE_DIR" in caplog.text


def test_a_full_disk_says_what_to_do(tmp_path: Path):
    """Somebody has to act."""
    mine = cache(tmp_path)

    def fill() -> None:
        with mine.coming(["a"]):
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreRefused, match=r"No space left.*TRACKIO_CACHE_DIR"):
        fill()


def test_stores_that_need_none_have_a_temporary_one(tmp_path: Path):
    """A directory is read in place; what is in memory does not outlast the process."""
    for store in (Directory(tmp_path / "d"), MemoryStore()):
        put(Cache.of(store, tmp_path / "c"), "a", b"1")
    assert [] == names(tmp_path)


def test_a_temporary_one_forgets_what_nobody_needs():
    """It has no other limit."""
    mine = Cache()
    path = put(mine, "a", b"1")
    mine.let_go(["a"])
    assert not path.exists()


def test_a_cache_of_many_threads_and_a_remover(tmp_path: Path):
    """While one keeps deleting everything, each still gets what it asks for, whole."""
    mine = cache(tmp_path, 1 << 40)
    done = threading.Event()

    def remove() -> None:
        while not done.is_set():
            remove_all(tmp_path)

    def use(number: int) -> None:
        for turn in range(50):
            key = f"k{(number + turn) % 7}"
            if mine.find(key, 1000) is None:
                with mine.coming([key]) as parts:
                    parts[key].write_bytes(key.encode() * 500)
                    mine.keep(key, parts[key])

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(8)))
    finally:
        done.set()
        remover.join()
    for path in tmp_path.rglob("k*"):
        assert path.name.encode() * 500 == path.read_bytes()


def test_where_and_how_large_it_is_can_be_set(tmp_path: Path):
    """By the environment; a size that is none says what one is."""
    home = {"TRACKIO_DIR": str(tmp_path)}
    assert tmp_path / ".cache" == Settings.from_env(home).cache_home
    assert 10**10 == Settings.from_env(home).cache_bytes
    said = {"TRACKIO_CACHE_DIR": str(tmp_path / "c"), "TRACKIO_CACHE_SIZE": "1.5 gb"}
    assert tmp_path / "c" == Settings.from_env(home | said).cache_home
    assert 1_500_000_000 == Settings.from_env(home | said).cache_bytes
    with pytest.raises(InvalidInput, match=r"TRACKIO_CACHE_SIZE='lots'.*500MB"):
        Settings.from_env(home | {"TRACKIO_CACHE_SIZE": "lots"})


PROCESS = """
import sys
from pathlib import Path
from trackio.query.cache import Cache
cache = Cache(Path(sys.argv[1]) / "s", home=Path(sys.argv[1]), limit_bytes=20_000)
for turn in range(200):
    key = f"k{(int(sys.argv[2]) * 3 + turn) % 40}"
    path = cache.find(key, 1000)
    if path is None:
        with cache.coming([key]) as parts:
            parts[key].write_bytes((key.encode() * 1000)[:1000])
            path = cache.keep(key, parts[key])
    cache.tidy()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        continue
    assert data == (key.encode() * 1000)[:1000], key
"""


def test_many_processes_share_one_cache(tmp_path: Path):
    """None reads a part of a file, none fails, and nothing half-way is left."""
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    children = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [0] * 4 == [child.wait() for child in children]
    assert [] == [name for name in names(tmp_path) if name.startswith(".")]
