"""Start, watch and kill trainings, each in a process of its own. Reads no store."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TRAIN: Final = Path(__file__).with_name("train.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What one training is called and how it differs from the others."""

    name: str
    options: tuple[str, ...]


RECIPES: Final = (
    Recipe(name="plain", options=("--learning-rate=0.1",)),
    Recipe(name="momentum", options=("--learning-rate=0.1", "--momentum=0.9")),
    Recipe(
        name="deep", options=("--learning-rate=0.05", "--momentum=0.9", "--hidden", *("64",) * 3)
    ),
    Recipe(
        name="large-batch", options=("--learning-rate=0.3", "--momentum=0.5", "--batch-size=256")
    ),
    Recipe(name="too-hot", options=("--learning-rate=1.5", "--momentum=0.9")),
)
"""Four that learn, and one whose learning rate is too high."""


class Training:
    """One process of `train.py`. It adds a byte to a file after every `log` that returned."""

    def __init__(
        self, recipe: Recipe, project: str, steps: int, pause_s: float, home: Path
    ) -> None:
        self.name = recipe.name
        self.was_killed = False
        self._acknowledged = home / f"{recipe.name}.acknowledged"
        self._said = home / f"{recipe.name}.out"
        where = [f"--project={project}", f"--name={recipe.name}"]
        pace = [f"--steps={steps}", f"--pause-s={pause_s}", f"--acknowledged={self._acknowledged}"]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, str(TRAIN), *where, *pace, *recipe.options],
                env={**os.environ, "TRACKIO_DIR": str(home / "store"), **_ONE_THREAD},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends its trainings
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def calls(self) -> int:
        """How many calls of `log` have returned."""
        return self._acknowledged.stat().st_size if self._acknowledged.exists() else 0

    @property
    def is_running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: the process ends at once and cannot clean up."""
        self.was_killed = True
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Ask the process to end, and wait until it has."""
        self._process.terminate()
        self._process.wait()

    def wait(self) -> None:
        """Wait for the end; if it is a bad one, end the demo with what the process said."""
        if self._process.wait() and not self.was_killed:
            sys.exit(f"the training {self.name!r} failed:\n{self._said.read_text()}")


# The matrices are tiny: more threads only fight over the cores.
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def stop_all(trainings: Iterable[Training]) -> None:
    """End what still runs."""
    for training in trainings:
        if training.is_running:
            training.stop()
