"""Collectors say that they are at work, and writers wait until those are done. Deletes no blob.

A collector that lists before a manifest is there and deletes after its writer has looked would
take away what that version needs. So it announces itself before it lists, and keeps to a time:
what it has not deleted by then it judges anew. A writer that has put its manifest waits for the
collectors that it sees at work, and only then looks whether all blobs are there.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from trackio import ids, keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.store.base import Store

_AT_WORK: Final = "collecting-blobs-"
_LONGEST_S: Final = 300.0
_SHORTEST_S: Final = 5.0
_LEFT_S: Final = 86_400.0
_LOOK_EVERY_S: Final = 0.25

Sleep = Callable[[float], None]


def promised_s(grace_s: float) -> float:
    """For how long after its announcement a collector may delete."""
    return min(_LONGEST_S, max(_SHORTEST_S, grace_s / 4))


@contextmanager
def at_work(store: Store, project: str, *, clock: Clock = SYSTEM_CLOCK) -> Iterator[float]:
    """A collector at work; gives the store's time when it was announced.

    Minus infinity where the listing does not show the announcement: nothing counts as old then.
    """
    key = _key(project, ids.make_id(clock))
    store.put({key: b"{}"})
    listed = _announced(store, project)
    now_s = listed.get(key, float("-inf"))
    yield now_s
    # Whoever fails above may still delete something, and stays announced for its time.
    store.delete([key, *(other for other, at_s in listed.items() if now_s - at_s > _LEFT_S)])


def await_collectors(
    store: Store,
    project: str,
    *,
    since_s: float,
    grace_s: float,
    clock: Clock = SYSTEM_CLOCK,
    sleep: Sleep = time.sleep,
) -> None:
    """Wait until nobody deletes any more on account of a listing that began before now.

    Args:
        since_s: a time of the store, not later than now: who was announced too long before it
            is bound to do nothing any more.
    """
    limit_s = promised_s(grace_s)
    waited_for = {k for k, at_s in _announced(store, project).items() if at_s > since_s - limit_s}
    until_s = clock.monotonic() + limit_s
    while waited_for and clock.monotonic() < until_s:
        sleep(_LOOK_EVERY_S)
        waited_for &= _announced(store, project).keys()


def _announced(store: Store, project: str) -> dict[str, float]:
    """The collectors that say that they are at work, and since when."""
    folder = keys.state_prefix(project)
    return {
        entry.key: entry.time_s
        for entry in store.list(folder, recursive=False)
        if isinstance(key := keys.parse(entry.key), keys.ConsumerKey)
        and key.consumer.startswith(_AT_WORK)
    }


def _key(project: str, job_id: str) -> str:
    return str(keys.ConsumerKey(project, f"{_AT_WORK}{job_id}"))
