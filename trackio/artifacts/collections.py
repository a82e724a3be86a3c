"""Registries: collections of versions of artifacts, across the projects of one store.

There is no database: each change is one immutable event under a name of its own, and what a
registry holds is folded from them (`events`). So nobody who writes waits for anybody.
"""

import getpass
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from trackio import ids, keys
from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.events import (
    CollectionState,
    Event,
    EventKind,
    Link,
    RegistryState,
    decode_event,
    encode_event,
    fold,
)
from trackio.artifacts.versions import check_alias, list_versions
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, NotFound
from trackio.model import EventId
from trackio.query.near import advise
from trackio.store.base import Store
from trackio.store.parallel import attempt_each, raise_first

PREFIX: Final = "registry-"
"""How the name of a registry begins where it stands for a project."""
_NUMBER: Final = re.compile(r"v(\d+)")
_GETS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionVersion:
    """One version of a collection: its number here, and what it is there."""

    version: str
    aliases: list[str]
    project: str
    name: str
    source_version: str | None
    digest: str
    linked_at: str
    linked_by: str | None


class Collection:
    """Versions of artifacts of one type, from any project."""

    def __init__(self, registry: "Registry", state: CollectionState) -> None:
        self._registry = registry
        self._state = state

    def __repr__(self) -> str:
        return f"<Collection {self._registry.name}/{self.name} ({self.type})>"

    @property
    def name(self) -> str:
        """What it is called."""
        return self._state.name

    @property
    def type(self) -> str:
        """The type of every artifact in it."""
        return self._state.type

    @property
    def description(self) -> str | None:
        """What people want to know of it."""
        return self._state.description

    @property
    def created_at(self) -> str:
        """When it was made, ISO 8601 in UTC."""
        return self._state.created_at

    @property
    def num_links(self) -> int:
        """How many versions are in it."""
        return len(self._state.live)

    @property
    def latest_version(self) -> str | None:
        """The number of its newest version."""
        return f"v{self._state.live[-1].number}" if self._state.live else None

    @property
    def links(self) -> list[CollectionVersion]:
        """Its versions, oldest first."""
        return [self._version(link) for link in self._state.live]

    def artifact(self, version: str | None = None) -> Artifact:
        """One of its versions, by number or alias; the newest without either.

        Raises:
            NotFound: there is none.
        """
        link = self._find(version)
        found = open_artifact_id(self._registry.store, link)
        found.source = (self._registry.name, self.name)
        return found

    def promote(self, version: str, aliases: Iterable[str]) -> "Collection":
        """Call a version so; a version that was called so before is not any more."""
        number = self._find(version).number
        said = {"collection": self.name, "number": number, "aliases": _checked(aliases)}
        return self._registry.change("promote", said).collection(self.name)

    def unlink(self, version: str) -> "Collection":
        """Take a version out; its number is not used again, and the artifact stays."""
        said = {"collection": self.name, "number": self._find(version).number}
        return self._registry.change("unlink", said).collection(self.name)

    def find_link(self, artifact: Artifact) -> str:
        """The number under which an artifact is in it.

        Raises:
            NotFound: it is not.
        """
        for link in self._state.live:
            if (link.name, link.version_id) == (artifact.name, artifact.version_id):
                return f"v{link.number}"
        raise NotFound(f"{artifact.qualified_name} is not in {self._registry.name}/{self.name}")

    def _find(self, version: str | None) -> Link:
        live = self._state.live
        if version in (None, "", "latest"):
            if live:
                return live[-1]
        elif found := _NUMBER.fullmatch(version or ""):
            number: int | None = int(found[1])
            if hits := [link for link in live if link.number == number]:
                return hits[0]
        else:
            number = self._state.aliases.get(version or "")
            if hits := [link for link in live if link.number == number]:
                return hits[0]
        known = [f"v{link.number}" for link in live] + sorted(self._state.aliases)
        advice = advise(version or "latest", known) if known else "nothing is linked to it"
        raise NotFound(
            f"collection {self._registry.name}/{self.name} has no {version or 'latest'!r}; {advice}"
        )

    def _version(self, link: Link) -> CollectionVersion:
        versions = list_versions(self._registry.store, link.project, link.name)
        is_there = link.version_id in versions.ids
        return CollectionVersion(
            version=f"v{link.number}",
            aliases=self._state.aliases_of(link.number),
            project=link.project,
            name=link.name,
            source_version=f"v{versions.number(link.version_id)}" if is_there else None,
            digest=link.digest,
            linked_at=link.time,
            linked_by=link.actor,
        )


class Registry:
    """Collections that projects share.

    Args:
        store: where it is.
        name: what it is called, with or without `registry-` before it.
    """

    def __init__(self, store: Store, name: str, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.store = store
        self.name = registry_name(name)
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Registry {self.name!r} in {self.store.url}>"

    @property
    def description(self) -> str | None:
        """What people want to know of it."""
        return self.state().description

    def collections(self) -> list[Collection]:
        """All of them, by name."""
        found = self.state().collections
        return [Collection(self, found[name]) for name in sorted(found)]

    def collection(self, name: str) -> Collection:
        """One collection.

        Raises:
            NotFound: there is none.
        """
        found = self.state().collections
        if name not in found:
            advice = advise(name, list(found)) if found else "it has none yet"
            raise NotFound(f"registry {self.name!r} has no collection {name!r}; {advice}")
        return Collection(self, found[name])

    def create_collection(
        self,
        name: str,
        artifact_type: str,
        description: str | None = None,
    ) -> Collection:
        """Make a collection; one that is there already stays as it is.

        Raises:
            InvalidInput: a name that cannot be one, or it is there and of another type.
        """
        keys.encode_name(name)
        if "/" in name or ":" in name:
            raise InvalidInput(f"{name!r} cannot name a collection: no '/' and no ':'")
        before = self.state().collections.get(name)
        if before is None:
            said = {"collection": name, "type": artifact_type, "description": description}
            return self.change("create_collection", said).collection(name)
        if before.type != artifact_type:
            raise InvalidInput(f"collection {name!r} is of type {before.type!r} already")
        return Collection(self, before)

    def link(self, artifact: Artifact, collection: str, aliases: Iterable[str] = ()) -> Collection:
        """Put a version of an artifact into a collection, which is made if it is missing.

        Raises:
            InvalidInput: it is of another type.
        """
        target = self.create_collection(collection, artifact.type)
        said = {
            "collection": target.name,
            "type": artifact.type,
            "project": artifact.project,
            "name": artifact.name,
            "version_id": artifact.version_id,
            "digest": artifact.digest,
            "aliases": _checked(aliases),
        }
        return self.change("link", said).collection(target.name)

    def update(self, description: str | None) -> "Registry":
        """Describe it."""
        return self.change("update", {"description": description})

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened to it, oldest first."""
        return [
            {"id": it.id, "kind": it.kind, "time": it.time, "actor": it.actor, **it.said}
            for it in self._read()
        ]

    def state(self) -> RegistryState:
        """What it holds now.

        Raises:
            NotFound: nobody has made it.
        """
        events = self._read()
        if not events:
            known = list_registries(self.store)
            advice = advise(self.name, known) if known else "there is none yet"
            raise NotFound(f"there is no registry {self.name!r}; {advice}")
        return fold(self.name, events)

    def change(self, kind: EventKind, said: dict[str, Any]) -> "Registry":
        """Put one event, whose id sorts above every one that is listed."""
        before = [event.id for event in self._read()]
        event_id = ids.make_id(self._clock)
        if before and event_id <= before[-1]:
            event_id = ids.id_after(before[-1])
        event = Event(
            id=EventId(event_id),
            kind=kind,
            time=datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC).isoformat(),
            actor=_actor(),
            said=said,
        )
        key = keys.RegistryEventKey(self.name, event.id)
        self.store.put({str(key): encode_event(event)})
        return self

    def _read(self) -> list[Event]:
        found: dict[EventId, Event] = {}
        wanted = dict(_event_keys(self.store, self.name))

        def get(key: str) -> None:
            event = decode_event(wanted[key], self.store.get(key))
            if event is not None:
                found[event.id] = event

        raise_first(attempt_each(wanted, get, workers=_GETS))
        return [found[event_id] for event_id in sorted(found)]


def create_registry(store: Store, name: str, description: str | None = None) -> Registry:
    """Make a registry; one that is there already stays as it is."""
    registry = Registry(store, name)
    if not any(_event_keys(store, registry.name)):
        registry.change("create", {"description": description})
    return registry


def list_registries(store: Store) -> list[str]:
    """The names of all registries of a store."""
    listed = store.list(keys.REGISTRIES, recursive=False)
    names = (
        keys.decode_name(entry.key.removeprefix(keys.REGISTRIES).rstrip("/")) for entry in listed
    )
    return sorted(name for name in names if name is not None)


def registry_name(name: str) -> str:
    """The name itself, without what stands before it where a project is expected.

    Raises:
        InvalidInput: it cannot be a name.
    """
    own = name.removeprefix(PREFIX)
    keys.encode_name(own)
    if "/" in own or ":" in own:
        raise InvalidInput(f"{name!r} cannot name a registry: no '/' and no ':'")
    return own


def link_artifact(
    store: Store, artifact: Artifact, target_path: str, aliases: Iterable[str]
) -> Collection:
    """Put a version into `registry/collection`; the registry is made if it is missing.

    Raises:
        InvalidInput: the path names no collection, or one of another type.
    """
    registry, _, collection = target_path.partition("/")
    if not registry or not collection or "/" in collection:
        raise InvalidInput(f"{target_path!r} names no collection: write it like registry/name")
    return create_registry(store, registry).link(artifact, collection, aliases)


def unlink_artifact(store: Store, artifact: Artifact, registry: str, collection: str) -> None:
    """Take a version out of a collection."""
    found = Registry(store, registry).collection(collection)
    found.unlink(found.find_link(artifact))


def open_artifact_id(store: Store, link: Link) -> Artifact:
    """The version that a link means.

    Raises:
        NotFound: its artifact is gone.
    """
    versions = list_versions(store, link.project, link.name)
    if link.version_id not in versions.live:
        raise NotFound(f"{link.project}/{link.name} has no version {link.version_id} any more")
    number = versions.number(link.version_id)
    return open_artifact(store, link.project, link.name, f"v{number}")


def _event_keys(store: Store, name: str) -> Iterator[tuple[str, EventId]]:
    for entry in store.list(keys.registry_prefix(name)):
        parsed = keys.parse(entry.key)
        if isinstance(parsed, keys.RegistryEventKey):
            yield entry.key, parsed.event_id


def _checked(aliases: Iterable[str]) -> list[str]:
    return [check_alias(alias) for alias in aliases if alias != "latest"]


def _actor() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None
