"""One project of one store, open for reading. It lists; what it lists is a `View`."""

import threading
from collections.abc import Callable
from itertools import chain, count

from trackio import catalog, keys
from trackio.catalog import Snapshot
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound
from trackio.model import Entry
from trackio.query.cache import Cache
from trackio.query.database import shared_database
from trackio.query.digests import LongPolicy
from trackio.query.facts import Facts
from trackio.query.files import MIN_EXCERPTED_BYTES, Files
from trackio.query.held import MAX_FILE_ROWS
from trackio.query.lister import Lister
from trackio.query.near import advise
from trackio.query.overviews import Overviews
from trackio.query.reader import Reader
from trackio.query.view import View
from trackio.store.base import Store


class Project:
    """One project, open for reading; safe to use from many threads.

    Args:
        store: where the project is.
        name: its name.
        clock: tells whether a silent run has crashed.
        cache: where files of a remote store are kept; by default they are kept in a temporary
            folder as long as this object lives.
        held_file_rows: a file of at most so many rows is held in memory.
        min_excerpted_bytes: of a remote file so large only what is needed is fetched.
        long_policy: which series are read section by section.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        cache: Cache | None = None,
        held_file_rows: int = MAX_FILE_ROWS,
        min_excerpted_bytes: int = MIN_EXCERPTED_BYTES,
        long_policy: LongPolicy | None = None,
    ) -> None:
        self.store = store
        self.name = name
        self._clock = clock
        self._files = Files(store, cache, min_excerpted_bytes=min_excerpted_bytes)
        self._reader = Reader(
            self._files,
            shared_database(),
            held_file_rows=held_file_rows,
            long_policy=long_policy,
        )
        self._overviews = Overviews(store, self._files)
        self._facts = Facts(self._reader, self._files)
        self._lister = Lister(store, name, clock=clock)
        self._lock = threading.Lock()
        self._tickets = count()
        self._shown = -1
        self._view: View | None = None
        self._listed: Snapshot | None = None
        self._bad_versions: dict[str, str] = {}

    @property
    def files(self) -> Files:
        """Where its files lie on this machine."""
        return self._files

    @property
    def as_of_s(self) -> float:
        """The time up to which the store's changes are known, in seconds since 1970."""
        return self._lister.as_of_s

    def view(self) -> View:
        """What the last listing showed; lists where there was none."""
        return self._view or self.refresh()

    def refresh(self) -> View:
        """List again; returns the same view as before when nothing has changed.

        Raises:
            StoreUnavailable, StoreRefused: the listing is not whole.
        """
        return self._show(self._lister.list)

    def follow(self) -> View:
        """The view as it is now, give or take some seconds if the store is far away.

        To be asked often: it costs a remote store hardly anything. It raises as `refresh`.
        """
        return self._show(self._lister.follow)

    def _show(self, look: Callable[[], Snapshot]) -> View:
        ticket = next(self._tickets)
        listed = look()
        with self._lock:
            if self._view is not None and self._is_shown(listed):
                self._shown = max(self._shown, ticket)
                return self._view
        snapshot = self._checked(listed)
        revision = snapshot.revision
        with self._lock:
            if self._view is None or (ticket > self._shown and revision != self._view.revision):
                self._files.listed(_entries(snapshot))
                self._view = self._open(snapshot)
                is_new = True
            else:
                is_new = False
            if revision == self._view.revision:
                self._listed = listed
            self._shown = max(self._shown, ticket)
            view = self._view
        if is_new:
            live = view.pieces()
            self._reader.forget_others(live)
            self._facts.forget_others(live)
            self._overviews.forget_others({piece.key for piece in live})
        return view

    def _is_shown(self, listed: Snapshot) -> bool:
        """Whether the view shows this very listing: then nothing has to be compared."""
        return listed is self._listed and not self._reader.unreadable

    def _open(self, snapshot: Snapshot) -> View:
        return View(
            self._reader,
            self._facts,
            snapshot,
            overviews=self._overviews,
            list_again=self._list_again,
            clock=self._clock,
            before=self._view,
        )

    def _list_again(self) -> Snapshot:
        """The project as it is now, for a view of which files vanished."""
        snapshot = self._checked(self._lister.list())
        self._files.listed(_entries(snapshot))
        return snapshot

    def _checked(self, snapshot: Snapshot) -> Snapshot:
        """What was listed, without what is known to be unreadable."""
        if self._view is not None and _has_less(self._view.snapshot, snapshot):
            snapshot = self._lister.list()
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


def open_project(
    store: Store, name: str, *, cache: Cache | None = None, clock: Clock = SYSTEM_CLOCK
) -> Project:
    """The project called `name`.

    Args:
        store: where it is.
        name: its name.
        cache: where files of a remote store are kept; see `Project`.
        clock: what time it is.

    Raises:
        NotFound: there is none; the message names those like it, or all there are.
    """
    if not any(True for _ in store.list(keys.runs_prefix(name), recursive=False)):
        advice = advise(name, catalog.list_projects(store))
        raise NotFound(f"there is no project {name!r} in {store.url}; {advice}")
    return Project(store, name, cache=cache, clock=clock)


def _entries(snapshot: Snapshot) -> dict[str, Entry]:
    """The files that never change, by key."""
    writers = [writer for run in snapshot.runs.values() for writer in run.writers.values()]
    entries = chain(
        snapshot.packs.values(),
        snapshot.overviews.values(),
        *(writer.ranges.values() for writer in writers),
        *(writer.media.values() for writer in writers),
    )
    return {entry.key: entry for entry in entries}


def _versions(snapshot: Snapshot) -> dict[str, str]:
    """The version of each file that holds rows, by its key."""
    return {key: entry.version for key, entry in _entries(snapshot).items()}


def _has_less(old: Snapshot, new: Snapshot) -> bool:
    """Whether a writer ends earlier than it was seen to: listings are not atomic."""
    return any(
        writer_id in new.runs[run_id].writers
        and new.runs[run_id].writers[writer_id].cover.end < writer.cover.end
        for run_id, run in old.runs.items()
        if run_id in new.runs
        for writer_id, writer in run.writers.items()
    )
