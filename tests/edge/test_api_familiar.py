"""What people know from wandb and the released Trackio: config, summary, names, resuming."""

import argparse
import asyncio
import importlib
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import trackio
import trackio as wandb
from trackio import asked, context_vars, current, once
from trackio.errors import InvalidInput, NotFound
from trackio.store import open_store


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    for name in ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "TRACKIO_SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(asked, "_told", set())
    monkeypatch.setattr(once, "_told", set())
    yield tmp_path
    while current._latest or current._current.get():
        trackio.finish()


def _read(run, store=None):
    return trackio.Api(store).run(f"{run.project}/{run.id}")


# config


def test_config_is_read_and_changed_by_item_and_attribute():
    """Also what lies deeper; each change is stored."""
    run = wandb.init("p", config={"lr": 0.1, "model": {"dim": 8, "depth": 2}})
    assert (0.1, 8) == (wandb.config.lr, wandb.config.model.dim)
    wandb.config.lr = 0.2
    wandb.config["model"]["dim"] = 16
    wandb.config.update({"epochs": 3}, allow_val_change=True)
    wandb.config.model |= {"heads": 4}
    run.finish()
    expected = {"lr": 0.2, "model": {"dim": 16, "depth": 2, "heads": 4}, "epochs": 3}
    assert expected == run.config
    assert expected == _read(run).config


def test_config_keeps_its_history():
    """What a value was before is still there to be asked for."""
    run = wandb.init("p", config={"lr": 0.1})
    run.config.lr = 0.2
    run.config.lr = 0.3
    del run.config["lr"]
    run.finish()
    changes = _read(run).config_changes()
    assert [("lr", 0.1), ("lr", 0.2), ("lr", 0.3), ("lr", None)] == [
        (change["key"], change["value"]) for change in changes
    ]


@dataclass
class _Options:
    lr: float = 0.1
    name: str = "a"


class _Model:
    def to_dict(self):
        return {"lr": 0.1, "name": "a"}


@pytest.mark.parametrize(
    "given",
    [
        {"lr": 0.1, "name": "a"},
        argparse.Namespace(lr=0.1, name="a"),
        _Options(),
        _Model(),
    ],
)
def test_a_config_may_be_given_as_people_have_it(given):
    """To `init`, and to `config.update`."""
    with wandb.init("p", config=given) as first:
        pass
    with wandb.init("p") as second:
        wandb.config.update(given)
    expected = {"lr": 0.1, "name": "a"}
    assert (expected, expected) == (_read(first).config, _read(second).config)


def test_a_config_may_be_given_in_part():
    """Wandb's lists of keys."""
    given = {"a": 1, "b": 2, "c": 3}
    one = wandb.init("p", config=given, config_include_keys=["a", "b"])
    two = wandb.init("p", config=given, config_exclude_keys=["a"])
    assert ({"a": 1, "b": 2}, {"b": 2, "c": 3}) == (one.config, two.config)


def test_a_config_is_a_dict_to_everybody_else():
    """JSON, a copy, a default, what is missing."""
    run = wandb.init("p", config={"a": {"b": 1}})
    assert '{"a": {"b": 1}}' == json.dumps(run.config)
    run.config.setdefaults({"a": 0, "c": 2})
    assert {"a": {"b": 1}, "c": 2} == run.config.as_dict()
    assert type(run.config.as_dict()["a"]) is dict
    assert 1 == run.config.get("nothing", 1)
    with pytest.raises(AttributeError, match="known: a, c"):
        _ = run.config.missing
    assert 2 == run.config.pop("c")
    run.config.clear()
    assert {} == run.config


def test_before_init_config_is_empty():
    """As the released Trackio has it."""
    assert {} == wandb.config


# summary and definitions


def test_the_summary_has_what_was_logged_last_at_once():
    """Also what no shard holds yet; what the user sets counts instead."""
    run = wandb.init("p")
    wandb.log({"loss": 1.0, "acc": 0.5})
    wandb.log({"loss": 0.25, "note": "x"})
    assert {"loss": 0.25, "acc": 0.5, "note": "x"} == wandb.summary
    assert run.flush()
    wandb.log({"loss": 0.5})
    assert 0.5 == wandb.run.summary["loss"] == run.summary.loss
    run.summary["acc"] = 0.9
    run.summary.update({"best": 7})
    run.log({"acc": 0.1})
    run.finish()
    expected = {"loss": 0.5, "acc": 0.9, "note": "x", "best": 7}
    assert expected == run.summary
    assert expected == _read(run).summary


def test_define_metric_decides_what_sums_a_metric_up():
    """Here, for readers, and by pattern; the goal tells what is best."""
    run = wandb.init("p")
    wandb.define_metric("epoch", hidden=True)
    wandb.define_metric("val/*", step_metric="epoch", summary="min")
    wandb.define_metric("acc", summary="best", goal="maximize")
    wandb.define_metric("mean", summary="mean")
    wandb.define_metric("secret", summary="none")
    for i, loss in enumerate([3.0, 1.0, 2.0]):
        row = {"val/loss": loss, "acc": -loss, "mean": loss, "secret": i, "plain": loss}
        wandb.log({**row, "epoch": i})
    expected = {"val/loss": 1.0, "acc": -1.0, "mean": 2.0, "plain": 2.0, "epoch": 2}
    assert expected == run.summary
    run.finish()
    read = _read(run)
    assert expected == read.summary
    said = read.definitions
    assert ("epoch", "min") == (said["val/*"].step_metric, said["val/*"].summary)
    assert "maximize" == said["acc"].goal
    assert said["epoch"].hidden


def test_a_definition_that_cannot_be_meant_is_left_out_with_a_warning(caplog):
    """No script ends for it."""
    run = wandb.init("p")
    with caplog.at_level(logging.WARNING, "trackio"):
        run.define_metric("a", summary="median")
        run.define_metric("a", goal="sideways")
    assert 2 == len(caplog.messages)
    run.finish()
    assert {} == _read(run).definitions


# the current run


def test_trackio_run_is_the_current_run_and_the_module_for_who_imports_it():
    """`wandb.run.name` and `from trackio.run import Run` both work."""
    module = importlib.import_module("trackio.run")
    assert wandb.run is None
    run = wandb.init("p")
    assert wandb.run is run
    assert isinstance(run, module.Run)
    assert wandb.run.Run is module.Run  # `import trackio.run` while a run is live
    run.finish()
    assert wandb.run is None


def test_without_a_run_there_is_none_whoever_imported_the_module(run_python):
    """`if wandb.run is None` is how many scripts begin."""
    said = run_python("from trackio.run import Run\nimport trackio\nprint(trackio.run, Run)")
    assert "None <class 'trackio.active_run.Run'>" == said


@pytest.fixture
def run_python(tmp_path):
    import os
    import subprocess
    import sys

    def run(code):
        env = {**os.environ, "TRACKIO_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return run


def test_context_vars_tell_integrations_what_is_current():
    """Verl and TRL ask for these."""
    assert context_vars.current_run.get() is None
    run = wandb.init("p")
    assert context_vars.current_run.get() is run
    assert ("p", None) == (
        context_vars.current_project.get(),
        context_vars.current_space_id.get(),
    )
    assert (None, True, False) == (run._space_id, run._is_local, run._stop_flag.is_set())
    run.finish()
    assert run._stop_flag.is_set()


def test_several_runs_live_side_by_side_in_threads_and_tasks():
    """Each context has its own; a plain thread sees the newest."""
    first = wandb.init("p", name="first")
    second = wandb.init("p", name="second", reinit="create_new")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: first.log({"a": i}, step=i), range(20)))
    worker = threading.Thread(target=lambda: wandb.log({"b": 1}))
    worker.start()
    worker.join()

    async def train(name):
        run = wandb.init("p", name=name, reinit="create_new")
        await asyncio.sleep(0)
        assert wandb.run is run
        wandb.log({"c": 1})
        run.finish()
        return run

    async def both():
        return await asyncio.gather(train("third"), train("fourth"))

    tasks = asyncio.run(both())
    first.finish()
    second.finish()
    assert [20, 1] == [_read(first).metrics()["a"], _read(second).metrics()["b"]]
    assert [{"c": 1}, {"c": 1}] == [_read(run).summary for run in tasks]


def test_reinit_may_return_the_run_there_is():
    """As wandb's `reinit=False` and "return_previous"."""
    run = wandb.init("p")
    assert wandb.init("q", reinit="return_previous") is run
    assert wandb.init("q", reinit=False) is run
    assert wandb.init("q", reinit=True) is not run
    assert "finished" == run.state


# what it is called


def test_name_tags_and_notes_can_be_set_while_it_runs():
    """And are there for readers when it has ended."""
    run = wandb.init("p", name="a", tags=["x", "y"], notes="n", group="g", job_type="train")
    run.tags += ("z",)
    run.tags = [tag for tag in run.tags if tag != "x"]
    run.notes = "better"
    wandb.run.name = "b"
    run.finish()
    read = _read(run)
    assert ("b", ["y", "z"], "better") == (read.name, sorted(read.tags), read.notes)
    assert ("b", ("y", "z"), "better", "train") == (run.name, run.tags, run.notes, run.job_type)


def test_what_a_run_tells_of_itself(home):
    """What scripts print."""
    run = wandb.init("p", id="my-run", entity="team")
    run.log({"a": 1})
    assert ("my-run", "my-run", "p/my-run", "team") == (run.id, run.name, run.path, run.entity)
    assert (1, "running", False, False) == (run.step, run.state, run.offline, run.disabled)
    assert run.url is None
    assert run.flush()
    assert abs(run.start_time - _read(run).created_at.timestamp()) < 1
    assert run.dir.startswith(str(home))
    assert ["p"] == trackio.Api().projects()
    run.finish(exit_code=1, quiet=True)
    assert "failed" == run.state


def test_commit_false_completes_a_step():
    """Several calls, one step; the next one after it goes on."""
    run = wandb.init("p")
    wandb.log({"a": 1}, commit=False)
    wandb.log({"b": 2})
    wandb.log({"a": 3}, commit=True)
    wandb.log({"a": 4}, sync=True, unknown=1)
    run.finish()
    rows = [
        {key: value for key, value in row.items() if key in ("step", "a", "b")}
        for row in _read(run).history(pandas=False)
    ]
    assert [(0, 1, 2), (1, 3, None), (2, 4, None)] == [
        (row["step"], row["a"], row.get("b")) for row in rows
    ]


def test_the_state_its_times_and_its_reason_are_read():
    """Of a run that failed in a block."""
    with pytest.raises(ValueError, match="diverged"), wandb.init("p") as run:
        raise ValueError("loss diverged\nat step 3")
    read = _read(run)
    assert ("failed", "ValueError: loss diverged") == (read.state, read.reason)
    assert read.started_at <= read.ended_at
    assert 0 <= read.duration_s < 60


def test_a_block_that_is_left_by_sys_exit_has_not_failed():
    """`sys.exit()` is how many scripts end."""
    with pytest.raises(SystemExit), wandb.init("p") as run:
        raise SystemExit
    assert ("finished", None) == (_read(run).state, _read(run).reason)


# resuming and sharing


def test_a_run_is_resumed_by_its_id():
    """Under the names that wandb has for the policies."""
    first = wandb.init("p", id="r", name="n", config={"a": 1})
    first.log({"loss": 1.0})
    first.finish()
    for resume in ("allow", "auto", True, "must"):
        with wandb.init("p", id="r", resume=resume) as run:
            run.log({"loss": 2.0})
            assert ("n", True) == (run.name, run.resumed)
    read = trackio.Api().run("p/r")
    assert ("n", 4) == (read.name, read.last_step)
    with pytest.raises(NotFound, match="no run 'other'"):
        wandb.init("p", id="other", resume="must")
    with wandb.init("p", id="other", resume="auto") as run:
        assert not run.resumed


def test_a_run_goes_on_from_a_step_and_shows_one_line():
    """The points of the attempt before are kept, and no longer drawn."""
    run = wandb.init("p", id="r")
    for i in range(5):
        run.log({"loss": float(i)})
    run.finish()
    with wandb.init("p", id="r", resume="must", from_step=3) as again:
        again.log({"loss": 30.0})
        again.log({"loss": 40.0})
    rows = trackio.Api().run("p/r").history(["loss"], pandas=False)
    assert [(0, 0.0), (1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)] == [
        (row["step"], row["loss"]) for row in rows
    ]
    with wandb.init("p", resume_from="r?_step=1") as rewound:
        rewound.log({"loss": 10.0})
    assert 10.0 == trackio.Api().run("p/r").summary["loss"]


def test_a_fork_says_where_it_comes_from_and_counts_on():
    """It is a run of its own."""
    run = wandb.init("p", fork_from="r?_step=100")
    run.log({"loss": 1.0})
    run.finish()
    assert run.id != "r"
    assert 100 == _read(run).last_step


@pytest.mark.parametrize("name", ["RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK"])
def test_ranks_that_share_a_run_are_told_apart(monkeypatch, name):
    """By the variables that launchers set; each rank is a line of its own."""
    runs = []
    for rank in range(3):
        monkeypatch.setenv(name, str(rank))
        runs.append(wandb.init("p", id="r", mode="shared", reinit="create_new"))
    for rank, run in enumerate(runs):
        run.log({"loss": float(rank)}, step=0)
    for run in runs:
        run.finish()
    rows = trackio.Api().run("p/r").history(["loss"], pandas=False)
    assert {("rank 0", 0.0), ("rank 1", 1.0), ("rank 2", 2.0)} == {
        (row["label"], row["loss"]) for row in rows
    }


def test_a_run_whose_id_was_deleted_begins_anew(home):
    """A tombstone hides what was written before it, and nothing after."""
    wandb.init("p", id="r").finish()
    trackio.Api().run("p/r").delete()
    with wandb.init("p", id="r") as run:
        run.log({"a": 1})
    assert {"a": 1} == trackio.Api().run("p/r").summary
    assert home.exists()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"id": 5}, "id must be text"),
        ({"id": "a" * 300}, "255"),
        ({"from_step": -1}, "from_step"),
        ({"resume_from": "r"}, "_step=N"),
        ({"fork_from": 3}, "_step=N"),
        ({"mode": "sideways"}, "offline"),
        ({"label": 1}, "label"),
        ({"resume": 5}, "never, allow, must"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(home, wrong, why):
    """The message names the argument."""
    with pytest.raises(InvalidInput, match=why):
        wandb.init("p", **wrong)
    assert [] == trackio.Api(open_store(home)).projects()


def test_settings_of_wandb_are_taken_over(capsys):
    """What `init` has an argument for; the rest is named once."""
    settings = wandb.Settings(run_name="n", run_tags=["t"], mode="offline", console="off")
    run = wandb.init("p", settings=settings)
    run.finish()
    assert ("n", ("t",), True) == (run.name, run.tags, run.offline)
    assert "settings.console" in capsys.readouterr().err


# the rest of the names


def test_an_alert_takes_its_level_as_text_and_its_arguments_as_the_released_one():
    """`webhook_url` is the fourth there."""
    run = wandb.init("p")
    wandb.alert("a", "text", "error")
    wandb.alert("b", level=wandb.AlertLevel.INFO, wait_duration=300)
    run.alert("c", step=7)
    run.finish()
    found = _read(run).alerts()
    assert [("a", "error"), ("b", "info"), ("c", "warn")] == [
        (alert["title"], alert["level"]) for alert in found
    ]
    assert ["a"] == [alert["title"] for alert in trackio.Api().alerts("p", level="error")]


def test_names_without_anything_behind_them_do_no_harm_or_say_what_to_use(caplog):
    """`login`, `watch` and the like; classes raise when they are made."""
    assert wandb.login(key="x")
    wandb.setup()
    wandb.require("core")
    run = wandb.init("p")
    with caplog.at_level(logging.WARNING, "trackio"):
        wandb.watch(object(), log="all")
        wandb.watch(object())
    wandb.unwatch()
    wandb.mark_preempting()
    assert 1 == len(caplog.messages)
    for name in ("ArtifactTTL", "Classes", "EvalTable", "Graph", "JoinedTable", "Molecule"):
        with pytest.raises(NotImplementedError, match=name):
            getattr(wandb, name)()
    with pytest.raises(NotImplementedError, match="Optuna"):
        wandb.sweep({})
    wandb.teardown()
    assert "finished" == run.state


def test_the_machine_is_looked_at_once_by_hand(caplog):
    """And what was read is logged and returned."""
    run = wandb.init("p")
    said = wandb.log_cpu()
    with caplog.at_level(logging.WARNING, "trackio"):
        gpus = wandb.log_gpu()
    run.finish()
    assert said["memory/total"] > 0
    assert said["memory/total"] == pytest.approx(_read(run).system_metrics()["memory/total"][0])
    assert gpus or "found no GPU" in caplog.text


def test_a_project_is_deleted_when_it_is_said_twice(monkeypatch):
    """At the terminal, or with `force`."""
    wandb.init("p").finish()
    wandb.init("q").finish()
    monkeypatch.setattr("builtins.input", lambda asked: "n")
    assert not trackio.delete_project("p")
    monkeypatch.setattr("builtins.input", lambda asked: "y")
    assert trackio.delete_project("p")
    assert trackio.delete_project("q", force=True)
    assert not trackio.delete_project("q", force=True)
    assert [] == trackio.Api().projects()


def test_code_is_logged_as_an_artifact(home, tmp_path):
    """Python files, or those that are chosen."""
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "a.py").write_text("1")
    (source / "sub" / "b.py").write_text("2")
    (source / "c.txt").write_text("3")
    run = wandb.init("p")
    made = run.log_code(source)
    assert run.log_code(source, include_fn=lambda path: path.endswith(".md")) is None
    run.finish()
    assert {"a.py", "sub/b.py"} == {entry.path for entry in made.manifest.entries}


def test_the_version_satisfies_those_who_check_it():
    """Transformers wants 0.21.1 or newer."""
    assert (0, 21, 1) <= tuple(map(int, trackio.__version__.split(".")[:3]))


@pytest.mark.parametrize("name", trackio.__all__)
def test_every_name_is_there(name):
    """What `__all__` says can be asked for."""
    assert hasattr(trackio, name) or name == "run"


# webhooks


@pytest.fixture
def listener():
    """A server that keeps what it is told."""
    told = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", told
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_is_told_by_the_process_that_raises_the_alert(home, listener):
    """From the level on that was asked for; the rows say that it was told, and not by whom."""
    url, told = listener
    run = wandb.init("p", name="n", webhook_url=url, webhook_min_level="warn")
    wandb.alert("quiet", level="info")
    wandb.alert("loud", "what it is", "error", step=3)
    wandb.alert("also", level="info", webhook_url=url)
    run.finish()
    said = sorted((one["title"], one["level"], one["run"]) for one in told)
    assert [("also", "info", "n"), ("loud", "error", "n")] == said
    assert 3 == len(_read(run).alerts())
    kept = b"".join(path.read_bytes() for path in home.rglob("*.parquet"))
    assert url.encode() not in kept


def test_a_webhook_that_is_down_costs_a_warning(caplog):
    """The alert is stored all the same; a job may tell of it later."""
    run = wandb.init("p", webhook_url="gopher://x")
    with caplog.at_level(logging.WARNING, "trackio"):
        wandb.alert("a")
    run.finish()
    assert "no http(s) URL" in caplog.text
    assert ["a"] == [alert["title"] for alert in _read(run).alerts()]
