"""`trackio compare` and `trackio diagnose`: judge runs by one call."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.options import Opened, complete_run, json_option, with_page, with_project
from trackio.cli.options import Page as PageOption
from trackio.cli.output import (
    Answer,
    Column,
    print_answer,
    print_json,
    print_notes,
    print_table,
    write,
)
from trackio.cli.runs import warnings_of
from trackio.errors import InvalidInput

if TYPE_CHECKING:
    from trackio.query.compare import Comparison
    from trackio.query.diagnose import Symptom
    from trackio.query.said import Stats

_SHOWN = 40
"""So many lines of each kind make a short answer."""


@click.command
@with_project
@click.argument("runs", nargs=-1, required=True, shell_complete=complete_run)
@click.option("--metrics", "match", metavar="GLOB", help="Only these metrics, as 'val/*'.")
@click.option("--full", is_flag=True, help="Every key, also what they share.")
@json_option
def compare(
    *, opened: Opened, runs: Sequence[str], match: str | None, full: bool, as_json: bool
) -> None:
    """Set RUNS side by side: where their configs differ, and the last, min and max of metrics."""
    from trackio.query.compare import compare as compare_now
    from trackio.query.runs import find_run

    if len(runs) < 2:
        raise InvalidInput("comparing takes two runs or more")
    found = compare_now([find_run(opened.view, run) for run in runs])
    metrics = [key for key in found.summary if match is None or fnmatchcase(key, match)]
    shown = metrics if full else metrics[: _SHOWN // len(runs) + 4]
    differing = list(found.config) if full else list(found.config)[:_SHOWN]
    left_out = []
    if len(shown) < len(metrics):
        left_out.append(f"{len(shown)} of {len(metrics)} metrics: --metrics GLOB or --full")
    if len(differing) < len(found.config):
        left_out.append(f"{len(differing)} of {len(found.config)} differing keys: --full")
    answer = Answer(
        kind="runs",
        items=found.runs,
        total=len(found.runs),
        as_of_s=opened.as_of_s,
        about={"project": opened.project},
        warnings=[*warnings_of(opened), *left_out],
    )
    if as_json:
        print_json(answer, _object(found, differing, shown, full=full))
    else:
        _print(found, differing, shown)
        print_notes(answer)


def _object(
    found: "Comparison", differing: Sequence[str], metrics: Sequence[str], *, full: bool
) -> dict[str, Any]:
    runs = [{"id": run.run_id, "name": run.name, "status": run.status} for run in found.runs]
    return {
        "runs": runs,
        "config": {key: found.config[key] for key in differing},
        "same_config": dict(found.same) if full else len(found.same),
        "metrics": {key: list(map(_stats, found.summary[key])) for key in metrics},
    }


def _print(found: "Comparison", differing: Sequence[str], metrics: Sequence[str]) -> None:
    names = [run.name for run in found.runs]
    print_table(["config", *names], [[key, *found.config[key]] for key in differing])
    write("\n")
    lines = []
    for key in metrics:
        for which in ("last", "min", "max"):
            stats = [None if one is None else getattr(one, which) for one in found.summary[key]]
            lines.append([f"{key} {which}", *stats])
    print_table(["metric", *names], lines)


def _stats(stats: "Stats | None") -> dict[str, Any] | None:
    if stats is None:
        return None
    last = stats.last if stats.text is None else stats.text
    return {"last": last, "step": stats.step, "min": stats.min, "max": stats.max}


@click.command
@with_project
@click.option("-r", "--run", metavar="RUN", help="Only this run.", shell_complete=complete_run)
@click.option("--recent", default=20, show_default=True, help="Else so many of the newest runs.")
@click.option("--metrics", "match", metavar="GLOB", help="Only these metrics, as '*loss*'.")
@with_page(limit=50)
@json_option
def diagnose(
    *,
    opened: Opened,
    run: str | None,
    recent: int,
    match: str | None,
    page: PageOption,
    as_json: bool,
) -> None:
    """Look for NaN, spikes, plateaus, standstill and crashes; the worst comes first."""
    from trackio.query.diagnose import diagnose as diagnose_now
    from trackio.query.runs import find_run, list_runs

    rows = list_runs(opened.view, opened.as_of_s)
    chosen = rows[:recent] if run is None else [find_run(opened.view, run)]
    keys = dict.fromkeys(key for row in chosen for key in row.summary)
    wanted = [key for key in keys if match is None or fnmatchcase(key, match)]
    found = diagnose_now(opened.view, chosen, wanted)
    answer = Answer(
        kind="symptoms",
        items=page.of(found),
        total=len(found),
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={"project": opened.project, "looked_at_runs": len(chosen), "of_runs": len(rows)},
        warnings=warnings_of(opened),
    )
    print_answer(answer, _COLUMNS, as_json=as_json, as_object=_symptom)


def _symptom(symptom: "Symptom") -> dict[str, Any]:
    return {
        "level": symptom.level,
        "kind": symptom.kind,
        "run": symptom.run.name,
        "run_id": symptom.run.run_id,
        "metric": symptom.metric,
        "step": symptom.step,
        "message": symptom.message,
    }


_COLUMNS = [
    Column("level", lambda symptom: symptom.level),
    Column("kind", lambda symptom: symptom.kind),
    Column("run", lambda symptom: symptom.run.name),
    Column("metric", lambda symptom: symptom.metric),
    Column("step", lambda symptom: symptom.step),
    Column("message", lambda symptom: symptom.message),
]
