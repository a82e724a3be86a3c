"""Put versions into collections of registries, and take them out. Opens no artifact."""

from collections.abc import Iterable
from dataclasses import dataclass

from trackio.artifacts.changes import Changes, check_plain_name
from trackio.artifacts.events import CollectionState
from trackio.artifacts.versions import check_alias
from trackio.errors import InvalidInput, NotFound
from trackio.model import VersionId
from trackio.query.near import advise
from trackio.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Linkable:
    """A version as an event names it."""

    project: str
    name: str
    type: str
    version_id: VersionId
    digest: str


def link_version(
    store: Store, version: Linkable, target_path: str, aliases: Iterable[str]
) -> tuple[str, str]:
    """Put a version into `registry/collection`; either is made if it is missing.

    Returns:
        The names of both.

    Raises:
        InvalidInput: the path names no collection, or one of another type.
    """
    registry, collection = parse_target(target_path)
    changes = Changes(store, registry)
    changes.create()
    put_link(changes, version, collection, aliases)
    return changes.name, collection


def put_link(changes: Changes, version: Linkable, collection: str, aliases: Iterable[str]) -> None:
    """As `link_version`, into a registry that is there.

    Raises:
        InvalidInput: the collection is of another type.
    """
    words = checked_aliases(aliases)
    make_collection(changes, collection, version.type)
    said = {
        "collection": collection,
        "type": version.type,
        "project": version.project,
        "name": version.name,
        "version_id": version.version_id,
        "digest": version.digest,
        "aliases": words,
    }
    changes.put("link", said)


def unlink_version(store: Store, version: Linkable, registry: str, collection: str) -> None:
    """Take a version out of a collection.

    Raises:
        NotFound: there is no such collection, or the version is not in it.
    """
    changes = Changes(store, registry)
    found = find_collection(changes, collection)
    number = find_number(found, version, f"{changes.name}/{collection}")
    changes.put("unlink", {"collection": collection, "number": number})


def make_collection(changes: Changes, name: str, kind: str, description: str | None = None) -> None:
    """Make a collection; one that is there already stays as it is.

    Raises:
        InvalidInput: a name that cannot be one, or it is there and of another type.
    """
    check_plain_name(name, "a collection")
    before = changes.state().collections.get(name)
    if before is None:
        said = {"collection": name, "type": kind, "description": description}
        changes.put("create_collection", said)
    elif before.type != kind:
        raise InvalidInput(f"collection {name!r} is of type {before.type!r} already")


def find_collection(changes: Changes, name: str) -> CollectionState:
    """One collection of a registry.

    Raises:
        NotFound: there is none.
    """
    found = changes.state().collections
    if name not in found:
        advice = advise(name, list(found)) if found else "it has none yet"
        raise NotFound(f"registry {changes.name!r} has no collection {name!r}; {advice}")
    return found[name]


def find_number(collection: CollectionState, version: Linkable, target: str) -> int:
    """The number under which a version is in a collection.

    Raises:
        NotFound: it is not.
    """
    wanted = (version.project, version.name, version.version_id)
    for link in collection.live:
        if (link.project, link.name, link.version_id) == wanted:
            return link.number
    raise NotFound(f"{version.project}/{version.name} of this version is not in {target}")


def checked_aliases(aliases: Iterable[str]) -> list[str]:
    """The aliases to give; `latest` gives itself.

    Raises:
        InvalidInput: a word that cannot be an alias.
    """
    return [check_alias(alias) for alias in aliases if alias != "latest"]


def parse_target(path: str) -> tuple[str, str]:
    """Registry and collection of `registry/collection`.

    Raises:
        InvalidInput: it names no collection.
    """
    registry, _, collection = path.partition("/")
    if not registry or not collection or "/" in collection:
        raise InvalidInput(f"{path!r} names no collection: write it like registry/name")
    return registry, collection
