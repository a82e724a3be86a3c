"""Small files in memory: opening one in every query would cost more than scanning it.

A live run of a remote store has thousands of them. They are loaded many at once, and what a
query needs of them is joined run by run, so that a tick joins only what is new.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trackio import arrays, rows
from trackio.model import RunId
from trackio.query.database import Database
from trackio.query.pieces import Piece

MAX_FILE_ROWS = 4096
MAX_ROWS = 2_000_000
"""In all; some 150 MB."""
_MAX_CHUNKS = 32


class Held:
    """The rows of small files, by key. Safe to use from many threads.

    Args:
        database: what reads the files.
        max_file_rows: a file of more rows is not held.
    """

    def __init__(self, database: Database, max_file_rows: int = MAX_FILE_ROWS) -> None:
        self._database = database
        self._max_file_rows = max_file_rows
        self._lock = threading.Lock()
        self._tables: dict[str, pa.Table] = {}
        self._rows = 0
        self._joined: dict[RunId, tuple[tuple[Piece, ...], pa.Table]] = {}

    def load(self, sizes: Mapping[str, int], paths: Mapping[str, str]) -> None:
        """Take in those of some new files, given their row counts, that are small.

        Raises:
            duckdb.Error: one of them cannot be read.
        """
        small = [key for key, count in sizes.items() if count <= self._max_file_rows]
        room = MAX_ROWS - self._rows
        chosen = [
            key
            for key, end in zip(small, np.cumsum([sizes[key] for key in small]), strict=True)
            if end <= room
        ]
        if not chosen:
            return
        table = self._database.table("load", {}, {"files": [paths[key] for key in chosen]})
        loaded = _encoded(table.drop_columns("file"))
        bounds = np.searchsorted(
            arrays.to_numpy(table.column("file")), np.arange(len(chosen) + 1)
        ).tolist()
        parts = zip(chosen, bounds, bounds[1:], strict=False)
        with self._lock:
            for key, start, end in parts:
                if key not in self._tables:
                    self._tables[key] = loaded.slice(start, end - start)
                    self._rows += end - start

    def has(self, key: str) -> bool:
        """Whether the rows of this file are held."""
        return key in self._tables

    def tables(self, pieces: Iterable[Piece]) -> dict[Piece, pa.Table]:
        """The rows of the files of those pieces that are held."""
        found = ((piece, self._tables.get(piece.key)) for piece in pieces)
        return {piece: table for piece, table in found if table is not None}

    def join(self, tables: Mapping[Piece, pa.Table]) -> pa.Table:
        """The rows that count, each beside the place of its piece among these."""
        joined = []
        end = 0
        for run_id, mine in groupby(tables, lambda piece: piece.run_id):
            pieces = tuple(mine)
            joined.append(_shifted(self._join_run(run_id, pieces, tables), end))
            end += len(pieces)
        return pa.concat_tables(joined)

    def forget_others(self, keys: Iterable[str]) -> None:
        """Drop all other files."""
        with self._lock:
            for key in self._tables.keys() - set(keys):
                self._rows -= self._tables.pop(key).num_rows
            gone = [r for r, (pieces, _) in self._joined.items() if not self.tables(pieces)]
            for run_id in gone:
                del self._joined[run_id]

    def _join_run(
        self, run_id: RunId, pieces: tuple[Piece, ...], tables: Mapping[Piece, pa.Table]
    ) -> pa.Table:
        """The same of one run; mostly what was joined before and a little more."""
        known, joined = self._joined.get(run_id, ((), None))
        if joined is not None and pieces[: len(known)] == known:
            new = pieces[len(known) :]
            parts = [joined, *([_join(new, tables, len(known))] if new else [])]
        else:
            parts = [_join(pieces, tables, 0)]
        joined = pa.concat_tables(parts)
        if joined.column("seq").num_chunks > _MAX_CHUNKS:
            joined = joined.unify_dictionaries().combine_chunks()
        with self._lock:
            self._joined[run_id] = pieces, joined
        return joined


def _join(pieces: Sequence[Piece], tables: Mapping[Piece, pa.Table], first: int) -> pa.Table:
    """The rows that count of some pieces, which are numbered from `first` on."""
    cut = [tables[piece] if piece.is_whole else _cut(tables[piece], piece) for piece in pieces]
    places = np.repeat(np.arange(first, first + len(cut)), [table.num_rows for table in cut])
    joined = pa.concat_tables(cut).unify_dictionaries().combine_chunks()
    return joined.append_column("piece", arrays.from_numpy(places, pa.int64()))


def _cut(table: pa.Table, piece: Piece) -> pa.Table:
    """The rows of one piece in a file that may hold other writers' rows as well."""
    mine = [
        pc.is_in(table.column(name).cast(pa.string()), value_set=arrays.strings([wanted]))
        for name, wanted in (("run_id", piece.run_id), ("writer_id", piece.writer_id))
    ]
    return rows.only(table.filter(pc.and_(*mine)), piece.first, piece.last)


def _shifted(table: pa.Table, by: int) -> pa.Table:
    """The table with larger places."""
    if not by:
        return table
    place = table.column_names.index("piece")
    moved = arrays.to_numpy(table.column("piece")) + by
    return table.set_column(place, "piece", arrays.from_numpy(moved, pa.int64()))


def _encoded(table: pa.Table) -> pa.Table:
    """The table with dictionaries for the strings that repeat."""
    for name in rows.REPEATING:
        place = table.column_names.index(name)
        table = table.set_column(place, name, pc.dictionary_encode(table.column(name)))
    return table
