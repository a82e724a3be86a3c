"""Points of metrics: all of them, and in buckets."""

import math

import numpy as np
import pytest

from trackio.errors import InvalidInput
from trackio.query.buckets import read_buckets
from trackio.query.project import Project
from trackio.query.series import Series, read_series
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import START_S, HandWriter


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(params=[0, 4096], ids=["from files", "held"])
def project(request: pytest.FixtureRequest, store: MemoryStore) -> Project:
    return Project(store, "p", held_file_rows=request.param)


def points(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def test_values_come_back_as_they_were_logged(store: MemoryStore, project: Project):
    """NaN and the infinities, bools as 1 and 0, and no text."""
    writer = HandWriter(store, "p", "run")
    for value in (1.5, math.nan, math.inf, -math.inf, True, False, "text", None, 2**60, -0.0):
        writer.log({"x": value})
    writer.put()
    (series,) = read_series(project.view(), ["run"], ["x"])
    expected = [1.5, math.nan, math.inf, -math.inf, 1.0, 0.0, 2.0**60, -0.0]
    np.testing.assert_array_equal(np.array(expected), series.values)
    assert [0, 1, 2, 3, 4, 5, 8, 9] == series.steps.tolist()
    assert np.int64 == series.steps.dtype
    assert START_S + 1 == series.times_s[0]


def test_points_come_by_step_and_then_as_they_were_logged(store: MemoryStore, project: Project):
    """Steps may come in any order and more than once."""
    writer = HandWriter(store, "p", "run")
    for value, step in enumerate([5, -3, 5, 0, 5, 2**60]):
        writer.log({"x": float(value)}, step=step)
    writer.put(0, 3)
    writer.put(4)
    (series,) = read_series(project.view(), ["run"], ["x"])
    assert [(-3, 1.0), (0, 3.0), (5, 0.0), (5, 2.0), (5, 4.0), (2**60, 5.0)] == points(series)


def test_series_come_by_run_line_and_key_as_they_were_asked_for(
    store: MemoryStore, project: Project
):
    """Each once, and only those that have points."""
    for run_id in ("a", "b"):
        writer = HandWriter(store, "p", run_id)
        writer.log({"x": 1.0, "y": 2.0})
        writer.put()
    found = read_series(project.view(), ["b", "a", "b", "none"], ["y", "x", "none", "y"])
    assert [("b", "y"), ("b", "x"), ("a", "y"), ("a", "x")] == [(s.run_id, s.key) for s in found]
    assert {""} == {series.label for series in found}


def test_nothing_asked_for_is_nothing_found(store: MemoryStore, project: Project):
    """No runs, no keys, or no such kind."""
    HandWriter(store, "p", "run").put()
    view = project.view()
    assert [] == read_series(view, [], ["x"])
    assert [] == read_series(view, ["run"], [])
    assert [] == read_series(view, ["run"], ["x"], kind="unheard of")
    assert [] == read_buckets(view, [], [])


def test_what_a_machine_measured_has_no_step(store: MemoryStore, project: Project):
    """Its points are told apart by time."""
    writer = HandWriter(store, "p", "run")
    for value in (0.5, 0.7):
        writer.log_system({"cpu": value})
    writer.put()
    view = project.view()
    (series,) = read_series(view, ["run"], ["cpu"], kind="system", x="time")
    assert np.isnan(series.steps).all()
    assert [START_S + 1, START_S + 2] == series.times_s.tolist()
    assert [] == read_buckets(view, ["run"], ["cpu"], kind="system")
    (buckets,) = read_buckets(view, ["run"], ["cpu"], kind="system", x="relative")
    assert [1.0, 2.0] == buckets.x_first.tolist()


@pytest.mark.parametrize(
    ("axis", "lo", "hi"),
    [
        ("step", 3, 5),
        ("step", 2.5, 5.5),
        ("time", START_S + 4, START_S + 6),
        ("relative", 4.0, 6.0),
    ],
)
def test_a_window_holds_its_bounds(
    store: MemoryStore, project: Project, axis: str, lo: float, hi: float
):
    """In steps, in seconds since 1970, and in seconds since the run started."""
    writer = HandWriter(store, "p", "run")
    for i in range(10):
        writer.log({"x": float(i)})
    writer.put()
    view = project.view()
    (series,) = read_series(view, ["run"], ["x"], x=axis, lo=lo, hi=hi)  # type: ignore[arg-type]
    assert [3.0, 4.0, 5.0] == series.values.tolist()
    (open_end,) = read_series(view, ["run"], ["x"], x=axis, lo=lo, hi=math.inf)  # type: ignore[arg-type]
    assert 7 == len(open_end.values)
    assert [] == read_series(view, ["run"], ["x"], x=axis, lo=hi, hi=lo)  # type: ignore[arg-type]


def test_an_axis_or_bound_that_makes_no_sense_is_refused(store: MemoryStore, project: Project):
    """With what would."""
    HandWriter(store, "p", "run").put()
    view = project.view()
    with pytest.raises(InvalidInput, match="step, time, relative"):
        read_series(view, ["run"], ["x"], x="epoch")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="not NaN"):
        read_series(view, ["run"], ["x"], lo=math.nan)
    with pytest.raises(InvalidInput, match="power of two"):
        read_buckets(view, ["run"], ["x"], width=12)


def test_a_resumed_run_is_one_straight_line(store: MemoryStore, project: Project):
    """Crashed at step 10, resumed from the checkpoint at step 5, and again from step 8."""
    first = HandWriter(store, "p", "run")
    for step in range(11):
        first.log({"loss": 100.0 + step, "early": 1.0}, step=step)
    second = HandWriter(store, "p", "run", start_s=START_S + 100, resumed_from=[first])
    for step in range(5, 12):
        second.log({"loss": 200.0 + step}, step=step)
    third = HandWriter(store, "p", "run", start_s=START_S + 200, resumed_from=[first, second])
    for step in range(8, 10):
        third.log({"loss": 300.0 + step}, step=step)
    for writer in (first, second, third):
        writer.put()
    loss, early = read_series(project.view(), ["run"], ["loss", "early"])
    expected = [*range(100, 105), *range(205, 208), *range(308, 310)]
    assert [float(value) for value in expected] == loss.values.tolist()
    assert list(range(10)) == loss.steps.tolist()
    assert 11 == len(early.values)


def test_counted_steps_of_a_resumed_run_go_on(store: MemoryStore, project: Project):
    """Each attempt counts from 0; the line does not."""
    previous: list[HandWriter] = []
    for attempt in range(3):
        writer = HandWriter(
            store, "p", "run", start_s=START_S + 100 * attempt, resumed_from=previous
        )
        for i in range(4):
            writer.log({"x": attempt + i / 10})
        writer.put()
        previous.append(writer)
    (series,) = read_series(project.view(), ["run"], ["x"])
    assert list(range(12)) == series.steps.tolist()
    (zoomed,) = read_series(project.view(), ["run"], ["x"], lo=4, hi=7)
    assert [1.0, 1.1, 1.2, 1.3] == zoomed.values.tolist()


def test_ranks_are_series_of_their_own(store: MemoryStore, project: Project):
    """They log side by side; none abandons what another logged."""
    for rank in range(2):
        writer = HandWriter(store, "p", "run", label=f"rank {rank}", start_s=START_S + rank / 1000)
        for i in range(3):
            writer.log({"x": float(rank)}, step=i)
        writer.put()
    found = read_series(project.view(), ["run"], ["x"])
    assert [("rank 0", [0.0] * 3), ("rank 1", [1.0] * 3)] == [
        (series.label, series.values.tolist()) for series in found
    ]


def test_two_live_processes_of_one_run_are_not_merged(store: MemoryStore, project: Project):
    """Nobody meant it, so it must be seen."""
    for number in range(2):
        writer = HandWriter(store, "p", "run", start_s=START_S + number)
        writer.log({"x": 1.0})
        writer.log({"x": 2.0})
        writer.put()
    found = read_series(project.view(), ["run"], ["x"])
    assert ["writer 1", "writer 2"] == [series.label for series in found]


def test_buckets_begin_at_multiples_of_their_width(store: MemoryStore, project: Project):
    """Wherever the window does, so that a closed bucket never changes."""
    writer = HandWriter(store, "p", "run")
    for i in range(1000):
        writer.log({"x": float(i)})
    writer.put()
    view = project.view()
    (all_of_it,) = read_buckets(view, ["run"], ["x"], target=300)
    assert (4, 250) == (all_of_it.width, len(all_of_it.index))
    assert [0.0, 3.0, 1.5, 0.0, 3.0] == [
        all_of_it.min[0],
        all_of_it.max[0],
        all_of_it.mean[0],
        all_of_it.first[0],
        all_of_it.last[0],
    ]
    (zoomed,) = read_buckets(view, ["run"], ["x"], width=4, lo=10, hi=21)
    assert [2, 3, 4, 5] == zoomed.index.tolist()
    assert [10, 12, 16, 20] == zoomed.x_first.tolist()
    assert [11, 15, 19, 21] == zoomed.x_last.tolist()
    assert [2, 4, 4, 2] == zoomed.finite.tolist()


def test_few_points_are_shown_as_they_are(store: MemoryStore, project: Project):
    """A window that is narrow enough has buckets of width 1."""
    writer = HandWriter(store, "p", "run")
    for i in range(5000):
        writer.log({"x": float(i)})
    writer.put()
    (zoomed,) = read_buckets(project.view(), ["run"], ["x"], lo=100, hi=399, target=300)
    assert (1, 300) == (zoomed.width, len(zoomed.index))
    (exact,) = read_buckets(project.view(), ["run"], ["x"], target=None)
    assert (1, 5000) == (exact.width, len(exact.index))


def test_all_runs_of_a_metric_have_buckets_of_one_width(store: MemoryStore, project: Project):
    """So that they can be drawn, and averaged, beside each other."""
    for run_id, length in (("long", 1000), ("short", 10)):
        writer = HandWriter(store, "p", run_id)
        for i in range(length):
            writer.log({"x": float(i)})
        writer.put()
    found = read_buckets(project.view(), ["long", "short"], ["x"], target=100)
    assert [16, 16] == [buckets.width for buckets in found]


def test_time_is_bucketed_in_milliseconds_and_told_in_seconds(store: MemoryStore, project: Project):
    """Since 1970, or since the run started."""
    writer = HandWriter(store, "p", "run")
    for i in range(8):
        writer.at(START_S + i / 1000).log({"x": float(i)})
    writer.put()
    view = project.view()
    (wall,) = read_buckets(view, ["run"], ["x"], x="time", width=4)
    assert [int(START_S * 1000) // 4, int(START_S * 1000) // 4 + 1] == wall.index.tolist()
    assert START_S + 0.007 == wall.x_last[-1]
    (relative,) = read_buckets(view, ["run"], ["x"], x="relative", width=4)
    assert ([0, 1], [0.0, 0.004]) == (relative.index.tolist(), relative.x_first.tolist())
