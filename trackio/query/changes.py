"""What is new between two views of a project. Compares covers; reads only what was added."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from trackio.cover import added
from trackio.model import RunId, SeqRange, WriterId
from trackio.query.lines import lines_of_runs
from trackio.query.pieces import Piece
from trackio.query.view import View, rereads

Ranges = tuple[SeqRange, ...]
T = TypeVar("T", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Rows that one series got.

    Nothing of it has changed at steps below `first_step`, nor before `first_time_s`. None:
    take the whole series anew.
    """

    run_id: RunId
    kind: str
    key: str
    rows: int
    first_step: int | None
    first_time_s: float | None


def changed_runs(old: View, new: View) -> set[RunId]:
    """The runs that came, went, were renamed, or cover other rows than before.

    A merge changes no run.
    """
    before, after = old.snapshot.runs, new.snapshot.runs
    return {
        run_id
        for run_id in before.keys() | after.keys()
        if run_id not in before
        or run_id not in after
        or before[run_id].meta != after[run_id].meta
        or _ranges(old, run_id) != _ranges(new, run_id)
    }


@rereads
def added_series(old: View, new: View) -> list[Added]:
    """The series that have rows in `new` that `old` had not, late ones included.

    It opens only the files that hold such rows.
    """
    pieces = [piece for run_id in new.snapshot.runs for piece in _added(old, new, run_id)]
    if not pieces:
        return []
    ordered, table = new.table("added", pieces)
    plain = _plain_runs(new, {piece.run_id for piece in pieces})
    found: dict[tuple[RunId, str, str], Added] = {}
    columns = ("piece", "kind", "key", "rows", "first_step", "first_time_s")
    for number, kind, key, count, step, time_s in zip(
        *(table.column(name).to_pylist() for name in columns), strict=True
    ):
        run_id = ordered[number].run_id
        is_plain = run_id in plain
        here = Added(
            run_id=run_id,
            kind=kind,
            key=key,
            rows=count,
            first_step=step if is_plain else None,
            first_time_s=time_s if is_plain else None,
        )
        known = found.get((run_id, kind, key))
        found[run_id, kind, key] = here if known is None else _sum(known, here)
    return list(found.values())


def _ranges(view: View, run_id: RunId) -> Mapping[WriterId, Ranges]:
    run = view.snapshot.runs[run_id]
    return {writer_id: files.cover.ranges for writer_id, files in run.writers.items()}


def _added(old: View, new: View, run_id: RunId) -> Iterator[Piece]:
    """The rows of a run that are new, as pieces of their files."""
    before = old.snapshot.runs.get(run_id)
    for writer_id, files in new.snapshot.runs[run_id].writers.items():
        known = before.writers.get(writer_id) if before else None
        if known is not None and known.cover == files.cover:
            continue
        fresh = added(files.cover, known.cover) if known else files.cover.ranges
        for piece in new.writers(run_id).get(writer_id, ()):
            for first, last in fresh:
                if first <= piece.last and last >= piece.first:
                    yield _narrow(piece, first, last)


def _narrow(piece: Piece, first: int, last: int) -> Piece:
    if first <= piece.first and last >= piece.last:
        return piece
    first, last = max(first, piece.first), min(last, piece.last)
    return replace(piece, first=first, last=last, is_whole=False)


def _plain_runs(view: View, run_ids: set[RunId]) -> set[RunId]:
    """The runs no attempt of which moves the points of another."""
    return {
        run_id
        for run_id, lines in lines_of_runs(view, run_ids).items()
        if all(len(line.attempts) == 1 for line in lines)
    }


def _least(one: T | None, other: T | None) -> T | None:
    return None if one is None or other is None else min(one, other)


def _sum(one: Added, other: Added) -> Added:
    return replace(
        one,
        rows=one.rows + other.rows,
        first_step=_least(one.first_step, other.first_step),
        first_time_s=_least(one.first_time_s, other.first_time_s),
    )
