"""Refuse a Parquet file that is small and would be huge in memory. Opens no store, reads no rows.

A few kilobytes may claim millions of rows, or hold one long text that every row repeats. What the
footer says is compared with the pages themselves, whose headers are what readers go by; only where
texts repeat so much that it may matter are they added up.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trackio import arrays
from trackio.errors import UnreadableFile

MAX_COLUMNS: Final = 1_000
MAX_GROUP_ROWS: Final = 1 << 20
"""We write 65,536 at most."""
MAX_TEXT_BYTES: Final = 1 << 30
"""What the texts of one column in one row group may take, written out."""
MAX_RATIO: Final = 1_000
"""How many times its size a file may take before its texts are written out; ours take 350."""
MAX_FOOTER_BYTES: Final = 64 << 20
_SMALL_BYTES: Final = 256 << 20
_WINDOW: Final = 8 << 10
_MOST_PACKED: Final = 1 << 15
"""Zstandard makes 128 KiB of 4 bytes, and never more."""
_STRINGS: Final = frozenset({"run_id", "writer_id", "kind", "key", "text"})
_DICTIONARY_PAGE: Final = 2
_DEEPEST: Final = 8
_SMALL_FILE: Final = 1 << 16


class _Page(NamedTuple):
    """What the header of a page says, and where the next page begins."""

    kind: int
    size_bytes: int
    end: int


def check_footer(data: bytes | Path) -> None:
    """Pass if the footer is one that can be read at once; an unreadable one passes too.

    Raises:
        UnreadableFile: it is too large.
    """
    with closing(_Source(data)) as source:
        if source.size <= MAX_FOOTER_BYTES:
            return
        tail = source.read(source.size - 8, 8)
    if tail[-4:] == b"PAR1" and (size := int.from_bytes(tail[:4], "little")) > MAX_FOOTER_BYTES:
        raise UnreadableFile(f"its footer takes {size:,} bytes; {MAX_FOOTER_BYTES:,} are read")


def check_file(metadata: pq.FileMetaData, data: bytes | Path, rows: int) -> None:
    """Pass if reading the file takes memory in proportion to its size.

    Args:
        metadata: its footer.
        data: the file.
        rows: how many rows it says that it has.

    Raises:
        UnreadableFile: it does not; the message says in what.
    """
    if metadata.num_rows != rows:
        raise UnreadableFile(f"holds {metadata.num_rows:,} rows and says that it holds {rows:,}")
    if metadata.num_columns > MAX_COLUMNS:
        raise UnreadableFile(f"has {metadata.num_columns:,} columns; {MAX_COLUMNS:,} are read")
    with closing(_Source(data)) as source:
        _check_groups(metadata, source)


def _check_groups(metadata: pq.FileMetaData, source: "_Source") -> None:
    left = _SMALL_BYTES + MAX_RATIO * source.size
    names = [metadata.schema.column(place).path for place in range(metadata.num_columns)]
    places = [place for place, name in enumerate(names) if name in _STRINGS]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_rows > MAX_GROUP_ROWS:
            raise UnreadableFile(f"has row groups of {group.num_rows:,} rows")
        left -= max(0, group.total_byte_size)
        for place in places:
            left -= _check_texts(source, group.column(place), group.num_rows, number)
        if left < 0:
            raise UnreadableFile(f"its {source.size:,} bytes would take far more than they may")


def _check_texts(source: "_Source", column: pq.ColumnChunkMetaData, rows: int, group: int) -> int:
    """What the pages of a column of texts take in memory, which is not more than it may be."""
    packed = column.total_compressed_size
    if 0 <= packed * _MOST_PACKED * (rows + 1) <= MAX_TEXT_BYTES and column.compression == "ZSTD":
        return 0
    repeated, size_bytes = _measured(source, *_place(source, column))
    if repeated * rows > MAX_TEXT_BYTES and size_bytes <= _SMALL_BYTES + MAX_RATIO * source.size:
        total = _written_out(source, column.path_in_schema, group)
        if total > MAX_TEXT_BYTES:
            raise UnreadableFile(f"the texts of a row group, written out, take {total:,} bytes")
    return size_bytes


def _written_out(source: "_Source", name: str, group: int) -> int:
    """How many bytes the texts of a row group take if each row has its own."""
    try:
        file = pq.ParquetFile(source.opened(), read_dictionary=[name], pre_buffer=False)
        read = file.read_row_group(group, columns=[name], use_threads=False).column(0)
    except (pa.ArrowException, OSError, KeyError, IndexError, ValueError, MemoryError) as exc:
        raise UnreadableFile(f"rows cannot be read: {exc}") from exc
    total = 0
    for chunk in read.chunks:
        if not pa.types.is_dictionary(chunk.type):
            return total + int(read.nbytes)
        lengths = arrays.to_numpy(pa.compute.binary_length(chunk.dictionary).cast(pa.int64()))
        codes = arrays.to_numpy(chunk.indices.drop_null())
        total += int(lengths[codes].sum(dtype=np.int64)) if len(lengths) else 0
    return total


def _place(source: "_Source", column: pq.ColumnChunkMetaData) -> tuple[int, int]:
    """Where the pages of a column chunk begin and end."""
    begins = [column.dictionary_page_offset, column.data_page_offset]
    at = min(place for place in begins if place) if any(begins) else 0
    end = at + column.total_compressed_size
    if not 0 < at <= end <= source.size:
        raise UnreadableFile("its footer tells of pages that are not there")
    return at, end


def _measured(source: "_Source", at: int, end: int) -> tuple[int, int]:
    """What the dictionary of these pages takes, and what all of them do."""
    if end - at <= _WINDOW:
        return _measure(source.read(at, end - at))
    return _add_up(_pages(source, at, end))


@lru_cache(maxsize=1 << 12)
def _measure(pages: bytes) -> tuple[int, int]:
    """The same of few bytes: most of ours are alike in every row group."""
    return _add_up(_pages(_Source(pages), 0, len(pages)))


def _add_up(pages: Iterable[_Page]) -> tuple[int, int]:
    repeated = size_bytes = 0
    for page in pages:
        size_bytes += page.size_bytes
        repeated += page.size_bytes if page.kind == _DICTIONARY_PAGE else 0
    return repeated, size_bytes


def _pages(source: "_Source", at: int, end: int) -> Iterator[_Page]:
    """The pages between two places, as their headers tell."""
    while at < end:
        page = _page(source, at)
        yield page
        at = page.end


def _page(source: "_Source", at: int) -> _Page:
    for window in (_WINDOW, 1 << 20):
        try:
            fields, length = _struct(source.read(at, window), 0, 0)
            kind, plain, packed = (int(fields[number]) for number in (1, 2, 3))
        except (IndexError, KeyError):
            continue
        if packed < 0 or plain < 0:
            break
        return _Page(kind, plain, at + length + packed)
    raise UnreadableFile("a page of it has no header")


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, int], int]:
    """The integers of a struct in Thrift's compact protocol, and where it ends."""
    fields: dict[int, int] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _varint(data, at)
            number = _signed(number)
        value, at = _value(data, at, head & 15, depth)
        fields[number] = value
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[int, int]:
    """An integer, or 0 for what is none, and where it ends."""
    match kind:
        case 1 | 2:
            return 0, at
        case 3:
            return 0, at + 1
        case 4 | 5 | 6:
            value, at = _varint(data, at)
            return _signed(value), at
        case 7:
            return 0, at + 8
        case 8:
            length, at = _varint(data, at)
            return 0, at + length
        case 12 if depth < _DEEPEST:
            return 0, _struct(data, at, depth + 1)[1]
    raise UnreadableFile("a page of it has a header that nobody writes")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80 or shift > 63:
            return value, at
        shift += 7


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


class _Source:
    """The bytes of a file, wherever they are; a small one is read once."""

    def __init__(self, data: bytes | Path) -> None:
        self._data = data
        self._file: BinaryIO | None = None
        try:
            self.size = len(data) if isinstance(data, bytes) else data.stat().st_size
        except OSError as exc:
            raise UnreadableFile(f"not a whole Parquet file: {exc}") from exc
        self._whole = data if isinstance(data, bytes) else None

    def read(self, at: int, count: int) -> bytes:
        """So many bytes, or fewer at the end."""
        if self._whole is None and self.size <= _SMALL_FILE:
            self._whole = self._read(0, self.size)
        return self._whole[at : at + count] if self._whole is not None else self._read(at, count)

    def opened(self) -> pa.BufferReader | str:
        """The file for pyarrow."""
        return pa.BufferReader(self._data) if isinstance(self._data, bytes) else str(self._data)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _read(self, at: int, count: int) -> bytes:
        try:
            if self._file is None:
                self._file = Path(str(self._data)).open("rb")  # noqa: SIM115 - see `close`
            self._file.seek(at)
            return self._file.read(count)
        except OSError as exc:
            raise UnreadableFile(f"not a whole Parquet file: {exc}") from exc
