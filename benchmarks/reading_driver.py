"""What reading costs: the same four questions to either tracker, in a fresh process.

Not a part of the package around it: the interpreter of either tracker runs this file by its path.
`fill` writes 100 runs × 10,000 steps × 10 metrics into `TRACKIO_DIR`, `read` asks and prints one
line of JSON. A question is asked once, and then again of other runs and metrics, so that nobody
answers from what was kept.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, Protocol
from uuid import uuid4

PROJECT = "bench"
RUNS = 100
STEPS = 10_000
METRICS = 10
REPEATS = 5
POINTS = 1_500


class Tracker(Protocol):
    """Whoever is asked; `number` chooses the metric, and the run where there is one.

    The first question is the table of runs, and the others go by what it found.
    """

    def fill(self) -> None:
        """Write the runs."""

    def run_table(self, number: int) -> object:
        """Every run with its config and the last value of each metric, from a new listing."""

    def one_series(self, number: int) -> object:
        """One metric of one run: 10,000 points."""

    def one_metric(self, number: int) -> object:
        """One metric of all runs: a million points."""

    def sampled(self, number: int) -> object:
        """One metric of all runs, down-sampled to at most 1,500 points each."""


class Ours:
    """Writes as a training does; reads as the dashboard does."""

    def __init__(self) -> None:
        from trackio.query import buckets, project, runs, series
        from trackio.store import open_store

        self._buckets, self._projects, self._runs, self._series = buckets, project, runs, series
        self._store = open_store(os.environ["TRACKIO_DIR"])

    def fill(self) -> None:
        import trackio

        for number in range(RUNS):
            with trackio.init(project=PROJECT, name=f"run-{number}", config=config(number)) as run:
                for row in rows(number):
                    run.log(row)

    def run_table(self, number: int) -> object:
        self._view = self._projects.Project(self._store, PROJECT).view()
        return self._runs.list_runs(self._view, self._view.now_s)

    def one_series(self, number: int) -> object:
        run_ids = self._run_ids()[number : number + 1]
        return self._series.read_series(self._view, run_ids, [f"metric_{number}"])

    def one_metric(self, number: int) -> object:
        return self._series.read_series(self._view, self._run_ids(), [f"metric_{number}"])

    def sampled(self, number: int) -> object:
        keys = [f"metric_{number}"]
        return self._buckets.read_buckets(self._view, self._run_ids(), keys, target=POINTS)

    def _run_ids(self) -> list[Any]:
        return [run.run_id for run in self._view.runs()]


class Peer:
    """Writes as its sender thread does; reads as its dashboard does."""

    def __init__(self) -> None:
        from trackio import SQLiteStorage

        self._storage: Any = SQLiteStorage
        self._known: list[dict[str, Any]] = []

    def fill(self) -> None:
        for number in range(RUNS):
            self._storage.bulk_log(
                project=PROJECT,
                run=f"run-{number}",
                run_id=uuid4().hex,
                metrics_list=list(rows(number)),
                steps=list(range(STEPS)),
                config=config(number),
                log_ids=[uuid4().hex for _ in range(STEPS)],
            )

    def run_table(self, number: int) -> object:
        configs = self._storage.get_all_run_configs(PROJECT)
        self._known = self._storage.get_run_records(PROJECT)
        return [(run, configs[run["id"]], self._last(run)) for run in self._known]

    def one_series(self, number: int) -> object:
        return self._values(self._known[number], number)

    def one_metric(self, number: int) -> object:
        return [self._values(run, number) for run in self._known]

    def sampled(self, number: int) -> object:
        return [self._values(run, number, POINTS) for run in self._known]

    def _last(self, run: dict[str, Any]) -> object:
        which = {"run": run["name"], "run_id": run["id"]}
        last = self._storage.get_max_step_for_run(PROJECT, **which)
        return self._storage.get_snapshot(PROJECT, step=last, **which)

    def _values(self, run: dict[str, Any], number: int, most: int | None = None) -> object:
        return self._storage.get_metric_values(
            PROJECT, None, f"metric_{number}", run_id=run["id"], max_points=most
        )


def rows(number: int) -> Iterator[dict[str, float]]:
    """What a run logs: numbers that do not compress."""
    chance = random.Random(number).random
    names = [f"metric_{metric}" for metric in range(METRICS)]
    for _ in range(STEPS):
        yield {name: chance() for name in names}


def config(number: int) -> dict[str, Any]:
    """The hyper-parameters of a run."""
    return {"lr": 10 ** -(number % 5), "layers": number % 12, "optimizer": "adamw"}


def timed(ask: Callable[[int], object]) -> Iterator[float]:
    """How long each question took, in ms."""
    for number in range(REPEATS):
        began = time.perf_counter()
        ask(number)
        yield (time.perf_counter() - began) * 1e3


def main() -> None:
    """Fill, or read and print the first time and the middle of the others."""
    parser = argparse.ArgumentParser(description="Fill a store, or read it.")
    parser.add_argument("what", choices=("fill", "read"))
    parser.add_argument("--tracker", choices=("ours", "peer"), required=True)
    args = parser.parse_args()
    tracker: Tracker = Ours() if args.tracker == "ours" else Peer()
    if args.what == "fill":
        tracker.fill()
        return
    figures = {}
    for ask in (tracker.run_table, tracker.one_series, tracker.one_metric, tracker.sampled):
        took = list(timed(ask))
        figures[f"{ask.__name__}_first_ms"] = took[0]
        figures[f"{ask.__name__}_ms"] = median(took[1:])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
