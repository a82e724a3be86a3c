"""Read the JSON lines that processes left for a server to import. Interprets no metric.

A fragment may repeat rows that a database has already; its lines may be torn, foreign or
without an owner. Those come out as quarantined, with what is wrong with them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trackio.upkeep.migrate.jsons import UndecodableError, decode_value
from trackio.upkeep.migrate.legacy import ALERTS, METRICS, SYSTEM_METRICS, valid_text

KINDS: Final = {"metric": METRICS, "system_metric": SYSTEM_METRICS, "alert": ALERTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line that says whose it is. `place` is its number in the file, from 1."""

    path: str
    place: int
    table: str
    project: str
    said: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """One line nobody can use."""

    path: str
    place: int
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One file of the inbox."""

    path: str
    file: Path

    def lines(self) -> Iterator[Record | BadLine]:
        """Every line that is not blank."""
        with self.file.open("rb") as file:
            for place, raw in enumerate(file, 1):
                if raw.strip():
                    yield self._read(place, raw)

    def _read(self, place: int, raw: bytes) -> Record | BadLine:
        try:
            said = decode_value(raw)
        except UndecodableError as exc:
            return self._bad(place, raw, str(exc))
        if not isinstance(said, dict):
            return self._bad(place, raw, "it is no object")
        table = KINDS.get(str(said.get("kind")))
        if table is None:
            return self._bad(place, raw, f"its kind {said.get('kind')!r} is not known")
        project, run = said.get("project"), said.get("run")
        if not isinstance(project, str) or not project or not isinstance(run, str) or not run:
            return self._bad(place, raw, "it does not say whose it is")
        return Record(
            path=self.path, place=place, table=table, project=valid_text(project), said=said
        )

    def _bad(self, place: int, raw: bytes, reason: str) -> BadLine:
        return BadLine(path=self.path, place=place, reason=reason, raw=raw)


def read_records(fragments: Iterable[Fragment]) -> Iterator[Record]:
    """The usable lines of all fragments, in the order in which they were written."""
    for fragment in sorted(fragments, key=lambda each: each.path):
        for line in fragment.lines():
            if isinstance(line, Record):
                yield line


def read_bad_lines(fragments: Iterable[Fragment]) -> Iterator[BadLine]:
    """The lines nobody can use."""
    for fragment in sorted(fragments, key=lambda each: each.path):
        for line in fragment.lines():
            if isinstance(line, BadLine):
                yield line
