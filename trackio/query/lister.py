"""Keeps the listing of one project fresh at the least cost. It reads no file.

A directory is listed, which costs nothing. Of a bucket one hears what changed. An object store
is listed at most every few seconds, and of a large project only what can have changed.
"""

import threading
from typing import Final

from trackio import keys
from trackio.catalog import Listing, Snapshot, list_into
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.model import RunId
from trackio.settings import UpkeepPolicy
from trackio.store.base import Store
from trackio.store.remote import RemoteStore, is_remote
from trackio.store.watch import Position, Watch

SMALL_KEYS: Final = 5000
"""A project of so many keys is listed whole: that costs few requests."""
WHOLE_S: Final = 60.0
"""How often everything is listed: listings lag, and a silent run may come back."""
_S_PER_KEY: Final = 0.006  # of listing everything: at most ten requests a minute
_LIVE_S: Final = UpkeepPolicy().settle_s


class Lister:
    """The listing of one project. Safe to use from many threads, which share what it asks.

    Args:
        store: where the project is.
        project: its name.
        clock: what time it is.
    """

    def __init__(self, store: Store, project: str, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._project = project
        self._clock = clock
        self._lock = threading.Lock()  # held during IO, so that one listing answers all
        self._listing: Listing | None = None
        self._whole_at_s = float("-inf")
        self._listed_at_s = float("-inf")
        self._is_confirmed = True
        self._position: Position | None = None
        self._as_of_s = 0.0
        prefixes = (keys.runs_prefix, keys.pack_prefix, keys.deleted_prefix)
        self._prefixes = tuple(prefix(project) for prefix in prefixes)

    @property
    def as_of_s(self) -> float:
        """The time up to which changes are known, in seconds since 1970."""
        return self._as_of_s

    def list(self) -> Snapshot:
        """List everything now.

        Raises:
            StoreUnavailable, StoreRefused: the listing is not whole.
        """
        with self._lock:
            return self._list()

    def follow(self) -> Snapshot:
        """The project as it is now, give or take some seconds if it is far away.

        It raises as `list`.
        """
        if not is_remote(self._store):
            return self.list()
        with self._lock:
            watch = self._store.watch()
            return self._poll(self._store) if watch is None else self._hear(watch)

    def _list(self) -> Snapshot:
        began_s, began_ns = self._clock.monotonic(), self._clock.time_ns()
        # A local listing is never shown as it was, so that it may be left half-way by an error.
        known = None if is_remote(self._store) else self._listing
        listing = Listing(self._project) if known is None else known
        list_into(listing, self._store)
        self._listing = listing
        self._whole_at_s = self._listed_at_s = began_s
        self._as_of_s = began_ns / 1e9
        return listing.snapshot()

    def _hear(self, watch: Watch) -> Snapshot:
        heard = watch.since(self._position)
        if heard.changes is None or self._listing is None or self._is_due():
            self._is_confirmed = heard.changes is not None and self._listing is not None
            snapshot = self._list()
            self._position = heard.position
            return snapshot
        for key, entry in heard.changes.items():
            if entry is None:
                self._listing.remove(key)
            elif key.startswith(self._prefixes):
                self._listing.add([entry])
        self._position = heard.position
        age_s = self._clock.monotonic() - heard.as_of_s
        self._as_of_s = max(self._as_of_s, self._clock.time_ns() / 1e9 - age_s)
        return self._listing.snapshot()

    def _is_due(self) -> bool:
        """A listing that followed a change may have lagged: it is made once more."""
        since_s = self._clock.monotonic() - self._whole_at_s
        return not self._is_confirmed and since_s >= WHOLE_S

    def _poll(self, store: RemoteStore) -> Snapshot:
        now_s = self._clock.monotonic()
        if self._listing is None:
            return self._list()
        if now_s - self._listed_at_s < store.poll_s:
            return self._listing.snapshot()
        whole_s = max(WHOLE_S, self._listing.size * _S_PER_KEY)
        if self._listing.size <= SMALL_KEYS or now_s - self._whole_at_s >= whole_s:
            return self._list()
        return self._list_some(self._listing)

    def _list_some(self, listing: Listing) -> Snapshot:
        """List new runs, and those that got something lately."""
        began_s, began_ns = self._clock.monotonic(), self._clock.time_ns()
        prefix = keys.runs_prefix(self._project)
        known = listing.run_ids()
        folders = [e.key for e in self._store.list(prefix, recursive=False)]
        there = {keys.decode_name(folder[len(prefix) :].rstrip("/")) for folder in folders}
        new = {RunId(run_id) for run_id in there if run_id is not None} - known
        for run_id in new | _live_runs(listing.snapshot()):
            folder = keys.run_prefix(self._project, run_id)
            listing.replace(folder, self._store.list(folder))
        if listing.writers_with_gaps():
            listing.add(self._store.list(keys.pack_prefix(self._project)))
        self._listed_at_s = began_s
        self._as_of_s = began_ns / 1e9
        return listing.snapshot()


def _live_runs(snapshot: Snapshot) -> set[RunId]:
    """The runs that got a file shortly before the newest there is, by the store's time."""
    newest_s = {
        run_id: max((writer.newest_s for writer in run.writers.values()), default=0.0)
        for run_id, run in snapshot.runs.items()
    }
    last_s = max(newest_s.values(), default=0.0)
    return {run_id for run_id, time_s in newest_s.items() if time_s > last_s - _LIVE_S}
