"""Long histories of the simulated world; a failing one is repeated by its number.

A few of them here, thousands with `make torture ARGS="--only histories"`;
`TRACKIO_HISTORIES=2000` runs so many here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trackio.testing.histories import run_history

COUNT = int(os.environ.get("TRACKIO_HISTORIES") or 40)
FIRST = int(os.environ.get("TRACKIO_SEED") or 0)
REPLAY = """
import tempfile
from pathlib import Path
from trackio.testing.histories import run_history
for seed in (1, 2):
    with tempfile.TemporaryDirectory() as folder:
        print(run_history(Path(folder), seed, steps=150))
"""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_no_history_loses_or_doubles_a_row(tmp_path: Path, seed: int) -> None:
    """Everybody at once, stopped at any IO step, over a store and a disk that fail."""
    print(f"seed {seed}")
    run_history(tmp_path, seed)


def test_a_seed_repeats_every_step_also_in_another_process() -> None:
    """So a history that fails once can be looked at; sets have one order under one hash seed."""
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    told = [
        subprocess.run(
            [sys.executable, "-c", REPLAY], env=env, check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert told[0].count("digest=") == 2
