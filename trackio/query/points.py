"""Read the visible points of series as arrays. Internal to `query`; samples nothing.

"Visible" is what is left of the rows that count once the abandoned points of earlier
attempts are gone and automatic steps count on (see `attempts`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pyarrow.compute as pc

from trackio.errors import InvalidInput
from trackio.ids import id_time_ms
from trackio.model import RunId, WriterId
from trackio.query import blocks
from trackio.query.attempts import Attempt, Line
from trackio.query.blocks import (
    Blocks,
    Floats,
    Ints,
    Texts,
    floats_of,
    in_order,
    ints_of,
    join,
    order_of,
    texts_of,
)
from trackio.query.lines import lines_of_runs
from trackio.query.pieces import Piece
from trackio.query.view import View

Axis = Literal["step", "time", "relative"]
AXES: Final[tuple[Axis, ...]] = ("step", "time", "relative")
NO_STEP: Final = blocks.NO_STEP
_NEVER: Final = int(np.iinfo(np.int64).max)
_MAX_INT: Final = 1 << 62


class SeriesName(NamedTuple):
    """Which series: of which run, which line of it, which key."""

    run_id: RunId
    label: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points of many series, one series after the other, each by x, then attempt, then seq.

    Series `i` is `bounds[i]:bounds[i + 1]`; none is empty. `x` is the step, or microseconds:
    since 1970, or on the relative axis since the first writer of the run started. A point
    without a step has step `NO_STEP`. What was not asked for is None; so is `text` where
    there is none. It is the JSON of a value that is no number, and whose `value` is NaN.
    """

    names: tuple[SeriesName, ...]
    bounds: Ints
    x: Ints
    step: Ints
    value: Floats
    time_us: Ints | None = None
    text: Texts | None = None

    def times_us(self) -> Ints:
        """The times, which were asked for."""
        if self.time_us is None:
            raise ValueError("these points have no times")
        return self.time_us


_NOTHING: Final = Points(
    names=(),
    bounds=np.zeros(1, np.int64),
    x=np.zeros(0, np.int64),
    step=np.zeros(0, np.int64),
    value=np.zeros(0),
    time_us=np.zeros(0, np.int64),
)


@dataclass(frozen=True, slots=True)
class Window:
    """The x that are asked for, bounds included: steps, or seconds; None is no bound."""

    axis: Axis
    lo: float | None = None
    hi: float | None = None

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise InvalidInput(f"x must be one of {', '.join(AXES)}, not {self.axis!r}")
        if any(bound is not None and math.isnan(bound) for bound in (self.lo, self.hi)):
            raise InvalidInput("a bound of x must be a number, not NaN")

    @property
    def first(self) -> int | None:
        """The smallest step or microsecond."""
        if self.lo is None or self.lo == -math.inf:
            return None
        return _clip(math.ceil(self.lo) if self.axis == "step" else round(self.lo * 1e6))

    @property
    def last(self) -> int | None:
        """The largest step or microsecond."""
        if self.hi is None or self.hi == math.inf:
            return None
        return _clip(math.floor(self.hi) if self.axis == "step" else round(self.hi * 1e6))

    @property
    def is_open(self) -> bool:
        """Whether every x is asked for."""
        return self.first is None and self.last is None


def read_points(
    view: View,
    run_ids: Iterable[str],
    keys: Iterable[str],
    kind: str,
    window: Window,
    *,
    query: Literal["points_by_step", "points", "points_and_texts"] = "points",
) -> Points:
    """The visible points of these series that lie in the window.

    They come by run, line and key, in the order of the arguments. All queries but
    `points_and_texts` give those that are numbers, true being 1 and false 0; `points_by_step`
    knows no times, and so no other axis.
    """
    lines = lines_of_runs(view, map(RunId, run_ids))
    places = Places(lines, list(dict.fromkeys(keys)))
    pieces = view.pieces(lines) if places.keys else []
    if not pieces:
        return _NOTHING
    return _points(read_blocks(view, pieces, places, kind, window, query=query), places, window)


class Places:
    """Numbers the series by line and key, and knows where each writer belongs."""

    def __init__(self, lines: Mapping[RunId, Sequence[Line]], keys: Sequence[str]) -> None:
        self.keys = keys
        self.lines = [(run_id, line) for run_id in lines for line in lines[run_id]]
        self.of_writer = {
            (run_id, attempt.writer_id): (number, place, attempt)
            for number, (run_id, line) in enumerate(self.lines)
            for place, attempt in enumerate(line.attempts)
        }
        starts_us = {run_id: _start_us(lines[run_id]) for run_id in lines}
        self.starts_us = np.array([starts_us[run_id] for run_id, _ in self.lines], np.int64)

    def name(self, series: int) -> SeriesName:
        """Which series has this number."""
        line, key = divmod(series, len(self.keys))
        run_id, found = self.lines[line]
        return SeriesName(run_id, found.label, self.keys[key])


def read_blocks(
    view: View,
    pieces: Sequence[Piece],
    places: Places,
    kind: str,
    window: Window,
    *,
    query: str = "points",
) -> Blocks:
    """The visible points of some pieces that lie in the window, by series, attempt and seq."""
    moved = {run_id for run_id, line in places.lines if len(line.attempts) > 1}
    alike = (
        ([piece for piece in pieces if piece.run_id not in moved], _bounds(window)),
        ([piece for piece in pieces if piece.run_id in moved], _bounds(None)),
    )
    parts = [
        _read(view, some, places, query, {"kind": kind, **bounds}) for some, bounds in alike if some
    ]
    rows = join(parts)
    if not window.is_open:
        x = x_of(rows, places, window.axis)
        low = NO_STEP + 1 if window.first is None else window.first
        high = _NEVER if window.last is None else window.last
        rows = rows.only((x >= low) & (x <= high))
    return in_order(rows)


def _read(
    view: View,
    pieces: Sequence[Piece],
    places: Places,
    query: str,
    parameters: Mapping[str, Any],
) -> Blocks:
    """The points of some pieces, moved and cut as their attempts say."""
    if query == "points_by_step":
        parameters = {name: p for name, p in parameters.items() if not name.endswith("_us")}
    ordered, table = view.table(query, pieces, keys=places.keys, **parameters)
    if query != "points_and_texts" and table.column("value").null_count:
        table = table.filter(pc.is_valid(table.column("value")))
    found = [places.of_writer[piece.run_id, piece.writer_id] for piece in ordered]
    series = ints_of(table, "series")
    starts = np.flatnonzero(np.append(True, series[1:] != series[:-1])[: len(series)])
    piece, key = np.divmod(series[starts], len(places.keys))
    line = np.array([line for line, _, _ in found], np.int64)
    place = np.array([place for _, place, _ in found], np.int64)
    rows = Blocks(
        series=line[piece] * len(places.keys) + key,
        attempt=place[piece],
        size=np.diff(starts, append=len(series)),
        seq=ints_of(table, "seq"),
        step=ints_of(table, "step"),
        value=floats_of(table, "value"),
        time_us=ints_of(table, "time") if "time" in table.column_names else None,
        text=texts_of(table),
    )
    return _moved(rows, [attempt for _, _, attempt in found], places.keys, piece, key)


def _moved(
    rows: Blocks, attempts: Sequence[Attempt], keys: Sequence[str], piece: Ints, key: Ints
) -> Blocks:
    """The rows with counted steps counted on and without the abandoned ones.

    `attempts` are those of the pieces; `piece` and `key` say what each block is of.
    """
    if not any(attempt.offset or attempt.cuts for attempt in attempts):
        return rows
    offsets = np.array([attempt.offset for attempt in attempts])[piece]
    cuts = np.array([[a.cuts.get(k, _NEVER) for k in keys] for a in attempts])[piece, key]
    moved = rows.step + rows.per_row(offsets)
    step = np.where(rows.step == NO_STEP, NO_STEP, moved)
    return replace(rows, step=step).only(step < rows.per_row(cuts))


def _points(rows: Blocks, places: Places, window: Window) -> Points:
    x = x_of(rows, places, window.axis)
    series = rows.series
    is_first = np.append(True, series[1:] != series[:-1])[: len(series)]
    starts = rows.starts[is_first]
    order = order_of(rows, x)
    if order is not None:
        rows, x = rows.pick(order), x[order]
    return Points(
        names=tuple(places.name(number) for number in series[is_first].tolist()),
        bounds=np.append(starts, len(x)),
        x=x,
        step=rows.step,
        value=rows.value,
        time_us=rows.time_us,
        text=rows.text,
    )


def x_of(rows: Blocks, places: Places, axis: Axis) -> Ints:
    """Where each row stands on the axis: its step, or microseconds."""
    if axis == "step" or rows.time_us is None:
        return rows.step
    if axis == "time":
        return rows.time_us
    return rows.time_us - rows.per_row(places.starts_us[rows.series // len(places.keys)])


def _bounds(window: Window | None) -> dict[str, int | None]:
    """What of a window the query itself can leave out."""
    first = None if window is None else window.first
    last = None if window is None else window.last
    is_step = window is not None and window.axis == "step"
    is_time = window is not None and window.axis == "time"
    return {
        "first_step": first if is_step else None,
        "last_step": last if is_step else None,
        "first_us": first if is_time else None,
        "last_us": last if is_time else None,
    }


def _start_us(lines: Sequence[Line]) -> int:
    """When the first writer of a run started."""
    ids: list[WriterId] = [attempt.writer_id for line in lines for attempt in line.attempts]
    return id_time_ms(min(ids)) * 1000


def _clip(number: int) -> int:
    return max(-_MAX_INT, min(_MAX_INT, number))
