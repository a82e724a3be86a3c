"""`trackio registry …`: collections of versions of artifacts, across projects."""

import time
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.artifacts import column, open_for_writing, say
from trackio.cli.groups import LazyGroup
from trackio.cli.options import STORE_HELP, json_option, open_for_reading, store_url
from trackio.cli.output import Answer, Column, print_answer

if TYPE_CHECKING:
    from trackio.artifacts.collections import Registry

_HERE = "trackio.cli.registry"
_store = click.option("--store", metavar="URL", help=STORE_HELP)
_aliases = click.option(
    "--alias", "aliases", multiple=True, metavar="WORD", help="Also call it so."
)
_description = click.option("--description", metavar="TEXT", help="What people want to know.")


@click.group(
    "registry",
    cls=LazyGroup,
    homes={
        "create": f"{_HERE}:create",
        "create-collection": f"{_HERE}:create_collection",
        "list": f"{_HERE}:list_",
        "show": f"{_HERE}:show",
        "link": f"{_HERE}:link",
        "promote": f"{_HERE}:promote",
        "unlink": f"{_HERE}:unlink",
        "events": f"{_HERE}:events",
    },
)
def registry() -> None:
    """Collections of versions of artifacts, across the projects of a store.

    TARGET is registry/collection, or registry/collection:v0 for one of its versions.
    """


@click.command("create")
@click.argument("name")
@_description
@_store
@json_option
def create(name: str, description: str | None, store: str | None, as_json: bool) -> None:
    """Make a registry."""
    from trackio.artifacts.collections import create_registry

    made = create_registry(open_for_writing(store), name, description)
    say({"registry": made.name}, as_json, f"registry {made.name}")


@click.command("create-collection")
@click.argument("target")
@click.option("--type", "kind", required=True, help="The type of every artifact in it.")
@_description
@_store
@json_option
def create_collection(
    target: str, kind: str, description: str | None, store: str | None, as_json: bool
) -> None:
    """Make a collection."""
    home, name, _ = _parse(target)
    made = _registry(home, store).create_collection(name, kind, description)
    said = {"registry": home, "collection": made.name, "type": made.type}
    say(said, as_json, f"collection {home}/{made.name} of type {made.type}")


@click.command("list")
@_store
@json_option
def list_(store: str | None, as_json: bool) -> None:
    """Every registry and its collections."""
    from trackio.artifacts.changes import list_registries
    from trackio.artifacts.collections import Registry

    as_of_s = time.time()
    opened = open_for_reading(store_url(store))
    items = [
        {
            "registry": name,
            "collection": found.name,
            "type": found.type,
            "versions": found.num_links,
            "latest": found.latest_version,
            "description": found.description,
        }
        for name in list_registries(opened)
        for found in Registry(opened, name).collections()
    ]
    answer = Answer(kind="collections", items=items, total=len(items), as_of_s=as_of_s)
    names = ("registry", "collection", "type", "versions", "latest", "description")
    print_answer(answer, [_item(name) for name in names], as_json=as_json)


@click.command("show")
@click.argument("target")
@_store
@json_option
def show(target: str, store: str | None, as_json: bool) -> None:
    """The versions of a collection."""
    from trackio.artifacts.collections import Registry

    as_of_s = time.time()
    home, name, _ = _parse(target)
    links = Registry(open_for_reading(store_url(store)), home).collection(name).links
    answer = Answer(
        kind="versions",
        items=links,
        total=len(links),
        as_of_s=as_of_s,
        about={"registry": home, "collection": name},
    )
    columns = ("version", "project", "name", "source_version", "linked_at", "linked_by", "digest")
    shown = [
        column("version"),
        Column("aliases", lambda link: ", ".join(link.aliases)),
        *map(column, columns[1:]),
    ]
    print_answer(answer, shown, as_json=as_json)


@click.command("link")
@click.argument("spec")
@click.argument("target")
@_aliases
@_store
@json_option
def link(
    spec: str, target: str, aliases: tuple[str, ...], store: str | None, as_json: bool
) -> None:
    """Put project/name:v3 into registry/collection."""
    from trackio.artifacts.collections import Registry
    from trackio.artifacts.linking import parse_target
    from trackio.artifacts.use import find_artifact

    opened = open_for_writing(store)
    found = find_artifact(opened, spec)
    found.link(target, aliases)
    home, name = parse_target(target)
    made = Registry(opened, home).collection(name)
    said = {"artifact": found.qualified_name, "collection": target, "version": made.latest_version}
    say(said, as_json, f"{found.qualified_name} is {target}:{made.find_link(found)}")


@click.command("promote")
@click.argument("target")
@_aliases
@_store
@json_option
def promote(target: str, aliases: tuple[str, ...], store: str | None, as_json: bool) -> None:
    """Call registry/collection:v0 so."""
    home, name, version = _parse(target)
    made = _registry(home, store).collection(name)
    made = made.promote(version or made.latest_version or "latest", aliases)
    say({"target": target, "aliases": list(aliases)}, as_json, f"{target} is {', '.join(aliases)}")


@click.command("unlink")
@click.argument("target")
@click.option("--dry-run", is_flag=True, help="Say what would be done, do nothing.")
@_store
@json_option
def unlink(target: str, dry_run: bool, store: str | None, as_json: bool) -> None:
    """Take registry/collection:v0 out; the artifact stays."""
    home, name, version = _parse(target)
    if version is None:
        raise click.UsageError(f"say which version to take out, such as {target}:v0")
    found = _registry(home, store).collection(name)
    found.artifact(version)
    if not dry_run:
        found.unlink(version)
    text = f"{target} {'would be' if dry_run else 'is'} taken out"
    say({"target": target, "dry_run": dry_run}, as_json, text)


@click.command("events")
@click.argument("name")
@_store
@json_option
def events(name: str, store: str | None, as_json: bool) -> None:
    """Everything that happened to a registry, oldest first."""
    from trackio.artifacts.collections import Registry

    as_of_s = time.time()
    found = Registry(open_for_reading(store_url(store)), name).events()
    answer = Answer(kind="events", items=found, total=len(found), as_of_s=as_of_s)
    names = ("time", "kind", "actor", "collection", "project", "name", "aliases")
    print_answer(answer, [_item(name) for name in names], as_json=as_json)


def _registry(name: str, store: str | None) -> "Registry":
    from trackio.artifacts.collections import Registry

    return Registry(open_for_writing(store), name)


def _parse(target: str) -> tuple[str, str, str | None]:
    path, _, version = target.partition(":")
    home, _, name = path.partition("/")
    if not home or not name or "/" in name:
        raise click.UsageError(f"{target!r} is no registry/collection")
    return home, name, version or None


def _item(name: str) -> Column:
    def show(item: Any) -> Any:
        value = item.get(name)
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    return Column(name, show)
