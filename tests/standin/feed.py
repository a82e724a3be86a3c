"""The feed of a bucket's changes: server-sent events, replayed from a cursor on.

As little is known of how the real Hub replays, a time (`since`) replays everything that is
remembered. What is older than that is answered with `reset`.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from standin.web import Answer, Request

Change = Mapping[str, Any]
PING_S = 0.2


class Feed:
    """All changes of one bucket, and those who follow them.

    `is_deaf` loses what happens, as a best effort may; `forget` makes cursors too old.
    """

    def __init__(self) -> None:
        self.is_deaf = False
        self.followers = 0
        self._told = threading.Condition()
        self._batches: list[Sequence[Change]] = []
        self._first = 0
        self._ended = 0

    def tell(self, changes: Sequence[Change]) -> None:
        """This happened, at once."""
        with self._told:
            if not self.is_deaf:
                self._batches.append(changes)
            self._told.notify_all()

    def forget(self) -> None:
        """No cursor from before can be replayed."""
        with self._told:
            self._first = len(self._batches) + 1

    def end(self) -> None:
        """End the streams that are open."""
        with self._told:
            self._ended += 1
            self._told.notify_all()

    def answer(self, request: Request) -> Answer:
        """The stream of events that was asked for."""
        cursor = request.query.get("cursor")
        return Answer(headers={"Content-Type": "text/event-stream"}, stream=self._events(cursor))

    def _events(self, cursor: str | None) -> Iterator[bytes]:
        with self._told:
            here, mine = len(self._batches), self._ended
            begin = here if cursor is None else int(cursor)
            is_old = begin < self._first and cursor is not None
            self.followers += 1
        try:
            if is_old:
                yield _event("reset", {"reason": "the cursor is too old"})
                return
            yield _event("ready", {"cursor": str(begin)})
            yield from self._batches_from(begin, mine)
        finally:
            self.followers -= 1

    def _batches_from(self, begin: int, mine: int) -> Iterator[bytes]:
        while True:
            with self._told:
                if len(self._batches) == begin and self._ended == mine:
                    self._told.wait(PING_S)
                if self._ended != mine:
                    return
                new = self._batches[begin:]
            if not new:
                yield b": ping\n\n"
            for batch in new:
                begin += 1
                yield _event("changes", {"cursor": str(begin), "changes": batch})


def _event(name: str, said: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(said)}\n\n".encode()
