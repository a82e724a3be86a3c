"""Decide which picture of many points to give: buckets, and points that stand for others. Pure.

A bucket holds the points whose x, an integer, has the same value once its lowest bits are
dropped: buckets are as wide as a power of two and begin at multiples of it, whatever was
asked for. So a bucket never changes once x has passed it, and a coarse one is made of whole
finer ones.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Buckets in the order of their points; `start` is the place of the first point of each.

    `mean` to `last` are over the finite values, NaN where there is none.
    """

    start: Ints
    index: Ints
    mean: Floats
    min: Floats
    max: Floats
    first: Floats
    last: Floats
    finite: Ints
    nonfinite: Ints


def choose_shift(span: int, target: int) -> int:
    """The smallest `k` for which `span / 2^k ≤ target`."""
    return ((max(span, 1) - 1) // max(target, 1)).bit_length()


def fill_buckets(index: Ints, value: Floats, *, breaks: Ints | None = None) -> Buckets:
    """Put points into the bucket that `index` names, neighbours with the same one together.

    `breaks` are the places where another series begins, so another bucket too.
    """
    start = _starts(index, breaks)
    count = np.diff(start, append=len(index))
    is_finite = np.isfinite(value)
    if is_finite.all():
        finite, told = count, _tell(value, start, count)
    else:
        finite = np.add.reduceat(is_finite, start, dtype=np.int64)
        told = _tell_of_finite(value[is_finite], finite)
    mean, low, high, first, last = told
    return Buckets(
        start=start,
        index=index[start],
        mean=mean,
        min=low,
        max=high,
        first=first,
        last=last,
        finite=finite,
        nonfinite=count - finite,
    )


def choose_points(index: Ints, value: Floats) -> Ints:
    """The places, ascending, of the points that stand for all.

    Of each bucket they are the first, the last, the first smallest and the first largest.
    """
    if not len(index):
        return np.zeros(0, np.int64)
    buckets = fill_buckets(index, value)
    count = buckets.finite + buckets.nonfinite
    bucket = np.repeat(np.arange(len(count)), count)
    ends = (buckets.start, buckets.start + count - 1)
    extremes = (_first_equal(value, level, bucket) for level in (buckets.min, buckets.max))
    return np.unique(np.concatenate([*ends, *extremes]))


def _first_equal(value: Floats, level: Floats, bucket: Ints) -> Ints:
    """The place of the first value of each bucket that is at its level."""
    place = np.flatnonzero(value == level[bucket])
    return place[np.diff(bucket[place], prepend=-1) > 0]


def _starts(index: Ints, breaks: Ints | None) -> Ints:
    if not len(index):
        return np.zeros(0, np.int64)
    is_start = np.empty(len(index), np.bool_)
    is_start[0] = True
    np.not_equal(index[1:], index[:-1], out=is_start[1:])
    if breaks is not None:
        is_start[breaks[breaks < len(index)]] = True
    return np.flatnonzero(is_start)


def _tell(value: Floats, start: Ints, count: Ints) -> list[Floats]:
    """Mean, smallest, largest, first and last value of each bucket; all values are finite."""
    if not len(start):
        return [np.zeros(0)] * 5
    low = np.minimum.reduceat(value, start)
    high = np.maximum.reduceat(value, start)
    mean = _mean(value, start, count, low, high)
    return [mean, low, high, value[start], value[start + count - 1]]


def _tell_of_finite(value: Floats, finite: Ints) -> list[Floats]:
    """The same where each bucket has so many of the finite values; NaN where it has none."""
    has_any = finite > 0
    count = finite[has_any]
    told = []
    for of_some in _tell(value, np.cumsum(count) - count, count):
        of_all = np.full(len(finite), np.nan)
        of_all[has_any] = of_some
        told.append(of_all)
    return told


def _mean(value: Floats, start: Ints, count: Ints, low: Floats, high: Floats) -> Floats:
    """Between the smallest and the largest, whatever rounding and overflow make of the sum."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean: Floats = np.add.reduceat(value, start) / count
    if not np.isfinite(mean).all():
        shared = np.add.reduceat(value / np.repeat(count, count), start)
        mean = np.where(np.isfinite(mean), mean, shared)  # the others stay as they are
    return np.clip(mean, low, high)
