"""Run a user's SELECT over the views of `docs/sql.md`, and let it do nothing else.

It sees the files of one snapshot, read-only, within a limit of time and of memory, in a
database that is thrown away afterwards. No extension is loaded, no other file is opened.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from trackio.errors import InvalidInput, LimitExceeded
from trackio.query.confine import confined
from trackio.query.sandbox_views import set_up
from trackio.query.select_only import check_select
from trackio.query.view import View, rereads

_UNITS: Final = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20}
_ALL: Final = 1 << 62
_FILE_ERRORS: Final = (duckdb.IOException, duckdb.InvalidInputException)
_CONFIG: Final[Mapping[str, Any]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a query, and by itself its answer, may take; and how many rows of that are wanted."""

    max_seconds: float = 30.0
    max_memory: str = "1GB"
    max_rows: int | None = None
    offset: int = 0


def run_sql(
    view: View,
    sql: str,
    *,
    max_seconds: float = 30.0,
    max_memory: str = "1GB",
    max_rows: int | None = None,
    offset: int = 0,
) -> pa.Table:
    """The answer to one SELECT over the views of `docs/sql.md`: `max_rows` of it after `offset`.

    The limits hold for the query and, each by itself, for its answer. One function call that
    makes a single huge value is over before the limit of time is looked at; the limit of memory
    holds for it where the system can refuse memory, which is on Linux.

    Raises:
        InvalidInput: not a SELECT, or one that DuckDB cannot run; the message says why.
        LimitExceeded: it took too long or too much memory, or its answer is too large.
    """
    limits = Limits(
        max_seconds=max_seconds, max_memory=max_memory, max_rows=max_rows, offset=offset
    )
    return _run(view, sql, limits)


@rereads
def _run(view: View, sql: str, limits: Limits) -> pa.Table:
    with in_sandbox(sql, limits) as box:
        try:
            return box.answer(set_up(box.db, view))
        except InvalidInput as exc:
            if isinstance(exc.__cause__, _FILE_ERRORS):
                view.find_culprits(view.pieces())
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A database of its own, in which one statement may be run once its views are there."""

    db: duckdb.DuckDBPyConnection
    sql: str
    limits: Limits

    def answer(self, paths: list[str]) -> pa.Table:
        """Its answer; no other files than these can be opened.

        Raises:
            InvalidInput, LimitExceeded: as `run_sql`.
        """
        limits = self.limits
        max_bytes = parse_size(limits.max_memory)
        _lock_up(self.db, paths)
        with (
            confined(max_bytes),
            _stopped_after(self.db, limits.max_seconds),
            _translated(limits.max_seconds, limits.max_memory),
        ):
            relation = self.db.sql(self.sql)
            if limits.max_rows is not None or limits.offset:
                relation = relation.limit(limits.max_rows or _ALL, limits.offset)
            return _fetch(relation, max_bytes)


@contextmanager
def in_sandbox(sql: str, limits: Limits) -> Iterator[Box]:
    """An empty database for one SELECT, which is checked; thrown away afterwards.

    Raises:
        InvalidInput: not a SELECT.
    """
    config = {**_CONFIG, "memory_limit": f"{parse_size(limits.max_memory)}B"}
    with duckdb.connect(":memory:", config=config) as db:
        check_select(db, sql)
        yield Box(db=db, sql=sql, limits=limits)


def parse_size(text: str) -> int:
    """The bytes of a size such as 512MB or 2GB.

    Raises:
        InvalidInput: not such a size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise InvalidInput(f"{text!r} is not a size: write it like 512MB or 2GB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _lock_up(db: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
    """From here on nothing but these files can be opened, and no setting changed."""
    db.execute("SET allowed_paths = $paths", {"paths": paths})
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")


def _fetch(relation: duckdb.DuckDBPyRelation, max_bytes: int) -> pa.Table:
    """The whole answer, as long as it is not larger than it may be."""
    reader = relation.to_arrow_reader()
    batches = []
    size_bytes = 0
    for batch in reader:
        size_bytes += batch.nbytes
        if size_bytes > max_bytes:
            raise LimitExceeded(
                f"the answer takes more than {max_bytes:,} bytes: ask for less, or add a LIMIT"
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


@contextmanager
def _stopped_after(db: duckdb.DuckDBPyConnection, max_seconds: float) -> Iterator[None]:
    timer = threading.Timer(max_seconds, db.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _translated(max_seconds: float, max_memory: str) -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException as exc:
        raise LimitExceeded(
            f"the query was stopped after {max_seconds:g} s: "
            "name runs and keys in WHERE, or give it more time"
        ) from exc
    except (duckdb.OutOfMemoryException, MemoryError) as exc:
        raise LimitExceeded(
            f"the query needs more than {max_memory} of memory: "
            "aggregate before you sort or join, or give it more"
        ) from exc
    except duckdb.Error as exc:
        raise InvalidInput(f"the query cannot be run: {exc}") from exc
