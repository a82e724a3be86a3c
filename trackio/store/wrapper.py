"""The base of stores that stand before another store. Passes everything on, changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from trackio.model import Entry
from trackio.store.base import Content, Store, is_local


class Wrapper:
    """A store that hands each verb to `inner`. It is local, and has `path`, where `inner` is."""

    path: Callable[[str], Path]

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        if is_local(inner):
            self.path = inner.path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inner!r})"

    @property
    def url(self) -> str:
        """Where the inner store is."""
        return self._inner.url

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """See `Store.list`."""
        return self._inner.list(prefix, recursive=recursive)

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        return self._inner.get(key)

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        self._inner.put(files)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Store.delete`."""
        self._inner.delete(keys)
