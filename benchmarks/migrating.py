"""Measure migration: a legacy database of 200,000 rows, 1.25 million points, about 105 MB.

    python -m benchmarks.migrating [--rows-per-run 50000]

The database is made here, without the old Trackio: the schema is the one of 0.43 and the values
are those of the seeded generator that made the ground truth in the tests.
"""

import argparse
import json
import math
import random
import resource
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

RUNS = 4
ROWS_PER_RUN = 50_000
ASKED = 7
_BEGIN = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

SCHEMA = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
    timestamp TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL,
    metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
    run_name TEXT NOT NULL, config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
CREATE TABLE project_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE INDEX idx_metrics_run_step ON metrics(run_id, step);
CREATE INDEX idx_metrics_run_timestamp ON metrics(run_id, timestamp);
CREATE UNIQUE INDEX idx_metrics_log_id ON metrics(log_id) WHERE log_id IS NOT NULL;
CREATE INDEX idx_metrics_run_record ON metrics(run_id, run_name, timestamp);
PRAGMA user_version = 2;
"""


def logged(run: int, rows: int) -> Iterator[dict[str, Any]]:
    """What one run logs."""
    rng = random.Random(1000 + run)
    for i in range(rows):
        said: dict[str, Any] = {
            "train/loss": 5 * math.exp(-i / rows) + rng.gauss(0, 0.05),
            "train/acc": min(1.0, i / rows + rng.random() * 0.01),
            "lr": 1e-3 * (1 - i / rows),
            "epoch": i // 1000,
            "tokens": i * 4096 + 2**33,
        }
        if i % 100 == 0:
            said["eval/loss"] = 4 * math.exp(-i / rows)
            said["eval/f1"] = rng.random()
        if i % 9973 == 0:
            said["spike"] = "Infinity" if i else "NaN"
        if i % 5 == 0:
            said["grad_norm"] = rng.lognormvariate(0, 1)
        yield said


def generate(folder: Path, rows_per_run: int = ROWS_PER_RUN) -> Path:
    """Make `folder/bigproject.db`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bigproject.db"
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    for run in range(RUNS):
        rng = random.Random(run)
        run_id = uuid.UUID(int=rng.getrandbits(128)).hex
        config = json.dumps({"seed": 1000 + run, "lr": 10.0**-run, "_Created": _time(run, 0)})
        db.execute(
            "INSERT INTO configs (run_id, run_name, config, created_at) VALUES (?, ?, ?, ?)",
            (run_id, f"run-{run}", config.encode(), _time(run, 0)),
        )
        db.executemany(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics, log_id) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    run_id,
                    _time(run, step // 20),
                    f"run-{run}",
                    step,
                    json.dumps(said, separators=(",", ":")).encode(),
                    f"{rng.getrandbits(128):032x}",
                )
                for step, said in enumerate(logged(run, rows_per_run))
            ),
        )
    db.commit()
    db.close()
    return path


def _time(run: int, flush: int) -> str:
    return (_BEGIN + timedelta(hours=run, seconds=flush)).isoformat()


def log_natively(folder: Path, rows_per_run: int) -> None:
    """The same calls, as a training makes them."""
    import trackio

    for run in range(RUNS):
        config = {"seed": 1000 + run, "lr": 10.0**-run}
        with trackio.init(
            project="bigproject", name=f"run-{run}", config=config, store=str(folder)
        ) as live:
            for said in logged(run, rows_per_run):
                live.log(said)


def ask(folder: Path) -> dict[str, float]:
    """How long each question takes, in ms: the middle of `ASKED` times, from a new listing."""
    from trackio.query import buckets, runs, series
    from trackio.query.project import Project
    from trackio.store import open_store

    store = open_store(str(folder))
    took: dict[str, list[float]] = {}
    for _ in range(ASKED):
        marks = [("", time.perf_counter())]
        view = Project(store, "bigproject").view()
        ids = [run.run_id for run in runs.list_runs(view, view.now_s)]
        marks.append(("run table", time.perf_counter()))
        series.read_series(view, ids[:1], ["train/loss"])
        marks.append(("one series", time.perf_counter()))
        series.read_series(view, ids, ["train/acc"])
        marks.append(("one metric of all runs", time.perf_counter()))
        buckets.read_buckets(view, ids, ["lr"], target=1_500)
        marks.append(("one metric of all runs, down-sampled", time.perf_counter()))
        for (_, before), (name, after) in pairwise(marks):
            took.setdefault(name, []).append((after - before) * 1e3)
    return {name: median(times) for name, times in took.items()}


def compare(migrated: Path, native: Path) -> None:
    """The same questions to a migrated project and to one that was logged."""
    theirs, ours = ask(migrated), ask(native)
    for name, ms in theirs.items():
        print(f"{name}: {ms:.1f} ms migrated, {ours[name]:.1f} ms native")


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows-per-run", type=int, default=ROWS_PER_RUN)
    asked = parser.parse_args()
    from trackio.store import open_store
    from trackio.upkeep.migrate.migrate import migrate

    with tempfile.TemporaryDirectory() as scratch:
        path = generate(Path(scratch, "old"), asked.rows_per_run)
        print(f"database: {path.stat().st_size / 1e6:.0f} MB, {RUNS * asked.rows_per_run:,} rows")
        for attempt in ("first", "second"):
            began = time.perf_counter()
            report = migrate(Path(scratch, "old"), open_store(str(Path(scratch, "new"))))
            took_s = time.perf_counter() - began
            print(
                f"{attempt} migration: {took_s:.2f} s, {report.points / took_s:,.0f} points/s, "
                f"{report.put_files} files and {report.put_bytes / 1e6:.1f} MB put, "
                f"exit code {report.exit_code}"
            )
        print(f"memory at most: {_peak_bytes() / 1e6:.0f} MB")
        log_natively(Path(scratch, "native"), asked.rows_per_run)
        compare(Path(scratch, "new"), Path(scratch, "native"))


if __name__ == "__main__":
    main()
