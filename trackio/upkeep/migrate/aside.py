"""Keep what no row has room for: whole tables as JSON lines, and notes on rows as Parquet.

Both lie under the project's `legacy/tables/<source>/`; here they are files of a scratch
folder until all rows are through.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from trackio.keys import LegacyKey
from trackio.upkeep.migrate.media import hash_file
from trackio.upkeep.migrate.names import storable_name
from trackio.values.plain import dump_text

_NOTES: Final = pa.schema(
    [
        pa.field("place", pa.int64()),
        pa.field("run_id", pa.dictionary(pa.int32(), pa.string())),
        pa.field("seq", pa.int64()),
        pa.field("log_id", pa.string()),
        pa.field("space_id", pa.string()),
        pa.field("timestamp", pa.string()),
        pa.field("zone_is_assumed", pa.bool_()),
        pa.field("step", pa.string()),
        pa.field("other", pa.string()),
    ]
)
_BATCH: Final = 32_768


class Note(NamedTuple):
    """What a written row says that its call cannot: `place` is its rowid or line."""

    place: int
    run_id: str
    seq: int
    log_id: str | None = None
    space_id: str | None = None
    timestamp: str | None = None
    zone_is_assumed: bool = False
    step: str | None = None
    other: str | None = None


class Aside:
    """What is kept of one source for one project."""

    def __init__(self, folder: Path, project: str, source: str) -> None:
        self._folder = folder
        self._project = project
        self._source = tuple(storable_name(part) for part in source.split("/"))
        self._stack = ExitStack()
        self._lines: dict[str, IO[bytes]] = {}
        self._notes: dict[str, list[Note]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._attached: dict[LegacyKey, Path] = {}

    def keep(self, table: str, said: Mapping[str, Any]) -> None:
        """Keep one row as it is."""
        if table not in self._lines:
            path = self._path(table, "jsonl")
            self._lines[table] = self._stack.enter_context(path.open("wb"))
        self._lines[table].write(dump_text(printable(said)).encode() + b"\n")

    def note(self, table: str, note: Note) -> None:
        """Keep what is beside a written row."""
        notes = self._notes.setdefault(table, [])
        notes.append(note)
        if len(notes) >= _BATCH:
            self._write(table)

    def attach(self, path: str, file: Path) -> None:
        """Keep a file under `legacy/<path>`."""
        parts = tuple(storable_name(part) for part in path.split("/"))
        self._attached[LegacyKey(self._project, parts)] = file

    def finish(self) -> None:
        """Write what waits and close the files."""
        for table in list(self._notes):
            self._write(table)
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def files(self) -> Iterator[tuple[LegacyKey, tuple[Path, str]]]:
        """What was kept, once it is finished: the file and its SHA-256."""
        for key, file in self._files():
            yield key, (file, hash_file(file))

    def _files(self) -> Iterator[tuple[LegacyKey, Path]]:
        yield from self._attached.items()
        for table in sorted({*self._lines, *self._writers}):
            for suffix, known in (("jsonl", self._lines), ("parquet", self._writers)):
                if table in known:
                    name = storable_name(f"{table}.{suffix}")
                    path = ("tables", *self._source, name)
                    yield LegacyKey(self._project, path), self._path(table, suffix)

    def _path(self, table: str, suffix: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / storable_name(f"{table}.{suffix}")

    def _write(self, table: str) -> None:
        notes = self._notes[table]
        if not notes:
            return
        if table not in self._writers:
            path = self._path(table, "parquet")
            writer = pq.ParquetWriter(path, _NOTES, compression="zstd")
            self._writers[table] = self._stack.enter_context(writer)
        columns = [
            _array(column, kind.type)
            for column, kind in zip(zip(*notes, strict=True), _NOTES, strict=True)
        ]
        self._writers[table].write_table(pa.table(columns, schema=_NOTES))
        notes.clear()


def _array(column: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if set(column) == {None}:
        return pa.nulls(len(column), kind)
    return pa.array(column, type=kind)


def printable(value: Any) -> Any:
    """`value` with bytes, which JSON has no word for, as hex digits."""
    if isinstance(value, bytes | memoryview):
        return {"hex": bytes(value).hex()}
    if isinstance(value, Mapping):
        return {key: printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable(inner) for inner in value]
    return value
