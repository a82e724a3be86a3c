"""`trackio recover`: publish what killed processes left on this machine."""

import time
from typing import TYPE_CHECKING

import click

from trackio.cli.failures import STORE
from trackio.cli.options import json_option
from trackio.cli.output import Answer, note, print_json, write
from trackio.cli.text import count_of, one_line
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.upkeep.background import Report


@click.command
@click.option("-p", "--project", metavar="NAME", help="Only what belongs to this project.")
@click.option(
    "--everything", is_flag=True, help="Also of processes that may still be alive; harmless."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
def recover(project: str | None, everything: bool, dry_run: bool, as_json: bool) -> int:
    """Publish what killed processes left on this machine.

    Their journals know which store they belong to. Doing it twice, or beside the living
    process, is harmless. It also happens by itself when a run or the dashboard is started.
    """
    from trackio.upkeep.background import recover as recover_now

    as_of_s = time.time()
    settings = Settings.from_env()
    report = recover_now(settings, project=project, everything=everything, dry_run=dry_run)
    if as_json:
        _print_json(report, as_of_s, dry_run=dry_run)
    else:
        _print_report(report, dry_run=dry_run)
    return STORE if report.problems else 0


def _print_report(report: "Report", *, dry_run: bool) -> None:
    for plan in report.plans:
        write(one_line(plan) + "\n")
    if not report.plans and not report.files_sent and not report.problems:
        note("nothing to recover")
    elif not dry_run:
        note(
            f"published {count_of(report.calls, 'call')}, "
            f"removed {count_of(report.journals_dropped, 'journal')}, "
            f"sent {count_of(report.files_sent, 'file')}"
        )
    for problem in report.problems:
        note(f"Warning: {problem}")


def _print_json(report: "Report", as_of_s: float, *, dry_run: bool) -> None:
    answer = Answer(
        kind="plans",
        items=report.plans,
        total=len(report.plans),
        as_of_s=as_of_s,
        warnings=report.problems,
    )
    done = {
        "plans": report.plans,
        "dry_run": dry_run,
        "published_calls": report.calls,
        "removed_journals": report.journals_dropped,
        "sent_files": report.files_sent,
    }
    print_json(answer, done)
