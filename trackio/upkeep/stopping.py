"""Stop a job cleanly: between two IO steps, never inside one. It listens to no signal itself."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from trackio.model import Entry
from trackio.store.base import Content, Store
from trackio.store.wrapper import Wrapper

NEVER: Final = threading.Event()


class Stopped(Exception):
    """Somebody asked to stop; what was done is whole, the rest is for the next time."""


class Stopping(Wrapper):
    """A store that begins no step once `stop` is set."""

    def __init__(self, inner: Store, stop: threading.Event) -> None:
        super().__init__(inner)
        self._stop = stop

    def check(self, _rows: int = 0) -> None:
        """End here if somebody asked for it.

        Raises:
            Stopped: somebody did.
        """
        if self._stop.is_set():
            raise Stopped

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """See `Store.list`."""
        self.check()
        return self._inner.list(prefix, recursive=recursive)

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        self.check()
        return self._inner.get(key)

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        self.check()
        self._inner.put(files)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Store.delete`."""
        self.check()
        self._inner.delete(keys)
