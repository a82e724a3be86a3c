"""Parquet as exported sites have it: rows in short pages, so that a browser can ask for few.

It encodes tables. What is in them is up to others, where the bytes go too.
"""

import io
from collections.abc import Sequence
from types import TracebackType
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS: Final = 65_536
PAGE_ROWS: Final = 2_048
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())


def text(name: str) -> pa.Field:
    """A column of texts that repeat."""
    return pa.field(name, _TEXT, nullable=False)


def number(name: str, kind: pa.DataType, *, nullable: bool = False) -> pa.Field:
    """A column of integers, times or doubles."""
    return pa.field(name, kind, nullable=nullable)


class ParquetBytes:
    """A Parquet file in memory; `finish` returns it. `searched` columns tell what pages hold."""

    def __init__(
        self, schema: pa.Schema, *, searched: Sequence[str] = (), group_rows: int = GROUP_ROWS
    ) -> None:
        self._group_rows = group_rows
        self._sink = io.BytesIO()
        texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        plain = {
            field.name: encoding
            for field in schema
            if (encoding := _encoding(field.type)) is not None
        }
        self._writer = pq.ParquetWriter(
            self._sink,
            schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=texts,
            column_encoding=plain,
            write_statistics=list(searched),
            write_page_index=True,
            max_rows_per_page=PAGE_ROWS,
            store_schema=False,
        )

    def __enter__(self) -> "ParquetBytes":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, rows: pa.Table) -> None:
        """Add rows; they begin a row group of their own."""
        if rows.num_rows:
            self._writer.write_table(rows, row_group_size=self._group_rows)

    def finish(self) -> bytes:
        """The whole file."""
        self._writer.close()
        return self._sink.getvalue()


def repeated(
    texts: Sequence[str], counts: Sequence[int] | npt.NDArray[np.int64]
) -> pa.DictionaryArray:
    """Each text as often as its count says."""
    values = list(dict.fromkeys(texts))
    place = {value: i for i, value in enumerate(values)}
    codes = np.repeat(np.array([place[value] for value in texts], np.int32), counts)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values, pa.string()))


def _encoding(kind: pa.DataType) -> str | None:
    if pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return "DELTA_BINARY_PACKED"
    return None
