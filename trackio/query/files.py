"""Where the files of a store lie on this machine. Fetches what is remote; opens nothing.

A file of a local store is read where it is. Of any other store a file that never changes is
fetched once, by its key, into a cache that may be deleted at any time; one that may change
(`meta.json`, an alias, state) is read anew each time and never kept.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from trackio import keys
from trackio.errors import NotFound, StoreUnavailable, TrackioError
from trackio.model import Entry
from trackio.query.cache import Cache
from trackio.query.excerpts import Excerpts
from trackio.store.base import Store, is_local
from trackio.store.parallel import raise_first
from trackio.store.remote import fetch, fetch_each, is_remote

MIN_EXCERPTED_BYTES: Final = 8 << 20
_FETCHES_AT_ONCE: Final = 32
_BATCH_FILES: Final = 512
_BATCH_BYTES: Final = 256 << 20
_MOST_COPIES: Final = 3
_CONSTANT: Final = (keys.ShardKey, keys.PackKey, keys.OverviewKey, keys.MediaKey)


class VanishedError(Exception):
    """These keys were listed, and are gone: list again."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("files vanished between listing and reading")
        self.keys = frozenset(keys)


class StaleError(Exception):
    """The local copy of a file was gone or damaged: ask again, it is fetched anew."""


class Files:
    """The local files of keys that never change. Safe to use from many threads.

    Args:
        store: where the files are.
        cache: where they are kept; by default in a temporary folder as long as this lives.
        min_excerpted_bytes: of remote files so large only those parts are fetched that are needed.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache | None = None,
        *,
        min_excerpted_bytes: int = MIN_EXCERPTED_BYTES,
    ) -> None:
        self._store = store
        self._cache = cache or Cache()
        self._lock = threading.Lock()
        self._entries: Mapping[str, Entry] = {}
        self._known: dict[str, str] = {}
        self._found_here: set[str] = set()
        self._distrusted: Counter[str] = Counter()
        self._coming: dict[str, threading.Event] = {}
        self._min_excerpted = min_excerpted_bytes
        self.excerpts = Excerpts(store, self._cache) if is_remote(store) else None

    def listed(self, entries: Mapping[str, Entry]) -> None:
        """The last listing: the size and version of each file that may be asked for."""
        self._entries = entries

    def excerpted(self, key: str) -> Entry | None:
        """The entry of a remote file that is too large to be fetched whole; None of others."""
        entry = self._entries.get(key)
        if self.excerpts is None or entry is None or entry.size_bytes < self._min_excerpted:
            return None
        return None if self._here(key) else entry

    def paths(self, keys: Iterable[str]) -> dict[str, str]:
        """The path of each key; what is not here yet is fetched, many at once.

        Raises:
            ValueError: a file of this name may change.
            VanishedError: the store has some of them no longer.
            StoreUnavailable, StoreRefused: the store does not give them now.
        """
        wanted = list(dict.fromkeys(keys))
        if is_local(self._store):
            return {key: str(self._store.path(key)) for key in wanted}
        while True:
            found = {key: path for key in wanted if (path := self._here(key)) is not None}
            missing = [key for key in wanted if key not in found]
            if not missing:
                return found
            self._fetch_or_wait(missing)

    def contents(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        """The bytes of small files that may change; None for one that is gone."""
        wanted = list(dict.fromkeys(keys))
        if is_local(self._store) or len(wanted) < 2:
            return {key: self._get(key) for key in wanted}
        with ThreadPoolExecutor(min(_FETCHES_AT_ONCE, len(wanted)), "trackio-fetch") as pool:
            return dict(zip(wanted, pool.map(self._get, wanted), strict=True))

    def pinned(self, paths: Iterable[str]) -> AbstractContextManager[None]:
        """This process removes none of these local files meanwhile."""
        return nullcontext() if is_local(self._store) else self._cache.pinned(paths)

    def forget_others(self, keys: Iterable[str]) -> None:
        """Nothing else is asked for any more. Other processes may need it, so it stays cached."""
        gone = self._known.keys() - set(keys)
        for key in gone:
            self._known.pop(key, None)
        self._cache.let_go(gone)

    def distrust(self, key: str) -> bool:
        """The local copy did not do. Whether there may be a better one: then ask again."""
        path = self._known.pop(key, None)
        if is_local(self._store) or path is None:
            return False
        is_old = key in self._found_here or not Path(path).exists()
        self._found_here.discard(key)
        self._cache.drop(key)
        self._distrusted[key] += 1
        return is_old and self._distrusted[key] <= _MOST_COPIES

    def is_gone(self, key: str) -> bool:
        """Whether the file of a local store is there no more."""
        return is_local(self._store) and not self._store.path(key).exists()

    def _here(self, key: str) -> str | None:
        known = self._known.get(key)
        if known is not None and self._cache.still_has(known):
            return known
        if not isinstance(keys.parse(key), _CONSTANT):
            raise ValueError(  # noqa: TRY004 - what is wrong is its value
                f"{key} may change, so that it must not be cached"
            )
        entry = self._entries.get(key)
        found = self._cache.find(key, entry.size_bytes if entry else None)
        if found is None:
            self._known.pop(key, None)
            return None
        if known is None:
            self._found_here.add(key)
        self._known[key] = str(found)
        return str(found)

    def _fetch_or_wait(self, wanted: list[str]) -> None:
        """Fetch what nobody else does now; wait for the rest."""
        done = threading.Event()
        with self._lock:
            theirs = {self._coming[key] for key in wanted if key in self._coming}
            mine = [key for key in wanted if key not in self._coming]
            self._coming.update(dict.fromkeys(mine, done))
        try:
            self._fetch_all(mine)
        finally:
            with self._lock:
                for key in mine:
                    del self._coming[key]
            done.set()
        for event in theirs:
            event.wait()

    def _fetch_all(self, wanted: list[str]) -> None:
        """The largest first, in batches: what came before something fails is kept."""
        unlisted = [key for key in wanted if key not in self._entries]
        listed = sorted(
            (self._entries[key] for key in wanted if key in self._entries),
            key=lambda entry: -entry.size_bytes,
        )
        failures: dict[str, TrackioError] = {}
        batches = [*_batches(listed), [Entry(key, -1, 0.0, "") for key in unlisted]]
        for batch in filter(None, batches):
            failures.update(self._fetch_batch(batch))
        self._cache.tidy()
        vanished = {key for key, exc in failures.items() if isinstance(exc, NotFound)}
        raise_first({key: exc for key, exc in failures.items() if key not in vanished})
        if vanished:
            raise VanishedError(vanished)

    def _fetch_batch(self, batch: list[Entry]) -> dict[str, TrackioError]:
        with self._cache.coming(entry.key for entry in batch) as parts:
            wanted = {entry: parts[entry.key] for entry in batch}
            is_listed = batch[0].size_bytes >= 0
            found = fetch(self._store, wanted) if is_listed else fetch_each(wanted, self._fetch_one)
            failures = dict(found)
            for entry, part in wanted.items():
                if entry.key in failures:
                    continue
                if is_remote(self._store) and _is_short(entry, part):
                    failures[entry.key] = StoreUnavailable(
                        f"{entry.key} came incomplete; trying again may work", keys=[entry.key]
                    )
                elif (path := self._cache.keep(entry.key, part)) is not None:
                    self._known[entry.key] = str(path)
                    self._found_here.discard(entry.key)
        return failures

    def _fetch_one(self, entry: Entry, path: Path) -> None:
        path.write_bytes(self._store.get(entry.key))

    def _get(self, key: str) -> bytes | None:
        try:
            return self._store.get(key)
        except NotFound:
            return None


def _is_short(entry: Entry, part: Path) -> bool:
    """Whether it has another size than was listed; one that was deleted has none."""
    try:
        return 0 <= entry.size_bytes != part.stat().st_size
    except FileNotFoundError:
        return False


def _batches(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries in lots that are neither too many nor too large."""
    batches: list[list[Entry]] = [[]]
    room = _BATCH_BYTES
    for entry in entries:
        if batches[-1] and (room < entry.size_bytes or len(batches[-1]) == _BATCH_FILES):
            batches.append([])
            room = _BATCH_BYTES
        batches[-1].append(entry)
        room -= entry.size_bytes
    return batches
