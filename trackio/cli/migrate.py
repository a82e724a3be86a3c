"""`trackio migrate`: bring over what an earlier Trackio left in SQLite."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.options import json_option, store_url
from trackio.cli.output import Answer, note, print_json, print_table
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.upkeep.migrate.report import Report

_SHOWN = 20


@click.command
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="The folder with the *.db.  [default: $TRACKIO_DIR, or where it is without it]",
)
@click.option("--dest", metavar="URL", help="The store to write to.  [default: as --store]")
@click.option("-p", "--project", metavar="NAME", help="Only this project.")
@click.option("--dry-run", is_flag=True, help="Read and count everything, write nothing.")
@json_option
def migrate(
    source: Path | None, dest: str | None, project: str | None, dry_run: bool, as_json: bool
) -> int:
    """Bring over every run that an earlier Trackio left in SQLite, and prove it.

    The old files are only read. What was written is read back and compared with what was read:
    per run and metric count, sum, least, largest and kinds. Doing it again adds nothing; after an
    interruption it goes on. The exit code is 1 if anything was damaged, differs or is left over.
    """
    from trackio.store import open_store
    from trackio.upkeep.migrate.migrate import migrate as migrate_now

    as_of_s = time.time()
    root = source or Settings.from_env().dir
    store = open_store(store_url(dest))
    with progress() as tick:
        report = migrate_now(root, store, project=project, dry_run=dry_run, tick=tick)
    if as_json:
        print_report_json(report, as_of_s)
    else:
        print_report(report)
    return report.exit_code


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """A bar over the rows found so far, on a terminal; elsewhere it is quiet."""
    if not sys.stderr.isatty():
        yield lambda read, found: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    rows = TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows")
    columns = (BarColumn(), rows, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=0)

        def tick(read: int, found: int) -> None:
            total = (progress.tasks[task].total or 0) + found
            progress.update(task, advance=read, total=total)

        yield tick


def print_report(report: "Report") -> None:
    """What became of each run, then what went wrong, then what it came to, for people."""
    rows = [
        [run.project, run.name, run.source, run.calls, _points(run), run.outcome]
        for run in report.runs
    ]
    print_table(["project", "run", "from", "calls", "points", "outcome"], rows)
    for text in _limited([f"{q.source}, {q.place}: {q.reason}" for q in report.quarantined]):
        note(f"Quarantined: {text}")
    for text in _limited(report.differences):
        note(f"Differs: {text}")
    for table in report.uncounted:
        note(f"Not accounted for: {table}")
    for text in _limited(report.notes):
        note(f"Note: {text}")
    for line in summary(report):
        note(line)


def summary(report: "Report") -> list[str]:
    """What it came to, in three lines."""
    files = ", ".join(f"{count:,} {what}" for what, count in sorted(report.dispositions().items()))
    counts = ("read", "written", "kept", "duplicates", "quarantined", "left_out")
    rows = ", ".join(f"{report.total(name):,} {name.replace('_', ' ')}" for name in counts)
    verdict = (
        "everything came over, and is there as it was read"
        if report.is_whole
        else "not everything came over: see above; the old files are as they were"
    )
    what = "would be migrated; nothing was written" if report.dry_run else verdict
    return [f"files: {files or 'none'}", f"rows: {rows}", f"{len(report.runs):,} runs: {what}"]


def _points(run: Any) -> int:
    return sum(series.figures.count for series in run.series)


def _limited(texts: list[str]) -> list[str]:
    left = len(texts) - _SHOWN
    return [*texts[:_SHOWN], *([f"… and {left:,} more: --json lists all"] if left > 0 else [])]


def print_report_json(report: "Report", as_of_s: float) -> None:
    """As `print_report`, for programs."""
    answer = Answer(
        kind="runs",
        items=report.runs,
        total=len(report.runs),
        as_of_s=as_of_s,
        warnings=report.notes,
    )
    print_json(
        answer,
        {
            "source": report.source,
            "dest": report.dest,
            "dry_run": report.dry_run,
            "is_whole": report.is_whole,
            "runs": report.runs,
            "tables": [{**_fields(table), "holds": table.holds} for table in report.tables],
            "files": report.files,
            "quarantined": report.quarantined,
            "differences": report.differences,
            "points": report.points,
            "put_files": report.put_files,
            "put_bytes": report.put_bytes,
        },
    )


def _fields(table: Any) -> dict[str, Any]:
    return {name: getattr(table, name) for name in table.__dataclass_fields__}
