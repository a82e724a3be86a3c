"""Logging to a bucket that is 100 ms away: when rows are visible, and what that costs.

The Hub is the stand-in of the tests, in a process of its own; the client is the real one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import HERE, Tracker, fresh_folder

if TYPE_CHECKING:
    from trackio.spool import Spool

TOKEN: Final = "hf_standinWriterTokenOfAda"
BUCKET: Final = "ada/bench"
RAW: Final = "ada/raw"
RTT_MS: Final = 100
NOWHERE: Final = "http://127.0.0.1:1"
Figures = dict[str, float]


def remote(tracker: Tracker) -> Figures:
    """All lines about buckets; the released one cannot log to a bucket alone."""
    if tracker.name != "ours":
        return {}
    return {**visible(tracker), **burst(tracker), **many(tracker), **shards(), **nowhere(tracker)}


def visible(tracker: Tracker, writers: int = 16, calls: int = 200) -> Figures:
    """16 processes log 5 calls a second: how long until a row is in the bucket, in s."""
    with fresh_folder() as folder, _hub(RTT_MS) as url:
        _run_all(tracker, folder, url, writers, "log", f"--calls={calls}", "--every-s=0.2")
        lags_s = sorted(_lags_s(url))
    return {"visible_p50_s": lags_s[len(lags_s) // 2], "visible_p99_s": _at(lags_s, 0.99)}


def burst(tracker: Tracker) -> Figures:
    """2,000 calls at once, until `finish` said OK."""
    with fresh_folder() as folder, _hub(RTT_MS) as url:
        (ended,), _ = _run_all(tracker, folder, url, 1, "log", "--calls=2000")
    return {"burst_s": ended["wall_s"], "remote_init_s": ended["init_s"]}


def many(tracker: Tracker) -> Figures:
    """32 processes with 1,000 calls each, until the last has finished."""
    with fresh_folder() as folder, _hub(RTT_MS) as url:
        ended, wall_s = _run_all(tracker, folder, url, 32, "log", "--calls=1000")
    return {"many_s": wall_s, "many_local": float(sum(each["local"] for each in ended))}


def shards(count: int = 1000, rounds: int = 5) -> Figures:
    """1,000 files of 12.8 kB through the spool, beside one raw batch of the official client."""
    from huggingface_hub import HfApi

    from trackio.spool import Spool
    from trackio.store.bucket import Bucket

    prefix = f"bench/runs/r/{'0' * 24}"
    names = [f"{prefix}/{number:012d}-{number:012d}.parquet" for number in range(count)]
    ours_s, raw_s = [], []
    with fresh_folder() as folder, _hub(0) as url:
        spool = Spool(folder / "spool", Bucket(BUCKET, endpoint=url, token=TOKEN))
        api = HfApi(endpoint=url, token=TOKEN)
        for _ in range(rounds + 1):  # the first is to warm up
            spool.files.put({name: os.urandom(12_800) for name in names})
            ours_s.append(_timed(lambda: _send(spool, names)))
            data: list[tuple[str | Path | bytes, str]] = [(os.urandom(12_800), n) for n in names]
            raw_s.append(_timed(partial(api.batch_bucket_files, RAW, add=data)))
    ratios = [ours / raw for ours, raw in zip(ours_s[1:], raw_s[1:], strict=True)]
    return {"shards_s": median(ours_s[1:]), "shards_ratio": median(ratios)}


def _send(spool: "Spool", names: list[str]) -> None:
    spool.offer(names)
    if not spool.send():
        raise RuntimeError(f"not everything was sent: {spool.last_error}")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def nowhere(tracker: Tracker, rounds: int = 5) -> Figures:
    """A training loop beside a store that never answers: its time against one that does."""
    walls: dict[str, list[float]] = {"there": [], "nowhere": []}
    with fresh_folder() as folder, _hub(0) as url:
        for number in range(rounds):
            for name, address in (("there", url), ("nowhere", NOWHERE)):
                place = folder / f"{name}-{number}"
                place.mkdir()
                (ended,), _ = _run_all(tracker, place, address, 1, "train", "--calls=1000")
                walls[name].append(ended["wall_s"])
    change = median(walls["nowhere"]) / median(walls["there"]) - 1
    return {"nowhere_percent": 100 * change}


@contextmanager
def _hub(rtt_ms: float) -> Iterator[str]:
    command = [sys.executable, str(HERE / "hub_server.py"), f"--rtt-ms={rtt_ms}", BUCKET, RAW]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is None:
            raise RuntimeError("the stand-in Hub has no output")
        yield server.stdout.readline().strip()
    finally:
        server.communicate()


def _run_all(
    tracker: Tracker, folder: Path, url: str, count: int, *arguments: str
) -> tuple[list[Mapping[str, Any]], float]:
    """Processes that begin together; what each printed, and the time until the last has ended."""
    members = [_start(tracker, folder, url, arguments) for _ in range(count)]
    for each in members:
        if each.stdout is None or each.stdout.readline() != "ready\n":
            raise RuntimeError(f"a process ended early: {each.communicate()[1]}")
    began = time.perf_counter()
    for each in members:
        if each.stdin is not None:
            each.stdin.close()
            each.stdin = None
    ended = [each.communicate() for each in members]
    wall_s = time.perf_counter() - began
    if broken := [err for (_, err), each in zip(ended, members, strict=True) if each.returncode]:
        raise RuntimeError(broken[0])
    return [json.loads(out) for out, _ in ended], wall_s


def _start(
    tracker: Tracker, folder: Path, url: str, arguments: Sequence[str]
) -> "subprocess.Popen[str]":
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    where = {"HOME": str(folder), "HF_HOME": str(folder), "TRACKIO_DIR": str(folder / "machine")}
    hub = {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "TRACKIO_BUCKET_ID": BUCKET}
    return subprocess.Popen(
        [str(tracker.python), str(HERE / "remote_driver.py"), *arguments],
        env={**kept, **where, **hub, "TRACKIO_FINISH_S": "1" if "train" in arguments else "60"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _lags_s(url: str) -> Iterator[float]:
    """For each row how long it took until the first file that holds it was in the bucket."""
    from trackio import keys, shard
    from trackio.store.bucket import Bucket

    store = Bucket(BUCKET, endpoint=url, token=TOKEN)
    first_s: dict[tuple[str, int], float] = {}
    for entry in sorted(store.list("bench/runs/"), key=lambda entry: entry.time_s):
        if isinstance(keys.parse(entry.key), keys.ShardKey):
            _, table = shard.decode(store.get(entry.key))
            columns = (table[name].to_pylist() for name in ("writer_id", "seq", "time"))
            for writer, seq, when in zip(*columns, strict=True):
                first_s.setdefault((writer, seq), entry.time_s - when.timestamp())
    yield from first_s.values()


def _at(ranked: Sequence[float], part: float) -> float:
    return ranked[min(len(ranked) - 1, int(part * len(ranked)))]
