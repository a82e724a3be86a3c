"""The importers on files that the real tools write now; run by `make integrations`."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from integrations.checks import (
    check_mlflow,
    check_tensorboard,
    check_wandb,
    check_wandb_artifact,
)

MAKER = Path(__file__).parent / "make_samples.py"
CHECKS = {"tensorboard": check_tensorboard, "wandb": check_wandb, "mlflow": check_mlflow}


@pytest.mark.parametrize(("tool", "check"), CHECKS.items(), ids=CHECKS)
def test_what_the_real_tool_writes_comes_over(
    tool: str, check: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    """The tool logs in a process of its own, in its own environment; nothing of it is imported."""
    command = [os.environ["TRACKIO_TEST_TOOLS"], str(MAKER), str(tmp_path / "made"), tool]
    subprocess.run(command, check=True, timeout=240, capture_output=True)
    check(tmp_path / "made" / tool, tmp_path / "store")
    if tool == "wandb":  # its files lie where it staged them, which only holds here and now
        check_wandb_artifact(tmp_path / "store", tmp_path / "out")
