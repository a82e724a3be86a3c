"""Comparing, diagnosing, finding violations, and asking several projects at once."""

import math
import sys

import pytest

from trackio.errors import InvalidInput, LimitExceeded
from trackio.query.compare import compare
from trackio.query.confine import confined
from trackio.query.diagnose import diagnose
from trackio.query.project import Project
from trackio.query.runs import find_run, list_runs
from trackio.query.sandbox import Limits
from trackio.query.sandbox_many import run_sql_over
from trackio.query.tail import read_lines
from trackio.query.violations import Bounds, find_violations, forget_others
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter
from trackio.upkeep.tag import tag_run


@pytest.fixture
def clock():
    return ManualClock(START_S + 1000)


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock)


def _symptoms(store, clock, values, *, finish=True, every_s=1.0):
    """What is said of a run that logged these."""
    writer = HandWriter(store, "p", "r")
    for place, value in enumerate(values):
        writer.at(START_S + place * every_s).log({"loss": value})
    if finish:
        writer.finish()
    writer.put()
    view = Project(store, "p", clock=clock).view()
    return [(s.level, s.kind, s.step) for s in diagnose(view, list_runs(view, view.now_s))]


def _falling(count):
    return [math.exp(-i / 40) + 0.01 * math.sin(i * 7) for i in range(count)]


def test_a_healthy_run_has_no_symptoms(store, clock):
    """Noise and a steady fall are no news."""
    assert [] == _symptoms(store, clock, _falling(100))


def test_values_that_are_not_finite_are_an_error_while_they_last(store, clock):
    """Later on they are a warning."""
    values = _falling(100)
    values[50] = math.inf
    assert [("warn", "nonfinite", 50)] == _symptoms(store, clock, values)


def test_a_run_that_ends_in_nan_is_an_error(store, clock):
    """From the first such step on."""
    assert ("error", "nonfinite", 60) in _symptoms(store, clock, _falling(60) + [math.nan] * 40)


def test_a_spike_is_found_however_small_the_rest_is(store, clock):
    """By what is usual for this metric."""
    values = _falling(100)
    values[70] += 5.0
    assert [("warn", "spike", 70)] == _symptoms(store, clock, values)


def test_a_plateau_is_found_where_it_begins(store, clock):
    """A metric that never moved has none."""
    moved = [1.0 - min(i, 50) / 50 for i in range(200)]
    assert [("info", "plateau", 140)] == _symptoms(store, clock, moved)
    assert [] == _symptoms(MemoryStore(clock=clock), clock, [1.0] * 200)


def test_a_run_that_stands_still_or_crashed_is_told(clock):
    """It stands still while it sends heartbeats; without them it has crashed."""
    store = MemoryStore(clock=clock)
    assert [("warn", "stall", 39)] == _symptoms(
        store, clock, _falling(40), finish=False, every_s=0.1
    )
    clock.advance(10_000)
    view = Project(store, "p", clock=clock).view()
    assert ["crashed"] == [s.kind for s in diagnose(view, list_runs(view, view.now_s))]


def test_comparing_tells_what_differs_and_what_is_shared(store, clock):
    """A missing key is a difference too."""
    for number, config in enumerate(({"lr": 1, "seed": 7}, {"lr": 2, "seed": 7, "new": "x"})):
        writer = HandWriter(store, "p", f"r{number}")
        writer.configure(**config)
        writer.log({"loss": float(number)})
        writer.finish()
        writer.put()
    view = Project(store, "p", clock=clock).view()
    found = compare([find_run(view, f"r{number}") for number in range(2)])
    assert ({"lr": [1, 2], "new": [None, "x"]}, {"seed": 7}) == (found.config, found.same)
    assert [0.0, 1.0] == [stats.last for stats in found.summary["loss"]]


def test_the_first_violation_of_each_metric_is_found_across_files(store, clock):
    """What was found in a file is remembered, and dropped with it."""
    writer = HandWriter(store, "p", "r")
    for value in (1.0, math.nan, 5.0, 9.0, math.inf):
        writer.log({"a": value, "b": 0.0})
    writer.put(0, 3)
    writer.put(4, 5)
    project = Project(store, "p", clock=clock)
    known = {}
    view = project.view()
    (high,) = find_violations(view, ["r"], Bounds(above=4.0, below=-1.0), known)
    assert ("a", 3, 2, 5.0, 3) == (high.key, high.seq, high.step, high.value, high.points)
    (bad,) = find_violations(view, ["r"], Bounds(nonfinite=True), known)
    assert (2, 1, 2) == (bad.seq, bad.step, bad.points)
    assert 4 == len(known)
    writer.put(0, 5)
    forget_others(known, project.refresh())
    assert {} == known


@pytest.mark.parametrize("held", [0, 1000])
def test_several_projects_are_asked_at_once(tmp_path, clock, held):
    """Files in memory and on disk; a name cannot break the statement."""
    store = Directory(tmp_path)
    names = ["a", "it's; b"]
    for count, name in enumerate(names, 1):
        for number in range(count):
            writer = HandWriter(store, name, f"r{number}")
            writer.log({"loss": float(count)})
            writer.put()
    views = {name: Project(store, name, clock=clock, held_file_rows=held).view() for name in names}
    sql = "SELECT project, count(*) AS n, max(value) AS v FROM metrics GROUP BY ALL ORDER BY ALL"
    wanted = [{"project": "a", "n": 1, "v": 1.0}, {"project": "it's; b", "n": 2, "v": 2.0}]
    assert wanted == run_sql_over(views, sql, Limits()).to_pylist()
    assert [wanted[1]] == run_sql_over(views, sql, Limits(max_rows=1, offset=1)).to_pylist()
    runs = run_sql_over(views, "SELECT project, run_id FROM runs ORDER BY ALL", Limits())
    assert 3 == runs.num_rows
    for refused in ("DROP VIEW metrics", "SELECT * FROM read_csv('/etc/passwd')"):
        with pytest.raises(InvalidInput):
            run_sql_over(views, refused, Limits())
    with pytest.raises(InvalidInput, match="no project"):
        run_sql_over({}, sql, Limits())


@pytest.mark.skipif(sys.platform != "linux", reason="the system limits no memory elsewhere")
def test_memory_beyond_the_limit_is_refused_and_given_back(store, clock):
    """The limit of a query is no limit of what comes after it."""
    import resource

    writer = HandWriter(store, "p", "r")
    writer.put()
    views = {"p": Project(store, "p", clock=clock).view()}
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(LimitExceeded):
        run_sql_over(views, "SELECT length(repeat('x', 4000000000))", Limits())
    assert before == resource.getrlimit(resource.RLIMIT_DATA)
    with confined(0), confined(0):
        assert before != resource.getrlimit(resource.RLIMIT_DATA)
    assert before == resource.getrlimit(resource.RLIMIT_DATA)


def test_lines_join_what_one_call_logged(store, clock):
    """By time, also from a moment on."""
    writer = HandWriter(store, "p", "r")
    writer.log({"a": 1.0, "b": 2.0})
    writer.log({"a": 3.0})
    writer.put()
    view = Project(store, "p", clock=clock).view()
    lines = read_lines(view, "r", ["a", "b"])
    assert [{"a": 1.0, "b": 2.0}, {"a": 3.0}] == [dict(line.values) for line in lines]
    assert lines[1:] == read_lines(view, "r", ["a", "b"], lines[1].time_s)


def test_tags_change_and_nothing_else(store, clock):
    """Saying what is so already writes nothing."""
    writer = HandWriter(store, "p", "r")
    key = writer.put_meta("calm", tags=("a", "b"), notes="n")
    meta = tag_run(store, "p", writer.run_id, add=["c", "a"], remove=["b"], clock=clock)
    assert (("a", "c"), "calm", "n", True) == (
        meta.tags,
        meta.name,
        meta.notes,
        bool(meta.edited_at),
    )
    version = next(entry.version for entry in store.list() if entry.key == key)
    tag_run(store, "p", writer.run_id, add=["c"], clock=clock)
    assert version == next(entry.version for entry in store.list() if entry.key == key)
    assert None is tag_run(store, "p", writer.run_id, notes="", clock=clock).notes
