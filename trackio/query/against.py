"""Read metrics against another metric: the x of a point is what that metric said last by then.

A point stands where the other metric's newest value at or before its step is, so that sparse
metrics (an epoch, a learning rate) work; what was logged before the first such value has no
place and is left out. It buckets; it smooths nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trackio import sampling
from trackio.model import METRIC, RunId
from trackio.query.blocks import Floats, Ints
from trackio.query.points import NO_STEP, Points, SeriesName, Window, read_points
from trackio.query.view import View, rereads

FINE_BITS = 20
"""How many bits tell where in its bucket a point stands."""
_MOST_BITS = 50
_TINY = 2.0**-980
"""Places closer than this are one place: numbers near it lose their digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One series with places on the other metric, ascending; equal places in order of step."""

    name: SeriesName
    x: Floats
    value: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketedAgainst:
    """The buckets of one series: bucket `index[i]` begins at `index[i] * width`.

    `offset` is how far in it the first point stands, in `width / 2**FINE_BITS`.
    """

    run_id: RunId
    label: str
    key: str
    width: float
    index: Ints
    offset: Ints
    mean: Floats
    min: Floats
    max: Floats
    finite: Ints
    nonfinite: Ints
    x_first: float
    x_last: float


@rereads
def read_against(
    view: View,
    run_ids: Iterable[str],
    keys: Sequence[str],
    x_key: str,
    *,
    target: int = 300,
    lo: float | None = None,
    hi: float | None = None,
) -> list[BucketedAgainst]:
    """The points with `lo ≤ x ≤ hi` in buckets, for each run, line and key with any.

    All series of a key have buckets of one width, the smallest power of two, fractions
    included, that needs no more than `target` of them.
    """
    by_key: dict[str, list[Located]] = {}
    for series in locate(view, run_ids, keys, x_key, lo=lo, hi=hi):
        by_key.setdefault(series.name.key, []).append(series)
    return [
        _bucket(series, exponent)
        for alike in by_key.values()
        for exponent in [_exponent(alike, target)]
        for series in alike
    ]


def locate(
    view: View,
    run_ids: Iterable[str],
    keys: Sequence[str],
    x_key: str,
    *,
    lo: float | None = None,
    hi: float | None = None,
) -> list[Located]:
    """The series with their places; those without any are left out."""
    wanted = list(dict.fromkeys([*keys, x_key]))
    points = read_points(view, run_ids, wanted, METRIC, Window("step"), query="points_by_step")
    places = {
        name[:2]: (step, value)
        for name, step, value in _series(points)
        if name.key == x_key and len(step)
    }
    found = []
    for name, step, value in _series(points):
        if name.key in keys and name[:2] in places:
            series = _located(name, step, value, *places[name[:2]])
            series = _within(series, lo, hi)
            if len(series.x):
                found.append(series)
    return found


def _series(points: Points) -> Iterable[tuple[SeriesName, Ints, Floats]]:
    for i, name in enumerate(points.names):
        span = slice(*points.bounds[i : i + 2].tolist())
        has_step = points.step[span] != NO_STEP
        yield name, points.step[span][has_step], points.value[span][has_step]


def _located(name: SeriesName, step: Ints, value: Floats, x_step: Ints, x_value: Floats) -> Located:
    is_place = np.isfinite(x_value)
    x_step, x_value = x_step[is_place], x_value[is_place]
    last = np.searchsorted(x_step, step, side="right") - 1
    has_place = last >= 0
    x, value = x_value[last[has_place]], value[has_place]
    order = np.argsort(x, kind="stable")
    return Located(name=name, x=x[order], value=value[order])


def _within(series: Located, lo: float | None, hi: float | None) -> Located:
    first = 0 if lo is None else int(np.searchsorted(series.x, lo, side="left"))
    end = len(series.x) if hi is None else int(np.searchsorted(series.x, hi, side="right"))
    return Located(name=series.name, x=series.x[first:end], value=series.value[first:end])


def _exponent(alike: Sequence[Located], target: int) -> int:
    """The power of two that is the width of the buckets of these series."""
    low = min(float(series.x[0]) for series in alike)
    high = max(float(series.x[-1]) for series in alike)
    size = max(abs(low), abs(high)) or 1.0
    span = high - low
    if not math.isfinite(span) or span <= 0:
        span = size * 2.0**-10
    size, span = max(size, _TINY), max(span, _TINY)
    wide = math.ceil(math.log2(span / max(target - 1, 1)))
    return max(wide, math.ceil(math.log2(size)) - _MOST_BITS, -1000)


def _bucket(series: Located, exponent: int) -> BucketedAgainst:
    width = math.ldexp(1.0, exponent)
    places = series.x / width
    index = np.floor(places).astype(np.int64)
    filled = sampling.fill_buckets(index, series.value)
    offset = np.floor((places[filled.start] - filled.index) * (1 << FINE_BITS))
    return BucketedAgainst(
        run_id=series.name.run_id,
        label=series.name.label,
        key=series.name.key,
        width=width,
        index=filled.index,
        offset=np.clip(offset, 0, (1 << FINE_BITS) - 1).astype(np.int64),
        mean=filled.mean,
        min=filled.min,
        max=filled.max,
        finite=filled.finite,
        nonfinite=filled.nonfinite,
        x_first=float(series.x[0]),
        x_last=float(series.x[-1]),
    )
