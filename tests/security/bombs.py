"""Files that are small and would be huge, and files that lie. Builds them; asserts nothing."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trackio import shard
from trackio.model import METRIC, Call, RunId, SeqRange, WriterId
from trackio.rows import SCHEMA, WRITTEN, table_of

RUN = RunId("bomb")
WRITER = WriterId("0" * 23 + "1")
SPAN = SeqRange(0, 9)


def honest(text: str | None = None, keys: int = 1) -> pa.Table:
    """Ten calls as a shard holds them."""
    calls = [
        Call(seq, seq * 1000, METRIC, seq, False, {f"k{i}": float(seq) for i in range(keys)})
        for seq in range(10)
    ]
    rows = table_of([calls], RUN, WRITER)
    if text is not None:
        column = pa.array([text] * rows.num_rows)
        rows = rows.set_column(rows.column_names.index("text"), "text", column)
    return rows


def written(rows: pa.Table, claimed: int | None = None, repeat: int = 1, **options: Any) -> bytes:
    """The rows as a Parquet file that says of itself what a shard says."""
    sink = io.BytesIO()
    options = {"compression": "zstd", "use_dictionary": True, **options}
    with pq.ParquetWriter(sink, rows.schema, **options) as out:
        for _ in range(repeat):
            out.write_table(rows, row_group_size=rows.num_rows)
        said = shard.ShardMeta(
            first=SPAN.first,
            last=SPAN.last,
            rows=rows.num_rows * repeat if claimed is None else claimed,
            fingerprint=0,
        )
        out.add_key_value_metadata(shard.encode_meta(said))
    return sink.getvalue()


def constant(count: int) -> pa.Table:
    """So many rows that are all the same."""
    zeros = pa.array(np.zeros(count, np.int64))

    def name(text: str) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [text])

    columns = {
        "run_id": name(RUN),
        "writer_id": name(WRITER),
        "seq": zeros,
        "time": zeros.cast(SCHEMA.field("time").type),
        "step": zeros,
        "auto": pa.array(np.zeros(count, bool)),
        "kind": name(METRIC),
        "key": name("loss"),
        "value": pa.array(np.zeros(count)),
        "text": pa.nulls(count, pa.string()),
    }
    return pa.table(list(columns.values()), schema=WRITTEN)


def many_rows() -> bytes:
    """Forty million rows in little more than a megabyte."""
    return written(constant(2_000_000), repeat=20)


def said_small() -> bytes:
    """The same, which says of itself that it has ten rows."""
    return written(constant(2_000_000), claimed=10, repeat=20)


def one_long_text() -> bytes:
    """A text of 200 MB that stands in each of 32,768 rows; stored once, and well compressed."""
    rows = constant(32_768)
    codes = pa.array(np.zeros(rows.num_rows, np.int32))
    text = pa.DictionaryArray.from_arrays(codes, pa.array(["a" * 200_000_000]))
    place = rows.column_names.index("text")
    field = pa.field("text", text.type)
    return written(
        rows.set_column(place, field, text), dictionary_pagesize_limit=1 << 30, store_schema=False
    )


def plain_texts() -> bytes:
    """Ten texts of 150 MB, each written out, in pages that are compressed."""
    return written(honest("a" * 150_000_000), use_dictionary=False)


def many_columns() -> bytes:
    """Ten rows with a hundred thousand columns more."""
    rows = honest()
    more = {f"c{i}": pa.nulls(rows.num_rows, pa.int8()) for i in range(100_000)}
    names = [*rows.column_names, *more]
    return written(pa.table([*rows.columns, *more.values()], names=names), use_dictionary=False)


def deep_columns() -> bytes:
    """A column of lists of lists of lists …."""
    kind: Any = pa.int8()
    for _ in range(500):
        kind = pa.list_(kind)
    rows = honest()
    return written(rows.append_column(pa.field("deep", kind), pa.nulls(rows.num_rows, kind)))


BOMBS: dict[str, Callable[[], bytes]] = {
    make.__name__: make
    for make in (*(many_rows, said_small, one_long_text, plain_texts, many_columns, deep_columns),)
}
