"""Packs: one file with the rows of many writers, and what it says of itself. No store, no names.

A pack is a shard in all but whose rows it holds (`docs/format.md`, Keys and Rows): the same
columns, order and encodings. Its metadata says of each stretch how many rows it has and their
fingerprint, and repeats the `meta.json` of its runs beside their identity in the listing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from trackio import arrays, shard
from trackio.errors import UnreadableFile
from trackio.model import RunId, WriterId
from trackio.rows import as_written, encoded, is_series

ROW_GROUP_ROWS: Final = 65_536
_STRETCHES: Final = "trackio.stretches"
_METAS: Final = "trackio.metas"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stretch:
    """The rows `first ≤ seq ≤ last` of one writer in a pack: how many, and their fingerprint."""

    run_id: RunId
    writer_id: WriterId
    first: int
    last: int
    rows: int
    fingerprint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaCopy:
    """A run's `meta.json` as it was when the pack was made, and how it was listed."""

    version: str
    size_bytes: int
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackMeta:
    """What a pack says of itself."""

    stretches: tuple[Stretch, ...]
    metas: Mapping[RunId, MetaCopy] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(stretch.rows for stretch in self.stretches)

    @property
    def as_shard(self) -> shard.ShardMeta:
        """The same as a shard would say it."""
        return shard.ShardMeta(
            first=min((s.first for s in self.stretches), default=0),
            last=max((s.last for s in self.stretches), default=0),
            rows=self.rows,
            fingerprint=sum(s.fingerprint for s in self.stretches) % (1 << 64),
        )


class PackWriter:
    """Writes sorted rows piece by piece into row groups of a file; `close` adds the metadata.

    What is no series stands in row groups of its own at the front.
    """

    def __init__(self, sink: Path, row_group_rows: int = ROW_GROUP_ROWS) -> None:
        self.rows = 0
        self._size = row_group_rows
        self._waiting: list[pa.Table] = []
        self._count = 0
        self._is_series = False
        self._writer = shard.open_parquet(sink)

    def __enter__(self) -> "PackWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, rows: pa.Table) -> None:
        """Add sorted rows that sort behind those before."""
        others = 0 if self._is_series else rows.num_rows - int(is_series(rows).sum())
        if others:
            self._add(rows.slice(0, others))
        if others < rows.num_rows:
            if not self._is_series:
                self._flush(0)
                self._is_series = True
            self._add(rows.slice(others))

    def close(self, meta: PackMeta) -> None:
        """Write what is left and the metadata."""
        self._flush(0)
        said = {**shard.encode_meta(meta.as_shard), **_encode(meta)}
        self._writer.add_key_value_metadata(said)
        self._writer.close()

    def _add(self, rows: pa.Table) -> None:
        self._waiting.append(as_written(rows))
        self._count += rows.num_rows
        self.rows += rows.num_rows
        if self._count >= self._size:
            self._flush(self._size - 1)

    def _flush(self, keep: int) -> None:
        """Write whole row groups, and what is left too if that is more than `keep` rows."""
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting).unify_dictionaries().combine_chunks()
        end = rows.num_rows - rows.num_rows % self._size if keep else rows.num_rows
        for start in range(0, end, self._size):
            group = with_small_dictionaries(rows.slice(start, min(self._size, end - start)))
            self._writer.write_table(group, row_group_size=self._size)
        self._waiting = [rows.slice(end)] if end < rows.num_rows else []
        self._count = rows.num_rows - end


def with_small_dictionaries(rows: pa.Table) -> pa.Table:
    """The same rows; each row group is written with its whole dictionary, used or not."""
    for place, name in enumerate(rows.column_names):
        column = rows.column(name)
        if pa.types.is_dictionary(column.type):
            codes = encoded(column)
            used = np.flatnonzero(
                np.bincount(arrays.to_numpy(codes.indices), minlength=len(codes.dictionary))
            )
            if len(used) < len(codes.dictionary):
                anew = np.zeros(len(codes.dictionary), np.int32)
                anew[used] = np.arange(len(used))
                column = pa.DictionaryArray.from_arrays(
                    arrays.from_numpy(anew[arrays.to_numpy(codes.indices)], pa.int32()),
                    codes.dictionary.take(arrays.from_numpy(used, pa.int64())),
                )
                rows = rows.set_column(place, rows.schema.field(name), column)
    return rows


def open_parquet(data: bytes | Path) -> pq.ParquetFile:
    """A pack, or the overview of one; reads its metadata and no row.

    Raises:
        UnreadableFile: not a whole Parquet file.
    """
    try:
        return pq.ParquetFile(str(data) if isinstance(data, Path) else pa.BufferReader(data))
    except (pa.ArrowException, OSError, KeyError, ValueError) as exc:
        raise UnreadableFile(f"not a whole Parquet file: {exc}") from exc


def read_meta(file: pq.ParquetFile) -> PackMeta:
    """What an open pack, or the overview of one, says of the pack; raises as `decode_meta`."""
    return decode_meta(file.metadata)


def decode_meta(metadata: pq.FileMetaData) -> PackMeta:
    """What the footer of a pack, or of the overview of one, says of the pack.

    Raises:
        UnreadableFile: it says nothing of the kind.
    """
    said = metadata.metadata or {}
    try:
        stretches = orjson.loads(said[_STRETCHES.encode()])
        metas = orjson.loads(said[_METAS.encode()])
        return PackMeta(
            stretches=tuple(_stretch(fields) for fields in stretches),
            metas={RunId(run_id): _copy(copy) for run_id, copy in metas.items()},
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as exc:
        raise UnreadableFile(f"not a pack: {exc!r}") from exc


def encode_meta(meta: PackMeta) -> dict[str, str]:
    """What the file metadata of a pack's overview says of the pack."""
    return _encode(meta)


def rows_of(stretches: Iterable[Stretch]) -> int:
    """How many rows these stretches have."""
    return sum(stretch.rows for stretch in stretches)


def _encode(meta: PackMeta) -> dict[str, str]:
    stretches = [
        [*_ids(s), s.first, s.last, s.rows, f"{s.fingerprint:016x}"] for s in meta.stretches
    ]
    metas = {run_id: asdict(copy) for run_id, copy in meta.metas.items()}
    return {_STRETCHES: orjson.dumps(stretches).decode(), _METAS: orjson.dumps(metas).decode()}


def _ids(stretch: Stretch) -> tuple[str, str]:
    return stretch.run_id, stretch.writer_id


def _copy(said: Mapping[str, Any]) -> MetaCopy:
    copy = MetaCopy(**said)
    if not (isinstance(copy.version, str) and isinstance(copy.data, str)):
        raise TypeError("a copy of a meta.json is text")
    return copy


def _stretch(fields: Sequence[Any]) -> Stretch:
    run_id, writer_id, first, last, rows, fingerprint = fields
    if not (isinstance(run_id, str) and isinstance(writer_id, str)):
        raise TypeError("an id is text")
    return Stretch(
        run_id=RunId(run_id),
        writer_id=WriterId(writer_id),
        first=int(first),
        last=int(last),
        rows=int(rows),
        fingerprint=int(fingerprint, 16),
    )
