"""Rows of a run, alerts, and what is new between two views."""

import math

import pytest

from trackio.errors import InvalidInput
from trackio.query.alerts import list_alerts
from trackio.query.changes import Added, added_series, changed_runs
from trackio.query.history import read_history, scan_history
from trackio.query.project import Project
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import START_S, HandWriter


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(params=[0, 4096], ids=["from files", "held"])
def project(request: pytest.FixtureRequest, store: MemoryStore) -> Project:
    return Project(store, "p", held_file_rows=request.param)


def test_a_row_holds_what_was_logged_at_its_step(store: MemoryStore, project: Project):
    """Calls at one step are one row; of two values of a key the later counts."""
    writer = HandWriter(store, "p", "run")
    writer.log({"a": 1.0}, step=0)
    writer.log({"b": "text", "flag": True, "none": None, "huge": 2**60 + 1}, step=0)
    writer.log({"a": 2.0, "c": math.nan}, step=1)
    writer.log({"a": 3.0}, step=1)
    writer.put()
    keys = ["a", "b", "c", "flag", "none", "huge"]
    first, second = read_history(project.view(), "run", keys)
    assert (0, START_S + 2) == (first.step, first.time_s)
    expected = {"a": 1.0, "b": "text", "flag": True, "none": None, "huge": 2**60 + 1}
    assert expected == first.values
    assert (1, 3.0) == (second.step, second.values["a"])
    assert math.isnan(second.values["c"])


def test_sampled_rows_are_rows_that_were_logged(store: MemoryStore, project: Project):
    """The first, the last and every spike are among them, whole, and always the same."""
    writer = HandWriter(store, "p", "run")
    for step in range(3000):
        writer.log({"a": 1000.0 if step == 1234 else step % 7, "b": -step})
    writer.put()
    view = project.view()
    rows = read_history(view, "run", ["a", "b"], samples=100)
    assert len(rows) <= 100
    steps = [row.step for row in rows]
    assert sorted(steps) == steps  # type: ignore[type-var]
    assert {0, 1234, 2999} <= set(steps)
    assert all(row.values["b"] == -(row.step or 0) for row in rows)
    assert rows == read_history(view, "run", ["a", "b"], samples=100)
    assert 3000 == len(read_history(view, "run", ["a"], samples=None))
    assert 3000 == len(read_history(view, "run", ["a"], samples=3000))


def test_too_few_samples_are_refused(store: MemoryStore, project: Project):
    """A bucket has four points that stand for it."""
    HandWriter(store, "p", "run").put()
    with pytest.raises(InvalidInput, match="4 or more"):
        read_history(project.view(), "run", ["a"], samples=3)


def test_along_time_every_call_is_a_row(store: MemoryStore, project: Project):
    """Two calls at one step were made one after the other."""
    writer = HandWriter(store, "p", "run")
    writer.log({"a": 1.0}, step=0)
    writer.log({"a": 2.0}, step=0)
    writer.log_system({"cpu": 0.5})
    writer.put()
    rows = read_history(project.view(), "run", ["a"], x="time")
    assert [(0, 1.0), (0, 2.0)] == [(row.step, row.values["a"]) for row in rows]
    (system,) = read_history(project.view(), "run", ["cpu"], kind="system")
    assert (None, {"cpu": 0.5}) == (system.step, system.values)


def test_scanning_gives_every_call_as_it_was_made(store: MemoryStore, project: Project):
    """In the order of the calls, whatever their steps."""
    writer = HandWriter(store, "p", "run")
    for step in (5, 3, 5):
        writer.log({"a": float(step), "b": "x"}, step=step)
    writer.log({"b": "y"}, step=9)
    writer.put(0, 2)
    writer.put(3)
    view = project.view()
    assert [5, 3, 5, 9] == [row.step for row in scan_history(view, "run")]
    assert [{"b": "x"}] * 3 + [{"b": "y"}] == [
        row.values for row in scan_history(view, "run", ["b"])
    ]
    assert [{"a": 3.0, "b": "x"}] == [
        row.values for row in scan_history(view, "run", min_step=3, max_step=5)
    ]


def test_scanning_takes_windows_of_calls(
    store: MemoryStore, project: Project, monkeypatch: pytest.MonkeyPatch
):
    """However many there are, each comes once."""
    monkeypatch.setattr("trackio.query.history._ROWS_AT_ONCE", 7)
    writer = HandWriter(store, "p", "run")
    for i in range(50):
        writer.log({"a": float(i), "b": float(i)})
    writer.put(0, 20)
    writer.put(15)
    rows = list(scan_history(project.view(), "run"))
    assert [{"a": float(i), "b": float(i)} for i in range(50)] == [row.values for row in rows]


def test_scanning_a_resumed_run_leaves_out_what_was_abandoned(store: MemoryStore, project: Project):
    """As the chart does; and a rank is named."""
    first = HandWriter(store, "p", "run")
    for step in range(4):
        first.log({"a": float(step), "b": 1.0}, step=step)
    second = HandWriter(store, "p", "run", start_s=START_S + 100, resumed_from=[first])
    second.log({"a": 20.0}, step=2)
    for writer in (first, second):
        writer.put()
    rows = [(row.step, row.values) for row in scan_history(project.view(), "run")]
    expected = [(0, {"a": 0.0, "b": 1.0}), (1, {"a": 1.0, "b": 1.0}), (2, {"b": 1.0})]
    assert [*expected, (3, {"b": 1.0}), (2, {"a": 20.0})] == rows


def test_alerts_come_oldest_first_and_can_be_chosen(store: MemoryStore, project: Project):
    """Of one run, of one level, since a time."""
    one, two = HandWriter(store, "p", "one"), HandWriter(store, "p", "two")
    one.at(START_S + 50).alert("late", "text", "error")
    one.at(START_S + 10).alert("early")
    two.at(START_S + 20).alert("other", level="info")
    one.put()
    two.put()
    view = project.view()
    assert ["early", "other", "late"] == [alert.title for alert in list_alerts(view)]
    (late,) = list_alerts(view, "one", "error", START_S + 20)
    assert ("late", "text", "error", None, 1) == (
        late.title,
        late.text,
        late.level,
        late.step,
        late.seq,
    )
    with pytest.raises(InvalidInput, match="info, warn, error"):
        list_alerts(view, level="loud")


def test_what_is_new_is_told_by_series(store: MemoryStore, project: Project):
    """How many rows, and from which step and time on."""
    writer, idle = HandWriter(store, "p", "run"), HandWriter(store, "p", "idle")
    for i in range(6):
        writer.log({"a": float(i)} | ({"b": 0.0} if i == 5 else {}))
    idle.put()
    writer.put(0, 3)
    old = project.view()
    assert [] == added_series(old, old)
    writer.put(2, 6)
    new = project.refresh()
    assert {"run"} == changed_runs(old, new)
    expected = [
        Added(run_id="run", kind="metric", key=key, rows=rows, first_step=step, first_time_s=time)  # type: ignore[arg-type]
        for key, rows, step, time in (("a", 3, 3, START_S + 4), ("b", 1, 5, START_S + 6))
    ]
    assert expected == added_series(old, new)


def test_a_merge_is_nothing_new(store: MemoryStore, project: Project):
    """Other files, the same rows."""
    writer = HandWriter(store, "p", "run")
    writer.log({"a": 1.0})
    writer.put(0, 0)
    parts = [writer.put(1, 1)]
    old = project.view()
    writer.put(0, 1)
    store.delete(parts)
    new = project.refresh()
    assert old is not new
    assert set() == changed_runs(old, new)
    assert [] == added_series(old, new)


def test_rows_that_come_late_are_new_when_they_come(store: MemoryStore, project: Project):
    """What follows them was there before."""
    writer = HandWriter(store, "p", "run")
    for i in range(6):
        writer.log({"a": float(i)})
    writer.put(0, 2)
    writer.put(5, 6)
    old = project.view()
    writer.put(3, 4)
    (added,) = added_series(old, project.refresh())
    assert (2, 2) == (added.rows, added.first_step)


def test_a_new_attempt_makes_its_series_anew(store: MemoryStore, project: Project):
    """What it took over from the attempt before is gone from the chart."""
    first = HandWriter(store, "p", "run")
    first.log({"a": 1.0}, step=0)
    first.put()
    old = project.view()
    second = HandWriter(store, "p", "run", start_s=START_S + 100, resumed_from=[first])
    second.log({"a": 2.0}, step=0)
    second.put()
    new = project.refresh()
    added = {one.key: one for one in added_series(old, new)}
    assert (1, None, None) == (added["a"].rows, added["a"].first_step, added["a"].first_time_s)


def test_runs_that_came_went_or_were_renamed_have_changed(store: MemoryStore, project: Project):
    """Without a row read."""
    for name in ("stays", "renamed", "deleted"):
        writer = HandWriter(store, "p", name)
        writer.put_meta(name)
        writer.put()
    old = project.view()
    HandWriter(store, "p", "renamed").put_meta("new name")
    HandWriter(store, "p", "came").put()
    store.put({f"p/deleted/deleted/{'f' * 24}": b""})
    assert {"renamed", "deleted", "came"} == changed_runs(old, project.refresh())
