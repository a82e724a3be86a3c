"""What a first look needs of a pack, as one more Parquet file: sums and buckets of each series.

It is derived: it may be missing, deleted and made anew. One row is one metric of one stretch.
The buckets are those of `sampling`, as wide as the smallest power of two of which the series
needs no more than `TARGET`; a coarser look joins whole ones.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trackio import arrays, pack, sampling
from trackio.ledger import cut
from trackio.model import METRIC
from trackio.pack import PackMeta

TARGET: Final = 300
MIN_POINTS: Final = 2 * TARGET
"""A series of fewer points has no buckets: its rows are as soon read."""
_GROUP_BUCKETS: Final = 4096
_SERIES_WEIGHT: Final = 4  # what the sums of a series weigh beside its buckets
_WRITTEN_SERIES: Final = 256
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_FLOATS: Final = pa.list_(pa.float64())
_INTS: Final = pa.list_(pa.int64())
BUCKETS: Final = {
    "bucket": _INTS,
    "bucket_mean": _FLOATS,
    "bucket_min": _FLOATS,
    "bucket_max": _FLOATS,
    "bucket_first": _FLOATS,
    "bucket_last": _FLOATS,
    "bucket_finite": _INTS,
    "bucket_nonfinite": _INTS,
    "bucket_x_first": _INTS,
    "bucket_x_last": _INTS,
}
SCHEMA: Final = pa.schema(
    {
        "run_id": _TEXT,
        "writer_id": _TEXT,
        "first": pa.int64(),
        "last": pa.int64(),
        "key": _TEXT,
        "points": pa.int64(),
        "others": pa.int64(),
        "finite": pa.int64(),
        "min": pa.float64(),
        "max": pa.float64(),
        "sum": pa.float64(),
        "first_seq": pa.int64(),
        "last_seq": pa.int64(),
        "first_step": pa.int64(),
        "first_step_seq": pa.int64(),
        "last_step": pa.int64(),
        "last_value": pa.float64(),
        "last_text": pa.string(),
        "max_step": pa.int64(),
        "has_given": pa.bool_(),
        "last_time_us": pa.int64(),
        "shift": pa.int64(),
        **BUCKETS,
    }
)
_ENCODINGS: Final = {
    f"{name}.list.element": "BYTE_STREAM_SPLIT" if kind == _FLOATS else "DELTA_BINARY_PACKED"
    for name, kind in BUCKETS.items()
}
NO_BUCKETS: Final = -1
"""The shift of a series that has points and no buckets."""
_NO_STEP: Final = int(np.iinfo(np.int64).min)
_Array = np.ndarray[Any, Any]
_Series = tuple[str, str, str]
"""Key, run id, writer id."""


def empty(names: Sequence[str]) -> pa.Table:
    """These columns without a row; `Schema.empty_table` would import pandas."""
    return pa.Table.from_batches([], pa.schema([SCHEMA.field(name) for name in names]))


class OverviewWriter:
    """Sums up the sorted rows of a pack as they pass by; `close` adds the metadata."""

    def __init__(self, sink: Path, meta: PackMeta) -> None:
        self._meta = meta
        self._spans: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for each in meta.stretches:
            self._spans[each.run_id, each.writer_id].append((each.first, each.last))
        self._open: list[pa.Table] = []
        self._of: _Series | None = None
        self._ready: list[pa.Table] = []
        self._writer = pq.ParquetWriter(
            str(sink),
            SCHEMA,
            compression="zstd",
            compression_level=3,
            use_dictionary=["run_id", "writer_id", "key"],
            write_statistics=["run_id", "writer_id", "key"],
            column_encoding=_ENCODINGS,
            store_schema=False,
        )

    def __enter__(self) -> "OverviewWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, rows: pa.Table) -> None:
        """Take in rows that stand behind those before."""
        columns, bounds = cut(rows)
        metric = [
            place for place in range(len(bounds) - 1) if _text(columns[0], bounds[place]) == METRIC
        ]
        if not metric:
            return
        first, last = metric[0], metric[-1]
        if self._of == _name(columns, bounds[first]):
            self._open.append(rows.slice(bounds[first], bounds[first + 1] - bounds[first]))
            first += 1
        if first > last:
            return
        self._end_series()
        self._sum_up(rows, columns, bounds[first : last + 1])
        self._open = [rows.slice(bounds[last], bounds[last + 1] - bounds[last])]
        self._of = _name(columns, bounds[last])

    def close(self) -> None:
        """Write what is left and what the pack says of itself."""
        self._end_series()
        self._flush(keep=False)
        self._writer.add_key_value_metadata(pack.encode_meta(self._meta))
        self._writer.close()

    def _end_series(self) -> None:
        if self._open:
            rows = pa.concat_tables(self._open).unify_dictionaries().combine_chunks()
            columns, _ = cut(rows)
            self._sum_up(rows, columns, [0, rows.num_rows])
        self._open, self._of = [], None

    def _sum_up(
        self, rows: pa.Table, columns: Sequence[pa.DictionaryArray], bounds: Sequence[int]
    ) -> None:
        """Sum up whole series, which stand between neighbouring bounds."""
        if len(bounds) < 2:
            return
        begin, end = bounds[0], bounds[-1]
        seq = arrays.to_numpy(rows.column("seq"))
        names: list[_Series] = []
        spans: list[tuple[int, int]] = []
        starts: list[int] = []
        for start, stop in pairwise(bounds):
            name = _name(columns, start)
            for span in self._spans[name[1], name[2]]:
                low, high = np.searchsorted(seq[start:stop], [span[0], span[1] + 1]).tolist()
                if low < high:
                    names.append(name)
                    spans.append(span)
                    starts.append(start + low - begin)
        if not names:
            return
        self._ready.append(_summary(rows.slice(begin, end - begin), names, spans, starts))
        if sum(table.num_rows for table in self._ready) >= _WRITTEN_SERIES:
            self._flush(keep=True)

    def _flush(self, *, keep: bool) -> None:
        """Write whole row groups, and what is left too unless told to `keep` it."""
        if not self._ready:
            return
        table = pa.concat_tables(self._ready).unify_dictionaries().combine_chunks()
        begin = 0
        for end in _cuts(table, keep=keep):
            group = pack.with_small_dictionaries(table.slice(begin, end - begin))
            self._writer.write_table(group, row_group_size=max(end - begin, 1))
            begin = end
        self._ready = [table.slice(begin)] if begin < table.num_rows else []


def _cuts(table: pa.Table, *, keep: bool) -> Sequence[int]:
    """Where row groups end: each has about as many buckets as the others."""
    weights = arrays.to_numpy(pc.list_value_length(table.column("bucket"))) + _SERIES_WEIGHT
    groups = np.cumsum(weights) // _GROUP_BUCKETS
    cuts: list[int] = (np.flatnonzero(np.diff(groups)) + 1).tolist()
    return cuts if keep else [*cuts, table.num_rows]


def _summary(
    rows: pa.Table,
    names: Sequence[_Series],
    spans: Sequence[tuple[int, int]],
    starts: Sequence[int],
) -> pa.Table:
    """One row for each series; the series stand one after the other and are not empty."""
    begin = np.array(starts, np.int64)
    keys, run_ids, writer_ids = zip(*names, strict=True)
    firsts, lasts = zip(*spans, strict=True)
    columns = {
        "run_id": _texts(run_ids),
        "writer_id": _texts(writer_ids),
        "first": arrays.numbers(firsts, pa.int64()),
        "last": arrays.numbers(lasts, pa.int64()),
        "key": _texts(keys),
        **_sums(rows, begin),
        **_buckets(rows, begin),
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _sums(rows: pa.Table, begin: _Array) -> dict[str, pa.Array]:
    """How the points of each series add up, values that are no numbers left out."""
    value, is_number = _column(rows, "value")
    step, has_step = _column(rows, "step")
    seq, time = arrays.to_numpy(rows.column("seq")), arrays.to_numpy(rows.column("time"))
    is_finite = is_number & np.isfinite(value)
    finite = np.add.reduceat(is_finite, begin, dtype=np.int64)
    points = np.add.reduceat(is_number, begin, dtype=np.int64)
    size = np.diff(begin, append=rows.num_rows)
    place = np.where(has_step, np.arange(len(step)), len(step))
    first_step = np.minimum.reduceat(place, begin)
    is_stepped = first_step < begin + size
    first_step = np.where(is_stepped, first_step, begin)
    end = begin + size - 1
    given = has_step & ~arrays.to_numpy(rows.column("auto"))
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduceat(np.where(is_finite, value, 0.0), begin)
    return {
        "points": _int(points),
        "others": _int(size - points),
        "finite": _int(finite),
        "min": _float(np.minimum.reduceat(np.where(is_finite, value, np.inf), begin), finite > 0),
        "max": _float(np.maximum.reduceat(np.where(is_finite, value, -np.inf), begin), finite > 0),
        "sum": _float(sums, finite > 0),
        "first_seq": _int(seq[begin]),
        "last_seq": _int(seq[end]),
        "first_step": _int(step[first_step], is_stepped),
        "first_step_seq": _int(seq[first_step], is_stepped),
        "last_step": _int(step[end], has_step[end]),
        "last_value": _float(value[end], is_number[end]),
        "last_text": rows.column("text").take(arrays.from_numpy(end, pa.int64())).combine_chunks(),
        "max_step": _int(
            np.maximum.reduceat(np.where(has_step, step, _NO_STEP), begin), is_stepped
        ),
        "has_given": arrays.bools(np.logical_or.reduceat(given, begin)),
        "last_time_us": _int(np.maximum.reduceat(time, begin)),
    }


def _buckets(rows: pa.Table, begin: _Array) -> dict[str, pa.Array]:
    """The buckets of each series, by step; values that are no numbers are not in them."""
    value, is_number = _as_numbers(rows)
    step, has_step = _column(rows, "step")
    kept = np.flatnonzero(is_number & has_step)
    counts = np.diff(np.searchsorted(kept, np.append(begin, rows.num_rows)))
    is_long = counts >= MIN_POINTS
    kept = kept[np.repeat(is_long, counts)]
    sizes = np.where(is_long, counts, 0)
    bounds = np.append(0, np.cumsum(sizes))
    x, y = step[kept], value[kept]
    series = np.repeat(np.arange(len(begin)), sizes)
    if np.any((np.diff(x) < 0) & (np.diff(series) == 0)):
        order = np.lexsort((x, series))  # stable: of one step the earlier seq stays first
        x, y = x[order], y[order]
    shifts = np.where(counts > 0, NO_BUCKETS, 0)
    low, high = x[bounds[:-1][is_long]], x[bounds[1:][is_long] - 1]
    spans = (high - low + 1).tolist()
    shifts[is_long] = [sampling.choose_shift(span, TARGET) for span in spans]
    drop: sampling.Ints = np.repeat(shifts, sizes)
    index: sampling.Ints = np.right_shift(x, drop)
    filled = sampling.fill_buckets(index, y, breaks=bounds)
    ends = filled.start + filled.finite + filled.nonfinite - 1
    offsets = arrays.from_numpy(np.searchsorted(filled.start, bounds), pa.int32())
    columns = {
        "bucket": filled.index,
        "bucket_mean": filled.mean,
        "bucket_min": filled.min,
        "bucket_max": filled.max,
        "bucket_first": filled.first,
        "bucket_last": filled.last,
        "bucket_finite": filled.finite,
        "bucket_nonfinite": filled.nonfinite,
        "bucket_x_first": x[filled.start],
        "bucket_x_last": x[ends],
    }
    lists = {
        name: pa.ListArray.from_arrays(offsets, _values(name, column))
        for name, column in columns.items()
    }
    return {"shift": _int(shifts), **lists}


def _values(name: str, column: _Array) -> pa.Array:
    return arrays.from_numpy(column, BUCKETS[name].value_type)


def _as_numbers(rows: pa.Table) -> tuple[_Array, _Array]:
    """The values, true as 1 and false as 0, and which are numbers."""
    value, is_number = _column(rows, "value")
    if is_number.all():
        return value, is_number
    text = rows.column("text")
    for spelled, number in (("true", 1.0), ("false", 0.0)):
        is_spelled = arrays.to_numpy(pc.fill_null(pc.equal(text, spelled), False)) & ~is_number
        value = np.where(is_spelled, number, value)
        is_number = is_number | is_spelled
    return value, is_number


def _column(rows: pa.Table, name: str) -> tuple[_Array, _Array]:
    """The numbers of a column, and where it is not null."""
    column = rows.column(name)
    nulls = arrays.nulls(column)
    there = np.ones(len(column), dtype=bool) if nulls is None else ~nulls
    return arrays.to_numpy(column), there


def _int(values: _Array, valid: _Array | None = None) -> pa.Array:
    return arrays.from_numpy(values, pa.int64(), valid)


def _float(values: _Array, valid: _Array) -> pa.Array:
    return arrays.from_numpy(values, pa.float64(), valid)


def _texts(values: Sequence[str]) -> pa.DictionaryArray:
    return arrays.strings(values).dictionary_encode()


def _name(columns: Sequence[pa.DictionaryArray], place: int) -> _Series:
    _, key, run_id, writer_id = (_text(column, place) for column in columns)
    return key, run_id, writer_id


def _text(column: pa.DictionaryArray, place: int) -> str:
    text: str = column.dictionary[column.indices[place].as_py()].as_py()
    return text
