"""One snapshot of a project, open for queries. Lists nothing unless a file vanished.

A view answers from exactly the files of its snapshot. Two things may change that snapshot
while it lives: a file that cannot be read is taken out of it, so that the files under it
serve, and one that vanished makes it list again. Every function that asks a view is marked
with `rereads`, which runs it anew when that happened.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import pyarrow as pa

from trackio.catalog import RunFiles, Snapshot
from trackio.clock import Clock
from trackio.model import RunId
from trackio.query.files import VanishedError
from trackio.query.pieces import Piece, pieces_of_run
from trackio.query.reader import Reader, Tally, UnreadableError
from trackio.query.said import Said

P = ParamSpec("P")
T = TypeVar("T")


class ChangedError(Exception):
    """The view's snapshot changed while it was asked: ask again."""


class View:
    """One snapshot; safe to use from many threads.

    Args:
        reader: opens the files.
        snapshot: what is there.
        list_again: lists the project anew.
        clock: tells what time it is for a status.
    """

    def __init__(
        self,
        reader: Reader,
        snapshot: Snapshot,
        list_again: Callable[[], Snapshot],
        clock: Clock,
    ) -> None:
        self.reader = reader
        self.clock = clock
        self._list_again = list_again
        self._lock = threading.Lock()
        self._missed: frozenset[str] = frozenset()
        self._set(snapshot)

    def _set(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._revision = snapshot.revision
        self._pieces: dict[RunId, tuple[Piece, ...]] = {}

    @property
    def snapshot(self) -> Snapshot:
        """What this view shows."""
        return self._snapshot

    @property
    def revision(self) -> str:
        """Changes whenever what this view shows does; the same in every process."""
        return self._revision

    @property
    def unreadable(self) -> Mapping[str, str]:
        """The keys of the files that were taken out, and why."""
        reasons = self.reader.unreadable
        return {key: reasons.get(key, "unreadable") for key in sorted(self._snapshot.unreadable)}

    @property
    def now_s(self) -> float:
        """The time, in seconds since 1970."""
        return self.clock.time_ns() / 1e9

    def runs(self) -> list[RunFiles]:
        """The runs that are not deleted, by id."""
        runs = self._snapshot.runs
        return [runs[run_id] for run_id in sorted(runs) if not runs[run_id].is_deleted]

    def pieces(self, run_ids: Iterable[str] | None = None) -> list[Piece]:
        """The pieces of these runs, or of all; a run that is not there has none."""
        runs = self._snapshot.runs
        wanted = sorted(runs) if run_ids is None else dict.fromkeys(map(RunId, run_ids))
        return [piece for run_id in wanted if run_id in runs for piece in self.run_pieces(run_id)]

    def run_pieces(self, run_id: RunId) -> tuple[Piece, ...]:
        """The pieces of one run, by writer and seq."""
        known = self._pieces
        if run_id not in known:
            run = self._snapshot.runs[run_id]
            known[run_id] = () if run.is_deleted else pieces_of_run(self._snapshot.project, run)
        return known[run_id]

    def table(
        self, query: str, pieces: Sequence[Piece], **parameters: Any
    ) -> tuple[list[Piece], pa.Table]:
        """The answer of a named query over the rows of `pieces`.

        Its column `piece` counts in the list that is returned with it.

        Raises:
            ChangedError: not all of them could be read; the snapshot has changed.
        """
        return self._reading(lambda: self.reader.table(query, pieces, parameters))

    def said(self, pieces: Sequence[Piece]) -> dict[Piece, tuple[Said, ...]]:
        """What each piece says beside its points; raises as `table` does."""
        return self._reading(lambda: self.reader.said(pieces))

    def tallies(self, pieces: Sequence[Piece]) -> dict[Piece, tuple[Tally, ...]]:
        """What each piece says of each of its series; raises as `table` does."""
        return self._reading(lambda: self.reader.tallies(pieces))

    def _reading(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except UnreadableError as exc:
            self._take_out(exc.keys)
            raise ChangedError from exc
        except VanishedError as exc:
            self._relist(exc.keys)
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
