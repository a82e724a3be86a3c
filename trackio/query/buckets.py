"""Down-sample metrics into buckets for a chart. Deterministic; hides no spike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trackio import sampling
from trackio.errors import InvalidInput
from trackio.model import METRIC, RunId
from trackio.query.blocks import Floats, Ints
from trackio.query.lines import lines_of_runs
from trackio.query.longs import find_long, read_long
from trackio.query.points import NO_STEP, Axis, Points, SeriesName, Window, read_points
from trackio.query.summed import Summed, find_summed, join, nothing, spans_of
from trackio.query.view import View, rereads


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucketed:
    """The buckets of one metric of one line of a run, by x; only those that hold points.

    Bucket `index[i]` holds the points with `index[i] * width ≤ x < (index[i] + 1) * width`.
    `width` and `index` count steps, or milliseconds on the two time axes; `x_first` and
    `x_last` are the x of its first and last point, in steps, or in seconds. `mean` to
    `last` are over the finite values, NaN where there is none.
    """

    run_id: RunId
    label: str
    key: str
    width: int
    index: Ints
    mean: Floats
    min: Floats
    max: Floats
    first: Floats
    last: Floats
    finite: Ints
    nonfinite: Ints
    x_first: Ints | Floats
    x_last: Ints | Floats


@rereads
def read_buckets(
    view: View,
    run_ids: Iterable[str],
    keys: Sequence[str],
    *,
    x: Axis = "step",
    kind: str = METRIC,
    target: int | None = 300,
    width: int | None = None,
    lo: float | None = None,
    hi: float | None = None,
) -> list[Bucketed]:
    """The visible points with `lo ≤ x ≤ hi` in buckets, for each run, line and key with any.

    All series of a key have buckets of one width: `width`, or else the smallest power of
    two that needs no more than `target` of them for the x that any of these series has. At
    width 1 a bucket is a step (or a millisecond). Points without a step are not on the
    step axis. `lo` and `hi` are in steps or in seconds.

    Raises:
        InvalidInput: there is no such axis, or `width` is no power of two.
    """
    if width is not None:
        _check_width(width)
    wanted = list(dict.fromkeys(map(RunId, run_ids)))
    window = Window(x, lo, hi)
    is_whole = x == "step" and kind == METRIC and target is not None and window.is_open
    summed, done = _find_summed(view, wanted, keys, target, width) if is_whole else (nothing(), ())
    lines = lines_of_runs(view, (run_id for run_id in wanted if run_id not in done))
    long = find_long(view, lines, keys, kind)
    query: Literal["points_by_step", "points"] = "points_by_step" if x == "step" else "points"
    rest = [run_id for run_id in lines if run_id not in long]
    points = _with_x(read_points(view, rest, keys, kind, window, query=query))
    unit_x = points.x if x == "step" else points.x // 1000
    chosen: dict[str, int] = {}

    def choose(more: Iterable[tuple[str, int, int]]) -> Mapping[str, int]:
        spans = [*_spans(points, unit_x), *summed.spans(), *more]
        chosen.update(_choose(spans, target, width))
        return chosen

    if long:
        of_long = {run_id: lines[run_id] for run_id in lines if run_id in long}
        parts = read_long(view, of_long, keys, kind, window=window, choose=choose)
    else:
        parts, chosen = (
            nothing(),
            _choose([*_spans(points, unit_x), *summed.spans()], target, width),
        )
    shifts = np.array([chosen[name.key] for name in points.names], np.int64)
    index = unit_x >> np.repeat(shifts, np.diff(points.bounds))
    filled = sampling.fill_buckets(index, points.value, breaks=points.bounds)
    read = _split(points, filled, shifts, x)
    joined = [*_widened(summed, chosen, x), *_widened(parts, chosen, x)]
    return _in_order([*read, *joined], wanted) if joined else read


def _find_summed(
    view: View, run_ids: Sequence[RunId], keys: Sequence[str], target: int | None, width: int | None
) -> tuple[Summed, frozenset[RunId]]:
    """What overviews say, of runs that need nothing finer, and those runs."""
    summed, done = find_summed(view, lines_of_runs(view, run_ids), keys)
    # The points of other runs can only make the buckets wider.
    coarse = summed.too_coarse(_choose(summed.spans(), target, width))
    return (summed.only(done - coarse), done - coarse) if coarse else (summed, done)


def _widened(summed: Summed, shifts: Mapping[str, int], axis: Axis) -> list[Bucketed]:
    """The series of overviews in the width that is asked for."""
    if not summed.names:
        return []
    chosen = np.array([shifts[name.key] for name in summed.names], np.int64)
    bounds, buckets, x_first, x_last = join(summed, chosen)
    found = []
    for i, name in enumerate(summed.names):
        here = slice(bounds[i], bounds[i + 1])
        ends = _in_units(x_first[here], axis), _in_units(x_last[here], axis)
        found.append(_bucketed(name, 1 << int(chosen[i]), buckets, here, ends))
    return found


def _in_order(found: Iterable[Bucketed], run_ids: Sequence[RunId]) -> list[Bucketed]:
    """By run as they are asked for; what is of one run is in order already."""
    run_places = {run_id: place for place, run_id in enumerate(run_ids)}
    return sorted(found, key=lambda series: run_places[series.run_id])


def _with_x(points: Points) -> Points:
    """The points that have a place on the axis."""
    has_x = points.x != NO_STEP
    if has_x.all():
        return points
    kept = np.append(0, np.cumsum(has_x))[points.bounds]
    is_left = np.diff(kept) > 0
    return Points(
        names=tuple(name for name, left in zip(points.names, is_left, strict=True) if left),
        bounds=np.append(kept[:-1][is_left], kept[-1]),
        x=points.x[has_x],
        step=points.step[has_x],
        value=points.value[has_x],
    )


def _check_width(width: int) -> None:
    if width < 1 or width & (width - 1):
        raise InvalidInput(f"width must be a power of two, not {width}")


def _choose(
    spans: Iterable[tuple[str, int, int]], target: int | None, width: int | None
) -> dict[str, int]:
    """For each key how many low bits of x its buckets drop."""
    of_key = spans_of(spans)
    if width is not None:
        return dict.fromkeys(of_key, width.bit_length() - 1)
    if target is None:
        return dict.fromkeys(of_key, 0)
    return {k: sampling.choose_shift(high - low + 1, target) for k, (low, high) in of_key.items()}


def _spans(points: Points, unit_x: Ints) -> list[tuple[str, int, int]]:
    """The key of each series, its first and its last x."""
    lows, highs = unit_x[points.bounds[:-1]].tolist(), unit_x[points.bounds[1:] - 1].tolist()
    keys = [name.key for name in points.names]
    return list(zip(keys, lows, highs, strict=True))


def _in_units(x: Ints, axis: Axis) -> Ints | Floats:
    return x if axis == "step" else x / 1e6


def _split(points: Points, filled: sampling.Buckets, shifts: Ints, axis: Axis) -> list[Bucketed]:
    """The buckets of each series."""
    bounds = np.searchsorted(filled.start, points.bounds).tolist()
    ends = filled.start + filled.finite + filled.nonfinite - 1
    x_first, x_last = _in_units(points.x[filled.start], axis), _in_units(points.x[ends], axis)
    found = []
    for i, (name, shift) in enumerate(zip(points.names, shifts.tolist(), strict=True)):
        here = slice(bounds[i], bounds[i + 1])
        ends_x = x_first[here], x_last[here]
        found.append(_bucketed(name, 1 << shift, filled, here, ends_x))
    return found


def _bucketed(
    name: SeriesName,
    width: int,
    filled: sampling.Buckets,
    here: slice,
    ends: tuple[Ints | Floats, Ints | Floats],
) -> Bucketed:
    return Bucketed(
        run_id=name.run_id,
        label=name.label,
        key=name.key,
        width=width,
        index=filled.index[here],
        mean=filled.mean[here],
        min=filled.min[here],
        max=filled.max[here],
        first=filled.first[here],
        last=filled.last[here],
        finite=filled.finite[here],
        nonfinite=filled.nonfinite[here],
        x_first=ends[0],
        x_last=ends[1],
    )
