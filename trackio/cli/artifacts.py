"""`trackio artifacts …`: versioned files beside the runs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.groups import LazyGroup
from trackio.cli.options import STORE_HELP, json_option, open_for_reading, store_url
from trackio.cli.output import Answer, Column, note, print_answer, print_json, print_table
from trackio.errors import InvalidInput

if TYPE_CHECKING:
    from trackio.store.base import Store

_HERE = "trackio.cli.artifacts"
_store = click.option("--store", metavar="URL", help=STORE_HELP)
_project = click.option("-p", "--project", required=True, metavar="NAME", help="The project.")
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, do nothing.")


@click.group(
    "artifacts",
    cls=LazyGroup,
    homes={
        "list": f"{_HERE}:list_",
        "versions": f"{_HERE}:versions",
        "get": f"{_HERE}:get",
        "put": f"{_HERE}:put",
        "download": f"{_HERE}:download",
        "alias": f"{_HERE}:alias",
        "delete": f"{_HERE}:delete",
        "collect": f"{_HERE}:collect",
    },
)
def artifacts() -> None:
    """Versioned files beside the runs: models, data sets, anything.

    SPEC is name, name:v3, name:alias or project/name:v3; without a version the newest.
    """


@click.command("list")
@_project
@_store
@json_option
def list_(project: str, store: str | None, as_json: bool) -> None:
    """The artifacts of a project."""
    from trackio.query.artifacts import list_artifact_rows

    as_of_s = time.time()
    rows = list_artifact_rows(open_for_reading(store_url(store)), project)
    answer = Answer(
        kind="artifacts",
        items=rows,
        total=len(rows),
        as_of_s=as_of_s,
        about={"project": project},
    )
    columns = ("name", "type", "versions", "latest", "files", "size", "updated")
    print_answer(answer, [column(name) for name in columns], as_json=as_json)


@click.command("versions")
@click.argument("spec")
@click.option("-p", "--project", metavar="NAME", help="The project, if SPEC does not say it.")
@_store
@json_option
def versions(spec: str, project: str | None, store: str | None, as_json: bool) -> None:
    """The versions of an artifact."""
    from trackio.query.artifacts import list_version_rows

    as_of_s = time.time()
    home, name, _ = _parse(spec, project)
    rows = list_version_rows(open_for_reading(store_url(store)), home, name)
    answer = Answer(
        kind="versions",
        items=rows,
        total=len(rows),
        as_of_s=as_of_s,
        about={"project": home, "artifact": name},
    )
    columns = ("version", "aliases", "type", "files", "size", "created", "run_name", "digest")
    print_answer(answer, [column(name) for name in columns], as_json=as_json)


@click.command("get")
@click.argument("spec")
@click.option("-p", "--project", metavar="NAME", help="The project, if SPEC does not say it.")
@_store
@json_option
def get(spec: str, project: str | None, store: str | None, as_json: bool) -> None:
    """What a version holds."""
    from trackio.query.artifacts import get_version

    as_of_s = time.time()
    home, name, version = _parse(spec, project)
    row, manifest = get_version(open_for_reading(store_url(store)), home, name, version)
    if not as_json:
        note(f"{home}/{name}:{row.version} ({row.type}), also called {', '.join(row.aliases)}")
        rows = [[it.path, it.size, it.digest, it.ref] for it in manifest.entries]
        print_table(["path", "size", "digest", "reference"], rows)
        return
    files = [entry.to_dict() for entry in manifest.entries]
    answer = Answer(kind="files", items=files, total=len(files), as_of_s=as_of_s)
    about = {"project": home, **_fields(row), "metadata": manifest.metadata}
    print_json(answer, {**about, "files": files})


@click.command("put")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@_project
@click.option("--name", metavar="NAME", help="What it is called.  [default: as the file]")
@click.option("--type", "kind", default="unspecified", show_default=True, help="What it is.")
@click.option("--alias", "aliases", multiple=True, metavar="WORD", help="Also call it so.")
@click.option("--overwrite", is_flag=True, help="Delete the versions before it.")
@_store
@json_option
def put(
    *,
    path: Path,
    project: str,
    name: str | None,
    kind: str,
    aliases: tuple[str, ...],
    overwrite: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Put a file or a folder as a version of an artifact."""
    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.commit import commit
    from trackio.artifacts.versions import check_alias

    artifact = Artifact(name or path.absolute().name, kind)
    artifact = artifact.add_dir(path) if path.is_dir() else artifact.add_file(path)
    target = open_for_writing(store)
    manifest, files = artifact.make_manifest(project)
    words = [check_alias(alias) for alias in aliases]
    done = commit(target, manifest, files, aliases=words, overwrite=overwrite)
    artifact.settle(target, done.manifest, done.version_id)
    said = {"artifact": artifact.qualified_name, "is_new": done.is_new, "put_files": done.put_files}
    say(said, as_json, f"{artifact.qualified_name}{'' if done.is_new else ' was there already'}")


@click.command("download")
@click.argument("spec")
@click.option("-p", "--project", metavar="NAME", help="The project, if SPEC does not say it.")
@click.option("--to", "root", type=click.Path(path_type=Path), help="The folder to write to.")
@_store
@json_option
def download(
    spec: str, project: str | None, root: Path | None, store: str | None, as_json: bool
) -> None:
    """Bring the files of a version here, each checked by its hash."""
    from trackio.artifacts.use import find_artifact

    found = find_artifact(open_for_reading(store_url(store)), spec, project)
    folder = found.download(root)
    said = {"artifact": found.qualified_name, "folder": folder, "files": found.file_count}
    say(said, as_json, folder)


@click.command("alias")
@click.argument("spec")
@click.argument("aliases", nargs=-1, required=True)
@click.option("-p", "--project", metavar="NAME", help="The project, if SPEC does not say it.")
@_store
@json_option
def alias(
    spec: str, aliases: tuple[str, ...], project: str | None, store: str | None, as_json: bool
) -> None:
    """Call a version so; a version that was called so before is not any more."""
    from trackio.artifacts.use import find_artifact

    found = find_artifact(open_for_writing(store), spec, project)
    found.add_aliases(aliases)
    said = {"artifact": found.qualified_name, "aliases": found.aliases}
    say(said, as_json, f"{found.qualified_name} is called {', '.join(found.aliases)}")


@click.command("delete")
@click.argument("spec")
@click.option("-p", "--project", metavar="NAME", help="The project, if SPEC does not say it.")
@_dry_run
@_store
@json_option
def delete(spec: str, project: str | None, dry_run: bool, store: str | None, as_json: bool) -> None:
    """Delete a version: its number is not used again, its files are collected later."""
    from trackio.artifacts.use import find_artifact

    _, _, version = _parse(spec, project or "-")
    if version is None:
        raise InvalidInput(f"say which version to delete, such as {spec}:v0")
    found = find_artifact(open_for_writing(store), spec, project)
    name = found.qualified_name
    if not dry_run:
        found.delete()
    said = {"artifact": name, "dry_run": dry_run}
    say(said, as_json, f"{name} {'would be' if dry_run else 'is'} deleted")


@click.command("collect")
@_project
@_dry_run
@_store
@json_option
def collect(project: str, dry_run: bool, store: str | None, as_json: bool) -> None:
    """Delete the bytes that no version holds any more."""
    from trackio.artifacts import collect as collecting
    from trackio.settings import upkeep_policy
    from trackio.store.base import is_local

    target = open_for_writing(store)
    grace_s = upkeep_policy(is_local=is_local(target)).grace_s
    done = collecting.collect(target, project, grace_s=grace_s, dry_run=dry_run)
    said = {
        "may_go": len(done.plan.deletes),
        "size_bytes": done.plan.size_bytes,
        "kept": done.plan.kept,
        "deleted": done.deleted,
        "dry_run": dry_run,
    }
    say(said, as_json, str(done))


def _parse(spec: str, project: str | None) -> tuple[str, str, str | None]:
    from trackio.artifacts.versions import parse_spec

    said, name, version = parse_spec(spec)
    if (home := said or project) is None:
        raise InvalidInput(f"{spec!r} names no project: say --project, or project/{name}")
    return home, name, version


def open_for_writing(store: str | None) -> "Store":
    """The store that was named, to be read and written."""
    from trackio.store import open_store
    from trackio.store.retrying import Retrying, RetryPolicy

    return Retrying(open_store(store_url(store)), RetryPolicy(attempts=4, deadline_s=15.0))


def column(name: str) -> Column:
    """A column that shows one field of a row."""

    def show(row: Any) -> Any:
        value = getattr(row, name)
        return ", ".join(value) if isinstance(value, tuple) else value

    return Column(name, show)


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def say(said: dict[str, Any], as_json: bool, text: str) -> None:
    """What was done, in the form that suits its reader."""
    if as_json:
        print_json(Answer(kind="done", items=[said], total=1, as_of_s=time.time()), said)
    else:
        note(text)
