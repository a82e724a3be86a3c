"""A store that is a dict of this process: for tests, and to try things out. Nothing survives."""

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from weakref import WeakValueDictionary

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound
from trackio.model import Entry
from trackio.store.base import Content, check_key, check_prefix, read_content

_numbers = itertools.count(1)


class _File(NamedTuple):
    entry: Entry
    data: bytes


class MemoryStore:
    """Bytes in memory under `memory://name`, which opens this very store while it lives.

    Of several made under one name the latest is opened. Times are those of the clock.
    """

    def __init__(self, name: str = "", *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._name = check_key(name or f"unnamed-{next(_numbers)}")
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        self._versions = itertools.count(1)
        _living[self._name] = self

    def __repr__(self) -> str:
        return f"MemoryStore({self._name!r})"

    @property
    def url(self) -> str:
        """`memory://` and the name."""
        return f"memory://{self._name}"

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """What is there at the moment of the call; see `Store.list`."""
        check_prefix(prefix)
        with self._lock:
            found = [file.entry for key, file in self._files.items() if key.startswith(prefix)]
        return iter(found if recursive else folded(found, prefix))

    def get(self, key: str) -> bytes:
        """The bytes under `key`; see `Store.get`."""
        with self._lock:
            file = self._files.get(check_key(key))
        if file is None:
            raise NotFound(f"there is no {key} in {self.url}")
        return file.data

    def put(self, files: Mapping[str, Content]) -> None:
        """Put every file at one moment; see `Store.put`."""
        contents = {check_key(key): read_content(key, content) for key, content in files.items()}
        with self._lock:
            time_s = self._clock.time_ns() / 1e9
            for key, data in contents.items():
                entry = Entry(key, len(data), time_s, f"{next(self._versions):x}")
                self._files[key] = _File(entry, data)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete these keys at one moment; see `Store.delete`."""
        asked = [check_key(key) for key in keys]
        with self._lock:
            for key in asked:
                self._files.pop(key, None)


def open_memory(name: str) -> MemoryStore:
    """The store of this name; one that is made here lives as long as the process.

    Raises:
        InvalidInput: no store can have this name.
    """
    check_key(name)
    found = _living.get(name)
    if found is None:
        found = _kept[name] = MemoryStore(name)
    return found


def folded(entries: Iterable[Entry], prefix: str) -> Iterator[Entry]:
    """A recursive listing of `prefix` as one that is not recursive."""
    folders: dict[str, None] = {}
    for entry in entries:
        name, slash, _ = entry.key[len(prefix) :].partition("/")
        if slash:
            folders[f"{prefix}{name}/"] = None
        else:
            yield entry
    for folder in folders:
        yield Entry(folder, 0, 0.0, "")


_living: "WeakValueDictionary[str, MemoryStore]" = WeakValueDictionary()
_kept: dict[str, MemoryStore] = {}
