"""Runs in an MLflow store, of files (`mlruns`) or of SQLite. Needs no MLflow; writes nothing.

Parameters become the config, `system/…` metrics those of the machine, logged images media at
their step, other artifacts files of the run. Deleted runs stay where they are.
"""

import re
from pathlib import Path
from typing import Any, Final

from trackio.errors import InvalidInput
from trackio.importers.feed import Feed
from trackio.importers.found import About, number_or_text
from trackio.importers.mlfiles import FileStore
from trackio.importers.mlsqlite import SqliteStore
from trackio.importers.mlstore import MlRun, MlStore, Point, files_below, local_folder
from trackio.values.image import Image

_SYSTEM: Final = "system/"
_ENDED: Final = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "failed"}
_IMAGE: Final = re.compile(
    r"images/(?P<key>.+?)[%+]step[%+](?P<step>-?\d+)[%+]timestamp[%+](?P<ms>\d+)[%+][^%+]+\.\w+"
)
_THUMBNAIL: Final = re.compile(r"images/.+[%+]compressed\.\w+")


def open_mlflow(root: Path) -> MlStore:
    """The store that a path names: `mlruns`, `mlflow.db`, or the folder that holds either.

    Raises:
        InvalidInput: there is none.
    """
    root = root.expanduser().resolve()
    if root.is_file() and SqliteStore.is_one(root):
        return SqliteStore(root)
    if root.is_dir():
        for folder in (root, root / "mlruns"):
            if FileStore.is_one(folder):
                return FileStore(folder)
        if (root / "mlflow.db").is_file():
            return SqliteStore(root / "mlflow.db")
    raise InvalidInput(f"{root} is no MLflow store: name the folder mlruns, or mlflow.db")


def find_mlflow_runs(store: MlStore, project: str | None = None) -> list["MlflowRun"]:
    """Every run; without a project each experiment becomes one."""
    runs = store.runs()
    names = {run.run_id: run.name for run in runs}
    return [MlflowRun(store, run, project, names) for run in runs]


class MlflowRun:
    """One run of a store."""

    def __init__(
        self, store: MlStore, run: MlRun, project: str | None, names: dict[str, str]
    ) -> None:
        self._store = store
        self._run = run
        parent = run.tags.get("mlflow.parentRunId")
        own = {k: v for k, v in run.tags.items() if not k.startswith("mlflow.")}
        self.about = About(
            tracker="mlflow",
            path=f"{run.experiment}/{run.run_id}",
            project=project or run.experiment,
            run_id=run.run_id,
            name=run.name,
            identity=("mlflow", run.run_id),
            state=f"{run.points} {run.status} {run.end_ms}",
            created_us=run.start_ms * 1000,
            config={key: number_or_text(value) for key, value in run.params.items()},
            group=names.get(parent, parent) if parent else None,
            tags=tuple(f"{key}={value}" for key, value in sorted(own.items())),
            notes=run.tags.get("mlflow.note.content"),
            user=run.user,
            command=run.tags.get("mlflow.source.name"),
            origin={"experiment": run.experiment, "tags": dict(run.tags)},
        )

    def feed(self, feed: Feed) -> None:
        """Every value by time, then the artifacts."""
        feed.expect(self._run.points)
        at: tuple[int, int] | None = None
        row: dict[str, float] = {}
        for point in self._store.points(self._run.run_id):
            if isinstance(point, str):
                feed.quarantine(point, "it cannot be read")
            elif point[:2] == at and point.key not in row:
                row[point.key] = point.value
            else:
                _put(feed, at, row)
                at, row = point[:2], {point.key: point.value}
        _put(feed, at, row)
        self._feed_artifacts(feed)
        state = _ENDED.get(self._run.status)
        end_us = None if self._run.end_ms is None else self._run.end_ms * 1000
        reason = None if state == "finished" else f"MLflow says {self._run.status}"
        feed.end_as(state or "failed", reason, time_us=end_us)

    def _feed_artifacts(self, feed: Feed) -> None:
        folder = local_folder(self._run.artifact_uri, self._store.root)
        if folder is None:
            if self._run.artifact_uri and "://" in self._run.artifact_uri:
                feed.note(f"its artifacts are not on this machine: {self._run.artifact_uri}")
            return
        files = files_below(folder)
        feed.expect(len(files))
        end_us = (self._run.end_ms or self._run.start_ms) * 1000
        for path in files:
            name = path.relative_to(folder).as_posix()
            if _THUMBNAIL.fullmatch(name):
                feed.keep()
            elif found := _IMAGE.fullmatch(name):
                key = found["key"].replace("#", "/").replace("~", "/")
                said: dict[str, Any] = {key: Image(path)}
                feed.log(int(found["ms"]) * 1000, int(found["step"]), said)
            else:
                feed.file(end_us, name, path)


def _put(feed: Feed, at: tuple[int, int] | None, row: dict[str, float]) -> None:
    """The values that were logged together."""
    if at is None:
        return
    time_us = at[0] * 1000
    if not any(key.startswith(_SYSTEM) for key in row):
        feed.numbers(time_us, at[1], row)
        return
    system = {key: value for key, value in row.items() if key.startswith(_SYSTEM)}
    feed.system(time_us, {key.removeprefix(_SYSTEM): value for key, value in system.items()})
    if rest := {key: value for key, value in row.items() if key not in system}:
        feed.numbers(time_us, at[1], rest)


__all__ = ["MlflowRun", "Point", "find_mlflow_runs", "open_mlflow"]
