"""A store whose listings lag behind its bytes, for a while and each key by another while.

A wrapper for tests; it stands before the store that all actors share. A new file may not be
listed yet, a replaced one may be listed as it was, a deleted one may still be listed, each
for less than `longest_s` by the clock. `get` does not lag.
"""

import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from trackio.clock import Clock
from trackio.model import Entry
from trackio.store.base import Content, Store, check_prefix
from trackio.store.memory import folded
from trackio.store.wrapper import Wrapper


class _State(NamedTuple):
    """What a listing says of a key (None: nothing) from `visible_s` on."""

    visible_s: float
    entry: Entry | None


class Lagging(Wrapper):
    """A store of which a share of `chance` of all changes is listed late."""

    def __init__(
        self, inner: Store, *, clock: Clock, longest_s: float, chance: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(inner)
        self._clock = clock
        self.longest_s = longest_s
        self._chance = chance
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._lock = threading.RLock()  # held during IO: here order matters more than speed
        self._states: dict[str, tuple[_State, ...]] = {}

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """What has become visible; see `Store.list`."""
        check_prefix(prefix)
        with self._lock:
            entries = {entry.key: entry for entry in self._inner.list(prefix)}
            for key in [key for key in self._states if key.startswith(prefix)]:
                entries.pop(key, None)
                if (entry := self._visible(key)) is not None:
                    entries[key] = entry
        yield from entries.values() if recursive else folded(entries.values(), prefix)

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`."""
        with self._lock:
            before = self._entries(files)
            self._inner.put(files)
            self._record(before, self._entries(files))

    def delete(self, keys: Iterable[str]) -> None:
        """See `Store.delete`."""
        with self._lock:
            asked = dict.fromkeys(keys)
            before = self._entries(asked)
            self._inner.delete(asked)
            self._record(before, dict.fromkeys(asked))

    def _entries(self, keys: Iterable[str]) -> Mapping[str, Entry | None]:
        """What the inner store lists under these keys."""
        wanted = dict.fromkeys(keys)
        folders = {key[: key.rfind("/") + 1] for key in wanted}
        listed = (e for folder in folders for e in self._inner.list(folder, recursive=False))
        return {**wanted, **{entry.key: entry for entry in listed if entry.key in wanted}}

    def _record(
        self, before: Mapping[str, Entry | None], after: Mapping[str, Entry | None]
    ) -> None:
        for key, entry in after.items():
            states = self._states.get(key, (_State(float("-inf"), before[key]),))
            self._states[key] = (*states, _State(self._now_s() + self._lag_s(), entry))

    def _visible(self, key: str) -> Entry | None:
        """The latest of the key's states that can be seen; what came before it is forgotten."""
        states = self._states[key]
        last = max(i for i, state in enumerate(states) if state.visible_s <= self._now_s())
        if last == len(states) - 1:
            del self._states[key]
        else:
            self._states[key] = states[last:]
        return states[last].entry

    def _lag_s(self) -> float:
        late = self._random.random() < self._chance
        return self._random.random() * self.longest_s if late else 0.0

    def _now_s(self) -> float:
        return self._clock.time_ns() / 1e9
