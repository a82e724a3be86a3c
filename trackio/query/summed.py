"""Buckets of series from the overviews of packs, joined to the width that is asked for.

A run is taken from overviews only if all of it is in packs, each stretch whole, and none of its
writers continues another: then nothing is shadowed, moved or missing. Else its rows are read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trackio import arrays, overview, sampling
from trackio.model import RunId
from trackio.query.attempts import Line
from trackio.query.blocks import Floats, Ints
from trackio.query.overviews import TROUBLE, Opened
from trackio.query.pieces import Piece
from trackio.query.points import SeriesName
from trackio.query.view import View

_Columns = Mapping[str, Any]
_FLOATS: Final = ("bucket_mean", "bucket_min", "bucket_max", "bucket_first", "bucket_last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """Fine buckets of series, by x; series `i` has those in `bounds[i]:bounds[i + 1]`.

    `shift` says of each bucket how wide it is; `index` and the other columns are as in
    `overview`.
    """

    names: tuple[SeriesName, ...]
    bounds: Ints
    shift: Ints
    columns: _Columns

    def only(self, run_ids: Collection[RunId]) -> "Summed":
        """The series of these runs."""
        kept = [i for i, name in enumerate(self.names) if name.run_id in run_ids]
        return self if len(kept) == len(self.names) else _pick(self, kept)

    @property
    def run_ids(self) -> frozenset[RunId]:
        """The runs that have series here."""
        return frozenset(name.run_id for name in self.names)

    def spans(self) -> list[tuple[str, int, int]]:
        """The key of each series, its first and its last x."""
        low = self.columns["bucket_x_first"][self.bounds[:-1]].tolist()
        high = self.columns["bucket_x_last"][self.bounds[1:] - 1].tolist()
        keys = [name.key for name in self.names]
        return list(zip(keys, low, high, strict=True))

    def too_coarse(self, shifts: Mapping[str, int]) -> frozenset[RunId]:
        """The runs with a series whose buckets are wider than is asked for its key."""
        if not self.names:
            return frozenset()
        widest = np.maximum.reduceat(self.shift, self.bounds[:-1]).tolist()
        return frozenset(
            name.run_id
            for name, shift in zip(self.names, widest, strict=True)
            if shift > shifts[name.key]
        )


def find_summed(
    view: View, lines: Mapping[RunId, Sequence[Line]], keys: Sequence[str]
) -> tuple[Summed, frozenset[RunId]]:
    """What overviews say of these runs, and the runs of which they say all there is."""
    whole = {run_id: found for run_id in lines if (found := _whole(view, run_id, lines[run_id]))}
    of_piece = {piece: opened for found in whole.values() for piece, opened in found.items()}
    if not of_piece:
        return _NOTHING, frozenset()
    try:
        whose, table = view.overviews.buckets(of_piece, dict.fromkeys(keys))
    except TROUBLE:
        view.overviews.give_up(of_piece.values())
        return _NOTHING, frozenset()
    short = _without_buckets(whose, table)
    whole = {run_id: found for run_id, found in whole.items() if run_id not in short}
    summed = _arrange(lines, keys, whole, whose, table)
    broken = _out_of_order(summed)
    if broken:
        summed = summed.only(summed.run_ids - broken)
    return summed, frozenset(whole) - broken


def join(summed: Summed, shifts: Ints) -> tuple[Ints, sampling.Buckets, Ints, Ints]:
    """Buckets in the width of each series: bounds, buckets, first and last x.

    The `start` of these buckets counts fine buckets.
    """
    columns = summed.columns
    coarser = np.repeat(shifts, np.diff(summed.bounds)) - summed.shift
    index = columns["bucket"] >> coarser
    is_start = np.append(True, index[1:] != index[:-1])[: len(index)]
    is_start[summed.bounds[:-1]] = True
    start = np.flatnonzero(is_start)
    end = np.append(start[1:], len(index)) - 1
    finite = columns["bucket_finite"]
    total = np.add.reduceat(finite, start) if len(start) else finite
    has_any = finite > 0
    place = np.arange(len(finite))
    first = np.minimum.reduceat(np.where(has_any, place, len(place)), start)
    last = np.maximum.reduceat(np.where(has_any, place, -1), start)
    low, high = (_least(columns["bucket_min"], start), _most(columns["bucket_max"], start))
    buckets = sampling.Buckets(
        start=start,
        index=index[start],
        mean=np.clip(_mean(columns["bucket_mean"], finite, total, start), low, high),
        min=low,
        max=high,
        first=np.where(
            total > 0, columns["bucket_first"][np.minimum(first, len(place) - 1)], np.nan
        ),
        last=np.where(total > 0, columns["bucket_last"][np.maximum(last, 0)], np.nan),
        finite=total,
        nonfinite=np.add.reduceat(columns["bucket_nonfinite"], start),
    )
    bounds = np.searchsorted(start, summed.bounds)
    return bounds, buckets, columns["bucket_x_first"][start], columns["bucket_x_last"][end]


def _whole(view: View, run_id: RunId, lines: Sequence[Line]) -> dict[Piece, Opened]:
    """The overview of each piece of a run; none unless all of it is in overviews."""
    if any(len(line.attempts) > 1 for line in lines):
        return {}
    pieces = view.pieces([run_id])
    found = view.overviews.of(view.snapshot, pieces)
    return found if len(found) == len(pieces) else {}


def _without_buckets(whose: Sequence[tuple[Piece, str]], table: pa.Table) -> frozenset[RunId]:
    """The runs with a series that is too short for an overview."""
    shifts = arrays.to_numpy(table.column("shift"))
    return frozenset(whose[row][0].run_id for row in np.flatnonzero(shifts < 0).tolist())


def _arrange(
    lines: Mapping[RunId, Sequence[Line]],
    keys: Sequence[str],
    whole: Mapping[RunId, Mapping[Piece, Opened]],
    whose: Sequence[tuple[Piece, str]],
    table: pa.Table,
) -> Summed:
    """The series in the order in which they are asked for, the pieces of each by seq."""
    at = {asked: row for row, asked in enumerate(whose)}
    names: list[SeriesName] = []
    rows: list[int] = []
    counts: list[int] = []
    sizes = np.diff(_offsets(table, "bucket")).tolist()
    for run_id, pieces in whole.items():
        for line in lines[run_id]:
            mine = [p for p in pieces if p.writer_id == line.attempts[0].writer_id]
            for key in dict.fromkeys(keys):
                found = [at[p, key] for p in mine if (p, key) in at and sizes[at[p, key]]]
                if found:
                    names.append(SeriesName(run_id, line.label, key))
                    rows += found
                    counts.append(sum(sizes[row] for row in found))
    if rows != list(range(table.num_rows)):
        table = table.take(arrays.numbers(rows, pa.int64()))
    table = table.combine_chunks()
    lengths = np.diff(_offsets(table, "bucket"))
    return Summed(
        names=tuple(names),
        bounds=np.cumsum([0, *counts]),
        shift=np.repeat(arrays.to_numpy(table.column("shift")), lengths),
        columns={name: _values(table, name) for name in overview.BUCKETS},
    )


def _out_of_order(summed: Summed) -> frozenset[RunId]:
    """The runs whose stretches of a series do not follow each other in x."""
    first, last = summed.columns["bucket_x_first"], summed.columns["bucket_x_last"]
    falls = np.flatnonzero(first[1:] < last[:-1]) + 1
    next_bound = summed.bounds[np.searchsorted(summed.bounds, falls)]
    inside = falls[next_bound != falls]
    series = np.searchsorted(summed.bounds, inside, side="right") - 1
    return frozenset(summed.names[i].run_id for i in series.tolist())


def _pick(summed: Summed, series: Sequence[int]) -> Summed:
    sizes = np.diff(summed.bounds)[series]
    starts = summed.bounds[:-1][series]
    shift = starts - (np.cumsum(sizes) - sizes)
    places = np.arange(int(sizes.sum())) + np.repeat(shift, sizes)
    return Summed(
        names=tuple(summed.names[i] for i in series),
        bounds=np.append(0, np.cumsum(sizes)),
        shift=summed.shift[places],
        columns={name: column[places] for name, column in summed.columns.items()},
    )


def _mean(mean: Floats, finite: Ints, total: Ints, start: Ints) -> Floats:
    """The means of joined buckets; NaN where there is no finite value."""
    known = np.where(finite > 0, mean, 0.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        joined = np.add.reduceat(known * finite, start) / total
    if not np.isfinite(joined[total > 0]).all():
        share = finite / np.repeat(np.maximum(total, 1), np.diff(start, append=len(finite)))
        shared = np.add.reduceat(known * share, start)
        joined = np.where(np.isfinite(joined), joined, shared)  # the others stay as they are
    return np.where(total > 0, joined, np.nan)


def _least(values: Floats, start: Ints) -> Floats:
    least: Floats = np.fmin.reduceat(values, start)
    return least


def _most(values: Floats, start: Ints) -> Floats:
    most: Floats = np.fmax.reduceat(values, start)
    return most


def _offsets(table: pa.Table, name: str) -> Ints:
    column = table.column(name)
    lists = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    lengths = arrays.to_numpy(lists.value_lengths()).astype(np.int64)
    return np.append(0, np.cumsum(lengths))


def _values(table: pa.Table, name: str) -> Any:
    column = table.column(name)
    lists = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return arrays.to_numpy(lists.flatten())


_NOTHING: Final = Summed(
    names=(),
    bounds=np.zeros(1, np.int64),
    shift=np.zeros(0, np.int64),
    columns={
        name: np.zeros(0, np.float64 if name in _FLOATS else np.int64) for name in overview.BUCKETS
    },
)


def nothing() -> Summed:
    """No series."""
    return _NOTHING


def spans_of(series: Iterable[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    """For each key the smallest and the largest x of all its series."""
    spans: dict[str, tuple[int, int]] = {}
    for key, low, high in series:
        known = spans.get(key, (low, high))
        spans[key] = (min(low, known[0]), max(high, known[1]))
    return spans
