"""Read the Parquet exports of a project whose database is gone. Where there is one, it wins.

An export has a column for each metric: null means that the row did not have it, and structs
are padded with nulls to the union of their fields.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from trackio.upkeep.migrate.legacy import (
    ALERTS,
    BODIES,
    CONFIGS,
    METRICS,
    SYSTEM_METRICS,
    TRACES,
    Damage,
    Row,
    Shape,
)
from trackio.upkeep.migrate.names import SIDECAR_SUFFIXES

_BATCH: Final = 2048
_TABLES: Final = {"_system": SYSTEM_METRICS, "_configs": CONFIGS, "_traces": TRACES}
_STRUCTURE: Final[Mapping[str, tuple[str, ...]]] = {
    METRICS: ("id", "timestamp", "run_id", "run_name", "step", "log_id", "space_id"),
    SYSTEM_METRICS: ("id", "timestamp", "run_id", "run_name", "log_id", "space_id"),
    CONFIGS: ("id", "run_id", "run_name", "created_at"),
}


class Sidecars:
    """The Parquet files of one project, as if they were its database."""

    def __init__(self, files: Mapping[str, Path], *, path: str, stem: str) -> None:
        self.path = path
        self.stem = stem
        self.damage: list[Damage] = []
        self.tables: dict[str, Shape] = {}
        self._files: dict[str, pq.ParquetFile] = {}
        for table, file in files.items():
            self._open(table, file)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def owners(self, table: str) -> Iterator[list[Row]]:
        """As `rows`."""
        for batch in self.rows(table):
            yield [row[:5] for row in batch]

    def rows(self, table: str) -> Iterator[list[Row]]:
        """The rows as the database had them, metrics gathered into one object again."""
        make = _make_metrics if table in _STRUCTURE else _make_plain
        place = 0
        for said in self._batches(table):
            yield [make(table, place + offset, row) for offset, row in enumerate(said, 1)]
            place += len(said)

    def objects(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows as they are."""
        for said in self._batches(table):
            yield from said

    def _open(self, table: str, file: Path) -> None:
        try:
            opened = pq.ParquetFile(file)
            names = tuple(opened.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError) as exc:
            self.damage.append(Damage(table=table, first=0, last=0, reason=str(exc)))
            return
        self._files[table] = opened
        self.tables[table] = Shape(columns=names, count=opened.metadata.num_rows)

    def _batches(self, table: str) -> Iterator[list[dict[str, Any]]]:
        done = 0
        try:
            for batch in self._files[table].iter_batches(_BATCH):
                said = batch.to_pylist()
                yield said
                done += len(said)
        except (pa.ArrowException, OSError, ValueError) as exc:
            last = self.tables[table].count or done + 1
            damage = Damage(table=table, first=done + 1, last=last, reason=str(exc))
            if damage not in self.damage:
                self.damage.append(damage)


def split_name(file: Path, stems: Mapping[str, Path]) -> tuple[str, str]:
    """The project's stem and the table that a Parquet file holds.

    Args:
        file: the file.
        stems: every Parquet file of the folder, by its whole stem.
    """
    for suffix in sorted(SIDECAR_SUFFIXES, key=len, reverse=True):
        base = file.stem.removesuffix(suffix)
        if base not in ("", file.stem) and (base in stems or not _has_steps(file)):
            return base, _TABLES.get(suffix, suffix[1:])
    return file.stem, METRICS


def _has_steps(file: Path) -> bool:
    """Whether it looks like the metrics of a project whose own name ends so."""
    try:
        names = set(pq.read_schema(file).names)
    except (pa.ArrowException, OSError, ValueError):
        return False
    return {"timestamp", "run_name", "step"} <= names and "messages" not in names


def _make_metrics(table: str, place: int, said: dict[str, Any]) -> Row:
    structure = _STRUCTURE[table]
    body: Any = {
        name: _without_padding(value)
        for name, value in said.items()
        if name not in structure and value is not None
    }
    if set(said) - set(structure) <= {"metrics"} and isinstance(said.get("metrics"), str):
        body = said["metrics"]  # 0.2.2 and 0.2.3 kept the JSON
    at = said.get("created_at" if table == CONFIGS else "timestamp")
    common = (said.get("run_id"), said.get("run_name"), _text(at), said.get("step"))
    return (place, None, *common, said.get("log_id"), said.get("space_id"), body)


def _make_plain(table: str, place: int, said: dict[str, Any]) -> Row:
    log_id = said.get("alert_id" if table == ALERTS else "log_id")
    names = ("run_id", "run_name", "timestamp", "step")
    common = tuple(
        _text(said.get(name)) if name == "timestamp" else said.get(name) for name in names
    )
    body = (said.get(name) for name in BODIES[table])
    return (place, None, *common, log_id, said.get("space_id"), *body)


def _text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _without_padding(value: Any) -> Any:
    """`value` without the nulls that fill up structs, wherever one says its `_type`."""
    if isinstance(value, dict):
        is_typed = isinstance(value.get("_type"), str)
        return {
            name: _without_padding(inner)
            for name, inner in value.items()
            if inner is not None or is_typed is False or name in ("caption",)
        }
    if isinstance(value, list):
        return [_without_padding(item) for item in value]
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return _text(value)
