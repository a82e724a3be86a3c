"""Buckets: which points go together and what is said of them."""

import math

import numpy as np
import pytest

from trackio.sampling import choose_points, choose_shift, fill_buckets


@pytest.mark.parametrize(
    ("span", "target", "shift"),
    [(1, 300, 0), (300, 300, 0), (301, 300, 1), (600, 300, 1), (601, 300, 2), (10_000, 1500, 3)],
)
def test_the_width_is_the_smallest_that_needs_no_more_buckets(span: int, target: int, shift: int):
    """A power of two, no wider than it has to be."""
    assert shift == choose_shift(span, target)


def test_a_bucket_tells_of_the_finite_values_and_counts_the_others():
    """One NaN must not make the mean and the largest value NaN."""
    value = np.array([1.0, math.nan, 3.0, math.inf, -math.inf])
    buckets = fill_buckets(np.array([0, 0, 0, 1, 1]), value)
    assert [2, 0] == buckets.finite.tolist()
    assert [1, 2] == buckets.nonfinite.tolist()
    said = [buckets.mean[0], buckets.min[0], buckets.max[0], buckets.first[0], buckets.last[0]]
    assert [2.0, 1.0, 3.0, 1.0, 3.0] == said
    assert np.isnan([buckets.mean[1], buckets.min[1], buckets.first[1]]).all()


def test_points_of_another_series_go_into_another_bucket():
    """Two series may have the same bucket number beside each other."""
    buckets = fill_buckets(np.array([7, 7, 7]), np.array([1.0, 2.0, 3.0]), breaks=np.array([0, 2]))
    assert [0, 2] == buckets.start.tolist()
    assert [1.5, 3.0] == buckets.mean.tolist()


def test_a_mean_of_huge_values_lies_between_them():
    """Their sum is larger than any double; their mean is not."""
    buckets = fill_buckets(np.zeros(3, np.int64), np.array([1.7e308, 1.7e308, 1.6e308]))
    assert 1.6e308 < buckets.mean[0] < 1.7e308


def test_no_points_make_no_buckets():
    """Nothing in, nothing out."""
    empty = fill_buckets(np.zeros(0, np.int64), np.zeros(0), breaks=np.array([0]))
    assert 0 == len(empty.start)
    assert [] == choose_points(np.zeros(0, np.int64), np.zeros(0)).tolist()


def test_the_points_that_stand_for_a_bucket_are_its_first_last_smallest_and_largest():
    """They are points that were logged, in their order, none of them twice."""
    index = np.array([0, 0, 0, 0, 0, 1])
    value = np.array([5.0, 9.0, 6.0, 1.0, 4.0, math.nan])
    assert [0, 1, 3, 4, 5] == choose_points(index, value).tolist()
