"""What registries hold, for pages: collections, their versions, and what happened. Writes nothing.

A registry is folded from its events, which are read once; each artifact that it names is listed
once, to tell which of its versions are still there and what they are called at home.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from trackio.artifacts.changes import Changes, list_registries
from trackio.artifacts.events import CollectionState, Event, Link, RegistryState, fold
from trackio.artifacts.versions import Versions
from trackio.model import VersionId
from trackio.query.artifacts import list_many_versions
from trackio.store.base import Store
from trackio.store.parallel import attempt_each, raise_first

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedVersion:
    """One version of a collection; `source` is its number at home, None where nobody knows it."""

    version: str
    aliases: tuple[str, ...]
    project: str
    name: str
    source: str | None
    version_id: VersionId
    digest: str
    linked: str
    linked_by: str | None
    is_unlinked: bool
    is_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRow:
    """One collection, with all versions that ever were in it, oldest first."""

    name: str
    type: str
    description: str | None
    created: str
    versions: tuple[LinkedVersion, ...]
    aliases: Mapping[str, str]

    @property
    def live(self) -> tuple[LinkedVersion, ...]:
        """The versions that nobody took out."""
        return tuple(version for version in self.versions if not version.is_unlinked)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRow:
    """One registry and its history, oldest first."""

    name: str
    description: str | None
    created: str | None
    collections: tuple[CollectionRow, ...]
    events: tuple[Event, ...]


def list_registry_rows(store: Store) -> list[RegistryRow]:
    """Every registry of a store, by name."""
    events: dict[str, tuple[Event, ...]] = {}

    def read(name: str) -> None:
        events[name] = tuple(Changes(store, name).read())

    raise_first(attempt_each(list_registries(store), read, workers=_AT_ONCE))
    states = [fold(name, events[name]) for name in sorted(events)]
    places = {
        (link.project, link.name)
        for state in states
        for collection in state.collections.values()
        for link in collection.links
    }
    known = list_many_versions(store, places)
    return [_registry(state, events[state.name], known) for state in states]


def list_placings(
    rows: Iterable[RegistryRow], project: str, name: str, version_id: VersionId
) -> list[tuple[str, str, LinkedVersion]]:
    """In which collections a version is now: registry, collection, and what it is called there."""
    return [
        (registry.name, collection.name, version)
        for registry in rows
        for collection in registry.collections
        for version in collection.live
        if (version.project, version.name, version.version_id) == (project, name, version_id)
    ]


def _registry(
    state: RegistryState, events: tuple[Event, ...], known: Mapping[tuple[str, str], Versions]
) -> RegistryRow:
    return RegistryRow(
        name=state.name,
        description=state.description,
        created=state.created_at,
        collections=tuple(
            _collection(state.collections[name], known) for name in sorted(state.collections)
        ),
        events=events,
    )


def _collection(state: CollectionState, known: Mapping[tuple[str, str], Versions]) -> CollectionRow:
    return CollectionRow(
        name=state.name,
        type=state.type,
        description=state.description,
        created=state.created_at,
        versions=tuple(
            _linked(state, link, known[link.project, link.name]) for link in state.links
        ),
        aliases={alias: f"v{number}" for alias, number in sorted(state.aliases.items())},
    )


def _linked(state: CollectionState, link: Link, versions: Versions) -> LinkedVersion:
    is_known = link.version_id in versions.ids
    return LinkedVersion(
        version=f"v{link.number}",
        aliases=() if link.is_gone else tuple(state.aliases_of(link.number)),
        project=link.project,
        name=link.name,
        source=f"v{versions.number(link.version_id)}" if is_known else None,
        version_id=link.version_id,
        digest=link.digest,
        linked=link.time,
        linked_by=link.actor,
        is_unlinked=link.is_gone,
        is_gone=link.version_id not in versions.live,
    )
