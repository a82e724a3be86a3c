"""One workload in one fresh process, with the same calls for either tracker.

Not a part of the package around it: the interpreter of either tracker runs this file by its path,
so it needs nothing but the standard library and the `trackio` installed there. It prints one line
of JSON. Memory, and the CPU of the whole process tree, are measured by whoever starts it.
"""

import argparse
import json
import math
import mmap
import os
import random
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

PROJECT = "bench"
Figures = dict[str, Any]


def main() -> None:
    """Import the tracker, run the workload, print what it measured."""
    args = parse_arguments()
    import trackio

    require_tracker(trackio, args.tracker)
    print(json.dumps(WORKLOADS[args.workload](trackio, args)))


def parse_arguments() -> argparse.Namespace:
    """The command line: the same for both trackers."""
    parser = argparse.ArgumentParser(description="Run one workload.")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--tracker", choices=("ours", "peer"), required=True)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=5)
    parser.add_argument("--rate", type=float, default=1000.0, help="calls a second, if paced")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--name", default="only")
    parser.add_argument(
        "--acknowledged", type=Path, help="8 bytes that say how many calls returned"
    )
    parser.add_argument("--wait", action="store_true", help="begin when standard input ends")
    return parser.parse_args()


def require_tracker(trackio: Any, tracker: str) -> None:
    """Stop if this interpreter holds the other tracker."""
    found = "peer" if is_peer(trackio) else "ours"
    if found != tracker:
        sys.exit(f"{sys.executable} holds trackio {trackio.__version__}, which is not `{tracker}`")


def is_peer(trackio: Any) -> bool:
    """Whether this is the released one."""
    return int(trackio.__version__.partition(".")[0]) < 1


def start_run(trackio: Any, name: str) -> Any:
    """A run that samples no hardware and shows nothing."""
    config = {"lr": 3e-4, "layers": 12, "optimizer": "adamw"}
    off = dict.fromkeys(("auto_log_cpu", "auto_log_gpu"), False)
    silent = {"embed": False} if is_peer(trackio) else {}
    return trackio.init(project=PROJECT, name=name, config=config, **off, **silent)


def made_up_rows(calls: int, metrics: int) -> Iterator[dict[str, float]]:
    """What a training loop logs: noisy floats, a schedule and, as the last metric, a counter."""
    chance = random.Random(7).random
    names = ["train/loss", "train/accuracy", "train/grad_norm", "train/lr"]
    names += [f"layer_{number:03d}/norm" for number in range(len(names) + 1, metrics)]
    for call in range(calls):
        row = {name: chance() for name in names}
        row["train/loss"] += 4 * math.exp(-call / calls)
        row["train/lr"] = 3e-4 * (1 + math.cos(math.pi * call / calls)) / 2
        row["call"] = call
        yield row


def log_timed(log: Callable[[Any], None], rows: Iterable[Any], rate: float = 0) -> list[int]:
    """How long each call took, in ns; with a rate, each call waits for its turn."""
    clock = time.perf_counter_ns
    took: list[int] = []
    began = clock()
    for call, row in enumerate(rows):
        while rate and (early_ns := began + call * 1e9 / rate - clock()) > 0:
            time.sleep(early_ns / 1e9)
        before = clock()
        log(row)
        took.append(clock() - before)
    return took


def latencies(took_ns: list[int]) -> Figures:
    """Percentiles in µs."""
    ranked = sorted(took_ns)

    def at(part: float) -> float:
        return ranked[min(len(ranked) - 1, int(part * len(ranked)))] / 1e3

    return {"p50_us": at(0.5), "p99_us": at(0.99), "p999_us": at(0.999), "max_us": at(1)}


def tight(trackio: Any, args: argparse.Namespace) -> Figures:
    """As many calls as fit, until `finish` says that all of them are durable."""
    points = args.calls * args.metrics
    rows: Iterable[Any] = made_up_rows(args.calls, args.metrics)
    rows = list(rows) if points <= 500_000 else rows
    cpu_s = time.process_time()
    run = start_run(trackio, args.name)
    began = time.perf_counter()
    took = log_timed(run.log, rows)
    run.finish()
    wall_s = time.perf_counter() - began
    return {**latencies(took), "wall_s": wall_s, "points": points, "cpu_before_s": cpu_s}


def backlog(trackio: Any, args: argparse.Namespace) -> Figures:
    """As many calls as fit, with nothing kept here that would count as the tracker's memory."""
    run = start_run(trackio, args.name)
    began = time.perf_counter()
    for row in made_up_rows(args.calls, args.metrics):
        run.log(row)
    run.finish()
    return {"wall_s": time.perf_counter() - began}


def paced(trackio: Any, args: argparse.Namespace) -> Figures:
    """So many calls a second: caches are cold between two calls, as in training."""
    run = start_run(trackio, args.name)
    took = log_timed(run.log, made_up_rows(args.calls, args.metrics), args.rate)
    run.finish()
    return latencies(took)


def small_runs(trackio: Any, args: argparse.Namespace) -> Figures:
    """Short runs one after the other: what beginning and ending one costs."""
    rows = list(made_up_rows(args.calls, args.metrics))
    both_ms: list[float] = []
    for number in range(args.runs):
        began = time.perf_counter()
        run = start_run(trackio, f"{args.name}-{number}")
        started = time.perf_counter()
        for row in rows:
            run.log(row)
        logged = time.perf_counter()
        run.finish()
        both_ms.append((time.perf_counter() - logged + started - began) * 1e3)
    return {"both_ms": sorted(both_ms)[len(both_ms) // 2]}


def until_killed(trackio: Any, args: argparse.Namespace) -> Figures:
    """Log at a rate and say after each call that it returned; somebody ends this with SIGKILL."""
    args.acknowledged.write_bytes(bytes(8))
    with args.acknowledged.open("r+b") as file, mmap.mmap(file.fileno(), 8) as counter:
        run = start_run(trackio, args.name)

        def log(row: dict[str, float]) -> None:
            run.log(row)
            struct.pack_into("<q", counter, 0, int(row["call"]) + 1)

        log_timed(log, made_up_rows(args.calls, args.metrics), args.rate)
    sys.exit("was not killed in time")


def member(trackio: Any, args: argparse.Namespace) -> Figures:
    """One of many processes that log into the same project at once."""
    if args.wait:
        print("ready", flush=True)
        sys.stdin.read()
    run = start_run(trackio, args.name)
    log_timed(run.log, made_up_rows(args.calls, args.metrics), args.rate)
    run.finish()
    return {}


def version(trackio: Any, _args: argparse.Namespace) -> Figures:
    """Which tracker this is."""
    return {"version": trackio.__version__}


def count(trackio: Any, args: argparse.Namespace) -> Figures:
    """How many different calls of each run a reader finds, after whatever repair there is."""
    counters = {"ours": count_ours, "peer": count_peer}
    return counters[args.tracker](trackio)


def count_ours(trackio: Any) -> Figures:
    """Recover what dead processes left, then read through `Api`."""
    from trackio.settings import Settings
    from trackio.upkeep.background import recover

    recover(Settings.from_env())
    runs = trackio.Api().runs(PROJECT)
    return {"runs": {run.name: distinct_calls(run.scan_history(keys=["call"])) for run in runs}}


def count_peer(trackio: Any) -> Figures:
    """Read through its storage class, as its own dashboard does."""
    storage = trackio.SQLiteStorage
    runs = [(run["name"], run["id"]) for run in storage.get_run_records(PROJECT)]
    return {
        "runs": {name: distinct_calls(storage.get_logs(PROJECT, run_id=it)) for name, it in runs}
    }


def distinct_calls(rows: Iterable[dict[str, Any]]) -> int:
    """A row that is stored twice counts once."""
    return len({row["call"] for row in rows if "call" in row})


WORKLOADS: dict[str, Callable[[Any, argparse.Namespace], Figures]] = {
    "backlog": backlog,
    "tight": tight,
    "paced": paced,
    "small_runs": small_runs,
    "until_killed": until_killed,
    "member": member,
    "version": version,
    "count": count,
}

if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
