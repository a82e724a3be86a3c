"""What integrations call, as they call it, and scripts for wandb with only their import changed.

The real libraries are run by `make integrations`; here stand the calls that were read from the
sources of Lightning, Ray, torchrl, verl, ZenML, LeRobot, LLaMA-Factory, RapidFire and others.
"""

import inspect
import textwrap
import threading

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture

import trackio
from trackio import asked, context_vars, current, familiar


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A store of the test's own; every run is ended with it."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRACKIO_SPACE_ID", raising=False)
    monkeypatch.setattr(asked, "_told", set())
    monkeypatch.setattr(familiar, "_told", set())
    yield tmp_path
    while current._latest or current._current.get():
        trackio.finish()


def _only(project):
    [run] = trackio.Api().runs(project)
    return run


def test_lightning():
    """`TrackioLogger`: resumes by name, asks `_stop_flag`, finishes."""
    run = trackio.init(project="p", name="n", resume="allow")
    run.config.update({"lr": 0.1, "layers": [1, 2]})
    run.log({"loss": np.float32(0.5), "epoch": 0}, step=0)
    assert "n" == run.name
    assert not run._stop_flag.is_set()
    run.finish()
    again = trackio.init(project="p", name="n", resume="allow")
    assert again.id == run.id
    again.finish()
    assert {"lr": 0.1, "layers": [1, 2]} == _only("p").config


def test_ray():
    """`ray.air.integrations.trackio`: several trials in one process, each with its own run."""
    trials = [
        trackio.init(
            project="p",
            name=f"trial_{i}",
            group="tune",
            config={"i": i},
            auto_log_gpu=False,
            gpu_log_interval=10.0,
            dataset_id=None,
            space_id=None,
        )
        for i in range(3)
    ]
    assert all(isinstance(trial, trackio.Run) for trial in trials)
    for step in range(2):
        for trial in trials:
            trial.log({"score": step}, step=step)
    for trial in trials:
        trial.finish()
    assert [2, 2, 2] == [run.metrics()["score"] for run in trackio.Api().runs("p")]


def test_torchrl():
    """`TrackioLogger`: scalars, a video as an array, a histogram, hyper-parameters."""
    run = trackio.init(name="n", project="p", resume="allow")
    run.log({"reward": 1.5}, step=3)
    frames = np.zeros((2, 3, 16, 16), np.uint8)
    run.log({"video": trackio.Video(frames, fps=6, format="mp4")}, step=3)
    run.log({"weights": trackio.Histogram(np.arange(10.0), num_bins=4)}, step=3)
    run.config.update({"frame_skip": 4})
    run.finish()
    assert {"video", "weights"} == {one.key for one in _only("p").media()}


def test_verl():
    """`Tracking` and rollout traces: one run, whoever begins it."""
    for _ in range(2):
        if context_vars.current_run.get() is None:
            trackio.init(project="p", name="n", config={"framework": "verl"})
    trackio.log({"actor/loss": 1.0}, step=1)
    said = [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]
    trackio.log({"rollout": trackio.Trace(messages=said, metadata={"reward": 1})}, step=1)
    if context_vars.current_run.get() is not None:
        trackio.finish()
    assert {"actor/loss": 1.0} == _only("p").summary


def test_zenml():
    """It asks for signatures, logs lists, reads the run's name, syncs what it has."""
    wanted = {"project", "name", "config", "resume", "auto_log_gpu", "server_url", "space_id"}
    assert wanted | {"dataset_id", "bucket_id"} <= set(inspect.signature(trackio.init).parameters)
    for call, arguments in (
        (trackio.sync, {"project", "space_id", "dataset_id", "bucket_id"}),
        (trackio.freeze, {"space_id", "project", "bucket_id"}),
    ):
        assert arguments <= set(inspect.signature(call).parameters)
    trackio.init(project="p", name="n", config={"a": 1}, resume="never")
    trackio.log({"zenml_tags": ["x", "y"]})
    assert "n" == getattr(trackio, "run").name  # noqa: B009 - as ZenML has it
    trackio.finish()


def test_lerobot():
    """Groups, videos from files, a checkpoint as an artifact."""
    checkpoint = inspect.getfile(test_lerobot)
    run = trackio.init(
        project="p",
        name="n",
        group="policy",
        space_id=None,
        dataset_id=None,
        private=None,
        config={"steps": 10},
        resume="never",
    )
    trackio.log({"train/loss": 1.0}, step=1)
    trackio.log_artifact(checkpoint, name="checkpoint-1", type="model")
    run.finish()
    assert ["checkpoint-1"] == [row.name for row in trackio.Api().artifacts("p")]


def test_llama_factory_and_transformers():
    """Nested dicts of arguments, `allow_val_change`, a value set by its name."""
    trackio.init(project="huggingface", name="n", resume="allow", private=None, bucket_id=None)
    trackio.config.update({"model_args": {"a": {"b": 1}}, "data_args": {}}, allow_val_change=True)
    trackio.config["model/num_parameters"] = 12
    trackio.log({"train/loss": 1.0, "train/global_step": 1})
    assert context_vars.current_project.get() == "huggingface"
    assert context_vars.current_space_id.get() is None
    trackio.finish()
    assert 12 == _only("huggingface").config["model"]["num_parameters"]


def test_rapidfire():
    """Many live runs, found again and deleted by its reading API."""
    for name in ("a", "b"):
        run = trackio.init(project="p", name=name, resume="allow", embed=False)
        run.config["k"] = 1
        run.log({"loss": 1.0}, step=1)
        run.finish()
    for run in trackio.Api().runs("p"):
        if run.name == "a":
            run.delete()
    assert "b" == _only("p").name


def test_trl():
    """Tables with pictures in their cells, lists of traces, a page in a Space."""
    trackio.init(project="p", name="n")
    picture = trackio.Image(Picture.new("RGB", (4, 4)))
    frame = pd.DataFrame({"prompt": ["a"], "image": [[picture]]})
    trackio.log({"completions": trackio.Table(dataframe=frame)})
    said = [{"role": "user", "content": "hi"}]
    trackio.log({"rollouts": [trackio.Trace(messages=said), trackio.Trace(messages=said)]}, step=1)
    run = context_vars.current_run.get()
    assert (None, "p", "n") == (run._space_id, run.project, run.name)
    trackio.finish()
    assert {"completions", "rollouts"} == {one.key for one in _only("p").media()}


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
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_for_wandb_runs_with_only_its_import_changed(name):
    """Nothing is raised, and what it logged is there."""
    names = {"wandb": trackio, "np": np, "pd": pd, "threading": threading}
    exec(textwrap.dedent(SCRIPTS[name]), names)  # noqa: S102 - scripts of this file
    while current._latest or current._current.get():
        trackio.finish()
    if name == "disabled":
        assert [] == trackio.Api().projects()
        return
    runs = list(trackio.Api().runs("p"))
    assert runs
    assert {"finished"} == {run.status for run in runs}
    assert any({"loss", "more"} & run.metrics().keys() for run in runs)
