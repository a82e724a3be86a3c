"""A small database as older Trackio wrote it, and what it becomes."""

import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from trackio.catalog import list_project
from trackio.model import RunId, WriterId
from trackio.store.base import Store
from trackio.store.memory import MemoryStore
from trackio.testing.reading import Point, points_in
from trackio.upkeep.migrate.migrate import migrate

_TABLE = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, "
    "timestamp TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL, "
    "metrics TEXT NOT NULL, log_id TEXT, space_id TEXT)"
)
_ADD = "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?, ?)"
_ROWS = [
    (f"old-{run}", "2001-09-09T00:00:00+00:00", f"old {run}", step, f'{{"loss": {step}.5}}')
    for run in range(2)
    for step in range(12)
]


def write_legacy(folder: Path, project: str) -> None:
    """The database of a project, with two runs of a dozen steps each."""
    folder.mkdir(parents=True)
    db = sqlite3.connect(folder / f"{project}.db")
    with db:
        db.execute(_TABLE)
        db.executemany(_ADD, _ROWS)
    db.close()


@cache
def legacy_points(project: str) -> frozenset[Point]:
    """The points that its migration makes where nothing goes wrong."""
    return frozenset(points_in(_migrated(project), project))


@cache
def legacy_owners(project: str) -> Mapping[WriterId, RunId]:
    """The run of each writer that its migration makes."""
    found = list_project(_migrated(project), project).runs.values()
    return {writer_id: run.run_id for run in found for writer_id in run.writers}


@cache
def _migrated(project: str) -> Store:
    store = MemoryStore()
    with TemporaryDirectory() as folder:
        write_legacy(Path(folder) / "old", project)
        migrate(Path(folder) / "old", store)
    return store
