"""What both kinds of MLflow store say of a run. Values only."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit


class Point(NamedTuple):
    """One value of one metric; `time_ms` is since 1970."""

    time_ms: int
    step: int
    key: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MlRun:
    """One run: what stands in its row or its `meta.yaml`, and beside it."""

    run_id: str
    name: str
    experiment: str
    status: str
    start_ms: int
    end_ms: int | None = None
    user: str | None = None
    artifact_uri: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: int = 0
    """How many values its metrics have, as the store itself counts."""


class MlStore(AbstractContextManager["MlStore"], Protocol):
    """A store of MLflow, opened for reading."""

    root: Path

    def runs(self) -> list[MlRun]:
        """Every run that is not deleted, oldest first."""

    def points(self, run_id: str) -> Iterable[Point | str]:
        """The values of its metrics by time; a text is what is wrong with one that is damaged."""


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder but links that lead out of it."""
    inside = folder.resolve()
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(inside))
    )


def local_folder(uri: str, root: Path) -> Path | None:
    """The folder that an artifact URI names, if it is one of this machine.

    A folder that was moved together with its store is found by the end of its path. Outside the
    store only a folder called `artifacts` counts, as MLflow calls them all: a store that somebody
    sent could otherwise name any folder of this machine.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or not uri or "\0" in unquote(parts.path):
        return None
    path = Path(unquote(parts.path))
    is_usual = path.name == "artifacts" and ".." not in path.parts
    if path.is_dir() and (is_usual or path.resolve().is_relative_to(root.resolve())):
        return path
    for length in range(1, len(path.parts)):
        moved = root.joinpath(*path.parts[length:])
        is_inside = moved.resolve().is_relative_to(root.resolve())
        if moved.is_dir() and moved != root and is_inside:
            return moved
    return None
