"""What happened to a registry: immutable events, and the state that they add up to. No store.

Nobody keeps a state: it is folded anew from the events, in the order of their ids. An event
that makes no sense where it stands (a link into a collection of another type) changes nothing.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

import orjson

from trackio.errors import UnreadableFile
from trackio.model import EventId, VersionId
from trackio.values.shallow import cut

FORMAT: Final = 1
EventKind = Literal["create", "create_collection", "link", "promote", "unlink", "update"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change; `said` is what its kind needs."""

    id: EventId
    kind: EventKind
    time: str
    actor: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One version of a collection: which version of which artifact that is."""

    number: int
    project: str
    name: str
    version_id: VersionId
    digest: str
    time: str
    actor: str | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionState:
    """One collection; numbers of versions are never used again."""

    name: str
    type: str
    description: str | None
    created_at: str
    links: tuple[Link, ...] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)

    @property
    def live(self) -> tuple[Link, ...]:
        """The versions that nobody took out."""
        return tuple(link for link in self.links if not link.is_gone)

    def aliases_of(self, number: int) -> list[str]:
        """What a version is called besides its number."""
        found = sorted(alias for alias, of in self.aliases.items() if of == number)
        is_latest = bool(self.live) and self.live[-1].number == number
        return ["latest", *found] if is_latest else found


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryState:
    """One registry."""

    name: str
    description: str | None = None
    created_at: str | None = None
    collections: Mapping[str, CollectionState] = field(default_factory=dict)


def encode_event(event: Event) -> bytes:
    """The bytes of an event."""
    said = {
        "format": FORMAT,
        "kind": event.kind,
        "time": event.time,
        "actor": event.actor,
        **event.said,
    }
    return orjson.dumps(said)


def decode_event(event_id: EventId, data: bytes) -> Event | None:
    """What an event says; None for a kind that a newer Trackio knows.

    Raises:
        UnreadableFile: it is none.
    """
    try:
        said = dict(orjson.loads(data))
        said.pop("format", None)
        kind, time, actor = said.pop("kind"), str(said.pop("time")), said.pop("actor", None)
        said = {name: cut(value) for name, value in said.items()}
    except (ValueError, KeyError, TypeError) as exc:
        raise UnreadableFile(f"not an event of a registry: {exc!r}") from exc
    if kind not in get_args(EventKind):
        return None
    who = None if actor is None else str(actor)
    return Event(id=event_id, kind=kind, time=time, actor=who, said=said)


def fold(name: str, events: Iterable[Event]) -> RegistryState:
    """The state that the events add up to."""
    state = RegistryState(name=name)
    for event in sorted(events, key=lambda event: event.id):
        with suppress(KeyError, TypeError, ValueError, AttributeError):  # it says nonsense
            state = _after(state, event)
    return state


def _after(state: RegistryState, event: Event) -> RegistryState:
    said = event.said
    if event.kind == "create":
        if state.created_at is not None:
            return state
        description = _text_or_none(said.get("description"))
        return replace(state, created_at=event.time, description=description)
    if event.kind == "update" and "collection" not in said:
        return replace(state, description=_text_or_none(said.get("description")))
    before = state.collections.get(said.get("collection", ""))
    after = _collection_after(before, event)
    if after is None:
        return state
    return replace(state, collections={**state.collections, after.name: after})


def _collection_after(before: CollectionState | None, event: Event) -> CollectionState | None:
    said = event.said
    if event.kind == "create_collection":
        return before or CollectionState(
            name=_text(said["collection"]),
            type=_text(said["type"]),
            description=_text_or_none(said.get("description")),
            created_at=event.time,
        )
    if before is None:
        return None
    match event.kind:
        case "link":
            return _linked(before, event) if said["type"] == before.type else before
        case "promote":
            return _called(before, said["number"], said.get("aliases", ()))
        case "unlink":
            return _without(before, said["number"])
        case "update":
            return replace(before, description=_text_or_none(said.get("description")))
    return before


def _linked(before: CollectionState, event: Event) -> CollectionState:
    """A version more; one that is linked already only gets the aliases."""
    said = event.said
    for link in before.live:
        if (link.project, link.name, link.version_id) == (
            said["project"],
            said["name"],
            said["version_id"],
        ):
            return _called(before, link.number, said.get("aliases", ()))
    link = Link(
        number=len(before.links),
        project=_text(said["project"]),
        name=_text(said["name"]),
        version_id=VersionId(_text(said["version_id"])),
        digest=_text(said["digest"]),
        time=event.time,
        actor=event.actor,
    )
    after = replace(before, links=(*before.links, link))
    return _called(after, link.number, said.get("aliases", ()))


def _called(before: CollectionState, number: int, aliases: Iterable[str]) -> CollectionState:
    if not any(link.number == number for link in before.live):
        return before
    wanted = {_text(alias): number for alias in aliases if alias != "latest"}
    return replace(before, aliases={**before.aliases, **wanted})


def _without(before: CollectionState, number: int) -> CollectionState:
    links = tuple(
        replace(link, is_gone=True) if link.number == number else link for link in before.links
    )
    aliases = {alias: of for alias, of in before.aliases.items() if of != number}
    return replace(before, links=links, aliases=aliases)


def _text(said: Any) -> str:
    """Raises TypeError where it is none, which leaves the event out."""
    if not isinstance(said, str):
        raise TypeError(f"{said!r} is no text")
    return said


def _text_or_none(said: Any) -> str | None:
    return None if said is None else _text(said)
