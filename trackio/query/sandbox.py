"""Run a user's SELECT over the views of `docs/sql.md`, and let it do nothing else.

It sees the files of one snapshot, read-only, within a limit of time and of memory, in a
database that is thrown away afterwards. No extension is loaded, no other file is opened.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa

from trackio.errors import InvalidInput, LimitExceeded
from trackio.query.sandbox_views import set_up
from trackio.query.select_only import check_select
from trackio.query.view import View, rereads

_UNITS: Final = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20}
_FILE_ERRORS: Final = (duckdb.IOException, duckdb.InvalidInputException)
_CONFIG: Final[Mapping[str, Any]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


@rereads
def run_sql(
    view: View,
    sql: str,
    *,
    max_seconds: float = 30.0,
    max_memory: str = "1GB",
    max_rows: int | None = None,
) -> pa.Table:
    """The answer to one SELECT over the views of `docs/sql.md`, at most `max_rows` of it.

    The limits hold for the query and, each by itself, for its answer. One function call that
    makes a single huge value is over before the limits are looked at; a process that runs
    the SQL of strangers should be limited by the operating system as well.

    Raises:
        InvalidInput: not a SELECT, or one that DuckDB cannot run; the message says why.
        LimitExceeded: it took too long or too much memory, or its answer is too large.
    """
    max_bytes = parse_size(max_memory)
    with duckdb.connect(":memory:", config={**_CONFIG, "memory_limit": f"{max_bytes}B"}) as db:
        check_select(db, sql)
        paths = set_up(db, view)
        _lock_up(db, paths)
        with _stopped_after(db, max_seconds), _translated(max_seconds, max_memory):
            try:
                relation = db.sql(sql)
                if max_rows is not None:
                    relation = relation.limit(max_rows)
                return _fetch(relation, max_bytes)
            except _FILE_ERRORS:
                view.find_culprits(view.pieces())
                raise


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
