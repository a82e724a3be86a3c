"""Read pieces of files through DuckDB. It knows no run and no metric.

It is shared by all views of a project. A file is checked when it is first met.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import pyarrow as pa

from trackio import shard
from trackio.errors import NotFound, UnreadableFile
from trackio.query.database import Database, Parameters
from trackio.query.digests import Digests, LongPolicy
from trackio.query.excerpts import Excerpts
from trackio.query.files import Files, StaleError, VanishedError
from trackio.query.held import MAX_FILE_ROWS, Held
from trackio.query.needs import EVERYTHING, Need, need_of
from trackio.query.pieces import Piece
from trackio.query.sections import Index
from trackio.query.sources import Paths, is_file, numbered, part_parameters
from trackio.shard import ShardMeta

_MOST_IN_PARTS: Final = 0.6
"""Of a file of which more is needed all is fetched, once."""

T = TypeVar("T")
_FEW: Final = 2


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
        long_policy: which series are not read as a whole.
    """

    def __init__(
        self,
        files: Files,
        database: Database,
        *,
        held_file_rows: int = MAX_FILE_ROWS,
        long_policy: LongPolicy | None = None,
    ) -> None:
        self.unreadable: dict[str, str] = {}
        self.digests = Digests(long_policy or LongPolicy())
        self._files = files
        self._database = database
        self._held = Held(database, held_file_rows)
        self._opened: dict[str, int] = {}  # how many rows each file has
        self._outlined: dict[str, int] = {}  # the same of those read in parts
        self._unloaded: set[str] = set()  # those that nobody needed in memory yet

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
            StaleError: local copies of files were gone or damaged; ask again.
            FormatTooNew: written by a newer Trackio.
            StoreUnavailable, StoreRefused: the store does not give a file now.
        """
        wanted = list(dict.fromkeys(pieces))
        asked = {**(parameters or {}), **(only[1] if only else {})}
        paths = self._open(wanted, need_of(query, asked), is_first_look=query == "said")
        ordered, sources = self._sources(wanted, paths)
        bound = {**(parameters or {}), **(numbered(only[1], ordered) if only else {})}
        try:
            with self._files.pinned(path for found in paths.values() for path in found):
                return ordered, self._database.table(
                    query, sources, bound, only=only[0] if only else None
                )
        except duckdb.Error:
            self._find_culprits(paths)
            raise

    def large(self, pieces: Iterable[Piece], need: Need, rows: int) -> list[Piece]:
        """Those of the pieces whose files have so many rows; raises as `table`."""
        wanted = list(pieces)
        new = [p for p in wanted if p.key not in self._opened and p.key not in self._outlined]
        if new:
            self._open(new, need)
        counts = self._outlined | self._opened
        return [piece for piece in wanted if counts.get(piece.key, 0) >= rows]

    def digest(
        self, pieces: Iterable[Piece], need: Need, read: Callable[[Mapping[str, Index]], T]
    ) -> T:
        """What `read` makes of the indexes of large files, by key; raises as `table`."""
        wanted = list(pieces)
        held = [piece.key for piece in wanted if self._held.has(piece.key)]
        paths = {
            **{key: (path,) for key, path in self._files.paths(held).items()},
            **self._open(wanted, need),
        }
        try:
            with self._files.pinned(path for found in paths.values() for path in found):
                return read({key: self.digests.index(key, found) for key, found in paths.items()})
        except (pa.ArrowException, OSError, KeyError):
            self.digests.forget(paths)
            self._find_culprits(paths)
            raise

    def sources(self, pieces: Iterable[Piece]) -> tuple[list[Piece], dict[str, Parameters]]:
        """The pieces in the order of their numbers, and the queries that give their rows.

        It raises as `table` does.
        """
        wanted = list(dict.fromkeys(pieces))
        return self._sources(wanted, self._open(wanted, EVERYTHING))

    def find_culprits(self, pieces: Iterable[Piece]) -> None:
        """After an error: read each file to its end; raises as `table` if one cannot be."""
        wanted = list(dict.fromkeys(pieces))
        self._find_culprits(self._open(wanted, EVERYTHING))

    def forget_others(self, pieces: Iterable[Piece]) -> None:
        """Drop what is known of the files of all other pieces."""
        keys = {piece.key for piece in pieces}
        for known in (self._opened, self._outlined):
            for key in known.keys() - keys:
                known.pop(key, None)
        self._unloaded &= keys
        self._held.forget_others(keys)
        self.digests.forget_others(keys)
        self._files.forget_others(keys)
        if self._files.excerpts is not None:
            self._files.excerpts.forget_others(keys)

    def _open(self, pieces: Sequence[Piece], need: Need, *, is_first_look: bool = False) -> Paths:
        """The local files of each piece's file, by its key; those held in memory have none.

        A file is checked when it is first met. At a first look those that stand alone are not
        loaded: of most runs that a table shows nobody asks for more.
        """
        read = [piece for piece in pieces if not self._held.has(piece.key)]
        parts = self._open_parts(read, need)
        whole = [piece for piece in read if piece.key not in parts]
        paths = self._files.paths(piece.key for piece in whole)
        rows: dict[str, int] = {}
        bad = {}
        for piece in whole:
            if piece.key not in self._opened and piece.key not in rows:
                try:
                    rows[piece.key] = _count(piece, shard.open_file(Path(paths[piece.key])).meta)
                except UnreadableFile as exc:
                    bad[piece.key] = str(exc)
        self._report(bad)
        found = {**parts, **{key: (path,) for key, path in paths.items()}}
        self._opened.update(rows)
        if is_first_look and len(rows) <= _FEW * len({piece.writer_id for piece in whole}):
            self._unloaded.update(rows)
        else:
            self._load(rows.keys() | (self._unloaded & paths.keys()), found)
        return found

    def _load(self, keys: Iterable[str], found: Paths) -> None:
        """Hold those of these files that are small."""
        sizes = {key: self._opened[key] for key in keys if key in self._opened}
        if not sizes:
            return
        try:
            self._held.load(sizes, {key: found[key][0] for key in sizes})
        except duckdb.Error:
            for key in sizes:
                self._opened.pop(key, None)
            self._find_culprits({key: found[key] for key in sizes})
            raise
        self._unloaded.difference_update(sizes)

    def _open_parts(self, pieces: Sequence[Piece], need: Need) -> dict[str, tuple[str, ...]]:
        """The local parts of large remote files, unless most of a file is needed anyway."""
        excerpts = self._files.excerpts
        if excerpts is None:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        bad: dict[str, str] = {}
        for key in dict.fromkeys(piece.key for piece in pieces):
            mine = [piece for piece in pieces if piece.key == key]
            try:
                parts = self._parts(excerpts, mine, need)
            except NotFound as exc:
                raise VanishedError([key]) from exc
            except UnreadableFile as exc:
                bad[key] = str(exc)
            else:
                if parts is not None:
                    found[key] = tuple(parts)
        self._report(bad)
        return found

    def _parts(self, excerpts: Excerpts, mine: Sequence[Piece], need: Need) -> list[str] | None:
        """What is needed of one large remote file; None where it is to be read whole."""
        entry = self._files.excerpted(mine[0].key)
        if entry is None:
            return None
        self._outlined[entry.key] = _count(mine[0], excerpts.outline(entry).meta)
        if excerpts.share(entry, mine, need) > _MOST_IN_PARTS:
            return None
        return excerpts.paths(entry, mine, need)

    def _find_culprits(self, paths: Paths) -> None:
        bad = {}
        for key, found in paths.items():
            entry = self._files.excerpted(key)
            if entry is not None and self._files.excerpts is not None:
                if self._files.excerpts.drop(found):
                    raise StaleError(key)
                continue
            try:
                shard.decode(Path(*found))
            except UnreadableFile as exc:
                bad[key] = str(exc)
        self._report(bad)

    def _report(self, bad: Mapping[str, str]) -> None:
        """Say of each file why it cannot be read.

        Raises:
            StaleError: a better copy may be had.
            VanishedError, UnreadableError: as it says.
        """
        if not bad:
            return
        for key in bad:
            self._opened.pop(key, None)
        better = [key for key in bad if self._files.distrust(key)]
        if better:
            raise StaleError(", ".join(bad))
        vanished = {key for key in bad if self._files.is_gone(key)}
        self.unreadable.update((k, why) for k, why in bad.items() if k not in vanished)
        if vanished:
            raise VanishedError(vanished)
        raise UnreadableError(bad)

    def _sources(
        self, pieces: Sequence[Piece], paths: Paths
    ) -> tuple[list[Piece], dict[str, Parameters]]:
        tables = self._held.tables(pieces)
        if any(piece not in tables and piece.key not in paths for piece in pieces):
            raise StaleError("files were dropped from memory meanwhile")
        read = [piece for piece in pieces if piece not in tables]
        whole = [piece for piece in read if piece.is_whole and is_file(paths[piece.key])]
        part = [piece for piece in read if not (piece.is_whole and is_file(paths[piece.key]))]
        sources: dict[str, Parameters] = {}
        if whole:
            sources["rows_whole"] = {"whole_files": [paths[piece.key][0] for piece in whole]}
        if any(paths[piece.key] for piece in part):
            sources["rows_part"] = part_parameters(part, len(whole), paths)
        if tables:
            base = len(whole) + len(part)
            sources["rows_held"] = {"held": self._held.join(tables), "held_base": base}
        if not sources:
            sources["rows_none"] = {}
        return [*whole, *part, *tables], sources


def _count(piece: Piece, meta: ShardMeta) -> int:
    """How many rows a file says that it has; they are not read."""
    if piece.is_whole and (meta.first, meta.last) != (piece.first, piece.last):
        raise UnreadableFile(f"its name says another range than {meta.first}-{meta.last}")
    return meta.rows
