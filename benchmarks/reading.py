"""Time what a dashboard asks most, on a data set it makes: `python benchmarks/reading.py`.

100 finished runs × 10,000 steps × 10 metrics, one shard a run, in a temporary folder (or
`--dir`, which is filled once and kept). Every question is asked once in a fresh process state
(first) and five times more (median); the page cache is warm.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from trackio import keys, shard
from trackio.model import Call, Json, RunId, RunMeta, SeqRange, Value, WriterId
from trackio.store.directory import Directory

PROJECT = "reading"
START_MS = 1_700_000_000_000


def write_run(folder: Path, number: int, steps: int, metrics: int) -> int:
    """Write one finished run; returns the size of its shard."""
    writer_id = WriterId(f"{START_MS + number * 1000:012x}{number:012x}")
    run_id = RunId(writer_id)
    calls = list(_calls(number, steps, metrics))
    span = SeqRange(0, calls[-1].seq)
    data = shard.encode(calls, run_id, writer_id, span)
    meta = RunMeta(name=f"run-{number}", created="2023-11-14T22:13:20Z")
    Directory(folder).put(
        {
            str(keys.MetaKey(PROJECT, run_id)): _dump_meta(meta),
            str(keys.ShardKey(PROJECT, run_id, writer_id, *span)): data,
        }
    )
    return len(data)


def _calls(number: int, steps: int, metrics: int) -> Iterator[Call]:
    rng = np.random.default_rng(number)
    values = rng.random((steps, metrics), dtype=np.float32).astype(float).tolist()
    names = [f"metric-{i}" for i in range(metrics)]
    start_us = (START_MS + number * 1000) * 1000
    times = (start_us + np.cumsum(rng.integers(9_000, 11_000, steps))).tolist()
    yield Call(0, start_us, "run", None, False, {"start": Json('{"host": "bench"}')})
    yield Call(1, start_us, "config", None, False, {f"option-{i}": i / 2 for i in range(10)})
    for step, (time_us, row) in enumerate(zip(times, values, strict=True)):
        yield Call(step + 2, time_us, "metric", step, True, dict(zip(names, row, strict=True)))
    summary = {"last": 0.5, "min": 0.0, "max": 1.0, "mean": 0.5, "count": steps, "step": steps - 1}
    texts: dict[str, Value] = dict.fromkeys(names, Json(json.dumps(summary)))
    yield Call(steps + 2, times[-1], "summary", None, False, texts)
    finish = Json(json.dumps({"state": "finished", "last_seq": steps + 3}))
    yield Call(steps + 3, times[-1], "run", None, False, {"finish": finish})


def _dump_meta(meta: RunMeta) -> bytes:
    return json.dumps({"name": meta.name, "created": meta.created}).encode()


@contextmanager
def data_set(folder: Path | None, runs: int, steps: int, metrics: int) -> Iterator[Path]:
    """The folder of the data, made unless it is there."""
    with tempfile.TemporaryDirectory() as temporary:
        root = folder or Path(temporary)
        if not (root / PROJECT).exists():
            with ProcessPoolExecutor() as pool:
                tasks = [pool.submit(write_run, root, n, steps, metrics) for n in range(runs)]
                size = sum(task.result() for task in tasks)
            print(f"{size / 1e6:.1f} MB, {size / (runs * steps * metrics):.2f} bytes a point")
        yield root


def measure(name: str, ask: Callable[[], object]) -> None:
    """Print how long a question takes, first and then."""
    times_ms = []
    for _ in range(6):
        started = time.perf_counter()
        ask()
        times_ms.append((time.perf_counter() - started) * 1000)
    print(f"{name:44} first {times_ms[0]:7.1f} ms   then {median(times_ms[1:]):7.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=10)
    given = parser.parse_args()
    with data_set(given.dir, given.runs, given.steps, given.metrics) as root:
        ask_all(root)


def ask_all(root: Path) -> None:
    """Ask the four questions, each first of a project just opened."""
    from trackio.query.buckets import read_buckets
    from trackio.query.project import Project
    from trackio.query.runs import list_runs
    from trackio.query.series import read_series

    def table() -> object:
        view = Project(Directory(root), PROJECT).view()
        return list_runs(view, view.now_s)

    project = Project(Directory(root), PROJECT)
    view = project.view()
    runs = [run.run_id for run in view.runs()]
    measure("run table, project opened anew", table)
    measure("run table, view known", lambda: list_runs(view, view.now_s))
    measure("one series of one run", lambda: read_series(view, runs[:1], ["metric-3"]))
    measure("one metric of all runs", lambda: read_series(view, runs, ["metric-3"]))
    measure(
        "the same in at most 1,500 buckets a run",
        lambda: read_buckets(view, runs, ["metric-3"], target=1500),
    )


if __name__ == "__main__":
    main()
