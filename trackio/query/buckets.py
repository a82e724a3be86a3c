"""Down-sample metrics into buckets for a chart. Deterministic; hides no spike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trackio import sampling
from trackio.errors import InvalidInput
from trackio.model import METRIC, RunId
from trackio.query.blocks import Floats, Ints
from trackio.query.points import NO_STEP, Axis, Points, Window, read_points
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
    query: Literal["points_by_step", "points"] = "points_by_step" if x == "step" else "points"
    points = _with_x(read_points(view, run_ids, keys, kind, Window(x, lo, hi), query=query))
    unit_x = points.x if x == "step" else points.x // 1000
    shifts = _shifts(points, unit_x, target, width)
    index = unit_x >> np.repeat(shifts, np.diff(points.bounds))
    filled = sampling.fill_buckets(index, points.value, breaks=points.bounds)
    return _split(points, filled, shifts, x)


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


def _shifts(points: Points, unit_x: Ints, target: int | None, width: int | None) -> Ints:
    """For each series how many low bits of x its buckets drop."""
    if width is not None:
        if width < 1 or width & (width - 1):
            raise InvalidInput(f"width must be a power of two, not {width}")
        return np.full(len(points.names), width.bit_length() - 1)
    if target is None:
        return np.zeros(len(points.names), np.int64)
    spans: dict[str, tuple[int, int]] = {}
    lows, highs = unit_x[points.bounds[:-1]].tolist(), unit_x[points.bounds[1:] - 1].tolist()
    for name, low, high in zip(points.names, lows, highs, strict=True):
        known = spans.get(name.key, (low, high))
        spans[name.key] = (min(low, known[0]), max(high, known[1]))
    chosen = {k: sampling.choose_shift(high - low + 1, target) for k, (low, high) in spans.items()}
    return np.array([chosen[name.key] for name in points.names], np.int64)


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
        found.append(
            Bucketed(
                run_id=name.run_id,
                label=name.label,
                key=name.key,
                width=1 << shift,
                index=filled.index[here],
                mean=filled.mean[here],
                min=filled.min[here],
                max=filled.max[here],
                first=filled.first[here],
                last=filled.last[here],
                finite=filled.finite[here],
                nonfinite=filled.nonfinite[here],
                x_first=x_first[here],
                x_last=x_last[here],
            )
        )
    return found
