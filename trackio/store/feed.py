"""Hears of a bucket's changes: from the Hub's feed while it flows, else by one small question.

The feed is best effort, so that the bucket is asked now and then when it last changed; where it
does not flow that is asked every ten seconds, and a change means: list. Nothing is asked unless
somebody wants to know, and the feed ends when nobody does any more.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import TrackioError
from trackio.model import Entry
from trackio.store.watch import Heard, Position

POLL_S: Final = 10.0
CHECK_S: Final = 60.0
"""How often the bucket is asked when it changed although the feed flows."""
_REMEMBERED: Final = 20_000
_UNWANTED_S: Final = 120.0
_AGAIN_S: Final = 900.0

Item = Mapping[str, Any]


class Event(NamedTuple):
    """One message of the feed."""

    name: str
    said: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a watch asks. All three raise only errors of `trackio.errors`.

    `updated_at` is a text that changes with the bucket; `events` is the feed from a cursor or a
    time on, until it ends; `entry_of` makes an entry of a change, or None if it is not ours.
    """

    updated_at: Callable[[], str]
    events: Callable[[Mapping[str, str]], Iterator[Event]]
    entry_of: Callable[[Item], tuple[str, Entry | None] | None]


class BucketWatch:
    """One a bucket and process; see `Watch`."""

    def __init__(self, source: Source, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Condition()
        self._asking = threading.Lock()  # held during IO, so that one question serves all
        self._epoch = 0
        self._number = 0
        self._log: deque[tuple[int, str, Entry | None]] = deque(maxlen=_REMEMBERED)
        self._updated: str | None = None
        self._asked_s = float("-inf")
        self._next_ask_s = float("-inf")
        self._heard_at_check = 0
        self._wanted_s = float("-inf")
        self._is_flowing = False
        self._thread: threading.Thread | None = None
        self._next_feed_s = float("-inf")
        self._cursor: dict[str, str] = {}

    @property
    def is_flowing(self) -> bool:
        """Whether changes are told by the feed."""
        return self._is_flowing

    def wait(self, position: Position, timeout_s: float) -> bool:
        """Wait until something is heard after `position`; False if the time is up before.

        It asks for nothing itself.
        """
        with self._lock:
            return self._lock.wait_for(
                lambda: Position(self._epoch, self._number) != position, timeout_s
            )

    def wait_flowing(self, timeout_s: float, *, flowing: bool = True) -> bool:
        """Wait until the feed flows, or no longer does; False if the time is up before."""
        with self._lock:
            return self._lock.wait_for(lambda: self._is_flowing is flowing, timeout_s)

    def since(self, position: Position | None) -> Heard:
        """See `Watch.since`."""
        self._wanted_s = self._clock.monotonic()
        self._ask_if_due()
        self._follow_if_due()
        with self._lock:
            as_of_s = self._clock.monotonic() if self._is_flowing else self._asked_s
            return Heard(
                position=Position(self._epoch, self._number),
                changes=self._changes(position),
                as_of_s=as_of_s,
            )

    def _changes(self, position: Position | None) -> Mapping[str, Entry | None] | None:
        if position is None or position.epoch != self._epoch:
            return None
        if self._number - position.number > len(self._log):
            return None
        return {key: entry for number, key, entry in self._log if number > position.number}

    def _ask_if_due(self) -> None:
        """Ask when the bucket changed, unless that is known well enough."""
        with self._asking:
            if self._clock.monotonic() < self._next_ask_s:
                return
            updated = self._source.updated_at()
            with self._lock:
                told_nothing = self._number == self._heard_at_check
                if updated != self._updated and (told_nothing or not self._is_flowing):
                    self._epoch += 1  # something changed, and nobody said what
                self._updated = updated
                self._heard_at_check = self._number
                self._asked_s = self._clock.monotonic()
                self._next_ask_s = self._asked_s + (CHECK_S if self._is_flowing else POLL_S)

    def _follow_if_due(self) -> None:
        with self._lock:
            if self._thread is not None or self._clock.monotonic() < self._next_feed_s:
                return
            self._next_feed_s = self._clock.monotonic() + _AGAIN_S  # unless it flows till then
            if not self._cursor and self._updated is not None:
                self._cursor = {"since": self._updated}
            self._thread = threading.Thread(target=self._follow, name="trackio-feed", daemon=True)
            thread = self._thread
        with suppress(RuntimeError):  # the interpreter is on its way out
            thread.start()

    def _follow(self) -> None:
        """Read the feed until it ends or nobody wants it."""
        try:
            for event in self._source.events(self._cursor):
                self._take(event)
                if self._clock.monotonic() - self._wanted_s > _UNWANTED_S:
                    break
        except TrackioError:
            self._cursor = {}
        finally:
            with self._lock:
                if self._is_flowing:
                    self._next_feed_s = self._clock.monotonic()
                    self._next_ask_s = float("-inf")
                self._is_flowing = False
                self._thread = None
                self._lock.notify_all()

    def _take(self, event: Event) -> None:
        with self._lock:
            if cursor := event.said.get("cursor"):
                self._cursor = {"cursor": str(cursor)}
            match event.name:
                case "changes":
                    for item in event.said.get("changes", ()):
                        self._note(item)
                case "ready":
                    self._is_flowing = True
                case "reset":
                    self._cursor = {}
                    self._epoch += 1
                case _:
                    pass
            self._lock.notify_all()

    def _note(self, item: Item) -> None:
        try:
            change = self._source.entry_of(item)
        except (KeyError, TypeError, ValueError):
            self._epoch += 1  # it says less than is needed
            return
        self._number += 1
        if change is not None:
            self._log.append((self._number, *change))
        else:
            self._log.append((self._number, "", None))


def parse_events(lines: Iterator[str]) -> Iterator[Event]:
    """The messages of a stream of server-sent events; comments become messages without a name."""
    name = ""
    data: list[str] = []
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                said = orjson.loads("\n".join(data))
                yield Event(name, said if isinstance(said, dict) else {})
            name, data = "", []
        elif not field:
            yield Event("", {})
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
