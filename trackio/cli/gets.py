"""`trackio get`: one project, one run; what else there is to get is elsewhere."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.groups import LazyGroup
from trackio.cli.options import Opened, json_option, run_option, with_project
from trackio.cli.output import (
    SHORT_CHARS,
    Answer,
    is_terminal,
    print_json,
    print_notes,
    print_table,
    write,
)
from trackio.cli.runs import full_run_object, warnings_of
from trackio.cli.text import Moment
from trackio.render import iso_time, to_json

if TYPE_CHECKING:
    from trackio.query.runs import RunRow
    from trackio.query.said import Stats


@click.group(
    "get",
    cls=LazyGroup,
    homes={
        "project": "trackio.cli.gets:project",
        "run": "trackio.cli.gets:run",
        "metric": "trackio.cli.points:metric",
        "system-metric": "trackio.cli.points:system_metric",
        "snapshot": "trackio.cli.snapshots:snapshot",
        "trace": "trackio.cli.readings:trace",
        "report": "trackio.cli.readings:report",
        "file": "trackio.cli.files:file",
    },
)
def gets() -> None:
    """Get one project or run, the points of one metric, or what else was logged."""


@click.command
@with_project
@json_option
def project(opened: Opened, as_json: bool) -> None:
    """Get what there is in a project: how many runs of which status, and the newest of them."""
    from trackio.query.metrics import list_metrics
    from trackio.query.runs import list_runs

    found = list_runs(opened.view, opened.as_of_s)
    facts = {
        "project": opened.project,
        "store": opened.store_url,
        "runs": len(found),
        "statuses": dict(Counter(run.status for run in found)),
        "metrics": len(list_metrics(opened.view)),
        "newest_run": found[0].name if found else None,
        "updated": max((iso_time(run.updated_s) for run in found), default=None),
    }
    answer = Answer(
        kind="project", items=[facts], total=1, as_of_s=opened.as_of_s, warnings=warnings_of(opened)
    )
    if as_json:
        print_json(answer, facts)
    else:
        print_table(["project", opened.project], list(facts.items())[1:])
        print_notes(answer)


@click.command
@with_project
@run_option
@click.option("--metrics", "match", metavar="GLOB", help="Of the summary only these metrics.")
@click.option("--full", is_flag=True, help="Everything, however long it is.")
@json_option
def run(*, opened: Opened, run: str, match: str | None, full: bool, as_json: bool) -> None:
    """Get all that is known of one run: its config, and its metrics' last, min, max and mean."""
    from trackio.query.runs import find_run

    found = _only(find_run(opened.view, run), match)
    shown, left_out = (found, []) if full or is_terminal() else _short(found)
    answer = Answer(
        kind="runs",
        items=[found],
        total=1,
        as_of_s=opened.as_of_s,
        about={"project": opened.project},
        warnings=[*warnings_of(opened), *left_out],
    )
    if as_json:
        print_json(answer, {"run": full_run_object(shown)})
    else:
        _print_run(shown)
        print_notes(answer)


def _only(run: "RunRow", match: str | None) -> "RunRow":
    """The run with those metrics in its summary."""
    if match is None:
        return run
    kept = {key: stats for key, stats in run.summary.items() if fnmatchcase(key, match)}
    return replace(run, summary=kept)


def _short(run: "RunRow") -> tuple["RunRow", list[str]]:
    """The run with as much of its config and summary as makes a short answer; what was left out."""
    room = SHORT_CHARS - 1200
    config = _head(run.config, room // 3)
    summary = _head(run.summary, room - len(to_json(config)))
    left_out = [
        f"{len(shown)} of {len(all_)} {noun} are here; {more}"
        for noun, shown, all_, more in (
            ("keys of the config", config, run.config, "--full gives all"),
            ("metrics", summary, run.summary, "--metrics GLOB chooses, --full gives all"),
        )
        if len(shown) < len(all_)
    ]
    return replace(run, config=config, summary=summary), left_out


def _head(values: Mapping[str, Any], room: int) -> dict[str, Any]:
    kept = {}
    for key, value in values.items():
        room -= len(to_json({key: value})) + 1
        if room < 0:
            break
        kept[key] = value
    return kept


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
