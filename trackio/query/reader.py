"""Read pieces of files through DuckDB. It knows no run and no metric.

It is shared by all views of a project. A file is checked when it is first met.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from trackio import shard
from trackio.errors import UnreadableFile
from trackio.query.database import Database, Parameters
from trackio.query.files import Files, VanishedError
from trackio.query.held import MAX_FILE_ROWS, Held
from trackio.query.pieces import Piece


class UnreadableError(Exception):
    """These files cannot be read whole."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("files cannot be read")
        self.keys = frozenset(keys)


class Reader:
    """Answers named queries over pieces. Safe to use from many threads.

    `unreadable` tells of each file that could not be read why.

    Args:
        files: where the files are.
        database: what reads them.
        held_file_rows: a file of at most so many rows is held in memory.
    """

    def __init__(
        self, files: Files, database: Database, *, held_file_rows: int = MAX_FILE_ROWS
    ) -> None:
        self.unreadable: dict[str, str] = {}
        self._files = files
        self._database = database
        self._held = Held(database, held_file_rows)
        self._opened: dict[str, int] = {}  # how many rows each file has

    def table(
        self,
        query: str,
        pieces: Iterable[Piece],
        parameters: Parameters | None = None,
        *,
        only: tuple[str, Parameters] | None = None,
    ) -> tuple[list[Piece], pa.Table]:
        """The answer of a named query; its column `piece` counts in the list beside it.

        `only` names a query that picks some of the rows, as in `Database.table`; parameters
        that are lists of pieces become lists of their numbers.

        Raises:
            UnreadableError, VanishedError: some of the files cannot be read, or are gone.
            FormatTooNew: written by a newer Trackio.
            StoreUnavailable, StoreRefused: the store does not give a file now.
        """
        wanted = list(dict.fromkeys(pieces))
        ordered, sources = self.sources(wanted)
        bound = {**(parameters or {}), **(_numbered(only[1], ordered) if only else {})}
        try:
            return ordered, self._database.table(
                query, sources, bound, only=only[0] if only else None
            )
        except duckdb.Error:
            self.find_culprits(wanted)
            raise

    def sources(self, pieces: Iterable[Piece]) -> tuple[list[Piece], dict[str, Parameters]]:
        """The pieces in the order of their numbers, and the queries that give their rows.

        It raises as `table` does.
        """
        wanted = list(dict.fromkeys(pieces))
        return self._sources(wanted, self._open(wanted))

    def find_culprits(self, pieces: Iterable[Piece]) -> None:
        """After an error: read each file to its end; raises as `table` if one cannot be."""
        self._find_culprits(self._files.paths(piece.key for piece in pieces))

    def forget_others(self, pieces: Iterable[Piece]) -> None:
        """Drop what is known of the files of all other pieces."""
        keys = {piece.key for piece in pieces}
        for key in self._opened.keys() - keys:
            self._opened.pop(key, None)
        self._held.forget_others(keys)
        self._files.forget_others(keys)

    def _open(self, pieces: Sequence[Piece]) -> dict[str, str]:
        """The path of each piece's file, by its key; a file is checked when it is first met."""
        paths = self._files.paths(piece.key for piece in pieces)
        rows: dict[str, int] = {}
        bad = {}
        for piece in pieces:
            if piece.key not in self._opened and piece.key not in rows:
                try:
                    rows[piece.key] = _count(piece, Path(paths[piece.key]))
                except UnreadableFile as exc:
                    bad[piece.key] = str(exc)
        self._report(bad, paths)
        try:
            self._held.load(rows, paths)
        except duckdb.Error:
            self._find_culprits({key: paths[key] for key in rows})
            raise
        self._opened.update(rows)
        return paths

    def _find_culprits(self, paths: Mapping[str, str]) -> None:
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
        self.unreadable.update((k, why) for k, why in bad.items() if k not in vanished)
        for key in bad:
            self._opened.pop(key, None)
            self._files.forget(key)
        if vanished:
            raise VanishedError(vanished)
        raise UnreadableError(bad)

    def _sources(
        self, pieces: Sequence[Piece], paths: Mapping[str, str]
    ) -> tuple[list[Piece], dict[str, Parameters]]:
        tables = self._held.tables(pieces)
        whole = [piece for piece in pieces if piece.is_whole and piece not in tables]
        part = [piece for piece in pieces if not piece.is_whole and piece not in tables]
        sources: dict[str, Parameters] = {}
        if whole:
            sources["rows_whole"] = {"whole_files": [paths[piece.key] for piece in whole]}
        if part:
            sources["rows_part"] = _part_parameters(part, len(whole), paths)
        if tables:
            base = len(whole) + len(part)
            sources["rows_held"] = {"held": self._held.join(tables), "held_base": base}
        if not sources:
            sources["rows_none"] = {}
        return [*whole, *part, *tables], sources


def _count(piece: Piece, path: Path) -> int:
    """How many rows a file says that it has; it is not read."""
    meta = shard.open_file(path).meta
    if piece.is_whole and (meta.first, meta.last) != (piece.first, piece.last):
        raise UnreadableFile(f"its name says another range than {meta.first}-{meta.last}")
    return meta.rows


def _part_parameters(
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


def _numbered(parameters: Parameters, ordered: Sequence[Piece]) -> dict[str, Any]:
    numbers = {piece: number for number, piece in enumerate(ordered)}
    return {
        name: [numbers[value] if isinstance(value, Piece) else value for value in values]
        for name, values in parameters.items()
    }
