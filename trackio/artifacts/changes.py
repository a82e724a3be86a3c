"""Read the events of a registry, and put one. Knows no artifact, only what events say.

Each change is one immutable event under a name of its own; what a registry holds is folded
from all of them (`events`). So nobody who writes waits for anybody.
"""

import getpass
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from trackio import ids, keys
from trackio.artifacts.events import (
    Event,
    EventKind,
    RegistryState,
    decode_event,
    encode_event,
    fold,
)
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, NotFound
from trackio.model import EventId
from trackio.query.near import advise
from trackio.store.base import Store
from trackio.store.parallel import attempt_each, raise_first

PREFIX: Final = "registry-"
"""How the name of a registry begins where it stands for a project."""
_GETS: Final = 16


class Changes:
    """The events of one registry.

    Args:
        store: where it is.
        name: what it is called, with or without `registry-` before it.

    Raises:
        InvalidInput: it cannot be called so.
    """

    def __init__(self, store: Store, name: str, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.store = store
        self.name = registry_name(name)
        self._clock = clock

    @property
    def is_there(self) -> bool:
        """Whether somebody made it."""
        return any(self._keys())

    def read(self) -> list[Event]:
        """Every event, oldest first; those of kinds that a newer Trackio knows are left out."""
        found: dict[EventId, Event] = {}
        wanted = dict(self._keys())

        def get(key: str) -> None:
            event = decode_event(wanted[key], self.store.get(key))
            if event is not None:
                found[event.id] = event

        raise_first(attempt_each(wanted, get, workers=_GETS))
        return [found[event_id] for event_id in sorted(found)]

    def state(self) -> RegistryState:
        """What it holds now.

        Raises:
            NotFound: nobody has made it.
        """
        events = self.read()
        if not events:
            known = list_registries(self.store)
            advice = advise(self.name, known) if known else "there is none yet"
            raise NotFound(f"there is no registry {self.name!r}; {advice}")
        return fold(self.name, events)

    def put(self, kind: EventKind, said: dict[str, Any]) -> None:
        """Put one event, whose id sorts above every one that is listed."""
        before = max((event_id for _, event_id in self._keys()), default="")
        event_id = ids.make_id(self._clock)
        if event_id <= before:
            event_id = ids.id_after(before)
        event = Event(
            id=EventId(event_id),
            kind=kind,
            time=datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC).isoformat(),
            actor=_actor(),
            said=said,
        )
        self.store.put({str(keys.RegistryEventKey(self.name, event.id)): encode_event(event)})

    def create(self, description: str | None = None) -> None:
        """Make it; one that is there already stays as it is."""
        if not self.is_there:
            self.put("create", {"description": description})

    def _keys(self) -> Iterator[tuple[str, EventId]]:
        for entry in self.store.list(keys.registry_prefix(self.name)):
            parsed = keys.parse(entry.key)
            if isinstance(parsed, keys.RegistryEventKey):
                yield entry.key, parsed.event_id


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
    return check_plain_name(name.removeprefix(PREFIX), "a registry")


def check_plain_name(name: str, what: str) -> str:
    """`name` itself.

    Raises:
        InvalidInput: it cannot name `what`.
    """
    keys.encode_name(name)
    if "/" in name or ":" in name:
        raise InvalidInput(f"{name!r} cannot name {what}: it must hold no '/' and no ':'")
    return name


def _actor() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None
