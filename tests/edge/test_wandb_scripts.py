"""Scripts for wandb with only their import changed: they run, and what they logged is stored."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pandas as pd
import pytest

import trackio
from trackio import asked, current, once


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRACKIO_SPACE_ID", raising=False)
    monkeypatch.setattr(asked, "_told", set())
    monkeypatch.setattr(once, "_told", set())
    yield tmp_path
    while current._latest or current._current.get():
        trackio.finish()


SCRIPTS = {
    "quickstart": """
        wandb.init(project="p", config={"lr": 0.02, "epochs": 3})
        for epoch in range(2, wandb.config.epochs + 2):
            wandb.log({"acc": 1 - 2 ** -epoch, "loss": 2 ** -epoch})
        wandb.finish()
    """,
    "with a block": """
        with wandb.init(project="p", config=dict(lr=0.1)) as run:
            for i in range(3):
                run.log({"loss": 1 / (i + 1)})
    """,
    "argparse": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        args = parser.parse_args([])
        wandb.init(project="p", entity="me", config=args)
        wandb.config.update(args)
        wandb.log({"loss": wandb.config.lr})
    """,
    "config set by attribute": """
        wandb.init(project="p")
        config = wandb.config
        config.lr = 0.1
        config.dropout = 0.2
        config.update({"lr": 0.3}, allow_val_change=True)
        wandb.log({"loss": config.lr * config["dropout"]})
    """,
    "init if there is none": """
        if wandb.run is None:
            wandb.init(project="p")
        assert wandb.run is not None
        if wandb.run is None:
            raise SystemError
        wandb.log({"loss": 1})
    """,
    "summary of the best": """
        wandb.init(project="p")
        best = 0
        for accuracy in (0.1, 0.9, 0.5):
            wandb.log({"loss": 1, "accuracy": accuracy})
            if accuracy > best:
                best = wandb.run.summary["best_accuracy"] = accuracy
        wandb.summary.update({"loss_final": 1})
        assert wandb.run.summary["best_accuracy"] == 0.9
    """,
    "define_metric": """
        run = wandb.init(project="p")
        run.define_metric("custom_step")
        run.define_metric("validation/*", step_metric="custom_step", summary="min")
        wandb.define_metric("loss", summary="max", goal="minimize", step_sync=True)
        for i in range(5):
            wandb.log({"validation/loss": 1 / (i + 1), "custom_step": i ** 2, "loss": i})
    """,
    "images": """
        wandb.init(project="p")
        images = [wandb.Image(np.zeros((8, 8, 3), np.uint8), caption=f"{i}") for i in range(3)]
        wandb.log({"examples": images, "loss": 1})
        wandb.log({"gray": wandb.Image(np.random.default_rng(0).random((8, 8)))})
    """,
    "boxes and masks": """
        wandb.init(project="p")
        box = {"position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4}, "class_id": 2}
        boxes = {"predictions": {"box_data": [box], "class_labels": {2: "car"}}}
        masks = {"truth": {"mask_data": np.zeros((8, 8), int), "class_labels": {0: "road"}}}
        picture = wandb.Image(np.zeros((8, 8, 3), np.uint8), boxes=boxes, masks=masks)
        wandb.log({"driving": picture, "loss": 0})
    """,
    "table": """
        wandb.init(project="p")
        table = wandb.Table(columns=["image", "guess", "truth"])
        for i in range(3):
            table.add_data(wandb.Image(np.zeros((4, 4, 3), np.uint8)), i, i + 1)
        wandb.log({"predictions": table, "loss": 1}, commit=False)
        wandb.log({"more": 1})
    """,
    "table of a frame": """
        wandb.init(project="p")
        frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
        wandb.log({"table": wandb.Table(dataframe=frame), "loss": 1})
    """,
    "histogram": """
        wandb.init(project="p")
        for i in range(3):
            wandb.log({"gradients": wandb.Histogram(np.arange(100.0) * i), "loss": i})
        counts = np.histogram(np.arange(10), bins=4)
        wandb.run.log({"counts": wandb.Histogram(np_histogram=counts)})
    """,
    "sound, pages, clouds": """
        wandb.init(project="p")
        wandb.log({"sound": wandb.Audio(np.zeros(800, np.float32), sample_rate=8000, caption="a")})
        wandb.log({"page": wandb.Html("<b>hi</b>"), "loss": 1})
        wandb.log({"cloud": wandb.Object3D(np.zeros((5, 3)))})
    """,
    "figure": """
        import matplotlib
        matplotlib.use("agg")
        import matplotlib.pyplot as plt
        wandb.init(project="p")
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        wandb.log({"chart": figure, "loss": 1})
        plt.close(figure)
    """,
    "resume by id": """
        run_id = "fixed"
        wandb.init(project="p", id=run_id, resume="allow")
        wandb.log({"loss": 2})
        wandb.finish()
        wandb.init(project="p", id=run_id, resume="must")
        assert wandb.run.resumed
        wandb.log({"loss": 1})
    """,
    "named, tagged, grouped": """
        run = wandb.init(project="p", name="n", group="g", job_type="train", tags=["a"], notes="x",
                         reinit=True, save_code=True, settings=wandb.Settings(silent=True))
        wandb.run.name = "renamed"
        wandb.run.tags = wandb.run.tags + ("b",)
        print(run.name, run.id, run.project, run.entity, run.dir, run.url, run.path)
        run.log({"loss": 1})
        run.finish(quiet=True)
    """,
    "many runs in a loop": """
        for lr in (0.1, 0.2):
            run = wandb.init(project="p", config={"lr": lr}, reinit=True, group="sweep")
            for i in range(3):
                run.log({"loss": lr / (i + 1)}, step=i)
            run.finish()
    """,
    "custom steps in any order": """
        wandb.init(project="p")
        wandb.log({"loss": 1}, step=10)
        wandb.log({"loss": 2}, step=5)
        wandb.log({"val": 3}, step=10)
        wandb.log({"loss": 3, "epoch": 1.5})
    """,
    "nested and odd values": """
        wandb.init(project="p", config={"model": {"layers": [1, 2], "act": "relu"}, "none": None})
        wandb.log({"train": {"loss": 1, "acc": {"top1": 0.5}}, "loss": float("nan"), "flag": True})
        wandb.log({"tensor": np.float64(2), "text": "hello", "big": 2 ** 70, "list": [1, 2]})
    """,
    "watch, save_code, alert, preempting": """
        wandb.login()
        run = wandb.init(project="p", mode="online", anonymous="allow", sync_tensorboard=False)
        wandb.watch(object(), log="all", log_freq=10)
        wandb.log({"loss": 1})
        wandb.alert(title="low", text="accuracy", level=wandb.AlertLevel.WARN, wait_duration=300)
        run.log_code(".", include_fn=lambda path: path.endswith(".nothing"))
        wandb.mark_preempting()
        wandb.unwatch()
    """,
    "artifacts": """
        from pathlib import Path
        run = wandb.init(project="p", job_type="train")
        Path("model.txt").write_text("weights")
        artifact = wandb.Artifact("model", type="model", metadata={"acc": 0.9})
        artifact.add_file("model.txt")
        run.log_artifact(artifact, aliases=["best"])
        run.finish()
        run = wandb.init(project="p", job_type="use")
        folder = run.use_artifact("model:best").download()
        assert (Path(folder) / "model.txt").read_text() == "weights"
        run.log({"loss": 1})
    """,
    "disabled": """
        run = wandb.init(project="p", mode="disabled")
        wandb.log({"loss": 1})
        wandb.config.lr = 1
        wandb.summary["x"] = 1
        wandb.finish()
    """,
    "threads": """
        wandb.init(project="p")
        workers = [threading.Thread(target=lambda i=i: wandb.log({"loss": i})) for i in range(4)]
        for worker in workers: worker.start()
        for worker in workers: worker.join()
    """,
    "checkpoints": """
        from pathlib import Path
        run = wandb.init(project="p")
        Path("ck").mkdir()
        for epoch in range(2):
            run.log({"loss": 1 / (epoch + 1)})
            Path(run.dir, "model.h5").write_text(f"weights of {epoch}")
            Path("ck", f"{epoch}.pt").write_text(str(epoch))
            wandb.save("ck/*.pt")
        wandb.save(str(Path(wandb.run.dir, "model.h5")))
    """,
    "folds": """
        for fold in range(3):
            with wandb.init(project="p", group="cv", job_type=f"fold-{fold}", reinit=True) as run:
                run.config.update({"fold": fold})
                run.log({"loss": fold})
                run.summary["score"] = fold / 10
    """,
    "gradients and learning rates": """
        wandb.init(project="p", config={"epochs": 2})
        for epoch in range(wandb.config["epochs"]):
            rates = {f"lr/group_{i}": 10.0 ** -i for i in range(2)}
            grads = {"gradients/layer": wandb.Histogram(np.linspace(-1, 1, 50))}
            wandb.log({**rates, **grads, "loss": float(epoch)}, step=epoch)
    """,
    "logged twice a step": """
        run = wandb.init(project="p")
        for step in range(3):
            wandb.log({"loss": step}, step=step)
            wandb.log({"val_loss": step * 2}, step=step)
        assert wandb.run.step == 3
    """,
}


def _points(run, key):
    return [(row["step"], row[key]) for row in run.history([key], pandas=False) if key in row]


def _values(run, key):
    return [value for _, value in _points(run, key)]


def _kinds(run):
    return sorted({(media.key, media.type) for media in run.media()})


CHECKS = {
    "quickstart": lambda run: (
        ({"lr": 0.02, "epochs": 3}, [0.25, 0.125, 0.0625]),
        (run.config, _values(run, "loss")),
    ),
    "with a block": lambda run: ([(0, 1.0), (1, 0.5), (2, 1 / 3)], _points(run, "loss")),
    "argparse": lambda run: (({"lr": 0.1}, 0.1), (run.config, run.summary["loss"])),
    "config set by attribute": lambda run: ({"lr": 0.3, "dropout": 0.2}, run.config),
    "init if there is none": lambda run: ({"loss": 1}, run.summary),
    "summary of the best": lambda run: (
        {"accuracy": 0.5, "best_accuracy": 0.9, "loss": 1, "loss_final": 1}, run.summary
    ),
    "define_metric": lambda run: (
        ("custom_step", "max", [0.2, 0.25]),
        (
            run.definitions["validation/*"].step_metric,
            run.definitions["loss"].summary,
            sorted(_values(run, "validation/loss"))[:2],
        ),
    ),
    "images": lambda run: (
        [("examples", "0"), ("examples", "1"), ("examples", "2"), ("gray", None)],
        [(media.key, media.caption) for media in run.media()],
    ),
    "boxes and masks": lambda run: (
        ("car", {"0": "road"}),
        (
            run.media("driving")[0].reference["boxes"]["predictions"]["class_labels"]["2"],
            run.media("driving")[0].reference["masks"]["truth"]["class_labels"],
        ),
    ),
    "table": lambda run: (
        ([0, 1, 2], [1, 2, 3], "image", 0),
        (
            run.table("predictions")["guess"].tolist(),
            run.table("predictions")["truth"].tolist(),
            run.table("predictions")["image"][0].type,
            run.media("predictions")[0].step,
        ),
    ),
    "table of a frame": lambda run: (
        {"a": [1, 2], "b": ["x", "y"]}, run.table("table").to_dict("list")
    ),
    "histogram": lambda run: (
        ([0, 1, 2], 10),
        ([one.step for one in run.media("gradients")], sum(run.table("counts")["count"])),
    ),
    "sound, pages, clouds": lambda run: (
        ([("cloud", "object3d"), ("page", "html"), ("sound", "audio")], "a"),
        (_kinds(run), run.media("sound")[0].caption),
    ),
    "figure": lambda run: ([("chart", "html")], _kinds(run)),
    "resume by id": lambda run: (("fixed", [2.0, 1.0]), (run.id, _values(run, "loss"))),
    "named, tagged, grouped": lambda run: (
        ("renamed", "g", ["a", "b"], "x"), (run.name, run.group, sorted(run.tags), run.notes)
    ),
    "custom steps in any order": lambda run: (
        ([(5, 2.0), (10, 1.0), (11, 3.0)], [(10, 3.0)]),
        (_points(run, "loss"), _points(run, "val")),
    ),
    "nested and odd values": lambda run: (
        ({"model": {"layers": [1, 2], "act": "relu"}, "none": None}, 0.5, 2**70, "hello"),
        (run.config, *(run.summary[key] for key in ("train/acc/top1", "big", "text"))),
    ),
    "watch, save_code, alert, preempting": lambda run: (
        [("low", "accuracy", "warn")],
        [(alert["title"], alert["text"], alert["level"]) for alert in run.alerts()],
    ),
    "threads": lambda run: ([0.0, 1.0, 2.0, 3.0], sorted(_values(run, "loss"))),
    "checkpoints": lambda run: (
        {"ck/0.pt": b"0", "ck/1.pt": b"1", "model.h5": b"weights of 1"},
        {file.name: file.read() for file in run.files()},
    ),
    "gradients and learning rates": lambda run: (
        ([1.0, 1.0], [0.1, 0.1], [0, 1]),
        (
            _values(run, "lr/group_0"),
            _values(run, "lr/group_1"),
            [one.step for one in run.media("gradients/layer")],
        ),
    ),
    "logged twice a step": lambda run: (
        ([(0, 0.0), (1, 1.0), (2, 2.0)], [(0, 0.0), (1, 2.0), (2, 4.0)]),
        (_points(run, "loss"), _points(run, "val_loss")),
    ),
}  # fmt: skip
"""What is to be stored of a script with one run, and what is."""
OF_MANY = {
    "many runs in a loop": lambda runs: (
        [(0.1, [0.1, 0.05, 0.1 / 3]), (0.2, [0.2, 0.1, 0.2 / 3])],
        [(run.config["lr"], _values(run, "loss")) for run in runs],
    ),
    "artifacts": lambda runs: (
        [("model", "output"), ("model", "input")],
        [
            (link.name, link.direction)
            for run in runs
            for link in (*run.logged_artifacts(), *run.used_artifacts())
        ],
    ),
    "disabled": lambda runs: ([], runs),
    "folds": lambda runs: (
        [("cv", 0, 0.0), ("cv", 1, 0.1), ("cv", 2, 0.2)],
        [(run.group, run.config["fold"], run.summary["score"]) for run in runs],
    ),
}
"""The same of those with several, or none, in the order in which they began."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_for_wandb_runs_with_only_its_import_changed(name):
    """Nothing is raised, and what it logged is what is stored."""
    names = {"wandb": trackio, "np": np, "pd": pd, "threading": threading}
    exec(textwrap.dedent(SCRIPTS[name]), names)  # noqa: S102 - scripts of this file
    while current._latest or current._current.get():
        trackio.finish()
    api = trackio.Api()
    runs = list(api.runs("p", order="created")) if api.projects() else []
    assert {"finished"} >= {run.status for run in runs}
    expected, found = OF_MANY[name](runs) if name in OF_MANY else CHECKS[name](*runs)
    assert expected == found


def test_there_are_more_than_twenty_scripts_and_each_is_checked():
    """None passes because nobody looks."""
    assert len(SCRIPTS) > 20
    assert sorted(SCRIPTS) == sorted([*CHECKS, *OF_MANY])


def test_a_script_runs_as_a_program_of_its_own(tmp_path):
    """Fresh interpreter, warnings as errors, nothing said but what is meant for people."""
    program = tmp_path / "train.py"
    program.write_text("import trackio as wandb\n" + textwrap.dedent(SCRIPTS["quickstart"]))
    done = subprocess.run(
        [sys.executable, "-W", "error", program], capture_output=True, text=True, check=False
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    [run] = trackio.Api().runs("p")
    assert {"acc": 0.9375, "loss": 0.0625} == run.summary
