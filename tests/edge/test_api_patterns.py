"""What integrations call, as they call it.

The real libraries are run by `make integrations`; here stand the calls that were read from the
sources of Lightning, Ray, torchrl, verl, ZenML, LeRobot, LLaMA-Factory, RapidFire and others.
"""

import inspect

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture

import trackio
from trackio import asked, context_vars, current, once


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
