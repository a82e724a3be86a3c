"""`trackio list`: what there is."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from trackio.cli.conditions import parse_condition
from trackio.cli.groups import LazyGroup
from trackio.cli.options import (
    Opened,
    Page,
    Since,
    json_option,
    with_page,
    with_project,
    with_store,
)
from trackio.cli.output import Answer, Column, print_answer
from trackio.cli.runs import run_object, warnings_of
from trackio.cli.text import Moment
from trackio.render import iso_time

if TYPE_CHECKING:
    from trackio.query.metrics import Metric
    from trackio.query.runs import RunRow
    from trackio.store.base import Store

_STATUSES = ("running", "finished", "failed", "crashed")
_WHERE = "config.lr=0.1, summary.loss<0.5, tags=best, name~^lr"


@click.group(
    "list",
    cls=LazyGroup,
    homes={
        "projects": "trackio.cli.lists:projects",
        "runs": "trackio.cli.lists:runs",
        "metrics": "trackio.cli.lists:metrics",
        "system-metrics": "trackio.cli.lists:system_metrics",
        "alerts": "trackio.cli.logged:alerts",
        "media": "trackio.cli.logged:media",
        "traces": "trackio.cli.logged:traces",
        "reports": "trackio.cli.logged:reports",
        "files": "trackio.cli.files:files",
    },
)
def lists() -> None:
    """List projects, runs, metrics, and what else was logged."""


class ProjectLine(NamedTuple):
    """One project: how many runs it has, and when its store last got a file of one."""

    name: str
    runs: int
    updated_s: float | None


@click.command
@with_store
@with_page(limit=100)
@json_option
def projects(store: "Store", page: Page, as_json: bool) -> None:
    """List the projects of the store."""
    from trackio.catalog import list_projects

    as_of_s = time.time()
    names = list_projects(store)
    answer = Answer(
        kind="projects",
        items=[_project_line(store, name) for name in page.of(names)],
        total=len(names),
        offset=page.offset,
        as_of_s=as_of_s,
        about={"store": store.url},
    )
    print_answer(answer, _PROJECT_COLUMNS, as_json=as_json, as_object=_project_object)


@click.command
@with_project
@click.option("--status", type=click.Choice(_STATUSES), help="Only runs of this status.")
@click.option("--match", metavar="TEXT", help="Only runs with this in their name, id, group, tags.")
@click.option(
    "--where", "conditions", multiple=True, metavar="FIELD=VALUE", help=f"Only runs with {_WHERE}."
)
@click.option("--since", type=Since(), help="Only runs that got something since, as 2h or a time.")
@click.option("--sort", metavar="FIELD", help="By this field; with a minus the largest first.")
@with_page(limit=100)
@json_option
def runs(*, opened: Opened, status: str | None, page: Page, as_json: bool, **chosen: Any) -> None:
    """List the runs of a project, newest first."""
    from trackio.query.runs import list_runs

    rows = list_runs(opened.view, opened.as_of_s)
    found = [run for run in _choose(rows, **chosen) if status in (None, run.status)]
    answer = Answer(
        kind="runs",
        items=page.of(found),
        total=len(found),
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={"project": opened.project},
        warnings=warnings_of(opened),
    )
    print_answer(answer, _RUN_COLUMNS, as_json=as_json, as_object=run_object)


def _choose(
    rows: "Sequence[RunRow]",
    *,
    match: str | None,
    conditions: Sequence[str],
    since: float | None,
    sort: str | None,
) -> "Sequence[RunRow]":
    """The runs that pass every test, in the order that is asked for."""
    from trackio.query.filters import compile_filter, sort_rows

    tests = [compile_filter(match), compile_filter(dict(map(parse_condition, conditions)))]
    passing = [run for run in rows if all(test(run) for test in tests)]
    young = [run for run in passing if since is None or run.updated_s >= since]
    return young if sort is None else sort_rows(young, sort)


@click.command
@with_project
@click.option("-r", "--run", metavar="RUN", help="Only what this run logged.")
@click.option("--system", is_flag=True, help="System metrics instead of those that were logged.")
@click.option("--match", metavar="GLOB", help="Only metrics with such a name, as 'val/*'.")
@with_page(limit=1000)
@json_option
def metrics(*, system: bool, **asked: Any) -> None:
    """List the metrics of a project or of one run, in the order of their first logging."""
    _print_metrics("system" if system else "metric", **asked)


@click.command("system-metrics")
@with_project
@click.option("-r", "--run", metavar="RUN", help="Only what this run logged.")
@click.option("--match", metavar="GLOB", help="Only metrics with such a name, as 'gpu/*'.")
@with_page(limit=1000)
@json_option
def system_metrics(**asked: Any) -> None:
    """List what the machines measured: as list metrics --system."""
    _print_metrics("system", **asked)


def _print_metrics(
    kind: str, *, opened: Opened, run: str | None, match: str | None, page: Page, as_json: bool
) -> None:
    from fnmatch import fnmatchcase

    from trackio.query.metrics import list_metrics
    from trackio.query.runs import find_run

    run_ids = None if run is None else [find_run(opened.view, run).run_id]
    known = list_metrics(opened.view, kind=kind, run_ids=run_ids)
    found = [metric for metric in known if match is None or fnmatchcase(metric.key, match)]
    answer = Answer(
        kind="metrics",
        items=page.of(found),
        total=len(found),
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={"project": opened.project, **({} if run_ids is None else {"run_id": run_ids[0]})},
        warnings=warnings_of(opened),
    )
    print_answer(answer, _METRIC_COLUMNS, as_json=as_json, as_object=_metric_object)


def _project_line(store: "Store", name: str) -> ProjectLine:
    from trackio.catalog import list_project

    live = [run for run in list_project(store, name).runs.values() if not run.is_deleted]
    times = [writer.newest_s for run in live for writer in run.writers.values()]
    return ProjectLine(name, len(live), max(times, default=None))


def _project_object(project: ProjectLine) -> dict[str, Any]:
    updated = None if project.updated_s is None else iso_time(project.updated_s)
    return {"name": project.name, "runs": project.runs, "updated": updated}


def _metric_object(metric: "Metric") -> dict[str, Any]:
    return {"name": metric.key, "kind": metric.kind, "runs": metric.runs, "points": metric.points}


_PROJECT_COLUMNS = [
    Column("project", lambda project: project.name),
    Column("runs", lambda project: project.runs),
    Column("updated", lambda project: project.updated_s and Moment(project.updated_s)),
]
_RUN_COLUMNS = [
    Column("run", lambda run: run.name),
    Column("status", lambda run: run.status),
    Column("step", lambda run: run.last_step),
    Column("created", lambda run: Moment(run.created_s)),
    Column("updated", lambda run: Moment(run.updated_s)),
    Column("id", lambda run: run.run_id),
    Column("group", lambda run: run.group),
    Column("tags", lambda run: run.tags),
]
_METRIC_COLUMNS = [
    Column("metric", lambda metric: metric.key),
    Column("runs", lambda metric: metric.runs),
    Column("points", lambda metric: metric.points),
]
