"""What reading costs: four questions to 10 million points, and the dashboard in a browser."""

import json
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import HERE, WORK, Tracker, run_script

Figures = dict[str, float]


def reading(tracker: Tracker) -> Figures:
    """100 runs × 10,000 steps × 10 metrics, asked in a fresh process."""
    folder = Path(_filled(tracker).name)
    return run_script(tracker, folder, "reading_driver.py", "read", *_named(tracker)).figures


def dashboard(tracker: Tracker) -> Figures:
    """40 metrics × 10 runs × 1,500 points in a headless Chromium; ours only."""
    if tracker.name != "ours":
        return {}
    command = [str(tracker.python), "-m", "benchmarks.dashboard", "--json", "--rounds=3"]
    said = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


def packing(tracker: Tracker) -> Figures:
    """Compaction of 10,000 tiny shards and of 20 million points; ours only."""
    if tracker.name != "ours":
        return {}
    command = [str(tracker.python), "-m", "benchmarks.packing", "--json"]
    said = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


@cache
def _filled(tracker: Tracker) -> "TemporaryDirectory[str]":
    """Filled once, read in every round, removed at the end."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = TemporaryDirectory(dir=WORK)
    run_script(tracker, Path(folder.name), "reading_driver.py", "fill", *_named(tracker))
    return folder


def _named(tracker: Tracker) -> tuple[str, str]:
    return "--tracker", tracker.name
