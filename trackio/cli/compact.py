"""`trackio compact`: pack what is done, and delete what nothing needs any more."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.failures import STORE
from trackio.cli.options import Count, Duration, json_option, store_url
from trackio.cli.output import Answer, note, print_json, write
from trackio.cli.text import one_line
from trackio.errors import NotFound

if TYPE_CHECKING:
    from trackio.store.base import Store
    from trackio.upkeep.compact.job import Job, Report, Runner
    from trackio.upkeep.compact.plan import Plan


@click.command
@click.option("--store", metavar="URL", help="As before the command.")
@click.option("-p", "--project", metavar="NAME", help="The project.  [default: all of them]")
@click.option(
    "--settle",
    type=Duration(),
    default="10m",
    show_default=True,
    help="How long a run that did not finish must be silent.",
)
@click.option(
    "--grace",
    type=Duration(),
    help="How long superseded files stay.  [default: 2m in a directory, 1h elsewhere]",
)
@click.option("--once", is_flag=True, help="Do it once, which is the default.")
@click.option("--every", type=Duration(), help="Do it again and again, so often.")
@click.option(
    "--workers", type=Count(1), default=1, show_default=True, help="In so many processes."
)
@click.option("--executor", metavar="URL", help="On a cluster: dask://host:8786.")
@click.option("--dry-run", is_flag=True, help="Only say what would be packed.")
@json_option
def compact(
    *,
    store: str | None,
    project: str | None,
    settle: float,
    grace: float | None,
    once: bool,
    every: float | None,
    workers: int,
    executor: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Pack the shards of runs that are done into few large files, and collect what is left over.

    Nothing that is logged is lost by it, whoever else writes, reads or compacts meanwhile, and
    it may be stopped at any moment. Reading many runs gets faster, and a store keeps few files.
    """
    from trackio.store import existing_url
    from trackio.upkeep.compact.job import Job, open_retrying
    from trackio.upkeep.compact.plan import CompactPolicy
    from trackio.upkeep.stopping import Stopping

    if once and every is not None:
        raise click.UsageError("say --once or --every, not both")
    url = existing_url(store_url(store))
    with _until_stopped() as stop:
        opened = Stopping(open_retrying(url), stop)
        job = Job(store=opened, policy=CompactPolicy(settle_s=settle), grace_s=grace)
        if dry_run:
            return _print_plans(job, _projects(opened, project), as_json=as_json)
        with _runner(opened, url, executor, workers) as runner:
            code = _round(job, runner, project, as_json=as_json)
            while every is not None and not stop.wait(every):
                code = _round(job, runner, project, as_json=as_json)
    return code


def _round(job: "Job", runner: "Runner", project: str | None, *, as_json: bool) -> int:
    """Every project once; the exit code."""
    from trackio.upkeep.stopping import Stopped

    as_of_s = time.time()
    reports = []
    try:
        for name in _projects(job.store, project):
            reports.append(job.run(name, runner))
            if not as_json:
                write(one_line(str(reports[-1])) + "\n")
                for lost in reports[-1].lost:
                    note(f"Warning: {lost.key} was left out: {lost.reason}; see `trackio verify`")
    except Stopped:
        note("stopped; what is left is for the next time")
    if as_json:
        _print_reports(reports, as_of_s)
    return STORE if any(report.lost for report in reports) else 0


def _projects(store: "Store", project: str | None) -> list[str]:
    from trackio.catalog import list_projects

    if project is not None:
        return [project]
    if names := list_projects(store):
        return names
    raise NotFound(f"there is no project in {store.url} yet")


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Set by SIGTERM, which then ends the job between two steps."""
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _runner(store: "Store", url: str, executor: str | None, workers: int) -> "Iterator[Runner]":
    """Where the packing is done; shows how far it is on a terminal."""
    from trackio.upkeep.compact.job import run_here, run_on
    from trackio.upkeep.compact.publish import Effects
    from trackio.upkeep.executors import open_executor

    with _progress() as tick, open_executor(executor, workers) as pool:
        if pool is None:
            yield run_here(store, Effects(tick=tick))
        else:
            yield run_on(pool, url, on_outcome=lambda done: tick(getattr(done, "rows", 0)))


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Counts rows on a terminal; elsewhere it is quiet."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=None)
        yield lambda rows: progress.advance(task, rows)


def _print_plans(job: "Job", projects: Sequence[str], *, as_json: bool) -> int:
    as_of_s = time.time()
    plans = [job.plan(name) for name in projects]
    if as_json:
        answer = Answer(kind="plans", items=plans, total=len(plans), as_of_s=as_of_s)
        print_json(answer, {"plans": list(map(_plan, plans)), "dry_run": True})
        return 0
    for plan in plans:
        write(str(plan) + "\n")
        for subject, why in plan.waiting:
            note(f"waits: {plan.project}/{subject}: {why}")
    return 0


def _plan(plan: "Plan") -> dict[str, Any]:
    tasks = [
        {
            "runs": len(task.run_ids),
            "files": len({source.key for source in task.sources}),
            "bytes": task.size_bytes,
        }
        for task in plan.tasks
    ]
    waiting = [{"writer": subject, "why": why} for subject, why in plan.waiting]
    return {"project": plan.project, "packs": tasks, "waiting": waiting}


def _print_reports(reports: "Sequence[Report]", as_of_s: float) -> None:
    done = [
        {
            "project": report.project,
            "packs": [vars_of(packed) for packed in report.packed],
            "deleted_files": report.deletes,
            "condemned_packs": report.condemns,
            "waiting_writers": len(report.plan.waiting),
            "left_out": [vars_of(lost) for lost in report.lost],
        }
        for report in reports
    ]
    answer = Answer(kind="projects", items=done, total=len(done), as_of_s=as_of_s)
    print_json(answer, {"projects": done, "dry_run": False})


def vars_of(value: Any) -> dict[str, Any]:
    """The fields of a value."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
