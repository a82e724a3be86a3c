"""The lines of a run: which of its writers are attempts of one curve. Reads as little as it can.

A run of one writer is one line, whatever its rows say, so nothing is read for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from trackio.model import METRIC, RunId, WriterId
from trackio.query.attempts import (
    Attempt,
    Extent,
    Life,
    Line,
    arrange,
    continue_line,
    name_lines,
)
from trackio.query.pieces import Piece
from trackio.query.reader import Tally
from trackio.query.said import WriterSaid, hear_writer
from trackio.query.view import View


def hear(view: View, run_ids: Iterable[RunId]) -> dict[RunId, list[WriterSaid]]:
    """What the writers of each run said, by writer id."""
    pieces = view.pieces(run_ids)
    said = view.said(pieces)
    heard: dict[RunId, list[WriterSaid]] = {}
    for (run_id, writer_id), mine in groupby(pieces, lambda p: (p.run_id, p.writer_id)):
        rows = (row for piece in mine for row in said[piece])
        heard.setdefault(run_id, []).append(hear_writer(writer_id, rows))
    return heard


def lines_of_runs(view: View, run_ids: Iterable[RunId]) -> dict[RunId, tuple[Line, ...]]:
    """The lines of each run that has rows."""
    by_writer = {run_id: pieces_by_writer(view, run_id) for run_id in dict.fromkeys(run_ids)}
    many = [run_id for run_id, writers in by_writer.items() if len(writers) > 1]
    heard = hear(view, many) if many else {}
    return {
        run_id: arrange_run(view, writers, heard[run_id]) if run_id in heard else _single(writers)
        for run_id, writers in by_writer.items()
        if writers
    }


def pieces_by_writer(view: View, run_id: RunId) -> dict[WriterId, list[Piece]]:
    """The pieces of each writer of a run that has rows."""
    by_writer: dict[WriterId, list[Piece]] = {}
    for piece in view.pieces([run_id]):
        by_writer.setdefault(piece.writer_id, []).append(piece)
    return by_writer


def arrange_run(
    view: View, writers: Mapping[WriterId, Sequence[Piece]], heard: Sequence[WriterSaid]
) -> tuple[Line, ...]:
    """The lines of a run whose writers said so."""
    if len(heard) == 1:
        return _single(writers)
    unfinished = [said.writer_id for said in heard if said.finish is None]
    view.tallies([piece for writer_id in unfinished for piece in writers[writer_id]])
    lives = [_life(view, said, writers[said.writer_id]) for said in heard]
    arranged = arrange(lives)
    continued = [life.writer_id for line in arranged if len(line) > 1 for life in line]
    view.tallies([piece for writer_id in continued for piece in writers[writer_id]])
    names = name_lines([line[0].label for line in arranged])
    return tuple(
        Line(label=name, attempts=_attempts(view, line, writers))
        for name, line in zip(names, arranged, strict=True)
    )


def _single(writers: Mapping[WriterId, Sequence[Piece]]) -> tuple[Line, ...]:
    (writer_id,) = writers
    return (Line(label="", attempts=(Attempt(writer_id=writer_id),)),)


def _life(view: View, said: WriterSaid, pieces: Sequence[Piece]) -> Life:
    if said.finish is not None:
        end_s = said.finish.time_s
    else:
        tallies = view.tallies(pieces)
        times = [tally.last_time_s for piece in pieces for tally in tallies[piece]]
        end_s = max([*times, said.last_time_s or said.start_s])
    return Life(
        writer_id=said.writer_id,
        label=said.label,
        start_s=said.start_s,
        end_s=end_s,
        resumed_from=said.resumed_from,
    )


def _attempts(
    view: View, line: Sequence[Life], writers: Mapping[WriterId, Sequence[Piece]]
) -> tuple[Attempt, ...]:
    if len(line) == 1:
        return (Attempt(writer_id=line[0].writer_id),)
    return continue_line([_extent(view, life.writer_id, writers[life.writer_id]) for life in line])


def _extent(view: View, writer_id: WriterId, pieces: Sequence[Piece]) -> Extent:
    found = view.tallies(pieces)
    tallies = [t for piece in pieces for t in found[piece] if t.kind == METRIC]
    steps = [tally.max_step for tally in tallies if tally.max_step is not None]
    return Extent(
        writer_id=writer_id,
        max_step=max(steps, default=None),
        has_given=any(tally.has_given for tally in tallies),
        first_steps=_first_steps(tallies),
    )


def _first_steps(tallies: Iterable[Tally]) -> dict[str, int]:
    first: dict[str, tuple[int, int]] = {}
    for tally in tallies:
        if tally.first_step is not None and tally.first_step_seq is not None:
            here = (tally.first_step_seq, tally.first_step)
            first[tally.key] = min(here, first.get(tally.key, here))
    return {key: step for key, (_, step) in first.items()}
