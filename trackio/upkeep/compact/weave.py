"""Merge sorted streams of rows into one, a stretch at a time. No files, no store.

A stream yields tables that follow each other in the order of a pack: what is no series first,
then by kind, key, run, writer and seq. Where the streams hold different writers, whole tables
pass through, so the cost is that of the places where one stream gives way to another.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from trackio import arrays, rows
from trackio.ledger import cut

Place = tuple[rows.SeriesName, int]
"""Where a row stands in the order: its series and writer, and its seq."""


def weave(streams: Iterable[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """The rows of all streams in order."""
    heads = [head for stream in streams if (head := _Head(stream)).is_open]
    while heads:
        heads.sort(key=lambda head: head.first)
        chosen = heads[0]
        yield chosen.take(heads[1].first if len(heads) > 1 else None)
        if not chosen.is_open:
            heads.remove(chosen)


class _Head:
    """The next rows of one stream."""

    def __init__(self, stream: Iterator[pa.Table]) -> None:
        self._stream = stream
        self._start = 0
        self._columns: Sequence[pa.DictionaryArray] = ()
        self.is_open = True
        self.first: Place
        self._last: Place
        self._advance()

    def take(self, limit: Place | None) -> pa.Table:
        """The rows before `limit`, as far as they are in one table; at least one."""
        end = self._table.num_rows
        if limit is not None and self._last >= limit:
            end = max(self._find(limit), self._start + 1)
        part = self._table.slice(self._start, end - self._start)
        if end == self._table.num_rows:
            self._advance()
        else:
            self._start = end
            self.first = self._place(end)
        return part

    def _advance(self) -> None:
        for table in self._stream:
            if table.num_rows:
                self._table = table
                self._columns, self._bounds = cut(table)
                self._seq = arrays.to_numpy(table.column("seq"))
                self._start = 0
                self.first, self._last = self._place(0), self._place(table.num_rows - 1)
                return
        self.is_open = False

    def _place(self, row: int) -> Place:
        return self._name(row), int(self._seq[row])

    def _name(self, row: int) -> rows.SeriesName:
        kind, key, run_id, writer_id = (
            column.dictionary[column.indices[row].as_py()].as_py() for column in self._columns
        )
        return rows.is_series_kind(kind), kind, key, run_id, writer_id

    def _find(self, limit: Place) -> int:
        """The first row that does not stand before `limit`."""
        name, seq = limit
        low, high = 0, len(self._bounds) - 1
        while low < high:
            middle = (low + high) // 2
            if self._name(self._bounds[middle]) < name:
                low = middle + 1
            else:
                high = middle
        begin = self._bounds[low]
        if low == len(self._bounds) - 1 or self._name(begin) != name:
            return begin
        mine = self._seq[begin : self._bounds[low + 1]]
        return begin + int(np.searchsorted(mine, seq))
