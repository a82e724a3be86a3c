"""Count and fingerprint the rows of each stretch while sorted rows pass by. No files, no store."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from trackio import arrays, rows
from trackio.errors import UnreadableFile
from trackio.pack import Stretch

_Ints = arrays.Numbers


class Block(NamedTuple):
    """Neighbouring rows of one series and one writer, ascending by seq."""

    name: rows.SeriesName
    start: int
    end: int


class Ledger:
    """Adds up the rows that lie in some stretches, which do not overlap."""

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self._stretches = [replace(each, rows=0, fingerprint=0) for each in sorted(stretches)]
        self._rows = [0] * len(self._stretches)
        self._sums = [0] * len(self._stretches)
        self._by_writer: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for place, each in enumerate(self._stretches):
            self._by_writer[each.run_id, each.writer_id].append(place)
        self.all_rows = 0
        self.fingerprint = 0

    def add(self, table: pa.Table) -> pa.Table:
        """Take in rows; returns those that lie in a stretch."""
        seq = arrays.to_numpy(table.column("seq"))
        sums = np.concatenate([[np.uint64(0)], np.cumsum(rows.hashes(table), dtype=np.uint64)])
        self.all_rows += table.num_rows
        self.fingerprint = (self.fingerprint + int(sums[-1])) % (1 << 64)
        kept = [part for block in blocks_of(table) for part in self._count(block, seq, sums)]
        if sum(end - start for start, end in kept) == table.num_rows:
            return table
        flags = np.zeros(table.num_rows, dtype=bool)
        for start, end in kept:
            flags[start:end] = True
        return table.filter(arrays.bools(flags))

    def stretches(self) -> tuple[Stretch, ...]:
        """The stretches with what was counted."""
        return tuple(
            replace(each, rows=count, fingerprint=total % (1 << 64))
            for each, count, total in zip(self._stretches, self._rows, self._sums, strict=True)
        )

    def _count(self, block: Block, seq: _Ints, sums: _Ints) -> Iterator[tuple[int, int]]:
        """The parts of a block that lie in a stretch."""
        _, _, _, run_id, writer_id = block.name
        mine = seq[block.start : block.end]
        for place in self._by_writer.get((run_id, writer_id), ()):
            stretch = self._stretches[place]
            low = block.start + int(np.searchsorted(mine, stretch.first))
            high = block.start + int(np.searchsorted(mine, stretch.last, side="right"))
            if low < high:
                self._rows[place] += high - low
                self._sums[place] += int(sums[high]) - int(sums[low])
                yield low, high


def blocks_of(table: pa.Table) -> list[Block]:
    """Sorted rows, cut where the series or its writer changes."""
    columns, bounds = cut(table)
    return [Block(_name(columns, start), start, end) for start, end in pairwise(bounds)]


def cut(table: pa.Table) -> tuple[list[pa.DictionaryArray], Sequence[int]]:
    """The columns that name a series, and where another one begins; the end comes last."""
    columns = [rows.encoded(table.column(name)) for name in ("kind", "key", "run_id", "writer_id")]
    codes = [arrays.to_numpy(column.indices) for column in columns]
    changed = np.zeros(max(table.num_rows - 1, 0), dtype=bool)
    for code in codes:
        changed |= code[1:] != code[:-1]
    if not table.num_rows:
        return columns, [0]
    return columns, [0, *(np.flatnonzero(changed) + 1).tolist(), table.num_rows]


def check_same(expected: Iterable[Stretch], found: Iterable[Stretch], name: str) -> None:
    """Compare what two ledgers counted.

    Raises:
        UnreadableFile: a stretch has other rows; the message says which.
    """
    was = {(s.run_id, s.writer_id, s.first, s.last): (s.rows, s.fingerprint) for s in expected}
    for each in found:
        key = each.run_id, each.writer_id, each.first, each.last
        if was.pop(key, None) != (each.rows, each.fingerprint):
            raise UnreadableFile(f"{name} holds other rows of {key} than it should")
    if was:
        raise UnreadableFile(f"{name} holds no rows of {next(iter(was))}")


def _name(columns: Sequence[pa.DictionaryArray], place: int) -> rows.SeriesName:
    kind, key, run_id, writer_id = (
        column.dictionary[column.indices[place].as_py()].as_py() for column in columns
    )
    return rows.is_series_kind(kind), kind, key, run_id, writer_id
