"""What reading over a network costs: `python -m benchmarks.reading_remote`.

100 finished runs × 1,000 steps × 5 metrics in a bucket of the stand-in Hub, which runs in a
process of its own and takes 50 ms for each request. Measured are the raw download of all shards
with the official client, the first open with an empty cache (table of runs, then one chart of
ten runs), the next open with a full one, and a tick while nothing happens. Medians of rounds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.processes import Tracker

if TYPE_CHECKING:
    from trackio.store.bucket import Bucket

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

ID: Final = "ada/runs"
FLOWING_S: Final = 10.0
Figures = dict[str, float]


def measure(runs: int = 100, steps: int = 1000, rtt_ms: float = 50.0, rounds: int = 3) -> Figures:
    """All figures, in ms."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with tempfile.TemporaryDirectory() as home, serving(rtt_ms) as url:
        os.environ["HF_HOME"] = home
        fill(url, runs, steps)
        found = [one_round(url) for _ in range(rounds)]
    return {name: median(figures[name] for figures in found) for name in found[0]}


def reading_remote(tracker: Tracker) -> Figures:
    """The same as a workload of the table; ours only, in a process of its own."""
    if tracker.name != "ours":
        return {}
    command = [str(tracker.python), "-m", "benchmarks.reading_remote", "--rounds=1"]
    said = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


def fill(url: str, runs: int, steps: int) -> None:
    """Put the runs into the bucket, and make it known that none is live."""
    from benchmarks.reading import write_run
    from trackio.store.directory import Directory

    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            write_run(Path(folder), number, steps, 5)
        source = Directory(Path(folder))
        files = {entry.key: source.path(entry.key) for entry in source.list()}
        _open(url).put(files)


def one_round(url: str) -> Figures:
    """Every question once, with an empty cache at first."""
    with tempfile.TemporaryDirectory() as folder:
        raw_ms = timed(lambda: download_raw(url, Path(folder) / "raw"))
        cold = opened(url, Path(folder) / "cache")
        warm = opened(url, Path(folder) / "cache")
        idle = idle_tick(url, Path(folder) / "cache")
    return {
        "raw_ms": raw_ms,
        **{f"cold_{name}": value for name, value in cold.items()},
        **{f"warm_{name}": value for name, value in warm.items()},
        **idle,
    }


def download_raw(url: str, folder: Path) -> None:
    """All shards, with one call of the official client."""
    from huggingface_hub import BucketFile, HfApi

    api = HfApi(endpoint=url, token=import_module("standin.hub").READ_TOKEN)
    wanted: list[tuple[str | BucketFile, str | Path]] = [
        (file, folder / file.path.rpartition("/")[2])
        for file in api.list_bucket_tree(ID, recursive=True)
        if isinstance(file, BucketFile) and file.path.endswith(".parquet")
    ]
    api.download_bucket_files(ID, wanted)


def opened(url: str, cache: Path) -> Figures:
    """The table of runs and then one chart, as a dashboard that was just started."""
    from benchmarks.reading import PROJECT
    from trackio.query.buckets import read_buckets
    from trackio.query.cache import Cache
    from trackio.query.project import Project
    from trackio.query.runs import list_runs

    began = time.perf_counter()
    view = Project(_open(url, reads=True), PROJECT, cache=Cache(cache)).view()
    listed = time.perf_counter()
    runs = list_runs(view, time.time())
    table = time.perf_counter()
    read_buckets(view, [run.run_id for run in runs[:10]], ["metric-0"], target=300)
    done = time.perf_counter()
    moments = {"list_ms": listed, "table_ms": table, "chart_ms": done}
    return {name: (moment - began) * 1e3 for name, moment in moments.items()}


def idle_tick(url: str, cache: Path) -> Figures:
    """A tick while nothing happens, with the feed flowing."""
    from benchmarks.reading import PROJECT
    from trackio.query.cache import Cache
    from trackio.query.project import Project

    store = _open(url, reads=True)
    project = Project(store, PROJECT, cache=Cache(cache))
    project.follow()
    if not store.watch().wait_flowing(FLOWING_S):
        raise RuntimeError("the feed does not flow")
    ticks = sorted(timed(project.follow) for _ in range(200))
    return {"idle_tick_ms": median(ticks)}


def timed(act: Callable[[], object]) -> float:
    """How long it takes, in ms."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1e3


@contextmanager
def serving(rtt_ms: float) -> Iterator[str]:
    """A stand-in Hub with one bucket, in a process of its own; its URL."""
    command = [sys.executable, "-m", "benchmarks.reading_remote", "--serve", str(rtt_ms)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent
    ) as process:
        if process.stdout is None:
            raise RuntimeError("the server says nothing")
        yield process.stdout.readline().strip()
        process.communicate()


def serve(rtt_ms: float) -> None:
    """Serve until standard input ends."""
    kinds = import_module("standin.web").Kind
    with import_module("standin.hub").running_hub() as hub:
        hub.make_bucket(ID)
        hub.faults.add("", kinds.DELAY, delay_s=rtt_ms / 1e3)
        print(hub.url, flush=True)
        sys.stdin.read()


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading_remote")
    parser.add_argument("--serve", type=float, metavar="MS", help="be the server")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rtt-ms", type=float, default=50.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.serve is not None:
        serve(args.serve)
        return
    found = measure(args.runs, args.steps, args.rtt_ms, args.rounds)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


def _open(url: str, *, reads: bool = False) -> "Bucket":
    from trackio.store.bucket import Bucket

    hub = import_module("standin.hub")
    return Bucket(ID, endpoint=url, token=hub.READ_TOKEN if reads else hub.WRITE_TOKEN)


if __name__ == "__main__":
    main()
