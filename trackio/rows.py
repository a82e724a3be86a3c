"""Rows as tables: schema, order, fingerprint, and how calls become rows. No files.

All of it is as `docs/format.md`, Rows, says.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trackio.model import METRIC, SYSTEM, Call, Json, RunId, Value, WriterId
from trackio.values.plain import dump_text

EXACT_INT: Final = 1 << 53
"""Integers up to this size are doubles without loss."""

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


def table_of(slices: Iterable[Sequence[Call]], run_id: RunId, writer_id: WriterId) -> pa.Table:
    """The rows of calls (ascending seq, in slices of any size), sorted for writing."""
    series: defaultdict[tuple[str, str], list[pa.RecordBatch]] = defaultdict(list)
    for calls in slices:
        _add_series(series, calls)
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


def only(rows: pa.Table, first: int, last: int) -> pa.Table:
    """The rows with `first ≤ seq ≤ last`."""
    seq = rows.column("seq")
    return rows.filter(pc.and_(pc.greater_equal(seq, first), pc.less_equal(seq, last)))


SeriesName = tuple[bool, str, str, str, str]
"""Whether it is a series, kind, key, run id, writer id: the sort order of a file."""


def cut_by_series(rows: pa.Table) -> Iterator[tuple[SeriesName, pa.Table]]:
    """Sorted rows, cut where the series or its writer changes."""
    names = [rows.column(name).combine_chunks() for name in ("kind", "key", "run_id", "writer_id")]
    codes = np.stack([_codes(column) for column in names])
    changes = np.flatnonzero(np.any(codes[:, 1:] != codes[:, :-1], axis=0)) + 1
    bounds = [0, *changes.tolist(), rows.num_rows]
    for start, end in pairwise(bounds):
        if start < end:
            kind, key, run_id, writer_id = (column[start].as_py() for column in names)
            name = (kind in (METRIC, SYSTEM), kind, key, run_id, writer_id)
            yield name, rows.slice(start, end - start)


def sort(rows: pa.Table) -> pa.Table:
    """Sorted for writing: everything but series first, then by kind, key, writer and seq."""
    keyed = rows.append_column("series", is_series(rows))
    names = ("series", "kind", "key", "run_id", "writer_id", "seq")
    order = [(name, "ascending") for name in names]
    return keyed.sort_by(order).drop_columns("series")


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
    mixed: np.ndarray[Any, Any] = x ^ (x >> np.uint64(31))
    return mixed


def _words(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """The column as one 64-bit word a row."""
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        return _string_words(column)
    if pa.types.is_boolean(column.type):
        flags: np.ndarray[Any, Any] = column.to_numpy().astype(np.uint64)
        return flags
    nulls = column.is_null().to_numpy() if column.null_count else None
    if pa.types.is_floating(column.type):
        values = column.fill_null(0.0).to_numpy()
        words = np.where(np.isnan(values), np.nan, values).view(np.uint64)
    else:
        words = column.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64)
    filled: np.ndarray[Any, Any] = words if nulls is None else np.where(nulls, _NULL, words)
    return filled


def _string_words(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    combined = column.combine_chunks()
    encoded = combined if pa.types.is_dictionary(combined.type) else combined.dictionary_encode()
    hashes = [
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        for text in encoded.dictionary.to_pylist()
    ]
    table = np.array([*hashes, int(_NULL)], dtype=np.uint64)
    words: np.ndarray[Any, Any] = table[encoded.indices.fill_null(len(hashes)).to_numpy(False)]
    return words


def is_series(rows: pa.Table) -> pa.ChunkedArray:
    """For each row whether it belongs to a series, that is, is of kind metric or system."""
    kind = rows.column("kind").cast(pa.string())
    return pc.is_in(kind, value_set=pa.array([METRIC, SYSTEM]))


def _codes(column: pa.Array) -> np.ndarray[Any, Any]:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes: np.ndarray[Any, Any] = encoded.indices.to_numpy()
    return codes


def _add_series(series: dict[tuple[str, str], list[pa.RecordBatch]], calls: Sequence[Call]) -> None:
    """Add to each kind and key its rows, in one batch for each set of keys logged together."""
    shapes: defaultdict[tuple[str, tuple[str, ...]], list[Call]] = defaultdict(list)
    for call in calls:
        shapes[call.kind, tuple(call.data)].append(call)
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


_BLOCK: Final = ["seq", "time", "step", "auto", "value", "text"]


def _block(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    rows = pa.Table.from_batches(batches).combine_chunks()
    seq = rows.column("seq").to_numpy()
    if np.any(seq[1:] <= seq[:-1]):
        rows = rows.sort_by("seq").combine_chunks()
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
