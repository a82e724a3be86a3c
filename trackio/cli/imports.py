"""`trackio import …`: bring runs over from other trackers."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.groups import LazyGroup
from trackio.cli.migrate import print_report, print_report_json
from trackio.cli.options import STORE_HELP, json_option, store_url

if TYPE_CHECKING:
    from trackio.upkeep.migrate.report import Report

_HERE = "trackio.cli.imports"

Command = Callable[..., Any]


def _shared(command: Command) -> Command:
    """What every import has: the store, `--dry-run`, `--json`."""
    for add in (
        json_option,
        click.option("--dry-run", is_flag=True, help="Read and count everything, write nothing."),
        click.option("--store", metavar="URL", help=STORE_HELP),
        click.argument("path", type=click.Path(exists=True, path_type=Path)),
    ):
        command = add(command)
    return command


_project = click.option(
    "-p", "--project", metavar="NAME", help="The project.  [default: as it is there]"
)
_required = click.option(
    "-p", "--project", required=True, metavar="NAME", help="The project to bring them to."
)


@click.group(
    "import",
    cls=LazyGroup,
    homes={
        "csv": f"{_HERE}:import_csv",
        "tensorboard": f"{_HERE}:import_tensorboard",
        "wandb": f"{_HERE}:import_wandb",
        "mlflow": f"{_HERE}:import_mlflow",
    },
)
def imports() -> None:
    """Bring runs over from other trackers, and prove that they are there.

    Their files are only read. What was written is read back and compared with what was read; doing
    it again adds nothing. The exit code is 1 if anything was damaged, differs or is left over.
    """


@click.command("csv")
@_required
@click.option("--name", metavar="NAME", help="What the run is called.  [default: as the file]")
@click.option("--step", metavar="COLUMN", help="The column of steps.  [default: step and its like]")
@click.option("--time", "time_", metavar="COLUMN", help="The column of times.  [default: likewise]")
@_shared
def import_csv(
    *,
    path: Path,
    project: str,
    name: str | None,
    step: str | None,
    time_: str | None,
    store: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """A CSV file becomes a run: a row is a log call, a column a metric."""
    from trackio.importers import calls

    given: dict[str, Any] = {"project": project, "name": name, "step": step, "time": time_}
    return _import(calls.import_csv, path, given, store, dry_run=dry_run, as_json=as_json)


@click.command("tensorboard")
@_required
@click.option("--name", metavar="NAME", help="What the run is called, or how names begin.")
@_shared
def import_tensorboard(
    *, path: Path, project: str, name: str | None, store: str | None, dry_run: bool, as_json: bool
) -> int:
    """Each folder with event files becomes a run."""
    from trackio.importers import calls

    given = {"project": project, "name": name}
    return _import(calls.import_tf_events, path, given, store, dry_run=dry_run, as_json=as_json)


@click.command("wandb")
@_project
@_shared
def import_wandb(
    path: Path, project: str | None, store: str | None, dry_run: bool, as_json: bool
) -> int:
    """Each run that wandb kept offline becomes a run of the same id."""
    from trackio.importers import calls

    given = {"project": project}
    return _import(calls.import_wandb, path, given, store, dry_run=dry_run, as_json=as_json)


@click.command("mlflow")
@_project
@_shared
def import_mlflow(
    path: Path, project: str | None, store: str | None, dry_run: bool, as_json: bool
) -> int:
    """Each run of an MLflow store, files or SQLite, becomes a run of the same id."""
    from trackio.importers import calls

    given = {"project": project}
    return _import(calls.import_mlflow, path, given, store, dry_run=dry_run, as_json=as_json)


def _import(
    call: Callable[..., "Report"],
    path: Path,
    given: dict[str, Any],
    store: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    as_of_s = time.time()
    with _progress() as tick:
        report = call(path, **given, store=store_url(store), dry_run=dry_run, tick=tick)
    if as_json:
        print_report_json(report, as_of_s)
    else:
        print_report(report)
    return report.exit_code


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Counts values on a terminal; elsewhere it is quiet."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.completed:,.0f} values read")
    columns = (SpinnerColumn(), text, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("values", total=None)
        yield lambda rows: shown.advance(task, rows)
