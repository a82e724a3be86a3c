"""Remembers what a store said of artifacts and registries, so that looking costs few requests.

Manifests and events never change and are read once. Listings and aliases do: of a directory they
are asked for anew each time; of a store that tells of changes they count until it tells of one,
and of another store far away for as long as it is polite to wait.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.model import Entry
from trackio.store.base import Store
from trackio.store.remote import is_remote
from trackio.store.watch import Position
from trackio.store.wrapper import Wrapper

LAG_S: Final = 60.0
"""A listing that follows a change may lag: after so long it is made once more."""
LONG_S: Final = 600.0
"""How long a listing counts while nothing is heard, in case a change was not told."""
_LIMIT_BYTES: Final = 32 << 20
_ENTRY_BYTES: Final = 300  # about what a listed key takes in memory

Asked = tuple[str, bool | None]
"""A prefix and whether all below it is listed; of a `get` the key and None."""


class _Kept(NamedTuple):
    said: bytes | tuple[Entry, ...]
    size: int
    until_s: float


class Recalling(Wrapper):
    """A store whose small files and listings are kept in memory, those that were used last."""

    def __init__(
        self, inner: Store, *, limit_bytes: int = _LIMIT_BYTES, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        super().__init__(inner)
        self._limit = limit_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Asked, _Kept] = OrderedDict()
        self._size = 0
        self._position: Position | None = None
        self._heard_s = float("-inf")
        self._turns = 0  # how often something was forgotten

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """See `Store.list`."""
        turn = self._listen()
        known = self._recall((prefix, recursive))
        if isinstance(known, tuple):
            return iter(known)
        found = tuple(super().list(prefix, recursive=recursive))
        size = _ENTRY_BYTES * (1 + len(found))
        self._keep((prefix, recursive), found, size, self._fresh_s(), turn)
        return iter(found)

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        parsed = keys.parse(key)
        is_final = isinstance(parsed, keys.ManifestKey | keys.RegistryEventKey)
        turn = self._turns if is_final else self._listen()
        known = self._recall((key, None))
        if isinstance(known, bytes):
            return known
        found = super().get(key)
        if is_final:
            self._keep((key, None), found, len(found), float("inf"), self._turns)
        elif isinstance(parsed, keys.AliasKey):
            self._keep((key, None), found, len(found), self._fresh_s(), turn)
        return found

    def _listen(self) -> int:
        """Forget what changed; how often that happened."""
        watch = self._inner.watch() if is_remote(self._inner) else None
        if watch is not None:
            heard = watch.since(self._position)
            with self._lock:
                self._position = heard.position
                if heard.changes is None or heard.changes:
                    self._heard_s = self._clock.monotonic()
                    self._turns += 1
                    self._forget(heard.changes)
        return self._turns

    def _forget(self, changed: Collection[str] | None) -> None:
        """Drop what a change of these keys may have changed; all that may change, if None."""
        for asked, kept in [*self._kept.items()]:
            name, recursive = asked
            is_meant = changed is None or any(
                key == name if recursive is None else key.startswith(name) for key in changed
            )
            if is_meant and kept.until_s < float("inf"):
                self._size -= self._kept.pop(asked).size

    def _fresh_s(self) -> float:
        """How long what may change counts, if nothing is heard of it."""
        if not is_remote(self._inner):
            return 0.0
        if self._inner.watch() is None:
            return self._inner.poll_s
        return LAG_S if self._clock.monotonic() - self._heard_s < LAG_S else LONG_S

    def _recall(self, asked: Asked) -> bytes | tuple[Entry, ...] | None:
        with self._lock:
            kept = self._kept.get(asked)
            if kept is None or self._clock.monotonic() >= kept.until_s:
                return None
            self._kept.move_to_end(asked)
            return kept.said

    def _keep(
        self,
        asked: Asked,
        said: bytes | tuple[Entry, ...],
        size: int,
        fresh_s: float,
        turn: int,
    ) -> None:
        """Remember it, unless something was forgotten since `turn`, which it may not show."""
        with self._lock:
            if fresh_s == 0 or turn != self._turns:
                return
            before = self._kept.pop(asked, None)
            self._size += size - (before.size if before else 0)
            self._kept[asked] = _Kept(said, size, self._clock.monotonic() + fresh_s)
            while self._size > self._limit:
                self._size -= self._kept.popitem(last=False)[1].size
