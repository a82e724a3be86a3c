"""`trackio delete`, `trackio rename`, `trackio move`: what changes a run as a whole."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.groups import LazyGroup
from trackio.cli.options import Opened, json_option, run_option, with_project
from trackio.cli.output import Answer, note, print_json

if TYPE_CHECKING:
    from trackio.store.base import Store

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.command("run")
@with_project
@run_option
@yes_option
@dry_run_option
@json_option
def delete_run(opened: Opened, *, run: str, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Delete a run for everybody and for ever, also one that is live."""
    from trackio.upkeep import delete

    store, run_id = _writable(opened), _run_id(opened, run)
    plan = delete.plan(store, opened.project, run_id)
    files = 0
    if not dry_run:
        _ask(f"{plan}?", yes=yes)
        files = delete.apply(plan, store)
    done = {"project": opened.project, "run_id": run_id, "dry_run": dry_run, "deleted_files": files}
    return _say(str(plan) if dry_run else f"deleted {run_id}: {files:,} files", done, as_json)


@click.command("run")
@with_project
@run_option
@click.argument("name")
@json_option
def rename_run(opened: Opened, *, run: str, name: str, as_json: bool) -> int:
    """Give a run another NAME; its id stays as it is."""
    from trackio.upkeep.rename import rename_run as rename

    run_id = _run_id(opened, run)
    meta = rename(_writable(opened), opened.project, run_id, name)
    done = {"project": opened.project, "run_id": run_id, "name": meta.name}
    return _say(f"{run_id} is called {meta.name} now", done, as_json)


@click.command("run")
@with_project
@run_option
@click.option("--to", "to_project", required=True, metavar="NAME", help="The project to move to.")
@click.option("--to-store", metavar="URL", help="The store to move to.  [default: the same]")
@yes_option
@dry_run_option
@json_option
def move_run(
    opened: Opened,
    *,
    run: str,
    to_project: str,
    to_store: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move a run that has ended to another project or store; there it has another id."""
    from trackio.store import open_store
    from trackio.upkeep import move

    here, run_id = _writable(opened), _run_id(opened, run)
    there = here if to_store is None else open_store(to_store)
    source = move.Place(store=here, project=opened.project)
    plan = move.plan(source, run_id, move.Place(store=there, project=to_project))
    if not dry_run:
        _ask(f"{plan}?", yes=yes)
        move.apply(plan)
    done = {
        "project": opened.project,
        "run_id": run_id,
        "to_project": to_project,
        "to_store": there.url,
        "to_run_id": plan.new_id,
        "dry_run": dry_run,
    }
    return _say(str(plan) if dry_run else f"moved to {to_project}/{plan.new_id}", done, as_json)


@click.group(cls=LazyGroup, homes={"run": "trackio.cli.changes:delete_run"})
def deletes() -> None:
    """Delete what is stored."""


@click.group(cls=LazyGroup, homes={"run": "trackio.cli.changes:rename_run"})
def renames() -> None:
    """Rename what is stored."""


@click.group(cls=LazyGroup, homes={"run": "trackio.cli.changes:move_run"})
def moves() -> None:
    """Move what is stored to another project or store."""


def _run_id(opened: Opened, run: str) -> Any:
    from trackio.query.runs import find_run

    return find_run(opened.view, run).run_id


def _writable(opened: Opened) -> "Store":
    from trackio.upkeep.compact.job import open_retrying

    return open_retrying(opened.store_url)


def _ask(question: str, *, yes: bool) -> None:
    """Go on only if somebody agrees; a program has to say --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this cannot be undone: say --yes")
    click.confirm(question, abort=True, err=True)


def _say(text: str, done: dict[str, Any], as_json: bool) -> int:
    if as_json:
        answer = Answer(kind="changes", items=[done], total=1, as_of_s=time.time())
        print_json(answer, done)
    else:
        note(text)
    return 0
