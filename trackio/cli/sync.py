"""`trackio sync`: send what waits on this machine, or copy from one store to another."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.failures import STORE
from trackio.cli.options import json_option
from trackio.cli.output import Answer, note, print_json, write
from trackio.cli.text import count_of, one_line
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.store.base import Store
    from trackio.upkeep.background import Report
    from trackio.upkeep.sync import Copied, Plan


@click.command
@click.option("--from", "source", metavar="URL", help="Copy from this store …")
@click.option("--to", "target", metavar="URL", help="… to this one; either may be left out.")
@click.option("-p", "--project", metavar="NAME", help="Only this project.")
@click.option("--dir", "home", metavar="DIR", help="Whose spool to send.  [default: $TRACKIO_DIR]")
@click.option("--journal-dir", metavar="DIR", help="Where its journals are.  [default: in DIR]")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
def sync(  # noqa: PLR0917 - click passes all by name
    source: str | None,
    target: str | None,
    project: str | None,
    home: str | None,
    journal_dir: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Send what waits on this machine, or copy from one store to another.

    Without --from and --to it sends what runs that were offline, cut off or killed left here, to
    the stores they were meant for. With them it copies whatever the other store lacks; the one
    that is left out is $TRACKIO_STORE, or this machine's. Runs may be written meanwhile. It can be
    broken off and done again: what has arrived is not sent twice, and nothing is ever deleted.
    """
    settings = _settings(home, journal_dir)
    if source is None and target is None:
        return _send(settings, project, dry_run=dry_run, as_json=as_json)
    stores = _opened(source or settings.store_url, target or settings.store_url)
    return _copy(*stores, project, dry_run=dry_run, as_json=as_json)


def _settings(home: str | None, journal_dir: str | None) -> Settings:
    settings = Settings.from_env(dir=home)
    if journal_dir:
        return replace(settings, journal_dir=Path(journal_dir).expanduser())
    return replace(settings, journal_dir=settings.dir / ".journal") if home else settings


def _opened(source: str, target: str) -> "tuple[Store, Store]":
    from trackio.errors import InvalidInput
    from trackio.store import open_store
    from trackio.store.making import Making
    from trackio.store.read_only import ReadOnly
    from trackio.store.retrying import Retrying

    there, here = open_store(source), open_store(target)
    if there.url == here.url:
        raise InvalidInput(f"{there.url} is both: name another store with --from or --to")
    return ReadOnly(Retrying(there)), Retrying(Making(here))


def _send(settings: Settings, project: str | None, *, dry_run: bool, as_json: bool) -> int:
    from trackio.upkeep.waiting import send_waiting

    as_of_s = time.time()
    with _progress() as tick:
        report = send_waiting(settings, project=project, dry_run=dry_run, tick=tick)
    if as_json:
        _print_sent(report, as_of_s, dry_run=dry_run)
    else:
        _say_sent(report, dry_run=dry_run)
    return STORE if report.problems else 0


def _say_sent(report: "Report", *, dry_run: bool) -> None:
    for plan in report.plans:
        write(one_line(plan) + "\n")
    waiting = count_of(report.files_waiting, "file")
    if dry_run:
        note(f"{waiting} would be sent")
    elif not report.files_sent and not report.problems:
        note("nothing waits on this machine: 0 files sent")
    else:
        note(f"sent {count_of(report.files_sent, 'file')}; {waiting} left")
    for problem in report.problems:
        note(f"Warning: {problem}")


def _print_sent(report: "Report", as_of_s: float, *, dry_run: bool) -> None:
    answer = Answer(
        kind="plans",
        items=report.plans,
        total=len(report.plans),
        as_of_s=as_of_s,
        warnings=report.problems,
    )
    done = {"sent_files": report.files_sent, "waiting_files": report.files_waiting}
    print_json(answer, {"plans": report.plans, "dry_run": dry_run, **done})


def _copy(
    source: "Store", target: "Store", project: str | None, *, dry_run: bool, as_json: bool
) -> int:
    from trackio.upkeep import sync as steps

    as_of_s = time.time()
    if dry_run:
        plans = steps.plan_all(source, target, project)
        done = steps.Copied(projects=len(plans), present=sum(plan.present for plan in plans))
    else:
        plans = []
        with _progress() as tick:
            done = steps.copy(source, target, project=project, tick=lambda n, _: tick(n))
    if as_json:
        _print_copied(plans, done, as_of_s, dry_run=dry_run)
    else:
        _say_copied(plans, done, target, dry_run=dry_run)
    return STORE if done.vanished else 0


def _say_copied(plans: "list[Plan]", done: "Copied", target: "Store", *, dry_run: bool) -> None:
    for plan in plans:
        write(one_line(str(plan)) + "\n")
    if not dry_run:
        there = f"{count_of(done.present, 'file')} of {count_of(done.projects, 'project')}"
        note(
            f"put {count_of(done.files, 'file')} ({done.size_bytes:,} bytes) into {target.url}; "
            f"{there} were there already"
        )
    for key in done.vanished:
        note(f"Warning: {key} went from the source again and again: run this once more")


def _print_copied(plans: "list[Plan]", done: "Copied", as_of_s: float, *, dry_run: bool) -> None:
    texts = [str(plan) for plan in plans]
    answer = Answer(
        kind="plans", items=texts, total=len(texts), as_of_s=as_of_s, warnings=done.vanished
    )
    counts = {"put_files": done.files, "put_bytes": done.size_bytes, "present_files": done.present}
    print_json(answer, {"plans": texts, "dry_run": dry_run, **counts})


@contextmanager
def _progress() -> Iterator[Callable[[int], Any]]:
    """Counts files on a terminal; elsewhere it is quiet."""
    if not sys.stderr.isatty():
        yield lambda files: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} files sent"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("files", total=None)
        yield lambda files: progress.advance(task, files)
