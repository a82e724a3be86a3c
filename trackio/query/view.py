"""One snapshot of a project, open for queries. Lists nothing unless a file vanished.

A view answers from exactly the files of its snapshot. Two things may change that snapshot
while it lives: a file that cannot be read is taken out of it, so that the files under it
serve, and one that vanished makes it list again. Every function that asks a view is marked
with `rereads`, which runs it anew when that happened.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from itertools import groupby
from typing import Any, Concatenate, ParamSpec, TypeVar

import pyarrow as pa

from trackio.catalog import RunFiles, Snapshot
from trackio.clock import Clock
from trackio.model import METRIC, RunId, RunMeta, WriterId
from trackio.query.database import Parameters
from trackio.query.digests import Digests
from trackio.query.facts import Below, Count, Facts, Tally
from trackio.query.files import StaleError, VanishedError
from trackio.query.needs import Need
from trackio.query.overviews import TROUBLE, Overviews
from trackio.query.pieces import Piece, pieces_of_run
from trackio.query.reader import Reader, UnreadableError
from trackio.query.said import Said, WriterSaid
from trackio.query.sections import Index

P = ParamSpec("P")
T = TypeVar("T")


class ChangedError(Exception):
    """The view's snapshot changed while it was asked: ask again."""


class View:
    """One snapshot; safe to use from many threads.

    Args:
        reader: reads its files.
        facts: remembers what was read of them.
        overviews: what is summed up of packs.
        snapshot: what is there.
        list_again: lists the project anew.
        clock: tells whether a silent run has crashed.
        before: the view of an earlier snapshot, of which some is worked out already.
    """

    def __init__(
        self,
        reader: Reader,
        facts: Facts,
        snapshot: Snapshot,
        *,
        overviews: Overviews,
        list_again: Callable[[], Snapshot],
        clock: Clock,
        before: "View | None" = None,
    ) -> None:
        self._reader = reader
        self._facts = facts
        self.overviews = overviews
        self._list_again = list_again
        self._clock = clock
        self._lock = threading.Lock()
        self._missed: frozenset[str] = frozenset()
        self._pieces: dict[RunId, dict[WriterId, tuple[Piece, ...]]] = {}
        self._set(snapshot)
        if before is not None:
            self._pieces = before.unchanged(snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """What this view shows."""
        return self._snapshot

    @property
    def revision(self) -> str:
        """Changes whenever what this view shows does; the same in every process."""
        return self._revision

    @property
    def unreadable(self) -> dict[str, str]:
        """The keys of the files that were taken out, and why."""
        reasons = self._reader.unreadable
        return {key: reasons.get(key, "is gone") for key in sorted(self._snapshot.unreadable)}

    @property
    def now_s(self) -> float:
        """The time, in seconds since 1970."""
        return self._clock.time_ns() / 1e9

    def runs(self) -> list[RunFiles]:
        """The runs that are not deleted, by id."""
        runs = self._snapshot.runs
        return [runs[run_id] for run_id in sorted(runs) if not runs[run_id].is_deleted]

    def writers(self, run_id: RunId) -> dict[WriterId, tuple[Piece, ...]]:
        """The pieces of each writer of a run that has rows; none for a run that is not there."""
        known = self._pieces
        if run_id not in known:
            run = self._snapshot.runs.get(run_id)
            found = () if run is None else pieces_of_run(self._snapshot.project, run)
            by_writer = groupby(found, lambda piece: piece.writer_id)
            known[run_id] = {writer_id: tuple(pieces) for writer_id, pieces in by_writer}
        return known[run_id]

    def unchanged(self, later: Snapshot) -> dict[RunId, dict[WriterId, tuple[Piece, ...]]]:
        """The pieces that are known of those runs whose files are the very same later."""
        runs = self._snapshot.runs
        return {
            run_id: pieces
            for run_id, pieces in list(self._pieces.items())
            if run_id in runs and later.runs.get(run_id) is runs[run_id]
        }

    def pieces(self, run_ids: Iterable[RunId] | None = None) -> list[Piece]:
        """The pieces of these runs, or of all, by run, writer and seq."""
        wanted = sorted(self._snapshot.runs) if run_ids is None else dict.fromkeys(run_ids)
        return [
            piece
            for run_id in wanted
            for pieces in self.writers(run_id).values()
            for piece in pieces
        ]

    def table(
        self, query: str, pieces: Iterable[Piece], **parameters: Any
    ) -> tuple[list[Piece], pa.Table]:
        """The answer of a named query over the rows of `pieces`.

        Its column `piece` counts in the list that is returned with it.

        Raises:
            ChangedError: not all of them could be read; the snapshot has changed.
        """
        wanted = list(pieces)
        return self._reading(lambda: self._reader.table(query, wanted, parameters))

    @property
    def digests(self) -> Digests:
        """What is known of large files."""
        return self._reader.digests

    def large(self, pieces: Iterable[Piece], need: Need, rows: int) -> list[Piece]:
        """Those of the pieces whose files have so many rows; raises as `table`."""
        wanted = list(pieces)
        return self._reading(lambda: self._reader.large(wanted, need, rows))

    def digest(
        self, pieces: Iterable[Piece], need: Need, read: Callable[[Mapping[str, Index]], T]
    ) -> T:
        """What `read` makes of the indexes of large files, by key; raises as `table`."""
        wanted = list(pieces)
        return self._reading(lambda: self._reader.digest(wanted, need, read))

    def sources(self, pieces: Iterable[Piece]) -> tuple[list[Piece], dict[str, Parameters]]:
        """The numbered pieces, and the queries that give their rows; raises as `table`."""
        wanted = list(pieces)
        return self._reading(lambda: self._reader.sources(wanted))

    def find_culprits(self, pieces: Iterable[Piece]) -> None:
        """After an error: take out the files that cannot be read; raises as `table` if any."""
        wanted = list(pieces)
        self._reading(lambda: self._reader.find_culprits(wanted))

    def said(self, pieces: Iterable[Piece]) -> dict[Piece, tuple[Said, ...]]:
        """What each piece says beside its points; raises as `table`."""
        wanted = list(pieces)
        return self._reading(lambda: self._facts.said(wanted))

    def heard(self, writers: Iterable[tuple[Piece, ...]]) -> list[WriterSaid]:
        """What each writer said in its pieces, in their order; raises as `table`."""
        wanted = list(writers)
        found = self._reading(lambda: self._facts.heard(wanted))
        return [found[pieces] for pieces in wanted]

    def tallies(self, pieces: Iterable[Piece]) -> dict[Piece, tuple[Tally, ...]]:
        """How each metric of each piece adds up; raises as `table`."""
        wanted = list(pieces)
        self._learn_sums(self._facts.untold(wanted))
        return self._reading(lambda: self._facts.tallies(wanted))

    def tallies_below(self, asked: Iterable[Below]) -> dict[Below, Tally | None]:
        """How some points of a piece add up; raises as `table`."""
        wanted = list(asked)
        return self._reading(lambda: self._facts.tallies_below(wanted))

    def counts(self, pieces: Iterable[Piece], kind: str) -> dict[Piece, tuple[Count, ...]]:
        """How many rows of each key of a kind each piece has; raises as `table`."""
        wanted = list(pieces)
        if kind == METRIC:
            self._learn_sums(self._facts.untold(wanted, kind))
        return self._reading(lambda: self._facts.counts(wanted, kind))

    def remembered(self, run: RunFiles) -> Any:
        """What `remember` was told of just these files; else None."""
        return self._facts.remembered(run)

    def remember(self, run: RunFiles, row: object) -> None:
        """Keep what follows from the files of a run alone."""
        self._facts.remember(run, row)

    def metas(self, runs: Iterable[RunFiles]) -> dict[RunId, RunMeta | None]:
        """What `meta.json` says of each run; None where there is none that can be read."""
        entries = {run.run_id: run.meta for run in runs}
        listed = [entry for entry in entries.values() if entry is not None]
        if not self._facts.knows_metas(listed):
            firsts = [next(iter(self.writers(run_id).values()), ()) for run_id in entries]
            copies = self.overviews.metas(pieces[0] for pieces in firsts if pieces)
            self._facts.learn_metas(
                (entry, copies[run_id])
                for run_id, entry in entries.items()
                if entry is not None and run_id in copies
            )
        found = self._facts.metas(listed)
        return {run_id: None if e is None else found[e.key] for run_id, e in entries.items()}

    def _learn_sums(self, pieces: Iterable[Piece]) -> None:
        """Ask overviews before rows are read."""
        found = self.overviews.of(self._snapshot, pieces)
        if not found:
            return
        try:
            self._facts.learn_sums(self.overviews.sums(found))
        except TROUBLE:
            self.overviews.give_up(found.values())

    def _set(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._revision = snapshot.revision
        self._pieces = {}

    def _reading(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except UnreadableError as exc:
            self._take_out(exc.keys)
            raise ChangedError from exc
        except VanishedError as exc:
            self._relist(exc.keys)
            raise ChangedError from exc
        except StaleError as exc:
            raise ChangedError from exc

    def _take_out(self, keys: Iterable[str]) -> None:
        with self._lock:
            self._set(self._snapshot.without(keys))

    def _relist(self, missing: frozenset[str]) -> None:
        """List again; a file that is missed twice is taken out."""
        snapshot = self._list_again()
        with self._lock:
            twice = missing & self._missed
            self._missed |= missing
            self._set(snapshot.without(self._snapshot.unreadable | twice))


def rereads(query: Callable[Concatenate[View, P], T]) -> Callable[Concatenate[View, P], T]:
    """Ask the view again when its snapshot changed meanwhile."""

    @wraps(query)
    def ask(view: View, /, *args: P.args, **kwargs: P.kwargs) -> T:
        while True:
            try:
                return query(view, *args, **kwargs)
            except ChangedError:
                continue

    return ask
