"""One workload of one tracker in one fresh process; prints one line of JSON.

The interpreter of the tracker runs this file by its path. Slow trackers are cut after `--seconds`
of logging and say how many calls they got done; whoever reads the figures scales them.
"""

import argparse
import json
import mmap
import random
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))  # behind the packages of the tracker

from benchmarks.peers.adapters import Adapter, Log, adapter

Figures = dict[str, float]


def main() -> None:
    """Run the workload and print what it measured."""
    parser = argparse.ArgumentParser(description="Run one workload of one tracker.")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--name", default="only")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=5)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--acknowledged", type=Path)
    args = parser.parse_args()
    print(json.dumps(WORKLOADS[args.workload](adapter(args.adapter), args)), flush=True)


def rows(calls: int, metrics: int) -> list[dict[str, float]]:
    """What is logged: noisy numbers, and as the last metric a counter."""
    chance = random.Random(7).random
    names = [f"metric_{number:03d}" for number in range(metrics - 1)]
    return [{**{name: chance() for name in names}, "call": float(it)} for it in range(calls)]


def log_until(log: Log, given: list[dict[str, float]], seconds: float, rate: float) -> list[int]:
    """How long each call took, in ns, until all are done or the time is up."""
    clock, took = time.perf_counter_ns, list[int]()
    began = clock()
    last = began + int(seconds * 1e9)
    for step, row in enumerate(given):
        while rate and (early_ns := began + step * 1e9 / rate - clock()) > 0:
            time.sleep(early_ns / 1e9)
        before = clock()
        if before > last:
            break
        log(step, row)
        took.append(clock() - before)
    return took


def percentiles(took_ns: list[int]) -> Figures:
    """In µs."""
    ranked = sorted(took_ns)
    parts = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}
    return {name: ranked[int(part * (len(ranked) - 1))] / 1e3 for name, part in parts.items()}


def loop(tracker: Adapter, args: argparse.Namespace) -> Figures:
    """Log, and finish: as fast as it goes, or so many calls a second."""
    tracker.load()
    given = rows(args.calls, args.metrics)
    cpu_s = time.process_time()
    log = tracker.start(Path.cwd(), args.name)
    began = time.perf_counter()
    took = log_until(log, given, args.seconds, args.rate)
    tracker.finish()
    wall_s = time.perf_counter() - began
    return {**percentiles(took), "calls": len(took), "wall_s": wall_s, "cpu_before_s": cpu_s}


def small_runs(tracker: Adapter, args: argparse.Namespace) -> Figures:
    """Short runs one after the other in one process."""
    tracker.load()
    given = rows(args.calls, args.metrics)
    both_ms: list[float] = []
    began = time.perf_counter()
    for number in range(args.runs):
        if time.perf_counter() - began > args.seconds:
            break
        both_ms.append(_small_run(tracker, f"{args.name}-{number}", given))
    return {
        "runs": len(both_ms),
        "both_ms": sorted(both_ms)[len(both_ms) // 2],
        "wall_ms": (time.perf_counter() - began) * 1e3 / len(both_ms),
    }


def _small_run(tracker: Adapter, name: str, given: list[dict[str, float]]) -> float:
    began = time.perf_counter()
    log = tracker.start(Path.cwd(), name)
    started = time.perf_counter()
    for step, row in enumerate(given):
        log(step, row)
    logged = time.perf_counter()
    tracker.finish()
    return (time.perf_counter() - logged + started - began) * 1e3


def member(tracker: Adapter, args: argparse.Namespace) -> Figures:
    """One of several processes that begin at once."""
    tracker.load()
    given = rows(args.calls, args.metrics)
    print("ready", flush=True)
    sys.stdin.read()
    log = tracker.start(Path.cwd(), args.name)
    took = log_until(log, given, args.seconds, args.rate)
    tracker.finish()
    return {"calls": len(took), "ended_s": time.time()}


def start(tracker: Adapter, args: argparse.Namespace) -> Figures:
    """Import it, begin a run, log one row, end it."""
    times = [time.perf_counter()]
    tracker.load()
    times.append(time.perf_counter())
    log = tracker.start(Path.cwd(), args.name)
    times.append(time.perf_counter())
    log(0, {"call": 0.0})
    tracker.finish()
    times.append(time.perf_counter())
    names = ("import_ms", "init_ms", "finish_ms")
    return {name: (times[at + 1] - times[at]) * 1e3 for at, name in enumerate(names)}


def until_killed(tracker: Adapter, args: argparse.Namespace) -> Figures:
    """Log at a rate and say after each call that it returned; somebody ends this with SIGKILL."""
    tracker.load()
    log = tracker.start(Path.cwd(), args.name)
    given = rows(args.calls, args.metrics)
    for _ in _acknowledging(args.acknowledged, log, given, args.rate):
        pass
    sys.exit("was not killed in time")


def _acknowledging(
    file: Path, log: Log, given: list[dict[str, float]], rate: float
) -> Iterator[int]:
    file.write_bytes(bytes(8))
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 8) as counter:
        began = time.perf_counter()
        for step, row in enumerate(given):
            while (early_s := began + step / rate - time.perf_counter()) > 0:
                time.sleep(early_s)
            log(step, row)
            struct.pack_into("<q", counter, 0, step + 1)
            yield step


WORKLOADS: dict[str, Callable[[Adapter, Any], Figures]] = {
    "loop": loop,
    "small_runs": small_runs,
    "member": member,
    "start": start,
    "until_killed": until_killed,
}

if __name__ == "__main__":
    main()
