"""Make legacy databases of any shape for tests, without the old Trackio."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ERA_C = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, project_name TEXT NOT NULL, "
    "run_name TEXT NOT NULL, metrics TEXT NOT NULL)"
)
ERA_E = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, "
    "run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL)"
)
ERA_L = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, "
    "timestamp TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL, "
    "metrics TEXT NOT NULL, log_id TEXT, space_id TEXT)"
)
CONFIGS_L = (
    "CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, "
    "run_name TEXT NOT NULL, config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id))"
)
TIME = "2026-01-02T03:04:05.000006+00:00"


def make_database(path: Path, *schema: str) -> sqlite3.Connection:
    """An open database with these tables; the caller closes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    for statement in schema:
        db.execute(statement)
    return db


def add_rows(db: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows by column."""
    for row in rows:
        marks = ", ".join("?" * len(row))
        columns = ", ".join(row)
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
        db.execute(sql, tuple(row.values()))


def write_era_l(path: Path, bodies: Iterable[Any], **columns: Any) -> None:
    """A database with one run, `one`, that has a metrics row for each body."""
    db = make_database(path, ERA_L)
    usual = {"run_id": "one", "run_name": "one", "timestamp": TIME}
    add_rows(
        db,
        "metrics",
        ({**usual, "step": step, "metrics": body, **columns} for step, body in enumerate(bodies)),
    )
    db.close()
