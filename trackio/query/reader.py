"""Read pieces of files through DuckDB, and remember what need not be read twice.

It is shared by all views of a project. A file never changes, so what was once read of a
piece stays true; what no snapshot needs any more is dropped by `forget_others`.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trackio import rows, shard
from trackio.errors import UnreadableFile
from trackio.query.database import Database, Parameters
from trackio.query.files import Files, VanishedError
from trackio.query.pieces import Piece
from trackio.query.said import Said, decode_value

HELD_FILE_ROWS = 4096
"""A file of at most so many rows is held in memory: opening it costs more than scanning it."""
HELD_ROWS = 2_000_000
"""So many rows are held in all, some 150 MB."""
_HELD_TABLES = 8


class UnreadableError(Exception):
    """These files cannot be read whole."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("files cannot be read")
        self.keys = frozenset(keys)


class Tally(NamedTuple):
    """What one piece says of one series, abandoned points included; the SQL is `tallies`."""

    kind: str
    key: str
    points: int
    others: int
    finite: int
    min: float | None
    max: float | None
    sum: float | None
    first_seq: int
    last_seq: int
    first_step_seq: int | None
    first_step: int | None
    last_step: int | None
    last_value: float | None
    last_text: str | None
    max_step: int | None
    has_given: bool
    last_time_s: float


class Reader:
    """Answers named queries over pieces. Safe to use from many threads."""

    def __init__(self, files: Files, database: Database) -> None:
        self.unreadable: dict[str, str] = {}
        self._files = files
        self._database = database
        self._lock = threading.Lock()
        self._opened: dict[str, pa.Table | None] = {}  # the rows of those that are held
        self._held_rows = 0
        self._held: dict[tuple[Piece, ...], pa.Table] = {}
        self._said: dict[Piece, tuple[Said, ...]] = {}
        self._tallies: dict[Piece, tuple[Tally, ...]] = {}

    def table(
        self, query: str, pieces: Sequence[Piece], parameters: Parameters
    ) -> tuple[list[Piece], pa.Table]:
        """The answer of a named query; its column `piece` counts in the list beside it.

        Raises:
            UnreadableError, VanishedError: some of the files cannot be read, or are gone.
            FormatTooNew: written by a newer Trackio.
            StoreUnavailable, StoreRefused: the store does not give a file now.
        """
        paths = self._open(pieces)
        ordered, sources = self._sources(pieces, paths)
        try:
            return ordered, self._database.table(query, sources, parameters)
        except duckdb.Error:
            self._find_culprits(paths)
            raise

    def said(self, pieces: Sequence[Piece]) -> dict[Piece, tuple[Said, ...]]:
        """What each piece says beside its points, by seq; raises as `table` does."""
        known = self._said
        if new := [piece for piece in pieces if piece not in known]:
            found: dict[Piece, list[Said]] = {piece: [] for piece in new}
            ordered, table = self.table("said", new, {})
            for number, row in _said_rows(table):
                found[ordered[number]].append(row)
            known.update((piece, tuple(rows)) for piece, rows in found.items())
        return {piece: known[piece] for piece in pieces}

    def tallies(self, pieces: Sequence[Piece]) -> dict[Piece, tuple[Tally, ...]]:
        """What each piece says of each of its series; raises as `table` does."""
        known = self._tallies
        if new := [piece for piece in pieces if piece not in known]:
            found: dict[Piece, list[Tally]] = {piece: [] for piece in new}
            ordered, table = self.table("tallies", new, {})
            columns = [table.column(name).to_pylist() for name in ("piece", *Tally._fields)]
            for number, *fields in zip(*columns, strict=True):
                found[ordered[number]].append(Tally(*fields))
            known.update((piece, tuple(rows)) for piece, rows in found.items())
        return {piece: known[piece] for piece in pieces}

    def forget_others(self, pieces: Iterable[Piece]) -> None:
        """Drop what is known of all other pieces and their files."""
        live = set(pieces)
        keys = {piece.key for piece in live}
        with self._lock:
            for piece in (self._said.keys() | self._tallies.keys()) - live:
                self._said.pop(piece, None)
                self._tallies.pop(piece, None)
            for key in self._opened.keys() - keys:
                table = self._opened.pop(key)
                self._held_rows -= 0 if table is None else table.num_rows
            self._held.clear()
        self._files.forget_others(keys)

    def _open(self, pieces: Sequence[Piece]) -> dict[str, str]:
        """The path of each piece's file; a file is checked when it is first met."""
        paths = self._files.paths(piece.key for piece in pieces)
        bad = {}
        for piece in pieces:
            if piece.key not in self._opened and piece.key not in bad:
                try:
                    self._check(piece, paths[piece.key])
                except UnreadableFile as exc:
                    bad[piece.key] = str(exc)
        self._report(bad, paths)
        return paths

    def _check(self, piece: Piece, path: str) -> None:
        opened = shard.open_file(Path(path))
        meta = opened.meta
        if piece.is_whole and (meta.first, meta.last) != (piece.first, piece.last):
            raise UnreadableFile(f"its metadata says {meta.first}-{meta.last}")
        table = None
        if meta.rows <= min(HELD_FILE_ROWS, HELD_ROWS - self._held_rows):
            _, table = shard.decode(Path(path))
        with self._lock:
            self._opened[piece.key] = table
            self._held_rows += 0 if table is None else table.num_rows

    def _find_culprits(self, paths: Mapping[str, str]) -> None:
        """After an error: read each file to its end and raise for those that cannot be."""
        bad = {}
        for key, path in paths.items():
            try:
                shard.decode(Path(path))
            except UnreadableFile as exc:
                bad[key] = str(exc)
        self._report(bad, paths)

    def _report(self, bad: Mapping[str, str], paths: Mapping[str, str]) -> None:
        if not bad:
            return
        vanished = {key for key in bad if not Path(paths[key]).exists()}
        with self._lock:
            for key in bad:
                self._opened.pop(key, None)
            self.unreadable.update((k, why) for k, why in bad.items() if k not in vanished)
        for key in bad:
            self._files.forget(key)
        if vanished:
            raise VanishedError(vanished)
        raise UnreadableError(bad)

    def _sources(
        self, pieces: Sequence[Piece], paths: Mapping[str, str]
    ) -> tuple[list[Piece], dict[str, Parameters]]:
        """The pieces in the order of their numbers, and where their rows are."""
        held = [piece for piece in pieces if self._opened.get(piece.key) is not None]
        others = [piece for piece in pieces if self._opened.get(piece.key) is None]
        whole = [piece for piece in others if piece.is_whole]
        part = [piece for piece in others if not piece.is_whole]
        sources: dict[str, Parameters] = {}
        if whole:
            sources["rows_whole"] = {"whole_files": [paths[piece.key] for piece in whole]}
        if part:
            sources["rows_part"] = _part_source(part, len(whole), paths)
        if held:
            base = len(whole) + len(part)
            sources["rows_held"] = {"held": self._held_table(tuple(held)), "held_base": base}
        if not sources:
            sources["rows_none"] = {}
        return [*whole, *part, *held], sources

    def _held_table(self, pieces: tuple[Piece, ...]) -> pa.Table:
        """The rows of files in memory, each beside the number of its piece."""
        table = self._held.get(pieces)
        if table is None:
            table = _join([(piece, self._opened[piece.key]) for piece in pieces])
            with self._lock:
                if len(self._held) >= _HELD_TABLES:
                    self._held.clear()
                self._held[pieces] = table
        return table


def _join(parts: Iterable[tuple[Piece, pa.Table]]) -> pa.Table:
    """The rows of each part that count, one after the other."""
    tables = [table if piece.is_whole else _cut(table, piece) for piece, table in parts]
    numbers = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    joined = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    return joined.append_column("piece", pa.array(numbers))


def _cut(table: pa.Table, piece: Piece) -> pa.Table:
    mine = pc.and_(
        pc.equal(table["run_id"].cast(pa.string()), piece.run_id),
        pc.equal(table["writer_id"].cast(pa.string()), piece.writer_id),
    )
    return rows.only(table.filter(mine), piece.first, piece.last)


def _part_source(
    pieces: Sequence[Piece], base: int, paths: Mapping[str, str]
) -> dict[str, list[Any]]:
    """The parameters of `rows_part`: each file once, and what counts of it."""
    files = {key: number for number, key in enumerate(dict.fromkeys(p.key for p in pieces))}
    return {
        "part_files": [paths[key] for key in files],
        "part_piece": list(range(base, base + len(pieces))),
        "part_file": [files[piece.key] for piece in pieces],
        "part_run": [piece.run_id for piece in pieces],
        "part_writer": [piece.writer_id for piece in pieces],
        "part_first": [piece.first for piece in pieces],
        "part_last": [piece.last for piece in pieces],
    }


def _said_rows(table: pa.Table) -> Iterator[tuple[int, Said]]:
    time_us = table.column("time").cast(pa.int64())
    plain = table.set_column(table.column_names.index("time"), "time", time_us)
    names = ("piece", "seq", "time", "step", "kind", "key", "value", "text")
    columns = [plain.column(name).to_pylist() for name in names]
    for number, seq, us, step, kind, key, value, text in zip(*columns, strict=True):
        yield number, Said(seq, us / 1e6, step, kind, key, decode_value(value, text))
