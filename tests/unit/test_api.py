"""`trackio.Api`: what a person or a program reads."""

import math
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from trackio.api import Api
from trackio.errors import InvalidInput, NotFound
from trackio.query.nested import nest
from trackio.store.directory import Directory
from trackio.testing.handmade import START_S, HandWriter


@pytest.fixture
def store(tmp_path: Path) -> Directory:
    """Project `p` with three runs, of which `two` has ended."""
    store = Directory(tmp_path / "store")
    for number, name in enumerate(("one", "two", "three")):
        writer = HandWriter(store, "p", f"id-{name}", start_s=START_S + number)
        created = f"2001-09-09T01:46:4{number}Z"
        writer.put_meta(name, created=created, tags=(name[:1],), group="g", notes="why")
        writer.call("config", {"lr": number / 10, "model/depth": number, "opt": "adam"})
        for step in range(10):
            writer.log({"loss": number + step / 10})
        writer.log_system({"cpu": 0.5})
        writer.alert("hot", "too hot", "error")
        if name == "two":
            writer.finish()
        writer.put()
    return store


@pytest.fixture
def api(store: Directory) -> Api:
    return Api(store)


def test_a_store_is_named_by_path_or_url_or_the_environment(
    store: Directory, monkeypatch: pytest.MonkeyPatch
):
    """The default is the store that is logged to."""
    path = store.path("p").parent
    monkeypatch.setenv("TRACKIO_DIR", str(path))
    monkeypatch.delenv("TRACKIO_STORE", raising=False)
    for api in (Api(store), Api(path), Api(str(path)), Api(store.url), Api()):
        assert ["p"] == api.projects()


def test_runs_are_read_when_they_are_looked_at(api: Api):
    """Newest first; they have a length, an order and pages."""
    runs = api.runs("p", per_page=2)
    assert "Runs(not read yet)" == repr(runs)
    assert ["three", "two", "one"] == [run.name for run in runs]
    assert 3 == len(runs)
    assert "three" == runs[0].name
    assert ["two", "one"] == [run.name for run in runs[1:]]
    assert "one" == runs[-1].name
    assert [2, 1] == [len(page) for page in runs.pages()]
    with pytest.raises(IndexError):
        runs[3]


def test_runs_are_filtered_and_sorted(api: Api):
    """By config, summary, status or name."""
    chosen = api.runs("p", filters={"config.lr": {"$gt": 0.05}}, order="name")
    assert ["three", "two"] == [run.name for run in chosen]
    assert ["two"] == [run.name for run in api.runs("p", filters={"state": "finished"})]
    assert ["one"] == [run.name for run in api.runs("p", filters="ONE")]
    best = api.runs("p", order="summary.loss")
    assert ["one", "two", "three"] == [run.name for run in best]


def test_what_makes_no_sense_is_refused_at_once(api: Api):
    """Not when the runs are looked at."""
    with pytest.raises(NotFound, match="there are: p"):
        api.runs("nowhere")
    for wrong in ({"filters": {"colour": 1}}, {"order": "colour"}, {"per_page": 0}):
        with pytest.raises(InvalidInput):
            api.runs("p", **wrong)  # type: ignore[arg-type]


def test_a_run_tells_who_it_is(api: Api):
    """And how it is, and what it was given."""
    run = api.run("p/two")
    assert ("id-two", "two", "p", "g", ["t"], "why") == (
        run.id,
        run.name,
        run.project,
        run.group,
        run.tags,
        run.notes,
    )
    assert ("finished", "finished", 9) == (run.status, run.state, run.last_step)
    assert datetime(2001, 9, 9, 1, 46, 41, tzinfo=UTC) == run.created_at
    assert {"lr": 0.1, "model": {"depth": 1}, "opt": "adam"} == run.config
    assert 1 == run.config["model/depth"] == run.config["model"]["depth"]
    assert {"loss": 1.9} == run.summary
    assert "<Run p/id-two 'two' finished>" == repr(run)


def test_a_run_is_found_by_its_path(api: Api):
    """By id, by name, and by the beginning of either."""
    for path in ("p/id-two", "p/two", "p/tw"):
        assert "id-two" == api.run(path).id
    assert api.run("p/two").path == "p/id-two"
    with pytest.raises(InvalidInput, match="ambiguous"):
        api.run("p/id-t")
    with pytest.raises(NotFound, match="there is no run 'four'"):
        api.run("p/four")
    with pytest.raises(InvalidInput, match="project/run"):
        api.run("p")


def test_history_is_a_frame_with_a_row_for_each_step(api: Api):
    """Steps are integers, times are times, values are numbers."""
    frame = api.run("p/two").history()
    assert isinstance(frame, pd.DataFrame)
    assert ["step", "time", "loss"] == list(frame.columns)
    assert ["int64", "datetime64[us, UTC]", "float64"] == [str(kind) for kind in frame.dtypes]
    assert [1 + step / 10 for step in range(10)] == frame["loss"].tolist()
    assert pd.Timestamp("2001-09-09T01:46:43Z") == frame["time"][0]


def test_history_can_be_sampled_and_be_dicts(api: Api):
    """With the first and the last row."""
    rows = api.run("p/two").history(["loss"], samples=8, pandas=False)
    assert isinstance(rows, list)
    assert len(rows) <= 8
    assert {"step": 0, "time": datetime(2001, 9, 9, 1, 46, 43, tzinfo=UTC), "loss": 1.0} == rows[0]
    assert 9 == rows[-1]["step"]


def test_values_that_are_no_numbers_are_kept(store: Directory):
    """A column of texts; NaN where a number is NaN, and where nothing was logged."""
    writer = HandWriter(store, "p", "mixed")
    writer.log({"word": "yes", "x": math.nan})
    writer.log({"x": 1.0, "ok": True})
    writer.put()
    frame = Api(store).run("p/mixed").history()
    assert isinstance(frame, pd.DataFrame)
    assert ["yes", None] == frame["word"].tolist()
    assert [None, True] == frame["ok"].tolist()
    assert [True, False] == frame["x"].isna().tolist()


def test_a_key_nobody_logged_is_an_error_and_one_another_run_logged_is_not(
    api: Api, store: Directory
):
    """A typing error must show; a loop over runs must not stop at one that lacks a metric."""
    writer = HandWriter(store, "p", "other")
    writer.log({"accuracy": 0.5})
    writer.put()
    frame = api.run("p/two").history(["accuracy"])
    assert isinstance(frame, pd.DataFrame)
    assert (["step", "time", "accuracy"], 0) == (list(frame.columns), len(frame))
    with pytest.raises(NotFound, match="did you mean 'loss'"):
        api.run("p/two").history(["los"])
    with pytest.raises(InvalidInput, match="must be a list"):
        api.run("p/two").history("loss")
    with pytest.raises(InvalidInput, match="step, time, relative"):
        api.run("p/two").history(x_axis="epoch")
    with pytest.raises(InvalidInput, match="default or system"):
        api.run("p/two").history(stream="other")  # type: ignore[arg-type]


def test_scanning_gives_every_call(api: Api):
    """As dicts, one after the other."""
    rows = api.run("p/two").scan_history(min_step=3, max_step=5)
    assert [(3, 1.3), (4, 1.4)] == [(row["step"], row["loss"]) for row in rows]


def test_metrics_system_metrics_and_alerts_are_told_apart(api: Api):
    """Names with counts, a frame by time, dicts."""
    run = api.run("p/two")
    assert {"loss": 10} == run.metrics()
    system = run.system_metrics()
    assert (["time", "cpu"], [0.5]) == (list(system.columns), system["cpu"].tolist())
    stream = run.history(stream="system", pandas=False)
    assert [0.5] == [row["cpu"] for row in stream]  # type: ignore[index]
    (alert,) = run.alerts()
    assert ("hot", "too hot", "error", None) == (
        alert["title"],
        alert["text"],
        alert["level"],
        alert["step"],
    )


def test_ranks_are_named_in_a_column_of_their_own(store: Directory):
    """Two processes logged the same metric at the same steps."""
    for rank in range(2):
        writer = HandWriter(store, "p", "ranks", label=f"rank {rank}", start_s=START_S + rank / 10)
        writer.log({"x": float(rank)})
        writer.log({"x": float(rank)})
        writer.put()
    frame = Api(store).run("p/ranks").history()
    assert isinstance(frame, pd.DataFrame)
    assert ["rank 0", "rank 0", "rank 1", "rank 1"] == frame["label"].tolist()


def test_a_run_stays_as_it_was_until_it_is_refreshed(store: Directory):
    """Two looks at one object agree."""
    writer = HandWriter(store, "p", "live")
    writer.log({"x": 1.0})
    writer.put(0, 1)
    run = Api(store).run("p/live")
    writer.log({"x": 2.0})
    writer.finish()
    writer.put(2)
    assert (["running", 1], {"x": 1}) == ([run.status, run.summary["x"]], run.metrics())
    assert run is run.refresh()
    assert (["finished", 2], {"x": 2}) == ([run.status, run.summary["x"]], run.metrics())


def test_a_config_is_nested_as_far_as_it_can_be():
    """A key that is a value and a folder at once keeps what lies below it flat."""
    flat = {"a/b/c": 1, "a/b/d": [1, 2], "x": 1, "x/y": 2, "x/y/z": 3, "p/q": 4, "/": 5, "": 6}
    nested = nest(flat)
    assert {
        "a": {"b": {"c": 1, "d": [1, 2]}},
        "x": 1,
        "x/y": 2,
        "x/y/z": 3,
        "p": {"q": 4},
        "": 6,
        "/": 5,
    } == nested
    for key, value in flat.items():
        assert value == nested[key]
    for missing in ("b", "a/c", "a/b/c/d", "x/z"):
        with pytest.raises(KeyError):
            nested[missing]


def test_reading_runs_and_metrics_does_not_import_pandas(store: Directory):
    """It takes longer to load than the answer to compute."""
    code = (
        "import sys; from trackio.api import Api; run = Api(sys.argv[1]).run('p/two');"
        "run.metrics(), run.history(pandas=False), list(run.scan_history()), run.alerts();"
        "sys.exit('pandas' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code, store.url], check=False).returncode
