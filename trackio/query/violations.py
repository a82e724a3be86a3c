"""The first point of each metric that is not finite, or beyond a bound. Judges nothing.

Pieces never change, so what was found in one is remembered by whoever asks again and again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from trackio.model import RunId, WriterId
from trackio.query.pieces import Piece
from trackio.query.view import View, rereads


class Bounds(NamedTuple):
    """What a point may not be. NaN is not finite, and beyond no bound."""

    nonfinite: bool = False
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """The first such point of a metric in a run, by writer and seq, and how many there are."""

    run_id: RunId
    key: str
    writer_id: WriterId
    seq: int
    step: int | None
    value: float
    time_s: float
    points: int


Known = dict[tuple[Bounds, Piece], tuple[Violation, ...]]
"""What was found in each piece."""


@rereads
def find_violations(
    view: View, run_ids: Iterable[str], bounds: Bounds, known: Known | None = None
) -> list[Violation]:
    """One for each metric of each of these runs that has such a point, by run and metric."""
    remembered: Known = {} if known is None else known
    pieces = view.pieces(map(RunId, run_ids))
    _read(
        view, [piece for piece in pieces if (bounds, piece) not in remembered], bounds, remembered
    )
    first: dict[tuple[RunId, str], Violation] = {}
    for piece in pieces:  # by run, writer and seq
        for found in remembered[bounds, piece]:
            place = (found.run_id, found.key)
            first[place] = _plus(first[place], found) if place in first else found
    return [first[place] for place in sorted(first)]


def forget_others(known: Known, view: View) -> None:
    """Drop what is known of pieces that the view does not have."""
    live = set(view.pieces())
    for place in [place for place in known if place[1] not in live]:
        del known[place]


def _read(view: View, pieces: list[Piece], bounds: Bounds, known: Known) -> None:
    if not pieces:
        return
    ordered, table = view.table("violations", pieces, **bounds._asdict())
    found: dict[Piece, list[Violation]] = {piece: [] for piece in pieces}
    for row in table.to_pylist():
        piece = ordered[row.pop("piece")]
        found[piece].append(Violation(run_id=piece.run_id, writer_id=piece.writer_id, **row))
    known.update({(bounds, piece): tuple(rows) for piece, rows in found.items()})


def _plus(first: Violation, later: Violation) -> Violation:
    return Violation(
        run_id=first.run_id,
        key=first.key,
        writer_id=first.writer_id,
        seq=first.seq,
        step=first.step,
        value=first.value,
        time_s=first.time_s,
        points=first.points + later.points,
    )
