"""Run the named queries of `queries.sql` in DuckDB. It knows no cover, no run and no store.

Parameters are bound, never formatted in; the text of a query is put together from the named
parts of that one file only.
"""

import atexit
import os
import threading
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb
import pyarrow as pa

Parameters = Mapping[str, Any]
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


class Database:
    """An in-memory DuckDB, opened on first use; safe to use from many threads.

    It holds nothing of its own, so one serves a whole process. A forked child, which has
    none of its parent's threads, opens another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._pid = 0

    def table(
        self,
        query: str,
        sources: Mapping[str, Parameters],
        parameters: Parameters,
        *,
        only: str | None = None,
    ) -> pa.Table:
        """The answer of a named query whose `rows`, if it has any, are those of the sources.

        `sources` maps the names of the queries that give rows (`rows_whole`, …) to their
        parameters; a parameter that is a table is scanned where it lies. `only` names a
        query that picks some of what was `read` as the rows.

        Raises:
            duckdb.Error: a file cannot be read, among others.
        """
        rows = "\nUNION ALL\n".join(text_of(name) for name in sources)
        if only is not None:
            rows = f"WITH read AS (\n{rows})\n{text_of(only)}"
        bound: dict[str, Any] = dict(parameters)
        with self._cursor() as cursor:
            for given in sources.values():
                for name, value in given.items():
                    if isinstance(value, pa.Table):
                        cursor.register(name, value)
                    else:
                        bound[name] = value
            with_rows = f"WITH rows AS (\n{rows})\n" if sources else ""
            answer = cursor.sql(with_rows + text_of(query), params=bound)
            table: pa.Table = answer.to_arrow_table()
        return table

    def close(self) -> None:
        """Let go of the connection; the next query opens another."""
        with self._lock:
            self._connection = None

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None or self._pid != os.getpid():
                self._connection = duckdb.connect(":memory:", config=_CONFIG)
                self._pid = os.getpid()
            return self._connection.cursor()


@cache
def shared_database() -> Database:
    """The one of this process."""
    database = Database()
    atexit.register(database.close)  # DuckDB complains of what is open when Python ends
    return database


def text_of(name: str) -> str:
    """The SQL of a named query, without its comments."""
    return _queries()[name]


@cache
def _queries() -> dict[str, str]:
    text = files("trackio.query").joinpath("queries.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): _without_comments(body) for name, _, body in parts}


def _without_comments(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if line and not line.startswith("--"))
