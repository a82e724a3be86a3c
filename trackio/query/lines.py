"""The lines of a run: which of its writers are attempts of one curve. Reads as little as it can.

A run of one writer is one line, whatever its rows say, so nothing is read for it.
"""

from collections.abc import Iterable, Mapping, Sequence

from trackio.model import RunId, WriterId
from trackio.query.attempts import (
    Attempt,
    Extent,
    Life,
    Line,
    arrange,
    continue_line,
    name_lines,
)
from trackio.query.facts import Tally
from trackio.query.pieces import Piece
from trackio.query.said import WriterSaid
from trackio.query.view import View

Writers = Mapping[WriterId, Sequence[Piece]]
"""The pieces of each writer of a run."""


def lines_of_runs(view: View, run_ids: Iterable[RunId]) -> dict[RunId, tuple[Line, ...]]:
    """The lines of each run that has rows."""
    writers = {run_id: view.writers(run_id) for run_id in dict.fromkeys(run_ids)}
    many = [run_id for run_id, found in writers.items() if len(found) > 1]
    heard = iter(view.heard(pieces for run_id in many for pieces in writers[run_id].values()))
    said = {run_id: [next(heard) for _ in writers[run_id]] for run_id in many}
    return {
        run_id: arrange_run(view, found, said.get(run_id, ()))
        for run_id, found in writers.items()
        if found
    }


def arrange_run(view: View, writers: Writers, heard: Sequence[WriterSaid]) -> tuple[Line, ...]:
    """The lines of a run with rows; what is `heard` does not matter where one writer is all."""
    if len(writers) == 1:
        return _single(writers)
    unfinished = [said.writer_id for said in heard if said.finish is None]
    tally(view, writers, unfinished)
    arranged = arrange(_life(view, said, writers[said.writer_id]) for said in heard)
    tally(view, writers, [life.writer_id for line in arranged if len(line) > 1 for life in line])
    names = name_lines([line[0].label for line in arranged])
    return tuple(
        Line(label=name, attempts=_attempts(view, line, writers))
        for name, line in zip(names, arranged, strict=True)
    )


def tally(view: View, writers: Writers, chosen: Iterable[WriterId]) -> list[Tally]:
    """How the metrics of the chosen writers add up, piece by piece, in one query."""
    pieces = [piece for writer_id in chosen for piece in writers[writer_id]]
    found = view.tallies(pieces)
    return [tally for piece in pieces for tally in found[piece]]


def _single(writers: Writers) -> tuple[Line, ...]:
    (writer_id,) = writers
    return (Line(label="", attempts=(Attempt(writer_id=writer_id),)),)


def _life(view: View, said: WriterSaid, pieces: Sequence[Piece]) -> Life:
    if said.finish is not None:
        end_s = said.finish.time_s
    else:
        found = view.tallies(pieces)
        times = [tally.last_time_s for piece in pieces for tally in found[piece]]
        end_s = max([*times, said.last_time_s or said.start_s])
    return Life(
        writer_id=said.writer_id,
        label=said.label,
        start_s=said.start_s,
        end_s=end_s,
        resumed_from=said.resumed_from,
    )


def _attempts(view: View, line: Sequence[Life], writers: Writers) -> tuple[Attempt, ...]:
    if len(line) == 1:
        return (Attempt(writer_id=line[0].writer_id),)
    return continue_line([_extent(view, life.writer_id, writers) for life in line])


def _extent(view: View, writer_id: WriterId, writers: Writers) -> Extent:
    tallies = tally(view, writers, [writer_id])
    steps = [found.max_step for found in tallies if found.max_step is not None]
    return Extent(
        writer_id=writer_id,
        max_step=max(steps, default=None),
        has_given=any(found.has_given for found in tallies),
        first_steps=_first_steps(tallies),
    )


def _first_steps(tallies: Iterable[Tally]) -> dict[str, int]:
    first: dict[str, tuple[int, int]] = {}
    for found in tallies:
        if found.first_step is not None and found.first_step_seq is not None:
            here = (found.first_step_seq, found.first_step)
            first[found.key] = min(here, first.get(found.key, here))
    return {key: step for key, (_, step) in first.items()}
