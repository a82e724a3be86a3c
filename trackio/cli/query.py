"""`trackio query`: one SELECT over a project, or over several."""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from trackio.cli.failures import LIMIT
from trackio.cli.options import (
    Count,
    Opened,
    complete_project,
    json_option,
    open_now,
    with_store,
)
from trackio.cli.output import Answer, Column, is_taken, note, print_answer
from trackio.cli.runs import warnings_of
from trackio.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    import pyarrow as pa

    from trackio.query.sandbox import Limits
    from trackio.store.base import Store

_LATE_S: Final = 10.0


@click.command
@click.argument("sql", required=False)
@click.option("--sql", "given", metavar="SQL", help="The same as the argument.")
@with_store
@click.option(
    "-p",
    "--project",
    "projects",
    multiple=True,
    metavar="NAME",
    help="The project; may be given several times.  [default: the only one there is]",
    shell_complete=complete_project,
)
@click.option("--all-projects", is_flag=True, help="Over all projects of the store.")
@click.option(
    "--limit",
    type=Count(0),
    default=1000,
    show_default=True,
    help="Print at most so many rows; 0: all.",
)
@click.option("--offset", type=Count(0), default=0, help="Leave out so many at the start.")
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
    *,
    sql: str | None,
    given: str | None,
    store: "Store",
    projects: Sequence[str],
    all_projects: bool,
    limit: int,
    offset: int,
    max_seconds: int,
    max_memory: str,
    as_json: bool,
) -> None:
    """Run one SELECT over a project, or over several; - reads it from stdin.

    The views are metrics, system_metrics, configs, alerts and runs. It is the SQL of DuckDB,
    without what writes or reaches anything else. Over several projects each view has a column
    project.
    """
    from trackio.query.sandbox import Limits

    opened = _open(store, projects, all_projects=all_projects)
    limits = Limits(
        max_seconds=max_seconds,
        max_memory=max_memory,
        max_rows=limit + 1 if limit else None,
        offset=offset,
    )
    is_many = all_projects or len(opened) > 1
    with _given_up_after(max_seconds + _LATE_S):
        table = _answer(opened, _statement(sql, given), limits, is_many=is_many)
    names = unique_names(table.column_names)
    has_more = bool(limit) and table.num_rows > limit
    named = {"projects": [one.project for one in opened]}
    answer = Answer(
        kind="rows",
        items=_rows(table.slice(0, limit or None), names),
        total=None if has_more else offset + table.num_rows,
        has_more=has_more,
        offset=offset,
        as_of_s=opened[0].as_of_s,
        about={**(named if is_many else {"project": opened[0].project}), "columns": names},
        warnings=[warning for one in opened for warning in warnings_of(one)],
    )
    print_answer(answer, [_column(name) for name in names], as_json=as_json)


def _statement(sql: str | None, given: str | None) -> str:
    """What is to be run; `project` before --sql is how an earlier Trackio has it."""
    if given is not None and sql in (None, "project"):
        return given
    if given is not None or sql is None:
        raise InvalidInput('give one SELECT: trackio query "SELECT …", or - to read it from stdin')
    return sys.stdin.read() if sql == "-" else sql


def _open(store: "Store", projects: Sequence[str], *, all_projects: bool) -> list[Opened]:
    from trackio.catalog import list_projects

    if all_projects and projects:
        raise InvalidInput("--project and --all-projects exclude each other: give one of them")
    names = list_projects(store) if all_projects else list(dict.fromkeys(projects))
    if all_projects and not names:
        raise NotFound(f"there is no project in {store.url} yet")
    return [open_now(store, name) for name in names] or [open_now(store, None)]


def _answer(opened: Sequence[Opened], sql: str, limits: "Limits", *, is_many: bool) -> "pa.Table":
    from dataclasses import asdict

    if not is_many:
        from trackio.query.sandbox import run_sql

        return run_sql(opened[0].view, sql, **asdict(limits))
    from trackio.query.sandbox_many import run_sql_over

    return run_sql_over({one.project: one.view for one in opened}, sql, limits)


@contextmanager
def _given_up_after(seconds: float) -> Iterator[None]:
    """End the process if the query does not let itself be stopped: one huge call does not.

    In a server, which others use too, it is waited for: its memory is limited.
    """
    if is_taken():
        yield
        return
    timer = threading.Timer(seconds, _give_up, [seconds])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _give_up(seconds: float) -> None:
    note(f"Error: the query did not end within {seconds:g} s and could not be stopped")
    os._exit(LIMIT)


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
