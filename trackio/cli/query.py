"""`trackio query`: one SELECT over a project."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.options import Count, Opened, json_option, with_project
from trackio.cli.output import Answer, Column, print_answer
from trackio.cli.runs import warnings_of

if TYPE_CHECKING:
    import pyarrow as pa


@click.command
@click.argument("sql")
@with_project
@click.option(
    "--limit",
    type=Count(0),
    default=1000,
    show_default=True,
    help="Print at most so many rows; 0: all.",
)
@click.option(
    "--max-seconds",
    type=Count(1),
    default=30,
    show_default=True,
    metavar="S",
    help="Stop the query after so many seconds.",
)
@click.option(
    "--max-memory",
    default="1GB",
    show_default=True,
    metavar="SIZE",
    help="Stop the query when it needs more memory.",
)
@json_option
def query(
    *, sql: str, opened: Opened, limit: int, max_seconds: int, max_memory: str, as_json: bool
) -> None:
    """Run one SELECT over a project; - reads it from stdin.

    The views are metrics, system_metrics, configs, alerts and runs. It is the SQL of DuckDB,
    without what writes or reaches anything else.
    """
    from trackio.query.sandbox import run_sql

    table = run_sql(
        opened.view,
        sys.stdin.read() if sql == "-" else sql,
        max_seconds=max_seconds,
        max_memory=max_memory,
        max_rows=limit + 1 if limit else None,
    )
    names = unique_names(table.column_names)
    has_more = bool(limit) and table.num_rows > limit
    answer = Answer(
        kind="rows",
        items=_rows(table.slice(0, limit or None), names),
        total=None if has_more else table.num_rows,
        has_more=has_more,
        as_of_s=opened.as_of_s,
        about={"project": opened.project, "columns": names},
        warnings=warnings_of(opened),
    )
    print_answer(answer, [_column(name) for name in names], as_json=as_json)


def unique_names(names: Sequence[str]) -> list[str]:
    """The names of columns, numbered where one is there already, so that none hides another."""
    unique: dict[str, None] = {}
    for name in names:
        number, candidate = 0, name
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        unique[candidate] = None
    return list(unique)


def _rows(table: "pa.Table", names: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.rename_columns(names).to_pylist(maps_as_pydicts="lossy")
    return rows


def _column(name: str) -> Column:
    return Column(name, lambda row: row[name])
