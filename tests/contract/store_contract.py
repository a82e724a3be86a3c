"""The laws of a store, as one suite. A store is done when its subclass passes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trackio.errors import InvalidInput, NotFound
from trackio.store import Store

BAD_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", ".hidden", "a/.b", "a\\b"]
BAD_KEYS += ["a\0b"]
UNICODE_KEYS = ["größe/Δ.bin", "日本/実験", "a%20b/%2Ehidden", "a b", "x/-_.~+=@,;:!'()[]{}#$&^"]
TREE = ("a/b/c", "a/b/d", "a/e", "ab/c", "f")

# No key of these is a folder of another, which a directory cannot hold.
KEYS = ["a", "b/c", "b/d", "b/e/f", "g/h/i/j", "%C3%BC"]
PREFIXES = ["", "b/", "b/e/", "g/", "g/h/", "nowhere/"]
VERBS = st.one_of(
    st.tuples(st.just("put"), st.dictionaries(st.sampled_from(KEYS), st.binary(max_size=9))),
    st.tuples(st.just("delete"), st.lists(st.sampled_from(KEYS), max_size=3)),
    st.tuples(st.just("get"), st.sampled_from(KEYS)),
    st.tuples(st.just("list"), st.sampled_from(PREFIXES)),
)


def listed(store: Store, prefix: str = "", *, recursive: bool = True) -> dict[str, int]:
    """The size of each listed key; no key twice."""
    entries = list(store.list(prefix, recursive=recursive))
    assert len(entries) == len({entry.key for entry in entries})
    return {entry.key: entry.size_bytes for entry in entries}


class StoreContract:
    """Subclass it, name it `Test…`, and make a store."""

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """A new, empty store."""
        raise NotImplementedError
        yield

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with self.opened() as store:
            yield store

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 4], ids=len)
    def test_get_gives_what_was_put(self, store, data):
        """The bytes come back exactly, none at all included."""
        store.put({"a/b": data})
        assert data == store.get("a/b")
        assert {"a/b": len(data)} == listed(store)

    def test_put_takes_the_content_of_a_local_file(self, store, tmp_path):
        """The file is copied: what happens to it later does not matter."""
        source = tmp_path / "source"
        source.write_bytes(b"in a file")
        store.put({"a/b": source, "empty": _file(tmp_path / "empty", b"")})
        source.write_bytes(b"changed")
        assert b"in a file" == store.get("a/b")
        assert b"" == store.get("empty")

    def test_put_says_so_when_the_local_file_is_missing(self, store, tmp_path):
        """A wrong path is the caller's mistake, not a lost answer to repeat."""
        with pytest.raises(InvalidInput, match="absent"):
            store.put({"a": tmp_path / "absent"})
        assert {} == listed(store)

    def test_put_of_nothing_does_nothing(self, store):
        """An empty batch is no error."""
        store.put({})
        assert {} == listed(store)

    def test_large_files_come_back(self, store, tmp_path):
        """16 MB from memory and from a file."""
        data = bytes(range(251)) * (16_000_000 // 251)
        store.put({"memory": data, "file": _file(tmp_path / "file", data)})
        assert data == store.get("memory")
        assert data == store.get("file")

    def test_put_replaces(self, store):
        """The later bytes count; the key is listed once."""
        store.put({"a": b"first"})
        store.put({"a": b"2nd"})
        assert b"2nd" == store.get("a")
        assert {"a": 3} == listed(store)

    def test_a_replaced_file_has_another_version(self, store):
        """Even where the size is the same and hardly any time has passed."""
        versions = []
        for data in (b"one", b"two"):
            store.put({"a": data})
            versions += [entry.version for entry in store.list()]
        assert 2 == len(set(versions))

    def test_an_untouched_file_keeps_its_version(self, store):
        """What happens to its neighbours does not matter."""
        store.put({"f/a": b"1"})
        (before,) = store.list("f/")
        store.put({"f/b": b"2"})
        store.delete(["f/b"])
        assert [before] == list(store.list("f/"))

    def test_times_are_the_stores_own(self, store):
        """What is put later is not older, so a job can learn the store's time by a put."""
        times = []
        for key in ("first", "second", "first"):
            store.put({key: b"x"})
            times += [entry.time_s for entry in store.list() if entry.key == key]
        assert sorted(times) == times
        assert times[0] > 0

    def test_get_of_nothing_is_not_found(self, store):
        """Whether the folder exists, is the key itself, or the key's folder is a file."""
        store.put({"a/b": b"x"})
        for key in ("nowhere/a", "a/c", "a", "a/b/c"):
            with pytest.raises(NotFound):
                store.get(key)

    def test_list_shows_what_lies_below_a_prefix(self, store):
        """The whole tree below it and nothing else."""
        store.put(dict.fromkeys(TREE, b""))
        assert set(TREE) == listed(store).keys()
        assert {"a/b/c", "a/b/d", "a/e"} == listed(store, "a/").keys()
        assert {"a/b/c", "a/b/d"} == listed(store, "a/b/").keys()

    def test_list_can_show_one_folder_only(self, store):
        """Files as they are, folders with a slash, a size of 0 and no version."""
        store.put(dict.fromkeys(TREE, b"xy"))
        assert {"a/": 0, "ab/": 0, "f": 2} == listed(store, recursive=False)
        assert {"a/b/": 0, "a/e": 2} == listed(store, "a/", recursive=False)
        folder = next(entry for entry in store.list("a/", recursive=False) if entry.key == "a/b/")
        assert ("a/b/", 0, 0.0, "") == folder

    def test_a_prefix_nobody_wrote_to_lists_nothing(self, store):
        """Before the first put, and beside what was put."""
        assert {} == listed(store)
        store.put({"a/b": b""})
        for prefix in ("b/", "a/b/", "a/c/", "nowhere/at/all/"):
            assert {} == listed(store, prefix)
            assert {} == listed(store, prefix, recursive=False)

    def test_delete_may_be_repeated(self, store):
        """What is gone, or never was, is no error."""
        store.put({"a/b": b"1", "a/c": b"2"})
        store.delete(["a/b", "nowhere/x", "a/b/x"])
        store.delete(iter(["a/b"]))
        store.delete([])
        assert {"a/c": 1} == listed(store)
        with pytest.raises(NotFound):
            store.get("a/b")

    def test_a_folder_goes_with_its_last_file(self, store):
        """Folders are only parts of keys."""
        store.put({"a/b/c": b"", "a/d": b""})
        store.delete(["a/b/c"])
        assert {"a/d": 0} == listed(store, "a/", recursive=False)
        store.delete(["a/d"])
        assert {} == listed(store, recursive=False)

    def test_delete_of_a_folder_deletes_nothing(self, store):
        """A folder is no key."""
        store.put({"a/b": b"1"})
        store.delete(["a"])
        assert {"a/b": 1} == listed(store)

    @pytest.mark.parametrize("key", UNICODE_KEYS)
    def test_keys_of_any_script_come_back_as_they_are(self, store, key):
        """No key is changed, decoded or normalised."""
        store.put({key: b"x"})
        assert b"x" == store.get(key)
        assert {key: 1} == listed(store)

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_what_is_not_a_key_is_refused(self, store, key):
        """By every verb, before anything happens."""
        calls: list[Callable[[], Any]] = [
            lambda: store.get(key),
            lambda: store.put({"good": b"", key: b"x"}),
            lambda: store.delete(["good", key]),
        ]
        for call in calls:
            with pytest.raises(InvalidInput, match="not a key"):
                call()
        assert {} == listed(store)

    @pytest.mark.parametrize("prefix", ["a", "/", "../", "a//", "./", ".a/", "a\\b/"])
    def test_what_is_not_a_prefix_is_refused(self, store, prefix):
        """A prefix is a folder that ends with a slash, or nothing."""
        with pytest.raises(InvalidInput, match="not a"):
            list(store.list(prefix))

    def test_puts_from_many_threads_all_appear(self, store):
        """Nobody coordinates: not in one folder, nor in folders made at the same moment."""
        names = [f"{i % 3}/{i % 7}/{i}" for i in range(120)]
        with ThreadPoolExecutor(12) as pool:
            for done in [pool.submit(store.put, {name: name.encode()}) for name in names]:
                done.result()
        assert set(names) == listed(store).keys()
        assert [name.encode() for name in names] == [store.get(name) for name in names]

    def test_puts_win_over_deletes_that_empty_their_folder(self, store):
        """A folder that goes while somebody puts into it comes back."""

        def come_and_go(number: int) -> None:
            for _ in range(25):
                store.put({f"deep/er/{number}": b"x"})
                assert b"x" == store.get(f"deep/er/{number}")
                store.delete([f"deep/er/{number}"])

        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(come_and_go, number) for number in range(6)]:
                done.result()
        assert {} == listed(store)

    def test_the_url_is_known(self, store):
        """It names a scheme, and holds nothing that looks like a secret."""
        assert "://" in store.url
        assert "@" not in store.url

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(verbs=st.lists(VERBS, max_size=12))
    def test_a_store_behaves_as_a_dict(self, verbs):
        """Whatever was done before, `get` and `list` show what a dict would hold."""
        with self.opened() as store:
            model: dict[str, bytes] = {}
            for verb, argument in verbs:
                _step(store, model, verb, argument)
            assert {key: len(data) for key, data in model.items()} == listed(store)


def _step(store: Store, model: dict[str, bytes], verb: str, argument: Any) -> None:
    match verb:
        case "put":
            store.put(argument)
            model.update(argument)
        case "delete":
            store.delete(argument)
            for key in argument:
                model.pop(key, None)
        case "get" if argument in model:
            assert model[argument] == store.get(argument)
        case "get":
            with pytest.raises(NotFound):
                store.get(argument)
        case "list":
            below = {key: len(data) for key, data in model.items() if key.startswith(argument)}
            assert below == listed(store, argument)
            assert _folded(below, argument) == listed(store, argument, recursive=False)


def _folded(sizes: dict[str, int], prefix: str) -> dict[str, int]:
    """What a listing that is not recursive shows of these keys."""
    found = {}
    for key, size in sizes.items():
        name, slash, _ = key[len(prefix) :].partition("/")
        found[f"{prefix}{name}{slash}"] = 0 if slash else size
    return found


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
