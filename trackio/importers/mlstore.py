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


def local_folder(uri: str, root: Path) -> Path | None:
    """The folder that an artifact URI names, if it is one of this machine.

    A folder that was moved together with its store is found by the end of its path.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or not uri:
        return None
    path = Path(unquote(parts.path))
    if path.is_dir():
        return path
    for length in range(1, len(path.parts)):
        moved = root.joinpath(*path.parts[length:])
        if moved.is_dir() and moved != root:
            return moved
    return None
