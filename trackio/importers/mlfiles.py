"""An MLflow store of files: `<experiment>/<run>/{meta.yaml,metrics,params,tags}`. Only read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import yaml

from trackio.importers.mlstore import MlRun, Point, files_below

_STATUS: Final = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


class FileStore:
    """The folder that MLflow calls `mlruns`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: dict[str, Path] = {}

    def __enter__(self) -> "FileStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is open."""

    @staticmethod
    def is_one(folder: Path) -> bool:
        """Whether some experiment lies here."""
        return any(folder.glob("*/meta.yaml"))

    def runs(self) -> list[MlRun]:
        """Every run that is not deleted, oldest first."""
        found = []
        for experiment in sorted(self.root.glob("*/meta.yaml")):
            name = str(_read_yaml(experiment).get("name", experiment.parent.name))
            for meta in sorted(experiment.parent.glob("*/meta.yaml")):
                said = _read_yaml(meta)
                if "run_id" in said or "run_uuid" in said:
                    run = self._run(meta.parent, said, name)
                    if said.get("lifecycle_stage", "active") == "active":
                        self._folders[run.run_id] = meta.parent
                        found.append(run)
        return sorted(found, key=lambda run: (run.start_ms, run.run_id))

    def points(self, run_id: str) -> Iterator[Point | str]:
        """The values of its metrics, by time and step."""
        folder = self._folders[run_id] / "metrics"
        points: list[Point] = []
        for file in _files(folder):
            key = file.relative_to(folder).as_posix()
            for place, line in enumerate(file.read_text("utf-8").split("\n"), 1):
                if not line:
                    continue
                point = _parse(key, line)
                if point is None:
                    yield f"{key}, line {place}: {line[:80]!r} is no point"
                else:
                    points.append(point)
        points.sort(key=lambda point: point[:2])
        yield from points

    def _run(self, folder: Path, said: Mapping[str, Any], experiment: str) -> MlRun:
        tags = _texts(folder / "tags")
        lines = sum(map(_count_lines, _files(folder / "metrics")))
        run_id = str(said.get("run_id") or said.get("run_uuid"))
        status = said.get("status")
        return MlRun(
            run_id=run_id,
            name=str(tags.get("mlflow.runName") or said.get("run_name") or run_id),
            experiment=experiment,
            status=_STATUS.get(status, str(status)) if isinstance(status, int) else str(status),
            start_ms=int(said.get("start_time") or 0),
            end_ms=int(said["end_time"]) if said.get("end_time") else None,
            user=str(said["user_id"]) if said.get("user_id") else None,
            artifact_uri=str(said.get("artifact_uri") or ""),
            params=_texts(folder / "params"),
            tags=tags,
            points=lines,
        )


def _count_lines(file: Path) -> int:
    with file.open("rb") as opened:
        return sum(1 for _ in opened)


def _parse(key: str, line: str) -> Point | None:
    """A line: time, value, and since MLflow 1.0 the step; later parts say of which dataset."""
    parts = line.split(" ")
    try:
        step = int(parts[2]) if len(parts) > 2 else 0
        return Point(int(parts[0]), step, key, float(parts[1]))
    except (ValueError, IndexError):
        return None


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError:
        return {}
    return said if isinstance(said, dict) else {}


def _texts(folder: Path) -> dict[str, str]:
    """The texts in the files below a folder, by their path."""
    return {
        file.relative_to(folder).as_posix(): file.read_text("utf-8", "backslashreplace")
        for file in _files(folder)
    }


def _files(folder: Path) -> list[Path]:
    return files_below(folder)
