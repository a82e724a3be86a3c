"""Rows as Parquet and back: the one module that knows the schema. No store, no names, no threads.

Schema, sort order, row groups and metadata are those of `docs/format.md`, Rows.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trackio.errors import FormatTooNew, UnreadableFile
from trackio.model import METRIC, SYSTEM, Call, Json, RunId, SeqRange, Value, WriterId
from trackio.values.plain import dump_text

FORMAT: Final = 1
EXACT_INT: Final = 1 << 53
"""Integers up to this size are doubles without loss."""
ROW_GROUP_ROWS: Final = 32_768

SCHEMA: Final = pa.schema(
    [
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("writer_id", pa.string(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("step", pa.int64()),
        pa.field("auto", pa.bool_(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
    ]
)
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
    return encode_table(table_of(calls, run_id, writer_id), span)


def encode_table(rows: pa.Table, span: SeqRange) -> bytes:
    """A shard of sorted `rows` (see `table_of` and `merge`) that claims the seqs of `span`."""
    meta = {
        "trackio.format": str(FORMAT),
        "trackio.first": str(span.first),
        "trackio.last": str(span.last),
        "trackio.rows": str(rows.num_rows),
        "trackio.fingerprint": f"{fingerprint(rows):016x}",
    }
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        SCHEMA,
        compression="zstd",
        compression_level=3,
        use_dictionary=_STRINGS,
        column_encoding=_ENCODINGS,
        store_schema=False,
        write_page_index=True,
    ) as writer:
        writer.add_key_value_metadata(meta)
        series = _is_series(rows)
        for part in (rows.filter(pc.invert(series)), rows.filter(series)):
            if part.num_rows:
                writer.write_table(part.cast(SCHEMA), row_group_size=ROW_GROUP_ROWS)
    return sink.getvalue()


def read_meta(data: bytes) -> ShardMeta:
    """The metadata of a shard, without reading a row.

    Raises:
        UnreadableFile: not a whole Parquet file, or not one of ours.
        FormatTooNew: written in a higher major format.
    """
    return _meta_of(_open(data))


def decode(data: bytes) -> tuple[ShardMeta, pa.Table]:
    """Every row of a shard, checked against its row count and fingerprint.

    Raises:
        UnreadableFile: torn, foreign, or other rows than the metadata says.
        FormatTooNew: written in a higher major format.
    """
    file = _open(data)
    meta = _meta_of(file)
    try:
        rows = file.read(columns=SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, OSError, KeyError, ValueError) as exc:
        raise UnreadableFile(f"rows cannot be read: {exc}") from exc
    if rows.num_rows != meta.rows or fingerprint(rows) != meta.fingerprint:
        raise UnreadableFile("holds other rows than its metadata says")
    return meta, rows


def merge(parts: Iterable[tuple[pa.Table, SeqRange]]) -> pa.Table:
    """The rows of several files, each restricted to the seqs that count, sorted as one."""
    tables = []
    for rows, (first, last) in parts:
        seq = rows.column("seq")
        tables.append(rows.filter(pc.and_(pc.greater_equal(seq, first), pc.less_equal(seq, last))))
    return sort(pa.concat_tables(tables))


def sort(rows: pa.Table) -> pa.Table:
    """Sorted for writing: everything but series first, then by kind, key and seq."""
    keyed = rows.append_column("series", _is_series(rows))
    order = [(name, "ascending") for name in ("series", "kind", "key", "seq")]
    return keyed.sort_by(order).drop_columns("series")


def table_of(calls: Sequence[Call], run_id: RunId, writer_id: WriterId) -> pa.Table:
    """The rows of `calls` (ascending seq) as a table in `SCHEMA`, sorted for writing."""
    series = _by_series(calls)
    order = sorted(series, key=lambda series_key: (series_key[0] in (METRIC, SYSTEM), *series_key))
    blocks = [_block(series[series_key]) for series_key in order]
    if not blocks:
        return SCHEMA.empty_table()
    counts = [len(block) for block in blocks]
    rows = pa.Table.from_batches(blocks).combine_chunks()
    return pa.table(
        {
            "run_id": _repeat([run_id], [rows.num_rows]),
            "writer_id": _repeat([writer_id], [rows.num_rows]),
            "kind": _repeat([kind for kind, _ in order], counts),
            "key": _repeat([key for _, key in order], counts),
            **{name: rows.column(name) for name in rows.column_names},
        }
    ).select(SCHEMA.names)


def fingerprint(rows: pa.Table) -> int:
    """A 64-bit number that any order of the same rows shares.

    The sum, modulo 2^64, of a hash of each row: the columns in schema order, each mixed in
    by the finalizer of SplitMix64 (Steele, Lea and Flood 2014); strings enter as the first
    8 bytes of BLAKE2b, nulls as a constant, every NaN as one.
    """
    state = np.zeros(rows.num_rows, dtype=np.uint64)
    for name in SCHEMA.names:
        state = _mix(state ^ _words(rows.column(name)))
    return int(np.sum(state, dtype=np.uint64))


_NULL = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _words(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """The column as one 64-bit word a row."""
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        return _string_words(column)
    if pa.types.is_boolean(column.type):
        return column.to_numpy().astype(np.uint64)
    nulls = column.is_null().to_numpy() if column.null_count else None
    if pa.types.is_floating(column.type):
        values = column.fill_null(0.0).to_numpy()
        words = np.where(np.isnan(values), np.nan, values).view(np.uint64)
    else:
        words = column.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64)
    return words if nulls is None else np.where(nulls, _NULL, words)


def _string_words(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    combined = column.combine_chunks()
    encoded = combined if pa.types.is_dictionary(combined.type) else combined.dictionary_encode()
    hashes = [
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        for text in encoded.dictionary.to_pylist()
    ]
    table = np.array([*hashes, int(_NULL)], dtype=np.uint64)
    return table[encoded.indices.fill_null(len(hashes)).to_numpy(zero_copy_only=False)]


def _is_series(rows: pa.Table) -> pa.ChunkedArray:
    kind = rows.column("kind").cast(pa.string())
    return pc.is_in(kind, value_set=pa.array([METRIC, SYSTEM]))


def _by_series(calls: Sequence[Call]) -> dict[tuple[str, str], list[pa.RecordBatch]]:
    """For each kind and key its rows, in one batch for each set of keys logged together."""
    shapes: defaultdict[tuple[str, tuple[str, ...]], list[Call]] = defaultdict(list)
    for call in calls:
        shapes[call.kind, tuple(call.data)].append(call)
    series: defaultdict[tuple[str, str], list[pa.RecordBatch]] = defaultdict(list)
    for (kind, keys), alike in shapes.items():
        seq = pa.array([call.seq for call in alike], pa.int64())
        time = pa.array([call.time_us for call in alike], pa.int64()).cast(
            SCHEMA.field("time").type
        )
        step = pa.array([call.step for call in alike], pa.int64())
        auto = pa.array([call.auto for call in alike], pa.bool_())
        for key, column in zip(
            keys, zip(*[call.data.values() for call in alike], strict=True), strict=True
        ):
            value, text = _split(column)
            series[kind, key].append(
                pa.record_batch([seq, time, step, auto, value, text], names=_BLOCK)
            )
    return series


_BLOCK: Final = ["seq", "time", "step", "auto", "value", "text"]


def _block(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    rows = pa.Table.from_batches(batches).combine_chunks().sort_by("seq")
    return rows.to_batches()[0]


def _split(column: Sequence[Value]) -> tuple[pa.Array, pa.Array]:
    """The column of doubles and the column of texts that hold these values."""
    if set(map(type, column)) <= {float, int}:
        try:
            return pa.array(column, pa.float64()), pa.nulls(len(column), pa.string())
        except (pa.ArrowInvalid, OverflowError):
            pass  # an integer that a double cannot hold
    return (
        pa.array([_double(value) for value in column], pa.float64()),
        pa.array([_text(value) for value in column], pa.string()),
    )


def _double(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: Value) -> str | None:
    if isinstance(value, Json):
        return str(value)
    if isinstance(value, float) or (type(value) is int and abs(value) <= EXACT_INT):
        return None
    return dump_text(value)


def _repeat(values: Sequence[str], counts: Sequence[int]) -> pa.DictionaryArray:
    indices = np.repeat(np.arange(len(values), dtype=np.int32), counts)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(values, pa.string()))


def _open(data: bytes) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(
            pa.BufferReader(data), read_dictionary=["run_id", "writer_id", "kind", "key"]
        )
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise UnreadableFile(f"not a whole Parquet file: {exc}") from exc


def _meta_of(file: pq.ParquetFile) -> ShardMeta:
    said = {
        key.decode(): value.decode()
        for key, value in (file.metadata.metadata or {}).items()
        if key.startswith(b"trackio.")
    }
    try:
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
