"""Time what the server does for one series of ten million points, at any zoom.

    python -m benchmarks.reading_long [--points 10000000] [--dir FOLDER] [--json]

The same points lie there in three ways: `whole`, one file, as a writer leaves them at its end;
`live`, one large file and the small ones that came after it; `packed`. Each is asked by two fresh
processes, each question at a place that was not asked before. Reported is the slower of the two,
and whether their answers are the same to the byte and show the one point that stands out.
"""

import argparse
import hashlib
import json
import pickle
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from trackio import arrays, keys, rows, shard
from trackio.columns import Numbers
from trackio.meta import encode_meta
from trackio.model import (
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
from trackio.rows import SCHEMA
from trackio.store.directory import Directory
from trackio.values.plain import dump_text
from trackio.writer.summary import Summary

PROJECT: Final = "long"
KEY: Final = "loss"
LAYOUTS: Final = ("whole", "live", "packed")
BUCKETS: Final = 1200
START_MS: Final = 1_700_000_000_000
SPIKE: Final = 1e6
Figures = dict[str, Any]


def fill(folder: Path, points: int, layout: str) -> None:
    """One run with one metric; a finished one unless it is live."""
    store = Directory(folder)
    run_id = RunId(f"{START_MS:012x}{1:012x}")
    writer_id = WriterId(f"{START_MS:012x}{2:012x}")
    meta = RunMeta(name="long", created="2023-11-14T22:13:20Z")
    store.put({str(keys.MetaKey(PROJECT, run_id)): encode_meta(meta)})
    table = _rows(run_id, writer_id, points)
    end = points + (1 if layout == "live" else 3)
    for first, last in pairwise([0, end] if layout != "live" else _ends_of_live(end)):
        span = SeqRange(first, last - 1)
        key = keys.ShardKey(PROJECT, run_id, writer_id, *span)
        store.put({str(key): shard.encode_table(rows.only(table, *span), span)})
    if layout == "packed":
        _pack(store)


def _ends_of_live(end: int) -> list[int]:
    """What a roll-up by sixteens leaves: a large file, some smaller, and small ones."""
    large, middle = int(end * 0.9), int(end * 0.99)
    small = np.linspace(middle, end, 16).astype(int).tolist()
    return [0, large, *np.linspace(large, middle, 8).astype(int).tolist()[1:], *small[1:]]


def _rows(run_id: RunId, writer_id: WriterId, points: int) -> Any:
    values = np.random.default_rng(2).normal(size=points)
    values[points // 2 + 7] = SPIKE
    int64 = SCHEMA.field("seq").type
    made = rows.Rows(run_id, writer_id)
    start = Json(dump_text({"label": None, "host": "bench", "pid": 1}))
    made.add([Call(0, START_MS * 1000, RUN, None, False, {START: start})])
    made.add_numbers(
        Numbers(
            seq=arrays.from_numpy(np.arange(1, points + 1), int64),
            time_us=arrays.from_numpy(START_MS * 1000 + np.arange(points) * 10_007, int64),
            step=arrays.from_numpy(np.arange(points), int64),
            auto=arrays.bools(np.ones(points, bool)),
            values={KEY: arrays.from_numpy(values, SCHEMA.field("value").type)},
        )
    )
    summary = Summary()
    summary.add(made.table())
    end_us = START_MS * 1000 + points * 10_007
    made.add([Call(points + 1, end_us, SUMMARY, None, False, summary.rows())])
    last = {"state": "finished", "reason": None, "last_seq": points + 2}
    made.add([Call(points + 2, end_us, RUN, None, False, {FINISH: Json(dump_text(last))})])
    return made.table()


def _pack(store: Directory) -> None:
    from trackio.upkeep.compact.job import Job, run_here
    from trackio.upkeep.compact.plan import CompactPolicy
    from trackio.upkeep.compact.publish import Effects

    job = Job(store=store, policy=CompactPolicy(settle_s=0.0), grace_s=0.0)
    job.run(PROJECT, run_here(store, Effects()))


def ask(folder: Path, points: int) -> Figures:
    """What a page asks that was just opened, and then each zoom."""
    from trackio.query.buckets import read_buckets
    from trackio.query.database import shared_database
    from trackio.query.metrics import list_metrics
    from trackio.query.project import open_project
    from trackio.query.runs import list_runs

    shared_database().table("rows_none", {}, {})  # DuckDB itself takes a while to open
    answers, figures = hashlib.sha256(), Figures()
    seen: list[bool] = []

    def timed(name: str, **asked: Any) -> None:
        began = time.perf_counter()
        found = read_buckets(view, ids, [KEY], **{"target": BUCKETS, **asked})
        figures[f"{name}_ms"] = (time.perf_counter() - began) * 1e3
        answers.update(pickle.dumps(found))
        seen.append(any(float(bucketed.max.max()) == SPIKE for bucketed in found))

    began = time.perf_counter()
    view = open_project(Directory(folder), PROJECT).refresh()
    ids = [row.run_id for row in list_runs(view, view.now_s)]
    list_metrics(view)
    figures["opened_ms"] = (time.perf_counter() - began) * 1e3
    timed("first_paint")
    timed("whole_again")
    middle = points // 2 + 7
    for name, share in (("half", 2), ("tenth", 10), ("hundredth", 100), ("10_000th", 10_000)):
        span = points // share
        timed(name, lo=middle - span // 2 - 13, hi=middle + span // 2 - 13)
    began = START_MS / 1e3
    timed("by_time", x="time")
    timed("half_by_time", x="time", lo=began + points * 0.0025, hi=began + points * 0.0075)
    return {**figures, "shows_spike": all(seen), "answers": answers.hexdigest()}


def measure(points: int, folder: Path) -> dict[str, Figures]:
    """The figures of each layout."""
    found = {}
    for layout in LAYOUTS:
        place = folder / layout
        if not place.exists():
            _step("fill", place, points, layout)
        rounds = [_step("ask", place, points, layout) for _ in range(2)]
        found[layout] = {
            name: max(said[name] for said in rounds) for name in rounds[0] if name.endswith("_ms")
        }
        found[layout]["same_bytes"] = rounds[0]["answers"] == rounds[1]["answers"]
        found[layout]["shows_spike"] = all(said["shows_spike"] for said in rounds)
    return found


def _step(what: str, place: Path, points: int, layout: str) -> Figures:
    command = [sys.executable, "-m", "benchmarks.reading_long", "--step", what]
    command += ["--dir", str(place), "--points", str(points), "--layout", layout]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(said or "{}"))


def main() -> None:
    """Measure all, or do one step in a process of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reading_long",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dir", type=Path, help="where the data lies, or is to be made and kept")
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--layout", choices=LAYOUTS, default="whole", help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=["fill", "ask"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step == "fill":
        fill(args.dir, args.points, args.layout)
    elif args.step == "ask":
        print(json.dumps(ask(args.dir, args.points)))
    else:
        with tempfile.TemporaryDirectory(prefix="reading-long-") as made:
            found = measure(args.points, args.dir or Path(made))
        print(json.dumps(found) if args.json else _table(found))


def _table(found: dict[str, Figures]) -> str:
    lines = [f"{'':16}" + "".join(f"{layout:>12}" for layout in found)]
    for name in next(iter(found.values())):
        cells = (figures[name] for figures in found.values())
        shown = (f"{c:12.1f}" if isinstance(c, float) else f"{c!s:>12}" for c in cells)
        lines.append(f"{name:16}" + "".join(shown))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
