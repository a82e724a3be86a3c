"""`trackio get`: one run, or the points of one metric."""

from typing import TYPE_CHECKING

import click

from trackio.cli.groups import LazyGroup
from trackio.cli.options import Opened, json_option, run_option, with_project
from trackio.cli.output import Answer, print_json, print_notes, print_table, write
from trackio.cli.runs import full_run_object, warnings_of
from trackio.cli.text import Moment

if TYPE_CHECKING:
    from trackio.query.runs import RunRow
    from trackio.query.said import Stats


@click.group(
    "get",
    cls=LazyGroup,
    homes={"run": "trackio.cli.gets:run", "metric": "trackio.cli.points:metric"},
)
def gets() -> None:
    """Get one run, or the points of one metric."""


@click.command
@with_project
@run_option
@json_option
def run(opened: Opened, run: str, as_json: bool) -> None:
    """Get all that is known of one run: its config, and its metrics' last, min, max and mean."""
    from trackio.query.runs import find_run

    found = find_run(opened.view, run)
    answer = Answer(
        kind="runs",
        items=[found],
        total=1,
        as_of_s=opened.as_of_s,
        about={"project": opened.project},
        warnings=warnings_of(opened),
    )
    if as_json:
        print_json(answer, {"run": full_run_object(found)})
    else:
        _print_run(found)
        print_notes(answer)


def _print_run(run: "RunRow") -> None:
    facts = [
        ("id", run.run_id),
        ("status", run.status),
        ("last step", run.last_step),
        ("created", Moment(run.created_s)),
        ("updated", Moment(run.updated_s)),
        ("group", run.group),
        ("tags", run.tags),
        ("notes", run.notes),
        ("host", run.host),
        ("writers", run.writers),
    ]
    print_table(["run", run.name], [fact for fact in facts if fact[1] not in (None, ())])
    if run.config:
        write("\n")
        print_table(["config", "value"], list(run.config.items()))
    if run.summary:
        write("\n")
        lines = [(key, *_stats_cells(stats)) for key, stats in run.summary.items()]
        print_table(["metric", "last", "step", "min", "max", "mean", "count"], lines)


def _stats_cells(stats: "Stats") -> tuple[object, ...]:
    last = stats.last if stats.text is None else stats.text
    return (last, stats.step, stats.min, stats.max, stats.mean, stats.count)
