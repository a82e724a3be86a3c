"""What charts show beside buckets, for any points: compared with brute force in Python."""

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trackio.model import RunId
from trackio.query.against import FINE_BITS, read_against
from trackio.query.project import Project
from trackio.query.smooth import Kind, Smoothing, smooth_at
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import HandWriter

law = settings(deadline=None, max_examples=60)
numbers = st.floats(-1e6, 1e6, allow_subnormal=False) | st.sampled_from(
    [math.nan, math.inf, -math.inf]
)
logged = st.lists(
    st.tuples(st.integers(-40, 40), st.dictionaries(st.sampled_from("xy"), numbers, min_size=1)),
    min_size=1,
    max_size=40,
)
gaps = st.integers(0, 50) | st.just(10_000)
lines = st.lists(st.tuples(gaps, numbers), min_size=1, max_size=60)
reaches = st.integers(0, 500).map(lambda n: n + 0.3)  # no point lies just at the edge


def weight(kind: Kind, distance: float, reach: float) -> float:
    """How much a point counts that lies so far ahead (negative: behind)."""
    if kind == "ema":
        return math.exp(distance / reach) if distance <= 0 else 0.0
    if kind == "mean":
        return float(abs(distance) <= reach)
    sigma = reach / 2
    return math.exp(-0.5 * (distance / sigma) ** 2) if abs(distance) <= 5 * sigma else 0.0


@law
@given(lines, st.sampled_from(["ema", "gaussian", "mean"]), reaches)
def test_smoothing_is_what_its_definition_says_of_all_points(
    line: Sequence[tuple[int, float]], kind: Kind, reach: float
) -> None:
    """Irregular places, equal places, values that are no numbers, reaches of any length."""
    x = np.cumsum([gap for gap, _ in line]).astype(np.float64)
    y = np.array([value for _, value in line])
    found = smooth_at(x, y, Smoothing(kind=kind, reach=reach), np.arange(len(x)))
    for i, shown in enumerate(found.tolist()):
        until = range(i + 1) if kind == "ema" else range(len(x))
        known = [j for j in until if math.isfinite(y[j])]
        last = max(known, default=None) if kind == "ema" else i
        weights = [] if last is None else [weight(kind, x[j] - x[last], reach) for j in known]
        total = math.fsum(weights)
        if total == 0:
            assert math.isnan(shown)
            continue
        expected = math.fsum(w * y[j] for w, j in zip(weights, known, strict=True)) / total
        size = max(1.0, *(abs(float(y[j])) for j in known))
        assert math.isclose(expected, shown, rel_tol=1e-9, abs_tol=1e-9 * size)


def test_numbers_too_small_to_tell_apart_are_one_place() -> None:
    """The least number there is makes buckets like any other."""
    writer = HandWriter(MemoryStore(), "p", "run")
    for step, x in enumerate([5e-324, -5e-324, 0.0]):
        writer.log({"x": x, "y": float(step)}, step)
    writer.put()
    found = read_against(Project(writer.store, "p").view(), ["run"], ["y"], "x")
    assert 3 == sum(int(series.finite.sum()) for series in found)


@law
@given(logged, st.integers(2, 40))
def test_another_metric_as_x_loses_no_point_and_no_extreme(
    calls: Sequence[tuple[int, dict[str, float]]], target: int
) -> None:
    """Each point stands where the other metric was last; buckets hold its lowest and highest."""
    writer = HandWriter(MemoryStore(), "p", "run")
    for step, data in calls:
        writer.log(data, step)
    writer.put()
    view = Project(writer.store, "p").view()
    found = read_against(view, [RunId(writer.run_id)], ["y"], "x", target=target)
    expected = located(calls)
    assert bool(expected) == bool(found)
    for series in found:
        buckets: dict[int, list[float]] = {}
        for place, value in expected:
            buckets.setdefault(math.floor(place / series.width), []).append(value)
        assert sorted(buckets) == series.index.tolist()
        assert len(buckets) <= target + 1
        for i, index in enumerate(series.index.tolist()):
            finite = [value for value in buckets[index] if math.isfinite(value)]
            counts = (len(finite), len(buckets[index]) - len(finite))
            assert counts == (series.finite[i], series.nonfinite[i])
            if finite:
                assert (min(finite), max(finite)) == (series.min[i], series.max[i])
            first = min(p for p, _ in expected if math.floor(p / series.width) == index)
            at = (index + series.offset[i] / (1 << FINE_BITS)) * series.width
            assert 0 <= first - at <= series.width / (1 << FINE_BITS) * 1.001


def located(calls: Sequence[tuple[int, dict[str, float]]]) -> list[tuple[float, float]]:
    """The points of y with what x said last at or before their step."""
    places = [
        (step, number, data["x"])
        for number, (step, data) in enumerate(calls)
        if "x" in data and math.isfinite(data["x"])
    ]
    found = []
    for step, data in calls:
        before = [place for place in places if place[0] <= step]
        if "y" in data and before:
            found.append((max(before)[2], data["y"]))
    return found
