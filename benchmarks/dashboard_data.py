"""The shapes of projects that the dashboard is timed on, written as real shards. Times nothing."""

import time
from io import BytesIO
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from PIL import Image

import trackio
from tests.edge.written import WrittenRun
from trackio import keys, shard
from trackio.keys import MediaKey
from trackio.model import MEDIA, Json, SeqRange
from trackio.rows import SCHEMA
from trackio.store.base import Store
from trackio.store.directory import Directory


def write_many(store: Store, runs: int, metrics: int, steps: int, config: int = 3) -> None:
    """Runs whose config differs in a few keys and has many."""
    now, rng = time.time(), np.random.default_rng(1)
    for number in range(runs):
        given: dict[str, Any] = {f"key_{i:03}": (number * (i + 1)) % 97 for i in range(config)}
        run = WrittenRun(store, "bench", f"run-{number}", at_s=now - 90_000 + number, config=given)
        values = rng.normal(size=(steps, metrics))
        run.log([{f"m/{i:04}": float(v) for i, v in enumerate(row)} for row in values])
        run.finish(after_s=steps)


def write_long(store: Store, points: int) -> None:
    """One series of many points with one outlier in the middle."""
    run = WrittenRun(store, "bench", "long", at_s=time.time() - 2 * points)
    values = np.random.default_rng(2).normal(size=points)
    values[points // 2 + 7] = 1e6
    at_once = 1_000_000
    for first in range(0, points, at_once):
        n = min(at_once, points - first)
        seq = np.arange(first, first + n) + 1
        table = pa.table(
            {
                "run_id": pa.array([run.run_id]).take(pa.array(np.zeros(n, np.int64))),
                "writer_id": pa.array([run.writer_id]).take(pa.array(np.zeros(n, np.int64))),
                "seq": seq,
                "time": pa.array(((run.at_s + seq) * 1e6).astype(np.int64)).cast(
                    SCHEMA.field("time").type
                ),
                "step": seq - 1,
                "auto": pa.array(np.zeros(n, np.bool_)),
                "kind": pa.array(["metric"]).take(pa.array(np.zeros(n, np.int64))),
                "key": pa.array(["loss"]).take(pa.array(np.zeros(n, np.int64))),
                "value": values[first : first + n],
                "text": pa.nulls(n, pa.string()),
            },
            schema=SCHEMA,
        )
        span = SeqRange(int(seq[0]), int(seq[-1]))
        key = keys.ShardKey("bench", run.run_id, run.writer_id, span.first, span.last)
        store.put({str(key): shard.encode_table(table, span)})


def write_media(store: Store, pictures: int) -> None:
    """One run with many pictures under ten keys; each is a few hundred bytes."""
    run = WrittenRun(store, "bench", "pictures", at_s=time.time() - 90_000)
    out = BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(out, "PNG")
    sha = "ab" * 32
    key = MediaKey("bench", run.run_id, run.writer_id, sha, "png")
    store.put({str(key): out.getvalue()})
    said = {"_type": "trackio.image", "sha256": sha, "extension": "png", "width": 32, "height": 32}
    text = orjson.dumps(said).decode()
    run._put(  # one shard for all
        (MEDIA, step, {f"sample/{step % 10}": Json(text)}, run.at_s + step)
        for step in range(pictures)
    )


def write_tables(store: Store, tables: int) -> None:
    """One run with many tables of 64 rows, as reinforcement learning logs its completions."""
    assert isinstance(store, Directory)
    run = trackio.init(project="bench", name="tables", store=store.url)
    columns = ["prompt", "completion", "reward", "length"]
    for step in range(tables // 5):
        for key in range(5):
            rows = [
                [f"question {row} of step {step}", f"answer {row} " * 12, row / 64, row]
                for row in range(64)
            ]
            table = trackio.Table(columns=columns, data=rows)
            run.log({f"completions/{key}": table}, step=step)
    run.finish()


def write_live(store: Store) -> list[WrittenRun]:
    """Ten runs that go on, with 40 metrics and 1,500 points each."""
    now, rng = time.time(), np.random.default_rng(1)
    runs = [WrittenRun(store, "bench", f"run-{n}", at_s=now - 2000 + n) for n in range(10)]
    for run in runs:
        values = rng.normal(size=(1500, 40))
        run.log([{f"m/{i:04}": float(v) for i, v in enumerate(row)} for row in values])
    return runs
