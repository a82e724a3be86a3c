"""Tables of rows as Parquet files and back. No store, no names, no threads.

Row groups, encodings and metadata are those of `docs/format.md`, Rows.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from trackio.bounds import check_file, check_footer
from trackio.errors import FormatTooNew, UnreadableFile
from trackio.model import METRIC, SYSTEM, Call, RunId, SeqRange, WriterId
from trackio.rows import (
    REPEATING,
    SCHEMA,
    WRITTEN,
    as_written,
    empty,
    fingerprint,
    is_series,
    table_of,
)

FORMAT: Final = 1
ROW_GROUP_ROWS: Final = 32_768
_BATCH_ROWS: Final = 8_192

_STRINGS: Final = ["run_id", "writer_id", "kind", "key", "text"]
_ENCODINGS: Final = {
    "seq": "DELTA_BINARY_PACKED",
    "time": "DELTA_BINARY_PACKED",
    "step": "DELTA_BINARY_PACKED",
    "value": "BYTE_STREAM_SPLIT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardMeta:
    """What a shard says of itself in its file metadata."""

    first: int
    last: int
    rows: int
    fingerprint: int


def encode(calls: Sequence[Call], run_id: RunId, writer_id: WriterId, span: SeqRange) -> bytes:
    """A shard that holds the rows of `calls`, all of whose seqs lie in `span`."""
    return encode_table(table_of([calls], run_id, writer_id), span)


def encode_table(rows: pa.Table, span: SeqRange) -> bytes:
    """A shard of sorted `rows` that claims the seqs of `span`."""
    sink = io.BytesIO()
    with ShardWriter(sink, span) as out:
        out.write(rows)
        out.close()
    return sink.getvalue()


class ShardWriter:
    """Writes sorted rows piece by piece into row groups; `close` adds the metadata."""

    def __init__(self, sink: io.BytesIO | Path, span: SeqRange) -> None:
        self._span = span
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._fingerprint = 0
        self._writer = open_parquet(sink)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, rows: pa.Table) -> None:
        """Add sorted rows that sort behind those before; series have row groups of their own."""
        series = is_series(rows)
        others = rows.num_rows - int(series.sum())
        self._add(rows.slice(0, others))
        self._add(rows.slice(others))

    def close(self) -> ShardMeta:
        """Write what is left and the metadata; returns that."""
        self._flush()
        meta = ShardMeta(
            first=self._span.first,
            last=self._span.last,
            rows=self._rows,
            fingerprint=self._fingerprint,
        )
        self._writer.add_key_value_metadata(encode_meta(meta))
        self._writer.close()
        return meta

    def _add(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        if self._waiting and _has_series(self._waiting[-1]) != _has_series(rows):
            self._flush()
        self._waiting.append(as_written(rows))
        self._rows += rows.num_rows
        self._fingerprint = (self._fingerprint + fingerprint(rows)) % (1 << 64)
        if sum(table.num_rows for table in self._waiting) >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROW_GROUP_ROWS)
            self._waiting = []


def open_parquet(sink: io.BytesIO | Path) -> pq.ParquetWriter:
    """A file of rows as in `WRITTEN`, with the encodings of the format."""
    return pq.ParquetWriter(
        sink if isinstance(sink, io.BytesIO) else str(sink),
        WRITTEN,
        compression="zstd",
        compression_level=3,
        use_dictionary=_STRINGS,
        column_encoding=_ENCODINGS,
        store_schema=False,
        write_page_index=True,
    )


@dataclass(frozen=True, slots=True)
class ShardReader:
    """An open shard: its metadata, and its rows batch by batch."""

    meta: ShardMeta
    file: pq.ParquetFile

    def batches(self) -> Iterator[pa.Table]:
        """Every row as in `WRITTEN`, a few thousand at a time: many files are merged at once.

        Raises:
            UnreadableFile: the rows cannot be read, or, after the last one, they are not those
                that the metadata promises.
        """
        count, total = 0, 0
        try:
            # Without threads: a training wants the processors, and a forked child may have none.
            found = self.file.iter_batches(_BATCH_ROWS, columns=SCHEMA.names, use_threads=False)
            for batch in found:
                rows = pa.Table.from_batches([batch])
                if rows.schema.types != WRITTEN.types:
                    raise UnreadableFile("its columns are not those of a shard")
                count += rows.num_rows
                total += fingerprint(rows)
                yield rows
        except (pa.ArrowException, OSError, KeyError, IndexError, ValueError) as exc:
            raise UnreadableFile(f"rows cannot be read: {exc}") from exc
        if (count, total % (1 << 64)) != (self.meta.rows, self.meta.fingerprint):
            raise UnreadableFile("holds other rows than its metadata says")


def open_file(data: bytes | Path) -> ShardReader:
    """Open a shard; reads its metadata and no row.

    Raises:
        UnreadableFile: not a whole Parquet file, or not one of ours, or a bomb (`bounds`).
        FormatTooNew: written in a higher major format.
    """
    check_footer(data)
    source = str(data) if isinstance(data, Path) else pa.BufferReader(data)
    try:
        file = pq.ParquetFile(source, read_dictionary=sorted(REPEATING), pre_buffer=False)
    except (pa.ArrowException, OSError, KeyError, ValueError) as exc:
        raise UnreadableFile(f"not a whole Parquet file: {exc}") from exc
    opened = as_shard(file)
    check_file(file.metadata, data, opened.meta.rows)
    return opened


def as_shard(file: pq.ParquetFile) -> ShardReader:
    """The shard in a Parquet file that is open already; raises as `open_file`."""
    return ShardReader(_decode_meta(file), file)


def decode(data: bytes | Path) -> tuple[ShardMeta, pa.Table]:
    """Every row of a shard, checked against its row count and fingerprint.

    Raises:
        UnreadableFile: torn, foreign, or other rows than the metadata says.
        FormatTooNew: written in a higher major format.
    """
    opened = open_file(data)
    batches = list(opened.batches())
    rows = pa.concat_tables(batches) if batches else empty()
    return opened.meta, rows.cast(SCHEMA)


def encode_meta(meta: ShardMeta) -> dict[str, str]:
    """What the file metadata of a shard or pack says."""
    return {
        "trackio.format": str(FORMAT),
        "trackio.first": str(meta.first),
        "trackio.last": str(meta.last),
        "trackio.rows": str(meta.rows),
        "trackio.fingerprint": f"{meta.fingerprint:016x}",
    }


def _decode_meta(file: pq.ParquetFile) -> ShardMeta:
    try:
        said = {
            key.decode(): value.decode()
            for key, value in (file.metadata.metadata or {}).items()
            if key.startswith(b"trackio.")
        }
        major = int(said["trackio.format"])
        if major > FORMAT:
            raise FormatTooNew(
                f"written in format {major}, this Trackio reads {FORMAT}: "
                f"install trackio >= {major}.0"
            )
        return ShardMeta(
            first=int(said["trackio.first"]),
            last=int(said["trackio.last"]),
            rows=int(said["trackio.rows"]),
            fingerprint=int(said["trackio.fingerprint"], 16),
        )
    except (KeyError, ValueError) as exc:
        raise UnreadableFile(f"not a Trackio shard: {exc}") from exc


def _has_series(rows: pa.Table) -> bool:
    return rows.column("kind")[0].as_py() in (METRIC, SYSTEM)
