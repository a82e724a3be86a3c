"""`init`, `log`, `alert`, `finish` as people call them, and what is stored of it."""

import asyncio
import logging
import math
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import orjson
import pytest

import trackio
from trackio import asked, current, keys, shard
from trackio.catalog import list_project, list_projects
from trackio.errors import InvalidInput, NotFound, StoreUnavailable
from trackio.ids import make_name
from trackio.meta import decode_meta
from trackio.model import ALERT, CONFIG, METRIC, RUN, SUMMARY, SYSTEM
from trackio.store import open_store
from trackio.store.memory import open_memory

RUN_KEYS = ("id", "name", "project", "group", "config", "summary")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    monkeypatch.setattr(asked, "_told", set())
    yield tmp_path
    while current._latest or current._current.get():
        trackio.finish()


def _rows(home, kind=None, project="p"):
    """The rows of a project: key, value or text, step."""
    store = open_store(home)
    found = []
    for run in list_project(store, project).runs.values():
        for files in run.writers.values():
            for taken in files.cover.taken:
                _, table = shard.decode(store.get(str(taken.key)))
                found += table.to_pylist()
    found.sort(key=lambda row: (row["writer_id"], row["seq"], row["key"]))
    return [row for row in found if kind in (None, row["kind"])]


def _values(home, kind=METRIC):
    """Key and what was stored under it, in order."""
    return [
        (row["key"], row["value"] if row["text"] is None else orjson.loads(row["text"]))
        for row in _rows(home, kind)
    ]


def _steps(home):
    return [(row["step"], row["auto"]) for row in _rows(home, METRIC)]


def _meta(home, run):
    return decode_meta(open_store(home).get(str(keys.MetaKey(run.project, run.id))))


def _warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# init


def test_without_arguments_a_run_has_a_project_and_a_name(home):
    """Nobody has to think of one to begin."""
    run = trackio.init()
    assert "uncategorized" == run.project
    assert 3 == len(run.name.split("-"))
    assert (None, {}, {}) == (run.group, run.config, run.summary)
    assert repr(run) == f"<trackio.Run uncategorized/{run.name} id={run.id}>"
    assert trackio.finish().is_complete
    assert ["uncategorized"] == list_projects(open_store(home))


def test_what_is_said_of_a_run_is_stored(home):
    """Name, group, tags, notes; the config flattened; who ran it where."""
    run = trackio.init(
        "p",
        "a name/with: anything",
        "g",
        config={"lr": 0.1, "opt": {"name": "adam", "betas": [0.9, 0.99]}, "seed": None},
        tags=["x", "ü"],
        notes="first\nsecond",
    )
    run.finish()
    meta = _meta(home, run)
    assert ("a name/with: anything", "g", ("x", "ü"), "first\nsecond", None) == (
        meta.name,
        meta.group,
        meta.tags,
        meta.notes,
        meta.edited_at,
    )
    assert meta.created.endswith("+00:00")
    assert {"lr": 0.1, "opt/name": "adam", "opt/betas": [0.9, 0.99], "seed": None} == dict(
        _values(home, CONFIG)
    )
    start = orjson.loads(_rows(home, RUN)[0]["text"])
    assert {"label", "host", "pid", "user", "python", "trackio", "command", "resumed_from"} == set(
        start
    )
    assert trackio.__version__ == start["trackio"]


def test_one_tag_may_be_a_word(home):
    """It is not taken for a list of letters."""
    run = trackio.init("p", tags="baseline")
    run.finish()
    assert ("baseline",) == _meta(home, run).tags


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"project": "a" * 256}, "255"),
        ({"project": "con"}, "Windows"),
        ({"project": 5}, "text"),
        ({"project": "\ud800"}, "Unicode"),
        ({"name": ""}, "empty"),
        ({"name": "x" * 300}, "255"),
        ({"name": 7}, "text"),
        ({"group": 7}, "group"),
        ({"group": "\ud800"}, "group"),
        ({"notes": ["a"]}, "notes"),
        ({"tags": [1]}, "tag"),
        ({"tags": 1}, "tags"),
        ({"config": [1]}, "config"),
        ({"config": "lr=1"}, "config"),
        ({"resume": "maybe"}, "never, allow, must"),
        ({"resume": "must"}, "needs the name"),
        ({"store": "gopher://x"}, "gopher"),
    ],
)
def test_a_wrong_argument_is_refused_at_once_and_says_why(home, wrong, why):
    """Before anything is written, and before the run so far is ended."""
    before = trackio.init("q")
    with pytest.raises(InvalidInput, match=why):
        trackio.init(**{"project": "p", **wrong})
    trackio.log({"still": 1})
    before.finish()
    assert [("still", 1.0)] == [(r["key"], r["value"]) for r in _rows(home, METRIC, "q")]
    assert ["q"] == list_projects(open_store(home))


def test_arguments_of_other_trackers_are_accepted_and_named_once(capsys):
    """Scripts for wandb run as they are."""
    for _ in range(2):
        trackio.init("p", entity="team", mode="online", save_code=True, sync_tensorboard=1).finish()
    said = capsys.readouterr().err
    assert 1 == said.count("trackio:")
    assert "save_code, sync_tensorboard" in said


def test_calls_without_a_run_say_what_to_do():
    """Each names itself."""
    for name, arguments in (
        ("log", [{"a": 1}]),
        ("log_system", [{"a": 1}]),
        ("alert", ["t"]),
        ("flush", []),
        ("finish", []),
    ):
        with pytest.raises(InvalidInput, match=rf"init\(\) before trackio.{name}\(\)"):
            getattr(trackio, name)(*arguments)
    assert {} == trackio.config == trackio.summary


def test_a_config_that_cannot_be_stored_is_left_out_and_named(home, caplog):
    """The rest of it is kept, and so is the run."""
    trackio.init("p", config={"lr": 1, "model": object(), "deep": {"f": len}})
    trackio.finish()
    assert [("lr", 1.0)] == _values(home, CONFIG)
    assert ["model", "deep/f"] == [said.split("'")[1] for said in _warnings(caplog)]


# log


def test_values_are_stored_with_their_steps(home):
    """Counted where none is given, past any larger one."""
    trackio.init("p")
    trackio.log({"a": 1})
    trackio.log({"a": 2}, step=10)
    trackio.log({"a": 3})
    trackio.log({"a": 4}, step=-2)
    trackio.finish()
    assert [("a", 1.0), ("a", 2.0), ("a", 3.0), ("a", 4.0)] == _values(home)
    assert [(0, True), (10, False), (11, True), (-2, False)] == _steps(home)


class Scalar:
    """As torch's tensor of one element."""

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value

    def __int__(self):
        return int(self.value)

    def __eq__(self, other):
        return Scalar(self.value == other)

    def __bool__(self):
        return bool(self.value)

    __hash__ = None


class Broken:
    """Whatever is asked of it fails."""

    def __int__(self):
        raise RuntimeError("no")

    __float__ = __str__ = __repr__ = __eq__ = __iter__ = item = __int__

    def __hash__(self):
        return 1


@pytest.mark.parametrize(
    ("step", "whole"),
    [
        (np.int64(7), 7),
        (np.int64(2**60 + 1), 2**60 + 1),
        (np.float32(3.0), 3),
        (4.0, 4),
        (True, 1),
        (Scalar(5), 5),
        (Fraction(6, 2), 3),
        (2**62, 2**62),
        (-(2**62), -(2**62)),
    ],
)
def test_a_step_may_be_any_whole_number(home, caplog, step, whole):
    """As the training loop has it, down to the last digit."""
    trackio.init("p")
    trackio.log({"a": 1}, step=step)
    trackio.finish()
    assert [(whole, False)] == _steps(home)
    assert [] == _warnings(caplog)


@pytest.mark.parametrize(
    "step",
    [2**62 + 1, 10**30, -(2**63), 1.5, math.nan, math.inf, "5", [1], Broken(), np.zeros(2), 1j],
    ids=lambda step: type(step).__name__,
)
def test_any_other_step_is_counted_with_one_warning(home, caplog, step):
    """The values are kept, and what comes after them is published."""
    trackio.init("p")
    for _ in range(2):
        trackio.log({"a": 1}, step=step)
    assert trackio.finish().is_complete
    assert [(0, True), (1, True)] == _steps(home)
    (said,) = _warnings(caplog)
    assert "step" in said


def test_counting_goes_on_after_the_largest_step(home):
    """No step is too large to be followed by another."""
    trackio.init("p")
    trackio.log({"a": 1}, step=2**62)
    trackio.log({"a": 2})
    assert trackio.finish().is_complete
    assert [(2**62, False), (2**62 + 1, True)] == _steps(home)


@pytest.mark.parametrize(
    "bad",
    [object(), Broken(), np.zeros(3), b"x", 1j, [object()], (n for n in ""), {Broken(): 1}],
    ids=lambda bad: type(bad).__name__,
)
def test_log_never_raises_and_keeps_the_rest_of_the_call(home, caplog, bad):
    """One warning, however often, that names the key."""
    trackio.init("p")
    for _ in range(3):
        trackio.log({"loss": 0.5, "bad": bad, "lr": 0.1})
    trackio.log_system({"gpu": 0.5, "bad": bad})
    assert trackio.finish().is_complete
    assert {("loss", 0.5), ("lr", 0.1)} == set(_values(home))
    assert 6 == len(_values(home))
    assert [("gpu", 0.5)] == _values(home, SYSTEM)
    (said,) = _warnings(caplog)
    assert "'bad'" in said


@pytest.mark.parametrize(
    "bad", [None, 5, "text", [1, 2], Broken(), [("a", 1)]], ids=lambda bad: type(bad).__name__
)
def test_what_is_no_dict_is_left_out_with_one_warning(home, caplog, bad):
    """For `log` and for `log_system`."""
    trackio.init("p")
    for _ in range(2):
        trackio.log(bad)
        trackio.log_system(bad)
    assert trackio.finish().is_complete
    assert [] == _values(home) == _values(home, SYSTEM)
    assert 2 == len(_warnings(caplog))


def test_every_kind_of_value_is_stored_as_what_it_is(home, caplog):
    """Numbers of any size, text, nothing, nested dicts, arrays of one element."""
    trackio.init("p")
    trackio.log(
        {
            "float": np.float32(0.5),
            "int": np.int8(3),
            "big": 2**70,
            "bool": np.bool_(True),
            "text": "t",
            "none": None,
            "list": [1, "a"],
            "in": {"x": {"y": Scalar(1.5)}},
        }
    )
    trackio.log({"float": math.nan, "int": -math.inf})
    trackio.finish()
    first, second = _values(home)[:8], _values(home)[8:]
    assert {
        "float": 0.5,
        "int": 3.0,
        "big": 2**70,
        "bool": True,
        "text": "t",
        "none": None,
        "list": [1, "a"],
        "in/x/y": 1.5,
    } == dict(first)
    assert math.isnan(dict(second)["float"])
    assert -math.inf == dict(second)["int"]
    assert [] == _warnings(caplog)


def test_values_of_the_machine_have_no_step(home):
    """And do not count as steps of the run."""
    trackio.init("p")
    trackio.log_system({"cpu": 0.5})
    trackio.log({"a": 1})
    trackio.finish()
    assert [("cpu", 0.5)] == _values(home, SYSTEM)
    assert [None] == [row["step"] for row in _rows(home, SYSTEM)]
    assert [(0, True)] == _steps(home)


# alert, config, summary


def test_an_alert_has_title_text_level_and_step(home, caplog):
    """The step is the last one, unless it is given."""
    trackio.init("p")
    trackio.log({"a": 1}, step=4)
    trackio.alert("first")
    trackio.alert("second", "what happened", "error", step=9)
    trackio.alert("third", level=trackio.AlertLevel.INFO)
    trackio.alert("fourth", level="LOUD")
    trackio.finish()
    found = [(row["key"], orjson.loads(row["text"]), row["step"]) for row in _rows(home, ALERT)]
    assert [
        ("first", {"level": "warn", "text": None}, 4),
        ("second", {"level": "error", "text": "what happened"}, 9),
        ("third", {"level": "info", "text": None}, 4),
        ("fourth", {"level": "warn", "text": None}, 4),
    ] == found
    (said,) = _warnings(caplog)
    assert "LOUD" in said


def test_config_and_summary_are_stored_as_they_change(home):
    """By item, by attribute, by update; through the run and through the module."""
    run = trackio.init("p", config={"lr": 0.1})
    run.config["lr"] = 0.2
    trackio.config.layers = 3
    trackio.config.update({"opt": {"name": "adam"}}, allow_val_change=True)
    run.summary["best"] = 0.9
    trackio.summary["note"] = "good"
    run.finish()
    assert [("lr", 0.1), ("lr", 0.2), ("layers", 3.0), ("opt/name", "adam")] == _values(
        home, CONFIG
    )
    assert [("best", 0.9), ("note", "good")] == _values(home, SUMMARY)
    assert 0.2 == run.config.lr


def test_a_run_has_what_people_ask_it_for():
    """The same names on every run."""
    run = trackio.init("p", "n", "g", config={"a": 1})
    assert ["n", "p", "g", {"a": 1}, {}] == [getattr(run, name) for name in RUN_KEYS[1:]]
    assert keys.encode_name(run.id) == run.id


# Which run is the current one


def test_a_plain_thread_logs_to_the_newest_run(home):
    """And a run that another context made is seen by it."""
    trackio.init("p")
    thread = threading.Thread(target=trackio.log, args=({"a": 1},))
    thread.start()
    thread.join()
    trackio.finish()
    assert [("a", 1.0)] == _values(home)


def test_tasks_have_runs_of_their_own(home):
    """Each logs to the one it began, whichever is newest."""

    async def task(name, barrier):
        run = trackio.init("p", name=name, reinit="create_new")
        await barrier.wait()
        trackio.log({name: 1})
        await barrier.wait()
        assert trackio.finish().calls
        return run.id

    async def main():
        barrier = asyncio.Barrier(3)
        return await asyncio.gather(*(task(name, barrier) for name in "abc"))

    ids = asyncio.run(main())
    found = {(row["run_id"], row["key"]) for row in _rows(home, METRIC)}
    assert set(zip(ids, "abc", strict=True)) == found


def test_a_run_is_a_context_manager_that_lets_errors_through(home):
    """The reason is stored; afterwards there is no current run."""
    with pytest.raises(ZeroDivisionError), trackio.init("p") as run:
        trackio.log({"a": 1 / 0})
    with pytest.raises(InvalidInput):
        trackio.log({"a": 1})
    said = orjson.loads(_rows(home, RUN)[-1]["text"])
    assert ("failed", "ZeroDivisionError: division by zero") == (said["state"], said["reason"])
    assert 0 == run.finish().calls


def test_finishing_one_run_leaves_the_other_current(home):
    """Whichever order they end in."""
    first = trackio.init("p", name="first")
    second = trackio.init("p", name="second", reinit="create_new")
    first.finish()
    trackio.log({"a": 1})
    second.finish()
    by_run = {row["run_id"] for row in _rows(home, METRIC)}
    assert {second.id} == by_run


# flush and finish


def test_flush_is_true_when_all_is_in_the_store(home):
    """Also when there is nothing, and after the end."""
    run = trackio.init("p")
    trackio.log({"a": 1})
    assert trackio.flush()
    assert [("a", 1.0)] == _values(home)
    assert run.flush(strict=True)
    run.finish()
    assert run.flush()


def test_a_report_says_how_many_calls_were_made():
    """Start, config, two of ours, summary and finish."""
    run = trackio.init("p", config={"a": 1})
    run.log({"a": 1})
    run.log({"a": 1})
    report = run.finish()
    assert trackio.FinishReport(calls=6, local=0, command=None) == report
    assert report.is_complete
    assert trackio.FinishReport(calls=0, local=0, command=None) == run.finish()


def test_a_store_elsewhere_gets_everything(home):
    """Through the spool, in the layout of any store."""
    run = trackio.init("p", store="memory://api-write")
    for step in range(100):
        trackio.log({"a": step})
    assert trackio.flush()
    assert trackio.finish().is_complete
    (found,) = list_project(open_memory("api-write"), "p").runs.values()
    assert run.id == found.run_id
    assert found.meta is not None
    assert [] == list_projects(open_store(home))


def test_a_store_that_refuses_is_told_and_named(home, caplog, monkeypatch):
    """`flush` says no, or raises if asked to; `finish` says what is left and how to send it."""
    (home / "file").write_bytes(b"")
    run = trackio.init("p", store=str(home / "file" / "store"))
    trackio.log({"a": 1})
    assert not trackio.flush(timeout_s=0.2)
    with pytest.raises(StoreUnavailable, match="not everything is in file:"):
        trackio.flush(timeout_s=0.1, strict=True)
    monkeypatch.setattr(run, "_settings", _impatient(run))
    report = run.finish()
    command = f"trackio sync --dir {home}"
    assert (False, report.calls, command) == (
        report.is_complete,
        report.local,
        report.command,
    )
    assert any(f"`{command}` sends them" in said for said in _warnings(caplog))


def _impatient(run):
    return replace(run._settings, finish_s=0.2)


# resume


def test_a_run_is_gone_on_with_by_its_name(home):
    """One run, two writers; the second says whom it resumes."""
    first = trackio.init("p", "n", "g", tags=["t"], config={"lr": 1})
    trackio.log({"a": 1})
    first.finish()
    second = trackio.init("p", "n", resume="must", config={"lr": 2})
    trackio.log({"a": 2})
    second.finish()
    assert (first.id, "g") == (second.id, second.group)
    (run,) = list_project(open_store(home), "p").runs.values()
    writers = sorted(run.writers)
    starts = [orjson.loads(row["text"]) for row in _rows(home, RUN) if row["key"] == "start"]
    assert [None, [writers[0]]] == [start["resumed_from"] for start in starts]
    assert [("lr", 1.0), ("lr", 2.0)] == _values(home, CONFIG)
    assert ("t",) == _meta(home, second).tags


def test_allow_begins_a_run_where_there_is_none_and_never_always_does(home):
    """A script can be started any number of times."""
    ids = []
    for policy in ("allow", "allow", "never", None, "allow"):
        run = trackio.init("p", "n", resume=policy)
        run.log({"a": 1})
        run.finish()
        ids.append(run.id)
    assert ids[0] == ids[1]
    assert 3 == len(set(ids))
    assert ids[3] == ids[4]


def test_must_without_such_a_run_raises_and_leaves_nothing(home):
    """Neither a journal nor a run."""
    with pytest.raises(NotFound, match="no run 'n' to resume"):
        trackio.init("p", "n", resume="must")
    assert [] == list_projects(open_store(home))
    assert [] == list((home / ".journal").glob("*"))


def test_made_up_names_do_not_meet():
    """A thousand runs begun in one second."""
    assert 1000 == len({make_name() for _ in range(1000)})


def test_what_was_written_is_what_the_api_reads(home):
    """The other half of Trackio sees the same run."""
    with trackio.init("p", "n", config={"lr": 0.1}) as run:
        for step in range(5):
            trackio.log({"loss": 1 / (step + 1)})
    (found,) = trackio.Api().runs("p")
    assert (run.id, "n", "finished") == (found.id, found.name, found.status)
    assert 0.1 == found.config["lr"]
    assert home.exists()
