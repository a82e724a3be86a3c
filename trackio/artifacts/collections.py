"""Registries and collections in the hands of a user: versions of any project under new numbers.

Everything they hold is folded from events (`changes`), everything they do puts one (`linking`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.changes import Changes
from trackio.artifacts.events import CollectionState, Link, RegistryState
from trackio.artifacts.linking import (
    checked_aliases,
    find_collection,
    find_number,
    make_collection,
    put_link,
)
from trackio.artifacts.versions import list_versions
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound
from trackio.query.near import advise
from trackio.store.base import Store

_NUMBER: Final = re.compile(r"v(\d+)")


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

    def __init__(self, changes: Changes, state: CollectionState) -> None:
        self._changes = changes
        self._state = state

    def __repr__(self) -> str:
        return f"<Collection {self._place} ({self.type})>"

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
        found = _open_link(self._changes.store, self._find(version))
        found.source = (self._changes.name, self.name)
        return found

    def promote(self, version: str, aliases: Iterable[str]) -> "Collection":
        """Call a version so; a version that was called so before is not any more."""
        number = self._find(version).number
        said = {"collection": self.name, "number": number, "aliases": checked_aliases(aliases)}
        self._changes.put("promote", said)
        return self._again()

    def unlink(self, version: str) -> "Collection":
        """Take a version out; its number is not used again, and the artifact stays."""
        said = {"collection": self.name, "number": self._find(version).number}
        self._changes.put("unlink", said)
        return self._again()

    def find_link(self, artifact: Artifact) -> str:
        """The number under which an artifact is in it.

        Raises:
            NotFound: it is not.
        """
        return f"v{find_number(self._state, artifact.linkable(), self._place)}"

    @property
    def _place(self) -> str:
        return f"{self._changes.name}/{self.name}"

    def _again(self) -> "Collection":
        return Collection(self._changes, find_collection(self._changes, self.name))

    def _find(self, version: str | None) -> Link:
        live = self._state.live
        if version in (None, "", "latest"):
            hits = live[-1:]
        else:
            asked = _NUMBER.fullmatch(version or "")
            number = int(asked[1]) if asked else self._state.aliases.get(version or "")
            hits = tuple(link for link in live if link.number == number)
        if hits:
            return hits[0]
        known = [f"v{link.number}" for link in live] + sorted(self._state.aliases)
        advice = advise(version or "latest", known) if known else "nothing is linked to it"
        raise NotFound(f"collection {self._place} has no {version or 'latest'!r}; {advice}")

    def _version(self, link: Link) -> CollectionVersion:
        versions = list_versions(self._changes.store, link.project, link.name)
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
        self._changes = Changes(store, name, clock=clock)

    def __repr__(self) -> str:
        return f"<Registry {self.name!r} in {self.store.url}>"

    @property
    def store(self) -> Store:
        """Where it is."""
        return self._changes.store

    @property
    def name(self) -> str:
        """What it is called."""
        return self._changes.name

    @property
    def description(self) -> str | None:
        """What people want to know of it."""
        return self.state().description

    def collections(self) -> list[Collection]:
        """All of them, by name."""
        found = self.state().collections
        return [Collection(self._changes, found[name]) for name in sorted(found)]

    def collection(self, name: str) -> Collection:
        """One collection.

        Raises:
            NotFound: there is none.
        """
        return Collection(self._changes, find_collection(self._changes, name))

    def create_collection(
        self, name: str, artifact_type: str, description: str | None = None
    ) -> Collection:
        """Make a collection; one that is there already stays as it is.

        Raises:
            InvalidInput: a name that cannot be one, or it is there and of another type.
        """
        make_collection(self._changes, name, artifact_type, description)
        return self.collection(name)

    def link(self, artifact: Artifact, collection: str, aliases: Iterable[str] = ()) -> Collection:
        """Put a version of an artifact into a collection, which is made if it is missing.

        Raises:
            InvalidInput: it is of another type.
        """
        put_link(self._changes, artifact.linkable(), collection, aliases)
        return self.collection(collection)

    def update(self, description: str | None) -> "Registry":
        """Describe it."""
        self._changes.put("update", {"description": description})
        return self

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened to it, oldest first."""
        return [
            {"id": it.id, "kind": it.kind, "time": it.time, "actor": it.actor, **it.said}
            for it in self._changes.read()
        ]

    def state(self) -> RegistryState:
        """What it holds now.

        Raises:
            NotFound: nobody has made it.
        """
        return self._changes.state()


def create_registry(store: Store, name: str, description: str | None = None) -> Registry:
    """Make a registry; one that is there already stays as it is."""
    Changes(store, name).create(description)
    return Registry(store, name)


def _open_link(store: Store, link: Link) -> Artifact:
    """The version that a link means.

    Raises:
        NotFound: its artifact is gone.
    """
    versions = list_versions(store, link.project, link.name)
    if link.version_id not in versions.live:
        raise NotFound(f"{link.project}/{link.name} has no version {link.version_id} any more")
    number = versions.number(link.version_id)
    return open_artifact(store, link.project, link.name, f"v{number}")
