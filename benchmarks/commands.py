"""What the commands cost: a cold process for each, and a warm MCP server. Ours only.

python -m benchmarks.commands
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.processes import WORK, Tracker

Figures = dict[str, float]
RUNS = 1000
_ROUNDS = 5
_CALLS: dict[str, dict[str, object]] = {
    "list_projects": {},
    "list_runs": {},
    "list_metrics": {},
    "list_alerts": {},
    "get_project": {},
    "get_run": {"run": "run-500"},
    "get_metric": {"run": "run-500", "metric": "loss", "samples": 20},
    "get_snapshot": {"run": "run-500", "around": 5},
    "compare": {"runs": ["run-1", "run-500"]},
    "diagnose": {},
    "query": {"sql": "SELECT run, min(value) FROM metrics WHERE key = 'loss' GROUP BY run LIMIT 5"},
}


def commands(tracker: Tracker) -> Figures:
    """`--help`, `list runs --json` of 1,000 runs in a cold process, and the slowest MCP answer."""
    if tracker.name != "ours":
        return {}
    folder, packed = Path(_filled().name), Path(_compacted().name)
    answers = mcp_answers(folder)
    return {
        "list_compacted_s": _cold(tracker, packed, "list", "runs", "--json"),
        "help_s": _cold(tracker, folder, "--help"),
        "list_runs_s": _cold(tracker, folder, "list", "runs", "--json"),
        "list_all_runs_s": _cold(tracker, folder, "list", "runs", "--json", "--limit", "0"),
        "query_s": _cold(tracker, folder, "query", "SELECT count(*) FROM runs"),
        "mcp_slowest_s": max(answers.values()),
        **{f"mcp {name}, s": seconds for name, seconds in answers.items()},
    }


def mcp_answers(folder: Path) -> Figures:
    """How long each tool takes in a server that is warm, without the pipe to its client."""
    ask = _server(folder)
    return {name: median(_timed(partial(ask, name, given))[1:]) for name, given in _CALLS.items()}


def _timed(call: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(_ROUNDS + 1):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds


def _server(folder: Path) -> Callable[[str, dict[str, object]], object]:
    from trackio.mcp.tools import Tools

    tools = Tools(str(folder))

    def ask(name: str, arguments: dict[str, object]) -> object:
        given = arguments if name == "list_projects" else {"project": _project(name), **arguments}
        result = tools.call(name, given)
        if result.is_error:
            raise RuntimeError(f"{name}: {result.text}")
        return result

    return ask


def _project(name: str) -> object:
    return ["bench"] if name == "query" else "bench"


def _cold(tracker: Tracker, folder: Path, *argv: str) -> float:
    env = {**os.environ, "TRACKIO_DIR": str(folder)}
    command = [str(tracker.python.parent / "trackio"), *argv]
    seconds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    return median(seconds)


@cache
def _filled() -> "TemporaryDirectory[str]":
    """1,000 finished runs of two metrics, a shard each, and some alerts."""
    from trackio.store.directory import Directory
    from trackio.testing.handmade import HandWriter

    WORK.mkdir(parents=True, exist_ok=True)
    folder = TemporaryDirectory(dir=WORK)
    store = Directory(Path(folder.name))
    now_s = time.time()
    for number in range(RUNS):
        writer = HandWriter(store, "bench", f"{number:024x}", start_s=now_s - 100_000 + number)
        writer.configure(lr=number / RUNS, depth=number % 7)
        for step in range(20):
            writer.log({"loss": 1.0 / (step + 1), "acc": step / 20})
        if number % 50 == 0:
            writer.alert(f"alert {number}")
        writer.finish()
        writer.put_meta(f"run-{number}")
        writer.put()
    return folder


@cache
def _compacted() -> "TemporaryDirectory[str]":
    """The same runs in a pack."""
    folder = TemporaryDirectory(dir=WORK)
    shutil.copytree(_filled().name, folder.name, dirs_exist_ok=True)
    env = {**os.environ, "TRACKIO_DIR": folder.name}
    command = [sys.executable, "-m", "trackio", "compact", "--project", "bench"]
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    print(json.dumps(commands(Tracker(name="ours", python=Path(sys.executable))), indent=1))
