"""One SELECT over the views of several projects, which get a column `project`.

What may be asked, and within which limits, is told by `sandbox`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from trackio.errors import InvalidInput
from trackio.query.sandbox import Limits, in_sandbox
from trackio.query.sandbox_views import set_up
from trackio.query.select_only import VIEWS
from trackio.query.view import ChangedError, View

_ATTEMPTS = 10


def run_sql_over(views: Mapping[str, View], sql: str, limits: Limits) -> pa.Table:
    """The answer to one SELECT over the views of these projects, by their names.

    Raises:
        InvalidInput, LimitExceeded: as `sandbox.run_sql`.
    """
    if not views:
        raise InvalidInput("there is no project to ask")
    for _ in range(_ATTEMPTS):
        try:
            with in_sandbox(sql, limits) as box:
                paths = _set_up(box.db, views)
                return box.answer(paths)
        except ChangedError:
            continue
    raise InvalidInput("the projects change faster than they can be read: ask fewer of them")


def _set_up(db: duckdb.DuckDBPyConnection, views: Mapping[str, View]) -> list[str]:
    """A schema for each project, and before them views over all."""
    paths = []
    for number, view in enumerate(views.values()):
        with _inside(db, number):
            paths += set_up(db, view, number=number)
    for name in VIEWS:
        parts = (
            f"SELECT $p{number} AS project, * FROM p{number}.{name}"  # noqa: S608 - no user's text
            for number in range(len(views))
        )
        bound = {f"p{number}": project for number, project in enumerate(views)}
        db.sql("\nUNION ALL BY NAME\n".join(parts), params=bound).create_view(name)
    return paths


@contextmanager
def _inside(db: duckdb.DuckDBPyConnection, number: int) -> Iterator[None]:
    db.execute(f"CREATE SCHEMA p{number}")
    db.execute(f"USE p{number}")
    try:
        yield
    finally:
        db.execute("USE main")
