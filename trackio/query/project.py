"""One project of one store, open for reading. It lists; what it lists is a `View`."""

import threading
from itertools import chain, count
from pathlib import Path

from trackio import catalog, keys
from trackio.catalog import Snapshot
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound
from trackio.query.database import shared_database
from trackio.query.facts import Facts
from trackio.query.files import Files
from trackio.query.held import MAX_FILE_ROWS
from trackio.query.near import advise
from trackio.query.reader import Reader
from trackio.query.view import View
from trackio.store.base import Store


class Project:
    """One project, open for reading; safe to use from many threads.

    Args:
        store: where the project is.
        name: its name.
        clock: tells whether a silent run has crashed.
        cache_dir: where files of a remote store are kept between processes; by default they
            are kept in a temporary folder as long as this object lives.
        held_file_rows: a file of at most so many rows is held in memory.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        cache_dir: Path | None = None,
        held_file_rows: int = MAX_FILE_ROWS,
    ) -> None:
        self.store = store
        self.name = name
        self._clock = clock
        files = Files(store, cache_dir)
        self._reader = Reader(files, shared_database(), held_file_rows=held_file_rows)
        self._facts = Facts(self._reader, files)
        self._lock = threading.Lock()
        self._tickets = count()
        self._shown = -1
        self._view: View | None = None
        self._bad_versions: dict[str, str] = {}

    def view(self) -> View:
        """What the last listing showed; lists where there was none."""
        return self._view or self.refresh()

    def refresh(self) -> View:
        """List again; returns the same view as before when nothing has changed.

        Raises:
            StoreUnavailable, StoreRefused: the listing is not whole.
        """
        ticket = next(self._tickets)
        snapshot = self._list()
        with self._lock:
            if self._view is None or (
                ticket > self._shown and snapshot.revision != self._view.revision
            ):
                self._view = self._open(snapshot)
                is_new = True
            else:
                is_new = False
            self._shown = max(self._shown, ticket)
            view = self._view
        if is_new:
            live = view.pieces()
            self._reader.forget_others(live)
            self._facts.forget_others(live)
        return view

    def _open(self, snapshot: Snapshot) -> View:
        return View(self._reader, self._facts, snapshot, list_again=self._list, clock=self._clock)

    def _list(self) -> Snapshot:
        """The project as it is now, without what is known to be unreadable."""
        snapshot = catalog.list_project(self.store, self.name)
        if self._view is not None and _has_less(self._view.snapshot, snapshot):
            snapshot = catalog.list_project(self.store, self.name)
        return self._without_known_bad(snapshot)

    def _without_known_bad(self, snapshot: Snapshot) -> Snapshot:
        """A file that was put anew since it could not be read gets another chance."""
        unreadable = self._reader.unreadable
        if not unreadable:
            return snapshot
        listed = _versions(snapshot)
        shown = _versions(self._view.snapshot) if self._view is not None else {}
        for key in list(unreadable):
            bad = self._bad_versions.setdefault(key, shown.get(key, listed.get(key, "")))
            if listed.get(key) != bad:
                unreadable.pop(key, None)
                del self._bad_versions[key]
        return snapshot.without(unreadable) if unreadable else snapshot


def open_project(store: Store, name: str) -> Project:
    """The project called `name`.

    Raises:
        NotFound: there is none; the message names those like it, or all there are.
    """
    if not any(True for _ in store.list(keys.runs_prefix(name), recursive=False)):
        advice = advise(name, catalog.list_projects(store))
        raise NotFound(f"there is no project {name!r} in {store.url}; {advice}")
    return Project(store, name)


def _versions(snapshot: Snapshot) -> dict[str, str]:
    """The version of each file that holds rows, by its key."""
    writers = (writer for run in snapshot.runs.values() for writer in run.writers.values())
    entries = chain(snapshot.packs.values(), *(writer.ranges.values() for writer in writers))
    return {entry.key: entry.version for entry in entries}


def _has_less(old: Snapshot, new: Snapshot) -> bool:
    """Whether a writer ends earlier than it was seen to: listings are not atomic."""
    return any(
        writer_id in new.runs[run_id].writers
        and new.runs[run_id].writers[writer_id].cover.end < writer.cover.end
        for run_id, run in old.runs.items()
        if run_id in new.runs
        for writer_id, writer in run.writers.items()
    )
