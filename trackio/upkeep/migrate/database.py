"""Read the rows of a legacy database, of whatever age and however damaged. Interprets none.

Columns decide, never a version: a table keeps the shape of the Trackio that made it. Rows are
read in stretches of rowids without any index, so that a broken index hides nothing, and where
a stretch cannot be read its halves are tried.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from trackio.errors import UnreadableFile
from trackio.upkeep.migrate.legacy import BODIES, CONFIGS, Damage, Row, Shape
from trackio.upkeep.migrate.repair import mend

_BATCH: Final = 2048
_MOST_FAILURES: Final = 100_000
"""A table that fails more often is given up: where its ids end may be a lie, too."""
_COMMON: Final = ("project_name", "run_id", "run_name", "timestamp", "step", "log_id", "space_id")
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    CONFIGS: {"timestamp": "created_at"},
    "alerts": {"log_id": "alert_id"},
}
"""Where a common column is called otherwise."""
_DERIVED: Final = frozenset({"id", "search_text"})
_FIRST_ROWID: Final = -(1 << 63)


class Database:
    """A copy of a legacy database, opened."""

    def __init__(self, copy: Path, *, path: str, stem: str) -> None:
        """Open `copy`; `path` is where the original is.

        Raises:
            UnreadableFile: SQLite cannot open it, nor once its header is mended.
        """
        self.path = path
        self.stem = stem
        self.damage: list[Damage] = []
        self.mended: str | None = None
        self._db, self._names = self._open(copy)
        self.tables: dict[str, Shape] = {}
        for name, columns in self._names.items():
            if columns:
                self.tables[name] = self._shape(name, columns)
            else:
                reason = "its definition cannot be read, or its rows have no ids"
                self.damage.append(Damage(table=name, first=0, last=0, reason=reason))

    def close(self) -> None:
        """Close the copy."""
        self._db.close()

    def rows(self, table: str) -> Iterator[list[Row]]:
        """Every row of a table of `BODIES`; see `legacy.Row`."""
        self.damage = [damage for damage in self.damage if damage.table != table]
        body = [self._expression(table, name) for name in BODIES[table]]
        extras = [_quoted(name) for name in self.tables[table].extras]
        common = [self._expression(table, name) for name in _COMMON]
        return self._batches(table, [*common, *body, *extras])

    def owners(self, table: str) -> Iterator[list[Row]]:
        """Of every row only whose it is and when it was written."""
        return self._batches(table, [self._expression(table, name) for name in _COMMON[:4]])

    def objects(self, table: str) -> Iterator[dict[str, Any]]:
        """Every row of any table, by column."""
        self.damage = [damage for damage in self.damage if damage.table != table]
        columns = self.tables[table].columns
        for batch in self._batches(table, [_quoted(name) for name in columns]):
            for _, *values in batch:
                yield dict(zip(columns, values, strict=True))

    def has_unique(self, table: str, column: str) -> bool:
        """Whether no two rows of the table can have the same value there."""
        try:
            for _, index, is_unique, *_ in self._db.execute(f"PRAGMA index_list({_quoted(table)})"):
                described = self._db.execute(f"PRAGMA index_info({_quoted(index)})")
                if is_unique and [name for _, _, name in described] == [column]:
                    return True
        except sqlite3.Error:
            pass
        return False

    def repeated(self, table: str, column: str) -> set[str] | None:
        """The values that several rows have in `column`; None if nobody can say."""
        if column not in self.tables[table].columns:
            return set()
        name = _quoted(column)
        sql = (
            f"SELECT {name} FROM {_quoted(table)} NOT INDEXED WHERE {name} IS NOT NULL "  # noqa: S608
            f"GROUP BY {name} HAVING count(*) > 1"
        )
        try:
            return {value for (value,) in self._db.execute(sql)}
        except sqlite3.Error:
            return None

    def _open(self, copy: Path) -> tuple[sqlite3.Connection, dict[str, tuple[str, ...]]]:
        try:
            return _connect(copy)
        except (sqlite3.Error, UnicodeDecodeError) as exc:
            self.mended = mend(copy)
            if self.mended is None:
                raise UnreadableFile(f"SQLite cannot open it: {exc}") from exc
        try:
            return _connect(copy)
        except (sqlite3.Error, UnicodeDecodeError) as exc:
            raise UnreadableFile(f"SQLite cannot open it, even mended: {exc}") from exc

    def _shape(self, table: str, columns: Sequence[str]) -> Shape:
        known = {_NAMES.get(table, {}).get(name, name) for name in _COMMON}
        known |= {*BODIES.get(table, columns), *_DERIVED}
        return Shape(
            columns=tuple(columns),
            extras=tuple(name for name in columns if name not in known),
            is_utc=self._is_utc(table),
            count=self._count(table),
        )

    def _count(self, table: str) -> int | None:
        try:
            sql = f"SELECT count(*) FROM {_quoted(table)} NOT INDEXED"  # noqa: S608
            (count,) = self._db.execute(sql).fetchone()
        except sqlite3.Error:
            return None
        return int(count)

    def _is_utc(self, table: str) -> bool:
        """Whether SQLite itself made the timestamps (`CURRENT_TIMESTAMP`)."""
        name = _NAMES.get(table, {}).get("timestamp", "timestamp")
        try:
            described = self._db.execute(f"PRAGMA table_info({_quoted(table)})")
            defaults = {column: default for _, column, _, _, default, _ in described}
        except sqlite3.Error:
            return False
        return "CURRENT_TIMESTAMP" in str(defaults.get(name)).upper()

    def _expression(self, table: str, name: str) -> str:
        column = _NAMES.get(table, {}).get(name, name)
        return _quoted(column) if column in self.tables[table].columns else "NULL"

    def _batches(self, table: str, columns: Sequence[str]) -> Iterator[list[Row]]:
        sql = f"SELECT rowid, {', '.join(columns)} FROM {_quoted(table)} NOT INDEXED WHERE rowid"  # noqa: S608
        first, last = self._bounds(table)
        waiting = [(first, last)]
        failures = 0
        while waiting:
            first, last = waiting.pop()
            try:
                rows = self._fetch(sql, first, last)
            except (sqlite3.Error, MemoryError, OverflowError) as exc:
                failures += 1
                waiting += self._halves(table, first, last, exc, is_last=failures > _MOST_FAILURES)
                continue
            if rows:
                yield rows
            if len(rows) == _BATCH and rows[-1][0] < last:
                waiting.append((rows[-1][0] + 1, last))

    def _fetch(self, sql: str, first: int, last: int) -> list[Row]:
        # A range looks at the row behind it too, which may be on a page that cannot be read.
        where = (
            f"{sql} = ?1 AND rowid = ?2"
            if first == last
            else f"{sql} BETWEEN ? AND ? ORDER BY rowid LIMIT {_BATCH}"
        )
        try:
            rows = self._db.execute(where, (first, last)).fetchall()
        except sqlite3.OperationalError as exc:
            if "UTF-8" not in str(exc) or self._db.text_factory is not str:
                raise
            self._db.text_factory = _decode_any
            rows = self._db.execute(where, (first, last)).fetchall()
        places = [row[0] for row in rows]
        ascending = all(a < b for a, b in pairwise(places))
        if rows and not (ascending and first <= places[0] and places[-1] <= last):
            raise sqlite3.DatabaseError("its rows are out of order")
        return rows

    def _halves(
        self, table: str, first: int, last: int, exc: Exception, *, is_last: bool = False
    ) -> list[tuple[int, int]]:
        """What to try instead of a stretch that cannot be read, the lower half last."""
        if first < last and not is_last:
            middle = (first + last) // 2
            return [(middle + 1, last), (first, middle)]
        before = self.damage[-1] if self.damage else None
        if before is not None and (before.table, before.last + 1) == (table, first):
            self.damage[-1] = Damage(
                table=table, first=before.first, last=last, reason=before.reason
            )
        elif before is None or (before.table, before.first, before.last) != (table, first, last):
            self.damage.append(Damage(table=table, first=first, last=last, reason=str(exc)))
        return []

    def _bounds(self, table: str) -> tuple[int, int]:
        """Between which rowids all rows are, as closely as can be told."""
        name = _quoted(table)
        lowest = self._one(f"SELECT min(rowid) FROM {name} NOT INDEXED", ())  # noqa: S608
        highest = self._one(f"SELECT max(rowid) FROM {name} NOT INDEXED", ())  # noqa: S608
        if highest is None:
            highest = self._one("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        if highest is None:
            pages = self._one("PRAGMA page_count", ()) or 1
            highest = 64 * pages
        return (1 if lowest is None else lowest), highest

    def _one(self, sql: str, parameters: tuple[str, ...]) -> int | None:
        try:
            row = self._db.execute(sql, parameters).fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row and isinstance(row[0], int) else None


def _connect(copy: Path) -> tuple[sqlite3.Connection, dict[str, tuple[str, ...]]]:
    """The connection, and the columns of each table."""
    db = sqlite3.connect(copy, isolation_level=None)
    try:
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        names = [
            name
            for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            if isinstance(name, str) and _is_plain(name, sql)
        ]
        columns = {name: _columns(db, name) for name in names}
    except BaseException:
        db.close()
        raise
    return db, columns


def _columns(db: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The columns of a table whose rows have ids; none of another, or one that is damaged."""
    try:
        described = db.execute(f"PRAGMA table_info({_quoted(table)})").fetchall()
        with closing(db.execute(f"SELECT rowid FROM {_quoted(table)} LIMIT 0")):  # noqa: S608
            return tuple(name for _, name, *_ in described)
    except sqlite3.Error:
        return ()


def _is_plain(name: str, sql: object) -> bool:
    is_virtual = isinstance(sql, str) and sql.upper().startswith("CREATE VIRTUAL")
    return not name.startswith("sqlite_") and not is_virtual


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _decode_any(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
