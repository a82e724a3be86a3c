"""Smooth series over all of their points, and tell what that is at the buckets of a chart.

Three ways, all of them by distance along x and not by the number of points, so that a curve
looks the same at every zoom: `ema` lets the weight of the past fade to 1/e over `reach`, and is
debiased; `gaussian` has a kernel whose deviation is `reach / 2`; `mean` is over all points that
are no further than `reach`. Values that are not finite are passed over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from trackio.errors import InvalidInput
from trackio.model import METRIC, RunId
from trackio.query.blocks import Floats, Ints
from trackio.query.points import NO_STEP, Axis, Window, read_points
from trackio.query.view import View, rereads

Kind = Literal["ema", "gaussian", "mean"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_BLOCK_DECAYS: Final = 60.0
_REACH_OF_KERNEL: Final = 5.0
_WORK: Final = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How, and how far, in steps or seconds."""

    kind: Kind
    reach: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(f"smoothing must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if not 0 < self.reach < float("inf"):
            raise InvalidInput(f"smoothing must reach further than 0, not {self.reach}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothed:
    """One series at its buckets: `index` as `buckets.Bucketed` has it."""

    run_id: RunId
    label: str
    key: str
    index: Ints
    value: Floats


@rereads
def read_smoothed(
    view: View,
    run_ids: Iterable[str],
    keys: Sequence[str],
    smoothing: Smoothing,
    *,
    x: Axis = "step",
    kind: str = METRIC,
    width: int = 1,
    lo: float | None = None,
    hi: float | None = None,
) -> list[Smoothed]:
    """Smoothed over the whole series, told for the buckets of `width` with points in `lo … hi`.

    The value of a bucket is that at its last point.
    """
    query: Literal["points_by_step", "points"] = "points_by_step" if x == "step" else "points"
    points = read_points(view, run_ids, keys, kind, Window(x), query=query)
    window = Window(x, lo, hi)
    found = []
    for i, name in enumerate(points.names):
        span = slice(*points.bounds[i : i + 2].tolist())
        at, value = points.x[span], points.value[span]
        has_x = at != NO_STEP
        at, value = at[has_x], value[has_x]
        index, ends = _bucket_ends(at, x, width, window)
        if len(ends):
            place = at.astype(np.float64) if x == "step" else at / 1e6
            found.append(
                Smoothed(
                    run_id=name.run_id,
                    label=name.label,
                    key=name.key,
                    index=index,
                    value=smooth_at(place, value, smoothing, ends),
                )
            )
    return found


def smooth_at(x: Floats, y: Floats, smoothing: Smoothing, places: Ints) -> Floats:
    """What the smoothed line is at some places of ascending `x`; NaN before the first number."""
    is_finite = np.isfinite(y)
    known = np.cumsum(is_finite) - 1
    x_known, y_known = x[is_finite], y[is_finite]
    if not len(x_known):
        return np.full(len(places), np.nan)
    if smoothing.kind == "ema":
        line = _ema(x_known, y_known, smoothing.reach)
        at = known[places]
        return np.where(at >= 0, line[np.maximum(at, 0)], np.nan)
    if smoothing.kind == "mean":
        return _mean(x_known, y_known, x[places], smoothing.reach)
    return _gaussian(x_known, y_known, x[places], smoothing.reach / 2)


def _bucket_ends(at: Ints, x: Axis, width: int, window: Window) -> tuple[Ints, Ints]:
    """The buckets that have points in the window, and the place of the last point of each."""
    first = 0 if window.first is None else int(np.searchsorted(at, window.first, side="left"))
    end = len(at) if window.last is None else int(np.searchsorted(at, window.last, side="right"))
    unit = at if x == "step" else at // 1000
    index = unit[first:end] >> (width.bit_length() - 1)
    if not len(index):
        return index, index
    is_end = np.append(index[1:] != index[:-1], True)
    ends = np.flatnonzero(is_end)
    return index[ends], ends + first


def _ema(x: Floats, y: Floats, reach: float) -> Floats:
    """Sums of `exp(-distance / reach)`, block by block so that no factor overflows."""
    out = np.empty(len(y))
    decays = (x - x[0]) / reach
    begin, sum_, weight, last = 0, 0.0, 0.0, 0.0
    while begin < len(y):
        end = int(np.searchsorted(decays, decays[begin] + _BLOCK_DECAYS, side="right"))
        start = decays[begin]
        kept = np.exp(last - start) if begin else 0.0
        grown = np.exp(decays[begin:end] - start)
        sums = kept * sum_ + np.cumsum(y[begin:end] * grown)
        weights = kept * weight + np.cumsum(grown)
        out[begin:end] = sums / weights
        shrink = 1 / grown[-1]
        sum_, weight, last = sums[-1] * shrink, weights[-1] * shrink, decays[end - 1]
        begin = end
    return out


def _mean(x: Floats, y: Floats, at: Floats, reach: float) -> Floats:
    """The mean of all that is no further than `reach`, of sums over one pass."""
    middle = float(y.mean())
    sums = np.concatenate([[0.0], np.cumsum(y - middle)])
    first = np.searchsorted(x, at - reach, side="left")
    end = np.searchsorted(x, at + reach, side="right")
    count = end - first
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, middle + (sums[end] - sums[first]) / count, np.nan)


def _gaussian(x: Floats, y: Floats, at: Floats, sigma: float) -> Floats:
    """The mean of all that lies within five deviations, weighted by the kernel."""
    first = np.searchsorted(x, at - _REACH_OF_KERNEL * sigma, side="left")
    end = np.searchsorted(x, at + _REACH_OF_KERNEL * sigma, side="right")
    if int((end - first).sum()) > _WORK * 8:
        x, y, weight = _thinned(x, y, sigma / 64)
        first = np.searchsorted(x, at - _REACH_OF_KERNEL * sigma, side="left")
        end = np.searchsorted(x, at + _REACH_OF_KERNEL * sigma, side="right")
    else:
        weight = np.ones(len(y))
    out = np.full(len(at), np.nan)
    for i, (low, high) in enumerate(zip(first.tolist(), end.tolist(), strict=True)):
        if high > low:
            kernel = weight[low:high] * np.exp(-0.5 * ((x[low:high] - at[i]) / sigma) ** 2)
            out[i] = kernel @ y[low:high] / kernel.sum()
    return out


def _thinned(x: Floats, y: Floats, width: float) -> tuple[Floats, Floats, Floats]:
    """Neighbours within `width` as one point that weighs as much: for millions of them."""
    index = np.floor((x - x[0]) / width)
    start = np.flatnonzero(np.append(True, index[1:] != index[:-1]))
    count = np.diff(start, append=len(x)).astype(np.float64)
    return np.add.reduceat(x, start) / count, np.add.reduceat(y, start) / count, count
