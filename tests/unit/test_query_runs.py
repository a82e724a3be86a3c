"""The table of runs: who they are, how they are, and what became of their metrics."""

import math
from typing import Any

import pytest

from trackio.errors import InvalidInput, NotFound
from trackio.query.metrics import list_metrics
from trackio.query.project import Project
from trackio.query.runs import RunRow, find_run, list_runs
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter

LATER = START_S + 10_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_S)


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock=clock)


def rows(store: MemoryStore, now_s: float = LATER) -> list[RunRow]:
    return list_runs(Project(store, "p").view(), now_s)


def only(store: MemoryStore, now_s: float = LATER) -> RunRow:
    (row,) = rows(store, now_s)
    return row


def test_a_run_tells_what_its_meta_and_its_rows_say(store: MemoryStore):
    """Name, group, tags and notes from `meta.json`; config and host from its rows."""
    writer = HandWriter(store, "p", "run")
    writer.configure(lr=0.1, depth=3, name="ünï", flag=True, nothing=None, big=2**70)
    writer.put_meta("calm-heron", group="g", tags=("a", "b"), notes="why")
    writer.put()
    row = only(store)
    assert ("run", "calm-heron", "g", ("a", "b"), "why") == (
        row.run_id,
        row.name,
        row.group,
        row.tags,
        row.notes,
    )
    assert "laptop" == row.host
    expected: dict[str, Any] = {
        "lr": 0.1,
        "depth": 3,
        "name": "ünï",
        "flag": True,
        "nothing": None,
        "big": 2**70,
    }
    assert expected == row.config
    assert 1_000_000_000.0 == row.created_s


def test_of_several_values_of_a_config_key_the_latest_counts(store: MemoryStore):
    """By writer, then by call."""
    writer = HandWriter(store, "p", "run")
    writer.configure(lr=0.1, depth=3)
    writer.configure(lr=0.2)
    writer.put()
    later = HandWriter(store, "p", "run", start_s=START_S + 100)
    later.configure(depth=4)
    later.put()
    assert {"lr": 0.2, "depth": 4} == only(store).config


def test_a_finished_run_shows_the_summary_of_its_writer(store: MemoryStore):
    """No point is read for it: the summary is believed, whatever the points say."""
    writer = HandWriter(store, "p", "run")
    for value in (3.0, math.nan, 1.0, math.inf):
        writer.log({"loss": value})
    writer.finish()
    writer.put()
    row = only(store)
    stats = row.summary["loss"]
    assert ("finished", math.inf, 1.0, 3.0, 2.0, 4, 3) == (
        row.status,
        stats.last,
        stats.min,
        stats.max,
        stats.mean,
        stats.count,
        stats.step,
    )
    assert 3 == row.last_step
    assert row.ended_s == row.updated_s == START_S + 6


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_running_run_shows_what_a_finished_one_would(store: MemoryStore, is_finished: bool):
    """Summed up by us, over several shards, it is the same."""
    writer = HandWriter(store, "p", "run")
    writer.log({"loss": 3.0, "word": "one", "sometimes": True})
    writer.log({"loss": math.nan, "huge": 2**60 + 1})
    writer.log({"loss": -1.0, "word": "two"})
    writer.put(0, 2)
    writer.put(3)
    if is_finished:
        last = writer.finish()
        writer.put(4, last)
    summary = only(store).summary
    loss = summary["loss"]
    assert (-1.0, -1.0, 3.0, 1.0, 3, 2) == (
        loss.last,
        loss.min,
        loss.max,
        loss.mean,
        loss.count,
        loss.step,
    )
    assert (None, "two", 2) == (summary["word"].last, summary["word"].text, summary["word"].count)
    assert "true" == summary["sometimes"].text
    assert float(2**60) == summary["huge"].last


def test_what_the_user_puts_into_the_summary_counts_as_the_last_value(store: MemoryStore):
    """Beside what was counted; and it may be of no metric at all."""
    writer = HandWriter(store, "p", "run")
    writer.log({"loss": 3.0})
    writer.show(loss=0.5, best="here")
    writer.put()
    summary = only(store).summary
    assert (0.5, 3.0, 1) == (summary["loss"].last, summary["loss"].min, summary["loss"].count)
    assert "here" == summary["best"].text
    writer.finish()
    writer.put()
    assert summary == only(store).summary


def test_a_run_is_running_while_the_store_hears_of_it(store: MemoryStore, clock: ManualClock):
    """Silent for two heartbeats and half a minute, it has crashed."""
    writer = HandWriter(store, "p", "run")
    writer.log({"x": 1.0})
    writer.put()
    heard = clock.now_s()
    assert "running" == only(store, heard + 149).status
    assert only(store, heard + 149).ended_s is None
    crashed = only(store, heard + 151)
    assert "crashed" == crashed.status
    assert START_S + 1 == crashed.ended_s


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_a_run_that_ended_says_how(store: MemoryStore, state: str):
    """Its finish row does, however long ago."""
    writer = HandWriter(store, "p", "run")
    writer.finish(state)
    writer.put()
    assert state == only(store, LATER).status


def test_a_resumed_run_is_as_its_newest_attempt(store: MemoryStore, clock: ManualClock):
    """The attempt before it crashed; that is over."""
    first = HandWriter(store, "p", "run")
    first.log({"x": 1.0})
    first.put()
    clock.advance(1000)
    second = HandWriter(store, "p", "run", start_s=START_S + 1000, resumed_from=[first])
    second.put()
    row = only(store, clock.now_s())
    assert ("running", True, 2) == (row.status, row.resumed, row.writers)
    second.finish()
    second.put()
    assert "finished" == only(store, LATER).status


def test_a_run_of_many_ranks_ends_as_its_worst(store: MemoryStore, clock: ManualClock):
    """It runs while any rank does; one that crashed is not forgotten."""
    ranks = [HandWriter(store, "p", "run", label=f"rank {i}") for i in range(3)]
    ranks[0].finish()
    for rank in ranks:
        rank.put()
    assert "running" == only(store, clock.now_s()).status
    ranks[1].finish()
    ranks[1].put()
    assert "crashed" == only(store, LATER).status
    ranks[2].finish("failed")
    ranks[2].put()
    assert "failed" == only(store, LATER).status


def test_the_summary_of_a_resumed_run_leaves_out_what_was_abandoned(store: MemoryStore):
    """The spike at step 8 was never part of the line that was kept."""
    first = HandWriter(store, "p", "run")
    for step in range(10):
        first.log({"loss": 100.0 if step == 8 else float(step)}, step=step)
    first.log({"only first": 7.0}, step=10)
    first.put()
    second = HandWriter(store, "p", "run", start_s=START_S + 100, resumed_from=[first])
    for step in range(5, 7):
        second.log({"loss": float(step)}, step=step)
    second.finish()
    second.put()
    summary = only(store).summary
    loss = summary["loss"]
    assert (6.0, 0.0, 6.0, 7, 6, 3.0) == (
        loss.last,
        loss.min,
        loss.max,
        loss.count,
        loss.step,
        loss.mean,
    )
    assert 1 == summary["only first"].count


def test_ranks_are_summed_up_together(store: MemoryStore):
    """The last value is that of the first rank; the others are of all."""
    for number in range(2):
        writer = HandWriter(store, "p", "run", label=f"rank {number}", start_s=START_S + number)
        writer.log({"loss": float(number)})
        writer.put()
    stats = only(store).summary["loss"]
    assert (0.0, 0.0, 1.0, 0.5, 2) == (stats.last, stats.min, stats.max, stats.mean, stats.count)


def test_runs_come_newest_first(store: MemoryStore):
    """By when they were made, then by id."""
    for name, created in (("a", "2020"), ("b", "2022"), ("c", "2021")):
        HandWriter(store, "p", name).put_meta(name, created=f"{created}-01-01T00:00:00Z")
    assert ["b", "c", "a"] == [row.run_id for row in rows(store)]


def test_a_run_without_rows_yet_is_there(store: MemoryStore, clock: ManualClock):
    """Its first shard is on its way."""
    HandWriter(store, "p", "run").put_meta("new")
    row = only(store, clock.now_s())
    assert ("new", "running", None, {}) == (row.name, row.status, row.last_step, row.summary)
    assert "crashed" == only(store, LATER).status


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"name": 3}', b"{}"])
def test_a_damaged_meta_hides_no_run(store: MemoryStore, data: bytes):
    """It is known by its id, then."""
    writer = HandWriter(store, "p", "run")
    writer.put()
    store.put({"p/runs/run/meta.json": data})
    row = only(store)
    assert ("run", START_S) == (row.name, row.created_s)


def test_a_renamed_run_has_its_new_name(store: MemoryStore):
    """`meta.json` is the one file that changes."""
    writer = HandWriter(store, "p", "run")
    writer.put_meta("before")
    project = Project(store, "p")
    assert "before" == list_runs(project.view(), LATER)[0].name
    writer.put_meta("after")
    assert "after" == list_runs(project.refresh(), LATER)[0].name


def test_a_run_is_found_by_id_by_name_and_by_the_beginning_of_either(store: MemoryStore):
    """The whole wins over the beginning."""
    HandWriter(store, "p", "run-1").put_meta("calm-heron")
    HandWriter(store, "p", "run-10").put_meta("bold-heron")
    view = Project(store, "p").view()
    found = [find_run(view, text).run_id for text in ("run-1", "run-10", "calm-heron", "bold")]
    assert ["run-1", "run-10", "run-1", "run-10"] == found


def test_a_name_of_several_runs_is_ambiguous(store: MemoryStore):
    """The message names the candidates; nothing is guessed."""
    for run_id in ("one", "two"):
        HandWriter(store, "p", run_id).put_meta("same")
    view = Project(store, "p").view()
    with pytest.raises(InvalidInput, match=r"ambiguous.*one.*two"):
        find_run(view, "same")
    for missing in ("three", ""):
        with pytest.raises(NotFound, match="there is no run"):
            find_run(view, missing)


def test_metrics_come_in_the_order_of_first_logging(store: MemoryStore):
    """Of the newest run; what only older ones have follows."""
    old = HandWriter(store, "p", "old")
    old.log({"z": 1.0, "old only": 1.0})
    new = HandWriter(store, "p", "new", start_s=START_S + 10)
    new.log({"z": 1.0})
    new.log({"a": 1.0, "word": "text"})
    for writer in (old, new):
        writer.finish()
        writer.put()
    metrics = list_metrics(Project(store, "p").view())
    assert ["z", "a", "word", "old only"] == [metric.key for metric in metrics]
    assert [(2, 2), (1, 1), (1, 1), (1, 1)] == [(m.runs, m.points) for m in metrics]


def test_metrics_of_some_runs_and_of_another_kind_are_listed_apart(store: MemoryStore):
    """What the machine measured is no metric."""
    one, two = HandWriter(store, "p", "one"), HandWriter(store, "p", "two")
    one.log({"x": 1.0})
    two.log_system({"cpu": 0.5})
    two.log_system({"cpu": 0.6, "gpu": 0.5})
    one.put()
    two.put()
    view = Project(store, "p").view()
    assert ["x"] == [metric.key for metric in list_metrics(view)]
    assert [] == list_metrics(view, run_ids=["two"])
    system = list_metrics(view, "system")
    assert [("cpu", 2), ("gpu", 1)] == [(metric.key, metric.points) for metric in system]
