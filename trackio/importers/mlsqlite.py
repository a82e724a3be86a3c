"""An MLflow store of SQLite, or a copy of it that can be read. The file itself is not touched."""

import math
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from trackio.errors import InvalidInput
from trackio.importers.mlstore import MlRun, Point

_LARGEST: Final = sys.float_info.max
"""What MLflow writes for an infinity."""
_ROWS: Final = 8192

_RUNS: Final = """
SELECT run_uuid, runs.name, experiments.name, status, start_time, end_time, user_id, artifact_uri
FROM runs JOIN experiments USING (experiment_id)
WHERE runs.lifecycle_stage = 'active'
ORDER BY start_time, run_uuid
"""
_POINTS: Final = """
SELECT timestamp, step, key, value, is_nan FROM metrics WHERE run_uuid = ?
ORDER BY timestamp, step, rowid
"""


class SqliteStore:
    """The database that MLflow calls `mlflow.db`.

    Raises:
        InvalidInput: it is no database, or none of MLflow's.
    """

    def __init__(self, path: Path) -> None:
        self.root = path.parent
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        for suffix in ("", "-wal", "-journal"):  # what was not checkpointed yet is beside it
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                shutil.copyfile(beside, folder / beside.name)
        self._database = sqlite3.connect(folder / path.name)
        self._stack.callback(self._database.close)
        try:
            self._database.execute("SELECT run_uuid, key, is_nan FROM metrics LIMIT 1")
        except sqlite3.DatabaseError as exc:
            self._stack.close()
            raise InvalidInput(f"{path} is no database of MLflow's: {exc}") from exc

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether this is a file of SQLite."""
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"

    def runs(self) -> list[MlRun]:
        """Every run that is not deleted, oldest first."""
        count = "SELECT run_uuid, count(*) FROM metrics GROUP BY run_uuid"
        counts = dict(self._database.execute(count).fetchall())
        params, tags = self._texts("params"), self._texts("tags")
        return [
            MlRun(
                run_id=run_id,
                name=tags.get(run_id, {}).get("mlflow.runName") or name or run_id,
                experiment=experiment,
                status=status or "RUNNING",
                start_ms=start or 0,
                end_ms=end,
                user=user,
                artifact_uri=uri or "",
                params=params.get(run_id, {}),
                tags=tags.get(run_id, {}),
                points=counts.get(run_id, 0),
            )
            for run_id, name, experiment, status, start, end, user, uri in self._database.execute(
                _RUNS
            )
        ]

    def points(self, run_id: str) -> Iterator[Point | str]:
        """The values of its metrics, by time and step."""
        rows = self._database.execute(_POINTS, (run_id,))
        while some := rows.fetchmany(_ROWS):
            for time_ms, step, key, value, is_nan in some:
                yield Point(time_ms, step, key, math.nan if is_nan else _restored(value))

    def _texts(self, table: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        query = {
            "params": "SELECT run_uuid, key, value FROM params",
            "tags": "SELECT run_uuid, key, value FROM tags",
        }[table]
        for run_id, key, value in self._database.execute(query):
            found.setdefault(run_id, {})[key] = value or ""
        return found


def _restored(value: float) -> float:
    if value == _LARGEST:
        return math.inf
    return -math.inf if value == -_LARGEST else float(value)
