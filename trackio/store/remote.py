"""What a store over a network offers beside the four verbs, so that reading it is cheap.

All of it is optional: a store without it is read with `list` and `get`. It knows no format.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol, TypeGuard

from trackio.errors import TrackioError
from trackio.model import Entry
from trackio.store.base import Store
from trackio.store.parallel import attempt_each
from trackio.store.watch import Watch
from trackio.store.wrapper import Wrapper

_GETS: Final = 16
_OFFERS: Final = ("poll_s", "fetch", "get_range", "watch")

Failures = Mapping[str, TrackioError]
"""What went wrong, by key."""


class RemoteStore(Store, Protocol):
    """A store to which each request is a journey."""

    @property
    def poll_s(self) -> float:
        """How often it is polite to list it anew only to see whether something is new."""

    def fetch(self, wanted: Mapping[Entry, Path]) -> Failures:
        """Write each listed file to a local path, many at once; what failed, by key.

        It is the version that was listed, or a `NotFound`. A path is whole if its key did not
        fail, and else may hold a part.
        """

    def get_range(self, entry: Entry, begin: int, end: int) -> bytes:
        """The bytes `begin ≤ i < end` of the version that was listed.

        Raises:
            NotFound: it is gone, or another version is there.
            StoreUnavailable, StoreRefused: as `get`.
        """

    def watch(self) -> Watch | None:
        """What tells of changes without a listing; one for all who ask. None: there is none."""


def is_remote(store: Store) -> TypeGuard[RemoteStore]:
    """Whether the store offers what `RemoteStore` says."""
    return all(hasattr(store, name) for name in _OFFERS)


def pass_on(wrapper: Wrapper, inner: Store) -> None:
    """Let a wrapper offer what the store behind it does."""
    if is_remote(inner):
        for name in _OFFERS:
            setattr(wrapper, name, getattr(inner, name))


def fetch(store: Store, wanted: Mapping[Entry, Path]) -> Failures:
    """Write each file to a local path, from any store; see `RemoteStore.fetch`."""
    if is_remote(store):
        return store.fetch(wanted)

    def get(entry: Entry, path: Path) -> None:
        path.write_bytes(store.get(entry.key))

    return fetch_each(wanted, get)


def fetch_each(wanted: Mapping[Entry, Path], one: Callable[[Entry, Path], None]) -> Failures:
    """Fetch with `one`, several at a time and the largest first."""
    entries = {entry.key: entry for entry in sorted(wanted, key=lambda e: -e.size_bytes)}
    return attempt_each(entries, lambda key: one(entries[key], wanted[entries[key]]), workers=_GETS)
