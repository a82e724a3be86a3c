"""Real libraries report to Trackio; run by `make integrations`."""

import os
import subprocess
from pathlib import Path

import pytest

from trackio import Api
from trackio.api import Run

TRAINERS = Path(__file__).parent / "trainers.py"


def _train(library: str, folder: Path) -> Run:
    """What the library logs, in a process and an environment of its own."""
    home = folder / "home"
    env = {**os.environ, "TRACKIO_DIR": str(home), "HF_HUB_OFFLINE": "1", "TRACKIO_SYSTEM_S": "0"}
    command = [os.environ["TRACKIO_TEST_TRAINERS"], str(TRAINERS), library]
    done = subprocess.run(
        command, env=env, cwd=folder, timeout=280, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [run] = Api(home).runs("tiny")
    return run


def test_the_trainer_of_transformers(tmp_path: Path) -> None:
    """Losses of training and evaluation, its config; the second training resumes the run."""
    run = _train("transformers", tmp_path)
    assert ("trainer", "finished") == (run.name, run.state)
    assert {"train/loss", "eval/loss", "train/global_step"} <= run.metrics().keys()
    assert "gpt2" == run.config["model_type"]
    assert run.config["model"]["num_parameters"] > 0
    assert run.metrics()["train/loss"] == 8


def test_the_tracker_of_accelerate(tmp_path: Path) -> None:
    """Its config, and its steps."""
    run = _train("accelerate", tmp_path)
    assert ("accelerated", "finished") == (run.name, run.state)
    assert {"lr": 0.1, "steps": 3} == run.config
    history = run.history(["loss"], pandas=False)
    assert [0, 1, 2] == [row["step"] for row in history]  # type: ignore[index]


def test_the_trainer_of_trl(tmp_path: Path) -> None:
    """What it adds to the Trainer's metrics is there too."""
    run = _train("trl", tmp_path)
    assert ("sft", "finished") == (run.name, run.state)
    assert {"train/loss", "train/num_tokens"} <= run.metrics().keys()


def test_a_loop_of_torch(tmp_path: Path) -> None:
    """Tensors are numbers, also those that carry a graph."""
    run = _train("torch", tmp_path)
    assert {"loss", "lr"} == run.metrics().keys()
    assert run.summary["lr"] == pytest.approx(0.1)
    assert 3 == len(run.media("weights"))
    assert ["model"] == [link.name for link in run.logged_artifacts()]
