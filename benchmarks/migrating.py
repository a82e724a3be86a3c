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
from pathlib import Path
from typing import Any

RUNS = 4
ROWS_PER_RUN = 50_000
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
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"memory at most: {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
