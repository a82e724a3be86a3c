"""What reading costs with the released trackio, through the storage class its dashboard uses.

Its interpreter runs this file by its path: `fill` writes 100 runs × 10,000 steps × 10 metrics into
`TRACKIO_DIR`, `read` measures in a fresh process and prints one line of JSON.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from statistics import median
from typing import Any
from uuid import uuid4

from trackio import SQLiteStorage as Storage

PROJECT = "bench"
RUNS = 100
STEPS = 10_000
METRICS = 10
REPEATS = 4
POINTS = 1_500


def main() -> None:
    """Fill a store, or read it."""
    if sys.argv[1] == "fill":
        fill()
    else:
        _runs()
        print(json.dumps({name: figure for query in QUERIES for name, figure in timed(query)}))


def fill() -> None:
    """Write every run as its own sender thread does: in batches, each row with an id."""
    chance = random.Random(7).random
    for run in range(RUNS):
        rows = [{f"metric_{m}": chance() for m in range(METRICS)} for _ in range(STEPS)]
        Storage.bulk_log(
            project=PROJECT,
            run=f"run-{run}",
            run_id=uuid4().hex,
            metrics_list=rows,
            steps=list(range(STEPS)),
            config={"lr": 10 ** -chance(), "layers": run % 12, "optimizer": "adamw"},
            log_ids=[uuid4().hex for _ in rows],
        )


def timed(query: Callable[[int], object]) -> Iterator[tuple[str, float]]:
    """The first call, and the middle of the later ones, each asking for something else."""
    took = []
    for repeat in range(REPEATS):
        began = time.perf_counter()
        query(repeat)
        took.append((time.perf_counter() - began) * 1e3)
    yield f"{query.__name__}_first_ms", took[0]
    yield f"{query.__name__}_ms", median(took[1:])


def run_table(_repeat: int) -> object:
    """Every run with its config and the last value of each metric."""
    configs = Storage.get_all_run_configs(PROJECT)
    table = []
    for run in Storage.get_run_records(PROJECT):
        last = Storage.get_max_step_for_run(PROJECT, run["name"], run_id=run["id"])
        row = Storage.get_snapshot(PROJECT, run["name"], step=last, run_id=run["id"])
        table.append((run, configs[run["id"]], row))
    return table


def one_series(repeat: int) -> object:
    """One metric of one run: 10,000 points."""
    run = _runs()[repeat]
    return Storage.get_metric_values(PROJECT, None, f"metric_{repeat}", run_id=run["id"])


def one_metric(repeat: int) -> object:
    """One metric of all runs: a million points."""
    name = f"metric_{repeat}"
    return [Storage.get_metric_values(PROJECT, None, name, run_id=run["id"]) for run in _runs()]


def sampled(repeat: int) -> object:
    """One metric of all runs, down-sampled to 1,500 points each."""
    name = f"metric_{repeat}"
    return [
        Storage.get_metric_values(PROJECT, None, name, run_id=run["id"], max_points=POINTS)
        for run in _runs()
    ]


@cache
def _runs() -> list[dict[str, Any]]:
    return Storage.get_run_records(PROJECT)


QUERIES = (run_table, one_series, one_metric, sampled)

if __name__ == "__main__":
    main()
