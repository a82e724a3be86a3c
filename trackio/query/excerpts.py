"""Reads large remote files in parts: their footer, then the row groups that a query needs.

Each row group becomes a small local Parquet file of its own in the cache, so that a query opens
local files only, and opens nothing that was not fetched (`docs/decisions/0002`).
"""

import io
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from trackio import shard
from trackio.errors import UnreadableFile
from trackio.model import Entry
from trackio.query.cache import Cache
from trackio.query.needs import Need, may_hold
from trackio.query.pieces import Piece
from trackio.rows import REPEATING
from trackio.shard import ShardMeta
from trackio.store.parallel import attempt_each, raise_first
from trackio.store.remote import RemoteStore

_TAIL_BYTES: Final = (16 << 10, 1 << 20)  # the least and the most to ask for at first
_TAIL_PART: Final = 64
_RANGE_BYTES: Final = 8 << 20
_AT_ONCE: Final = 8
_MAGIC: Final = b"PAR1"
PARTS: Final = ".parts"

Span = tuple[Any, Any] | None
"""The least and the greatest value; None where that is not known."""


class Group(NamedTuple):
    """A row group: where its bytes lie, and what its rows lie between."""

    number: int
    begin: int
    end: int
    kinds: Span
    keys: Span
    runs: Span
    writers: Span
    seqs: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What the footer of a file says."""

    metadata: pq.FileMetaData
    meta: ShardMeta
    groups: tuple[Group, ...]


class Excerpts:
    """Parts of large files. Safe to use from many threads.

    The methods raise `UnreadableFile` and `FormatTooNew` where a file is not one of ours, and
    `NotFound`, `StoreUnavailable` and `StoreRefused` as `RemoteStore.get_range`.
    """

    def __init__(self, store: RemoteStore, cache: Cache) -> None:
        self._store = store
        self._cache = cache
        self._lock = threading.Lock()
        self._outlines: dict[str, Outline] = {}
        self._turns: dict[str, threading.Lock] = {}

    def outline(self, entry: Entry) -> Outline:
        """What the file says of itself; a request or two when it is first met."""
        known = self._outlines.get(entry.key)
        if known is None:
            with self._turn(entry.key):
                known = self._outlines.get(entry.key) or self._read_outline(entry)
                self._outlines[entry.key] = known
        return known

    def share(self, entry: Entry, pieces: Iterable[Piece], need: Need) -> float:
        """What part of the file's bytes would have to be fetched."""
        wanted = _wanted(self.outline(entry), pieces, need)
        return sum(group.end - group.begin for group in wanted) / entry.size_bytes

    def paths(self, entry: Entry, pieces: Iterable[Piece], need: Need) -> list[str]:
        """Local files that hold all rows of `pieces` that are needed, and maybe more."""
        outline = self.outline(entry)
        names = {_name(entry, g.number): g for g in _wanted(outline, pieces, need)}
        with self._turn(entry.key):  # two who ask at once do not fetch the same twice
            here = {name: self._cache.find(name) for name in names}
            missing = [names[name] for name, path in here.items() if path is None]
            if missing:
                self._fetch(entry, outline, missing)
        return [str(self._cache.path(name)) for name in names]

    def drop(self, paths: Iterable[str]) -> bool:
        """Remove those of these parts that are damaged; whether one was, or is gone."""
        bad = False
        for path in paths:
            try:
                pq.ParquetFile(path, pre_buffer=False).read()
            except (pa.ArrowException, OSError, ValueError):
                bad = True
                with suppress(OSError):
                    Path(path).unlink()
        return bad

    def forget_others(self, keys: Iterable[str]) -> None:
        """Drop what is known of all other files."""
        for key in self._outlines.keys() - set(keys):
            self._outlines.pop(key, None)
            self._turns.pop(key, None)

    def _turn(self, key: str) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(key, threading.Lock())

    def _read_outline(self, entry: Entry) -> Outline:
        name = f"{entry.key}{PARTS}/footer"
        found = self._cache.find(name)
        footer = b"" if found is None else _read(found)
        if footer[-4:] != _MAGIC:
            footer = self._fetch_footer(entry)
            with self._cache.coming([name]) as parts:
                parts[name].write_bytes(footer)
                self._cache.keep(name, parts[name])
        try:
            file = pq.ParquetFile(pa.BufferReader(_MAGIC + footer), pre_buffer=False)
        except (pa.ArrowException, OSError, ValueError) as exc:
            self._cache.drop(name)
            raise UnreadableFile(f"not a whole Parquet file: {exc}") from exc
        return Outline(
            metadata=file.metadata,
            meta=shard.as_shard(file).meta,
            groups=_groups(file.metadata),
        )

    def _fetch_footer(self, entry: Entry) -> bytes:
        size = entry.size_bytes
        least, most = _TAIL_BYTES
        guess = min(most, max(least, size // _TAIL_PART), size)
        tail = self._store.get_range(entry, size - guess, size)
        if tail[-4:] != _MAGIC:
            raise UnreadableFile("not a whole Parquet file: it does not end as one")
        length = int.from_bytes(tail[-8:-4], "little") + 8
        if length > size:
            raise UnreadableFile("not a whole Parquet file: its footer is longer than the file")
        if length > len(tail):
            tail = self._store.get_range(entry, size - length, size - len(tail)) + tail
        return tail[-length:]

    def _fetch(self, entry: Entry, outline: Outline, groups: Sequence[Group]) -> None:
        stretches = {str(number): part for number, part in enumerate(_stretches(groups))}

        def one(number: str) -> None:
            part = stretches[number]
            begin = part[0].begin
            data = self._store.get_range(entry, begin, part[-1].end)
            self._keep(entry, outline, part, begin, data)

        raise_first(attempt_each(stretches, one, workers=_AT_ONCE))
        self._cache.tidy()

    def _keep(
        self, entry: Entry, outline: Outline, groups: Sequence[Group], begin: int, data: bytes
    ) -> None:
        """Make a file of each row group."""
        window = _Window(entry.size_bytes, begin, data)
        file = pq.ParquetFile(
            pa.PythonFile(window, "r"),
            metadata=outline.metadata,
            read_dictionary=sorted(REPEATING),
            pre_buffer=False,
        )
        names = [_name(entry, group.number) for group in groups]
        with self._cache.coming(names) as parts:
            for name, group in zip(names, groups, strict=True):
                try:
                    rows = file.read_row_group(group.number, use_threads=False)
                except (pa.ArrowException, OSError, ValueError) as exc:
                    raise UnreadableFile(f"rows cannot be read: {exc}") from exc
                pq.write_table(
                    rows, parts[name], compression="zstd", compression_level=1, store_schema=False
                )
                self._cache.keep(name, parts[name])


class _Window(io.RawIOBase):
    """A file of which only one stretch is known; reading elsewhere is an error."""

    def __init__(self, size: int, begin: int, data: bytes) -> None:
        super().__init__()
        self._size = size
        self._begin = begin
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        if self._at < self._begin or end > self._begin + len(self._data):
            raise OSError(f"bytes {self._at} to {end} were not fetched")
        found = self._data[self._at - self._begin : end - self._begin]
        self._at = end
        return found


def _name(entry: Entry, number: int) -> str:
    return f"{entry.key}{PARTS}/{number:06d}.parquet"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _wanted(outline: Outline, pieces: Iterable[Piece], need: Need) -> list[Group]:
    wanted = [group for group in outline.groups if may_hold(need, group.kinds, group.keys)]
    mine = list(pieces)
    return [group for group in wanted if any(_meets(group, piece) for piece in mine)]


def _meets(group: Group, piece: Piece) -> bool:
    return (
        _holds(group.runs, piece.run_id)
        and _holds(group.writers, piece.writer_id)
        and (group.seqs is None or (group.seqs[0] <= piece.last and piece.first <= group.seqs[1]))
    )


def _holds(span: Span, value: str) -> bool:
    return span is None or span[0] <= value <= span[1]


def _stretches(groups: Sequence[Group]) -> list[list[Group]]:
    """Neighbours together, up to a size."""
    found: list[list[Group]] = []
    for group in groups:
        last = found[-1] if found else None
        if last and last[-1].end == group.begin and group.end - last[0].begin <= _RANGE_BYTES:
            last.append(group)
        else:
            found.append([group])
    return found


def _groups(metadata: pq.FileMetaData) -> tuple[Group, ...]:
    places = {metadata.schema.column(i).name: i for i in range(metadata.num_columns)}
    return tuple(_group(metadata.row_group(i), i, places) for i in range(metadata.num_row_groups))


def _group(found: pq.RowGroupMetaData, number: int, places: Mapping[str, int]) -> Group:
    columns = [found.column(i) for i in range(found.num_columns)]
    begins = [min(filter(None, (c.dictionary_page_offset, c.data_page_offset))) for c in columns]
    ends = [b + c.total_compressed_size for b, c in zip(begins, columns, strict=True)]
    spans = [
        _span(columns[places[name]]) if name in places else None
        for name in ("kind", "key", "run_id", "writer_id", "seq")
    ]
    return Group(number, min(begins), max(ends), *spans)


def _span(column: pq.ColumnChunkMetaData) -> Span:
    found = column.statistics
    return (found.min, found.max) if found is not None and found.has_min_max else None
