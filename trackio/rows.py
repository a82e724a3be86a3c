"""Rows as tables: schema, order, fingerprint, and how calls become rows. No files.

All of it is as `docs/format.md`, Rows, says.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute  # tables would import it on first use, whenever that is

from trackio import arrays
from trackio.columns import Numbers
from trackio.model import METRIC, SYSTEM, Call, Json, RunId, Value, WriterId
from trackio.values.plain import dump_text

EXACT_INT: Final = 1 << 53
"""Smaller integers are doubles without loss; from here on the text column has them too."""

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

_MANY_BLOCKS: Final = 256
_FEW_ROWS: Final = 1 << 16
_SERIES: Final = frozenset({METRIC, SYSTEM})
REPEATING: Final = frozenset({"run_id", "writer_id", "kind", "key"})
WRITTEN: Final = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), pa.string()))
        if field.name in REPEATING
        else field
        for field in SCHEMA
    ]
)
"""`SCHEMA` as tables are built and written: the same file, without hashing each string."""


class Rows:
    """Collects the rows of one writer's calls, in ascending order of seq."""

    def __init__(self, run_id: RunId, writer_id: WriterId) -> None:
        self._run_id = run_id
        self._writer_id = writer_id
        self._series: defaultdict[tuple[str, str], list[pa.RecordBatch]] = defaultdict(list)

    def add(self, calls: Sequence[Call]) -> None:
        """Take in more calls."""
        shapes: defaultdict[tuple[str, tuple[str, ...]], list[Call]] = defaultdict(list)
        for call in calls:
            shapes[call.kind, tuple(call.data)].append(call)
        for (kind, keys), alike in shapes.items():
            seqs, times, _, steps, autos, datas = zip(*alike, strict=True)
            shared = [
                arrays.numbers(seqs, pa.int64()),
                arrays.numbers(times, SCHEMA.field("time").type),
                arrays.numbers(steps, pa.int64()),
                arrays.bools(autos),
            ]
            columns = zip(*map(dict.values, datas), strict=True)
            for key, column in zip(keys, columns, strict=True):
                batch = pa.record_batch([*shared, *_split(column)], names=_BLOCK)
                self._series[kind, key].append(batch)

    def add_numbers(self, numbers: Numbers) -> None:
        """Take in more `log` calls, as columns."""
        time = numbers.time_us.cast(SCHEMA.field("time").type)
        shared = [numbers.seq, time, numbers.step, numbers.auto]
        for key, column in numbers.values.items():
            value = column if column.type == pa.float64() else column.cast(pa.float64())
            columns = [*shared, value, pa.nulls(len(value), pa.string())]
            batch = pa.record_batch(columns, names=_BLOCK)
            self._series[METRIC, key].append(
                batch.filter(value.is_valid()) if value.null_count else batch
            )

    def table(self) -> pa.Table:
        """All rows so far, sorted for writing; strings that repeat are dictionaries."""
        order = sorted(self._series, key=lambda name: (name[0] in _SERIES, *name))
        blocks = [_block(self._series[name]) for name in order]
        if not blocks:
            return empty()
        counts = [len(block) for block in blocks]
        rows = pa.Table.from_batches(blocks)
        # What follows takes time for each block of each column.
        if len(blocks) > _MANY_BLOCKS or rows.num_rows < _FEW_ROWS:
            rows = rows.combine_chunks()
        ids = {"run_id": self._run_id, "writer_id": self._writer_id}
        columns = {
            **{name: _repeat([value], [rows.num_rows]) for name, value in ids.items()},
            "kind": _repeat([kind for kind, _ in order], counts),
            "key": _repeat([key for _, key in order], counts),
            **{name: rows.column(name) for name in rows.column_names},
        }
        return pa.table([columns[name] for name in SCHEMA.names], schema=WRITTEN)


def table_of(slices: Iterable[Sequence[Call]], run_id: RunId, writer_id: WriterId) -> pa.Table:
    """The rows of calls (ascending seq, in slices of any size), sorted for writing."""
    rows = Rows(run_id, writer_id)
    for calls in slices:
        rows.add(calls)
    return rows.table()


def empty() -> pa.Table:
    """No rows, as in `WRITTEN`; `Schema.empty_table` would import pandas."""
    return pa.Table.from_batches([], WRITTEN)


def as_written(rows: pa.Table) -> pa.Table:
    """The same rows with dictionaries for the strings that repeat."""
    return rows if rows.schema.equals(WRITTEN) else rows.cast(WRITTEN)


def only(rows: pa.Table, first: int, last: int) -> pa.Table:
    """The rows with `first ≤ seq ≤ last`."""
    seq = arrays.to_numpy(rows.column("seq"))
    kept = (seq >= first) & (seq <= last)
    return rows if kept.all() else rows.filter(arrays.bools(kept))


SeriesName = tuple[bool, str, str, str, str]
"""Whether it is a series, kind, key, run id, writer id: the sort order of a file."""


def cut_by_series(rows: pa.Table) -> Iterator[tuple[SeriesName, pa.Table]]:
    """Sorted rows, cut where the series or its writer changes."""
    names = [encoded(rows.column(name)) for name in ("kind", "key", "run_id", "writer_id")]
    codes = np.stack([arrays.to_numpy(column.indices) for column in names])
    changes = np.flatnonzero(np.any(codes[:, 1:] != codes[:, :-1], axis=0)) + 1
    bounds = [0, *changes.tolist(), rows.num_rows]
    for start, end in pairwise(bounds):
        if start < end:
            kind, key, run_id, writer_id = (column[start].as_py() for column in names)
            name = (kind in _SERIES, kind, key, run_id, writer_id)
            yield name, rows.slice(start, end - start)


def sort(rows: pa.Table) -> pa.Table:
    """Sorted for writing: everything but series first, then by kind, key, writer and seq."""
    keyed = rows.append_column("series", arrays.bools(is_series(rows)))
    names = ("series", "kind", "key", "run_id", "writer_id", "seq")
    order = [(name, "ascending") for name in names]
    return keyed.sort_by(order).drop_columns("series")


def fingerprint(rows: pa.Table) -> int:
    """A 64-bit number that any order of the same rows shares: the sum of their `hashes`."""
    return int(np.sum(hashes(rows), dtype=np.uint64))


def hashes(rows: pa.Table) -> arrays.Numbers:
    """A 64-bit number for each row.

    Each column of a row is a 64-bit word: strings the first 8 bytes of their BLAKE2b, NaNs
    all one, nulls a constant. A row is the sum of its words, each times an odd constant,
    put through the finalizer of SplitMix64 (Steele, Lea and Flood 2014). All modulo 2^64.
    """
    state = np.zeros(rows.num_rows, dtype=np.uint64)
    for factor, name in zip(_FACTORS, SCHEMA.names, strict=True):
        state += _words(rows.column(name)) * factor
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state


_NULL: Final = np.uint64(0x9E3779B97F4A7C15)
# The odd multiples of 2^64 / golden ratio, one a column.
_FACTORS: Final = [
    np.uint64((2 * place + 1) * int(_NULL) % (1 << 64)) for place in range(len(SCHEMA.names))
]


def _words(column: pa.ChunkedArray) -> arrays.Numbers:
    """The column as one 64-bit word a row."""
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        return _string_words(column)
    values = arrays.to_numpy(column)
    if values.dtype == np.float64:
        values = np.where(np.isnan(values), np.nan, values)
    words: arrays.Numbers = (
        values.astype(np.uint64) if values.dtype == np.bool_ else values.view(np.uint64)
    )
    nulls = arrays.nulls(column)
    return words if nulls is None else np.where(nulls, _NULL, words)


def _string_words(column: pa.ChunkedArray) -> arrays.Numbers:
    codes = encoded(column)
    hashes = [
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        for text in codes.dictionary.to_pylist()
    ]
    indices = arrays.to_numpy(codes.indices)
    if len(hashes) == 1 and not codes.null_count and not indices.any():
        return np.full(len(codes), hashes[0], dtype=np.uint64)
    table = np.array([*hashes, int(_NULL)], dtype=np.uint64)
    nulls = arrays.nulls(codes)
    words: arrays.Numbers = table[indices if nulls is None else np.where(nulls, -1, indices)]
    return words


def is_series(rows: pa.Table) -> arrays.Numbers:
    """For each row whether it belongs to a series, that is, is of kind metric or system."""
    return of_kinds(rows, _SERIES)


def is_series_kind(kind: str) -> bool:
    """Whether rows of this kind belong to a series."""
    return kind in _SERIES


def of_kinds(rows: pa.Table, kinds: Collection[str]) -> arrays.Numbers:
    """For each row whether its kind is one of `kinds`."""
    codes = encoded(rows.column("kind"))
    wanted = np.array([kind in kinds for kind in codes.dictionary.to_pylist()], dtype=bool)
    flags: arrays.Numbers = wanted[arrays.to_numpy(codes.indices)]
    return flags


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column of strings as one array of codes and the strings they stand for."""
    whole = column.combine_chunks()
    return whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()


_BLOCK: Final = ["seq", "time", "step", "auto", "value", "text"]


def _block(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    rows = pa.Table.from_batches(batches).combine_chunks()
    seq = arrays.to_numpy(rows.column("seq"))
    if np.any(seq[1:] <= seq[:-1]):
        rows = rows.sort_by("seq").combine_chunks()
    return rows.to_batches()[0]


def _split(column: Sequence[Value]) -> tuple[pa.Array, pa.Array]:
    """The column of doubles and the column of texts that hold these values."""
    plain = _plain_numbers(column)
    if plain is not None:
        return arrays.from_numpy(plain, pa.float64()), pa.nulls(len(column), pa.string())
    return (
        arrays.numbers([_double(value) for value in column], pa.float64()),
        arrays.strings([_text(value) for value in column]),
    )


def _plain_numbers(column: Sequence[Value]) -> arrays.Numbers | None:
    """The column as doubles, if it holds nothing else and loses nothing by that."""
    kinds = set(map(type, column))
    if not kinds <= {float, int}:
        return None
    try:
        doubles = np.array(column, dtype=np.float64)
    except OverflowError:
        return None
    return doubles if kinds == {float} or np.all(np.abs(doubles) < EXACT_INT) else None


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
    if isinstance(value, float) or (type(value) is int and abs(value) < EXACT_INT):
        return None
    return dump_text(value)


def _repeat(values: Sequence[str], counts: Sequence[int]) -> pa.DictionaryArray:
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    indices = np.repeat(np.array([places[value] for value in values], dtype=np.int32), counts)
    codes = arrays.from_numpy(indices, pa.int32())
    return pa.DictionaryArray.from_arrays(codes, arrays.strings(list(places)))
