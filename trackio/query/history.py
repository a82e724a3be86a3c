"""What one run logged, row by row: sampled at the step, or every call. Builds no DataFrame."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from trackio import sampling
from trackio.errors import InvalidInput
from trackio.model import METRIC, RunId, WriterId
from trackio.query.attempts import Attempt, Line
from trackio.query.lines import lines_of_runs
from trackio.query.points import NO_STEP, Axis, Points, SeriesName, Window, read_points
from trackio.query.said import decode_value
from trackio.query.view import View, rereads

_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """What was logged at one step, or by one call."""

    label: str
    step: int | None
    time_s: float
    values: dict[str, Any]


@rereads
def read_history(
    view: View,
    run_id: str,
    keys: Sequence[str],
    *,
    samples: int | None = 500,
    x: Axis = "step",
    kind: str = METRIC,
) -> list[HistoryRow]:
    """One row for each step (on the time axes for each call), of each line, with its values.

    Where there are more than `samples` rows it keeps those that stand for all: those in
    which a key has the first, the last, the smallest or the largest point of a bucket. The
    buckets are so wide that about `samples` are kept. Of several values of a key at one step
    the last counts.

    Raises:
        InvalidInput: `samples` is less than 4.
    """
    if samples is not None and samples < 4:
        raise InvalidInput(f"samples must be 4 or more, not {samples}")
    points = read_points(view, [run_id], keys, kind, Window(x), query="points_and_texts")
    by_label: dict[str, list[int]] = {}
    for i, name in enumerate(points.names):
        by_label.setdefault(name.label, []).append(i)
    return [
        row
        for label, series in by_label.items()
        for row in _rows_of_line(points, label, series, samples, by_step=x == "step")
    ]


def scan_history(
    view: View,
    run_id: str,
    keys: Sequence[str] | None = None,
    *,
    min_step: int | None = None,
    max_step: int | None = None,
) -> Iterator[HistoryRow]:
    """Every visible call, one after the other, in bounded memory: `min_step ≤ step < max_step`."""
    for line in _lines(view, RunId(run_id)):
        for attempt in line.attempts:
            for first, last in _windows(view, RunId(run_id), attempt.writer_id):
                rows = _read_calls(view, RunId(run_id), attempt.writer_id, keys, (first, last))
                for row in _calls(rows, line.label, attempt):
                    if _is_inside(row.step, min_step, max_step):
                        yield row


def _rows_of_line(
    points: Points, label: str, series: Sequence[int], samples: int | None, *, by_step: bool
) -> list[HistoryRow]:
    """The rows of one line, sampled, by step or time."""
    spans = [slice(*points.bounds[i : i + 2].tolist()) for i in series]
    x = points.step if by_step and NO_STEP not in points.step else points.times_us()
    kept = np.unique(np.concatenate([x[span] for span in spans]))
    if samples is not None and len(kept) > samples:
        buckets = max(1, samples // (4 * len(series)) - 1)
        shift = sampling.choose_shift(int(kept[-1] - kept[0]) + 1, buckets)
        stand_ins = (sampling.choose_points(x[span] >> shift, points.value[span]) for span in spans)
        chosen = [x[span][places] for span, places in zip(spans, stand_ins, strict=True)]
        kept = np.unique(np.concatenate(chosen))
    rows: dict[int, HistoryRow] = {}
    for i, span in zip(series, spans, strict=True):
        for place in (span.start + np.flatnonzero(np.isin(x[span], kept))).tolist():
            _add(rows, int(x[place]), points, place, points.names[i])
    return [rows[row] for row in sorted(rows)]


def _add(
    rows: dict[int, HistoryRow], row: int, points: Points, place: int, name: SeriesName
) -> None:
    step = int(points.step[place])
    time_s = int(points.times_us()[place]) / 1e6
    text = None if points.text is None else points.text[place]
    number = float(points.value[place])
    known = rows.get(row)
    values = {} if known is None else known.values
    values[name.key] = number if text is None else _decode(number, text)
    if known is not None:
        time_s = max(time_s, known.time_s)
    rows[row] = HistoryRow(name.label, None if step == NO_STEP else step, time_s, values)


def _decode(number: float, text: str) -> Any:
    return decode_value(None if math.isnan(number) else number, text)


@rereads
def _lines(view: View, run_id: RunId) -> tuple[Line, ...]:
    return lines_of_runs(view, [run_id]).get(run_id, ())


@rereads
def _windows(view: View, run_id: RunId, writer_id: WriterId) -> list[tuple[int, int]]:
    """Ranges of seqs that hold about so many rows as may be in memory at once."""
    pieces = view.writers(run_id).get(writer_id, ())
    counts = view.counts(pieces, METRIC)
    windows = []
    for piece in pieces:
        rows = sum(count.rows for count in counts[piece])
        size = piece.last - piece.first + 1
        step = max(1, size * _ROWS_AT_ONCE // max(rows, 1))
        windows += [
            (first, min(first + step - 1, piece.last))
            for first in range(piece.first, piece.last + 1, step)
        ]
    return windows


@rereads
def _read_calls(
    view: View,
    run_id: RunId,
    writer_id: WriterId,
    keys: Sequence[str] | None,
    window: tuple[int, int],
) -> list[tuple[Any, ...]]:
    first, last = window
    pieces = [
        piece
        for piece in view.writers(run_id).get(writer_id, ())
        if piece.first <= last and piece.last >= first
    ]
    wanted = None if keys is None else list(keys)
    _, table = view.table("calls", pieces, keys=wanted, first=first, last=last)
    names = ("seq", "time_us", "step", "key", "value", "text")
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def _calls(rows: Iterable[tuple[Any, ...]], label: str, attempt: Attempt) -> Iterator[HistoryRow]:
    """The rows of one call in one, abandoned points left out."""
    for _, mine in groupby(rows, lambda row: row[0]):
        step: int | None = None
        values: dict[str, Any] = {}
        time_s = 0.0
        for _, time_us, raw_step, key, value, text in mine:
            time_s = time_us / 1e6
            step = None if raw_step is None else raw_step + attempt.offset
            cut = attempt.cuts.get(key)
            if step is None or cut is None or step < cut:
                values[key] = value if text is None else decode_value(value, text)
        if values:
            yield HistoryRow(label, step, time_s, values)


def _is_inside(step: int | None, min_step: int | None, max_step: int | None) -> bool:
    if step is None:
        return min_step is None and max_step is None
    return (min_step is None or step >= min_step) and (max_step is None or step < max_step)
