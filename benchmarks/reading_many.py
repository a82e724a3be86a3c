"""Time what a project of many runs costs a dashboard: `python -m benchmarks.reading_many`.

Nine tenths of the runs are finished, in one file each; the others go on. Measured are the first
look, a tick in which nothing happened, and ticks in which some runs logged, each as wall time and
as CPU of the process: what an idle machine would need at most.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.packing import PROJECT, fill
from tests.edge.written import WrittenRun
from trackio.dashboard.meta import Meta, delta, describe
from trackio.query.project import Project
from trackio.query.runs import list_runs
from trackio.store.directory import Directory

STEPS = 40
METRICS = 10
ROUNDS = 5


def main() -> None:
    """Print the middle of some rounds of each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading_many")
    parser.add_argument("--runs", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reading-many-") as folder:
        store = Directory(Path(folder))
        fill(store, args.runs * 9 // 10, STEPS, 1)
        now_s = time.time()
        live = [
            WrittenRun(store, PROJECT, f"live-{n}", at_s=now_s - 2000 + n)
            for n in range(args.runs // 10)
        ]
        log(live, 0, STEPS)
        look(store, live)


def log(runs: list[WrittenRun], first_step: int, steps: int) -> None:
    """Each run logs some steps, which become one shard."""
    for run in runs:
        row = {f"m{k}": 0.5 for k in range(METRICS)}
        run.log([row] * steps, first_step=first_step)


def look(store: Directory, live: list[WrittenRun]) -> None:
    """As the dashboard does, without its web server."""
    from trackio.query.database import shared_database

    shared_database().table("rows_none", {}, {})  # DuckDB itself takes a while to open
    measure("table of runs, project opened anew", lambda: table(store))
    project = Project(store, PROJECT)
    meta = describe(PROJECT, project.follow(), time.time())

    def tick() -> Meta:
        view = project.follow()
        return meta if view is meta.view else describe(PROJECT, view, time.time())

    tick()
    measure("tick, nothing new", tick)
    step = STEPS
    for count in (1, max(len(live) // 10, 1), len(live)):
        took = []
        for _ in range(ROUNDS):
            log(live[:count], step, 1)
            step += 1
            before = meta
            wall_ms, cpu_ms, meta = timed(tick)
            began = time.process_time()
            delta(before, meta, 0.0)
            took.append((wall_ms, cpu_ms + (time.process_time() - began) * 1e3))
        show(f"tick, {count} runs have logged", took)


def table(store: Directory) -> object:
    """Every run with its config and summary, from a new listing."""
    view = Project(store, PROJECT).view()
    return list_runs(view, view.now_s)


def measure(name: str, ask: Callable[[], object]) -> None:
    """Print the middle of some rounds."""
    show(name, [timed(ask)[:2] for _ in range(ROUNDS)])


def timed(ask: Callable[[], Any]) -> tuple[float, float, Any]:
    """The milliseconds and those of CPU that an answer takes, and the answer."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = ask()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3, answer


def show(name: str, took: list[tuple[float, float]]) -> None:
    """One line."""
    wall_ms, cpu_ms = (median(column) for column in zip(*took, strict=True))
    print(f"{name:40} {wall_ms:8.1f} ms   CPU {cpu_ms:8.1f} ms")


if __name__ == "__main__":
    main()
