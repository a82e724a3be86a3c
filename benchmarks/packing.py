"""Measure compaction: how fast, how much memory, and what reading costs before and after.

    python -m benchmarks.packing [--json] [--runs 1000] [--shards 10000]

Two projects are made: one of many tiny shards, as live runs of a remote store leave them, and
one of many finished runs. Each step runs in a process of its own.
"""

import argparse
import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from trackio import arrays, keys, rows, shard
from trackio.columns import Numbers
from trackio.meta import encode_meta
from trackio.model import (
    CONFIG,
    FINISH,
    RUN,
    START,
    SUMMARY,
    Call,
    Json,
    RunId,
    RunMeta,
    SeqRange,
    WriterId,
)
from trackio.store.directory import Directory
from trackio.values.plain import dump_text
from trackio.writer.summary import Summary

METRICS = 10
STEPS = 2_000
TINY_ROWS = 100
PROJECT = "p"
Figures = dict[str, float]


def fill(store: Directory, runs: int, steps: int, shards: int) -> None:
    """Finished runs of ten metrics, each in so many shards."""
    rng = np.random.default_rng(0)
    for number in range(runs):
        start_s = 1.7e9 + 10 * number
        run_id = RunId(f"{int(start_s * 1000):012x}{secrets.randbits(48):012x}")
        writer_id = WriterId(f"{int(start_s * 1000):012x}{secrets.randbits(48):012x}")
        meta = RunMeta(name=f"run-{number}", created="2026-01-01T00:00:00Z")
        store.put({str(keys.MetaKey(PROJECT, run_id)): encode_meta(meta)})
        table = _rows(run_id, writer_id, start_s, steps, rng)
        ends = np.linspace(0, steps + 4, shards + 1).astype(int).tolist()
        files = {}
        for first, end in pairwise(ends):
            span = SeqRange(first, end - 1)
            key = keys.ShardKey(PROJECT, run_id, writer_id, *span)
            files[str(key)] = shard.encode_table(rows.only(table, *span), span)
        store.put(files)


def _rows(run_id: RunId, writer_id: WriterId, start_s: float, steps: int, rng: Any) -> Any:
    def call(seq: int, kind: str, data: dict[str, Any]) -> list[Call]:
        return [Call(seq, int((start_s + seq) * 1e6), kind, None, False, data)]

    made = rows.Rows(run_id, writer_id)
    made.add(call(0, RUN, {START: Json(dump_text({"label": None, "host": "h", "pid": 1}))}))
    made.add(call(1, CONFIG, {"lr": rng.random(), "seed": 1, "optimizer": "adam"}))
    fall = np.exp(-np.arange(steps) / 500)
    values = {
        f"m{k}": arrays.from_numpy(
            (fall + rng.normal(0, 0.05, steps)).astype(np.float32).astype(np.float64),
            rows.SCHEMA.field("value").type,
        )
        for k in range(METRICS)
    }
    int64 = rows.SCHEMA.field("seq").type
    times = (start_s + np.arange(steps) * 0.1 + rng.random(steps) * 0.01) * 1e6
    made.add_numbers(
        Numbers(
            seq=arrays.from_numpy(np.arange(2, steps + 2), int64),
            time_us=arrays.from_numpy(times.astype(np.int64), int64),
            step=arrays.from_numpy(np.arange(steps), int64),
            auto=arrays.bools(np.ones(steps, bool)),
            values=values,
        )
    )
    summary = Summary()
    summary.add(made.table())
    made.add(call(steps + 2, SUMMARY, summary.rows()))
    last = {"state": "finished", "reason": None, "last_seq": steps + 3}
    made.add(call(steps + 3, RUN, {FINISH: Json(dump_text(last))}))
    return made.table()


def compact(store: Directory) -> Figures:
    """Pack, and collect with no grace, as nobody reads meanwhile."""
    from trackio.upkeep.compact.job import Job, run_here
    from trackio.upkeep.compact.plan import CompactPolicy
    from trackio.upkeep.compact.publish import Effects

    before_mb = _peak_mb()
    began = time.perf_counter()
    report = Job(store=store, policy=CompactPolicy(settle_s=0.0), grace_s=0.0).run(
        PROJECT, run_here(store, Effects())
    )
    wall_s = time.perf_counter() - began
    count = sum(packed.rows for packed in report.packed)
    size = sum(packed.size_bytes for packed in report.packed)
    overviews = sum(packed.overview_bytes for packed in report.packed)
    return {
        "rows": count,
        "all_s": wall_s,
        "rows_a_s": count / wall_s,
        "peak_mb": _peak_mb(),
        "imports_mb": before_mb,
        "bytes_a_point": size / count,
        "overview_bytes_a_point": overviews / count,
    }


def ask(store: Directory) -> Figures:
    """What charts and tables ask, each for the first time and then warm."""
    from trackio.query.buckets import read_buckets
    from trackio.query.database import shared_database
    from trackio.query.project import open_project
    from trackio.query.runs import list_runs
    from trackio.query.series import read_series

    shared_database().table("rows_none", {}, {})  # DuckDB itself takes a while to open
    view = open_project(store, PROJECT).refresh()
    named = [f"m{k}" for k in range(METRICS)]
    figures: Figures = {"files": len([e for e in store.list() if e.key.endswith(".parquet")])}
    figures |= _timed("runs", lambda: list_runs(view, view.now_s))
    ids = [row.run_id for row in list_runs(view, view.now_s)]
    figures |= _timed("ten_by_ten", lambda: read_buckets(view, ids[:10], named))
    figures |= _timed("one_metric", lambda: read_buckets(view, ids, ["m0"]))
    figures |= _timed("one_metric_full", lambda: read_series(view, ids, ["m0"]))
    return figures


def cold(store: Directory) -> Figures:
    """One metric of all runs, from the listing on, with nothing known of the project."""
    from trackio.query.database import shared_database
    from trackio.query.project import open_project
    from trackio.query.series import read_series

    shared_database().table("rows_none", {}, {})
    began = time.perf_counter()
    view = open_project(store, PROJECT).refresh()
    found = read_series(view, [run.run_id for run in view.runs()], ["m0"])
    took_ms = (time.perf_counter() - began) * 1e3
    return {"cold_ms": took_ms, "points": sum(len(series.values) for series in found)}


def _timed(name: str, work: Callable[[], object], times: int = 5) -> Figures:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1e3)
    return {f"{name}_first_ms": took[0], f"{name}_ms": sorted(took[1:])[len(took[1:]) // 2]}


def measure(runs: int, shards: int) -> Figures:
    """Every figure, of two projects."""
    with tempfile.TemporaryDirectory(prefix="packing-") as folder:
        tiny, many = Path(folder) / "tiny", Path(folder) / "many"
        calls = TINY_ROWS // METRICS
        _step("fill", tiny, runs=max(shards // 100, 1), steps=100 * calls - 4, shards=100)
        before = _step("cold", tiny)
        packed = _step("compact", tiny)
        after = _step("cold", tiny)
        figures = {
            "tiny_files": _step("ask", tiny)["files"],
            "tiny_rows_a_s": packed["rows_a_s"],
            "tiny_cold_before_ms": before["cold_ms"],
            "tiny_cold_ms": after["cold_ms"],
            "tiny_faster": before["cold_ms"] / after["cold_ms"],
        }
        _step("fill", many, runs=runs, steps=STEPS, shards=1)
        figures |= _step("compact", many)
        return figures | _step("ask", many)


def _step(what: str, folder: Path, **options: int) -> Figures:
    given = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "benchmarks.packing", "--step", what, str(folder), *given]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(said.stdout))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """Measure, or do one step in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packing", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--step", choices=["fill", "compact", "ask", "cold"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--shards", type=int, default=10_000)
    args = parser.parse_args()
    figures: Figures = {}
    if args.step is None:
        figures = measure(args.runs, args.shards)
    elif args.step == "fill":
        fill(Directory(args.folder), args.runs, args.steps, args.shards)
    else:
        figures = {"compact": compact, "ask": ask, "cold": cold}[args.step](Directory(args.folder))
    if args.json or args.step:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:28} {value:14,.1f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
