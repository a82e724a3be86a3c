"""One process that logs to a bucket; prints one line of JSON. Started by `remote`."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

Figures = dict[str, Any]


def main() -> None:
    """Import, say so, begin when standard input ends, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--every-s", type=float, default=0.0)
    args = parser.parse_args()
    import trackio

    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps(WORKLOADS[args.workload](trackio, args)))


def log(trackio: Any, args: argparse.Namespace) -> Figures:
    """So many calls, one every so often, and `finish`."""
    began = time.perf_counter()
    run = trackio.init(project="bench")
    init_s = time.perf_counter() - began
    for call in range(args.calls):
        run.log({"loss": 1.0 / (call + 1), "call": call})
        if args.every_s:
            time.sleep(args.every_s)
    report = run.finish()
    wall_s = time.perf_counter() - began
    return {"init_s": init_s, "wall_s": wall_s, "local": report.local, "id": run.id}


def train(trackio: Any, args: argparse.Namespace) -> Figures:
    """A loop that computes for some 2 ms and logs: how long it takes without `finish`."""
    run = trackio.init(project="bench")
    data = bytes(range(256)) * 8000
    began, cpu = time.perf_counter(), time.process_time()
    for call in range(args.calls):
        for _ in range(4):
            hash(data[call:])
        run.log({"loss": 1.0 / (call + 1), "call": call})
    return {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}


WORKLOADS: dict[str, Callable[[Any, argparse.Namespace], Figures]] = {"log": log, "train": train}

if __name__ == "__main__":
    main()
