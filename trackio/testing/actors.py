"""Run code step by step: an actor stops before each IO step until it is told to go on.

Only one actor runs at a time, so a history is decided by whoever calls `step` and `crash`
and by nothing else.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue


class Crash(BaseException):
    """Ends an actor at an IO step, as `kill -9` would: no error handling may stop it."""


_here = threading.local()


def pause(op: str, key: str) -> None:
    """The `before` hook of every `Faulty` store: the actor that runs stops here."""
    if (actor := Actor.here()) is not None:
        actor.pause(op, key)


class Actor:
    """Runs `work` in a thread of its own, up to one IO step at a time."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.name = name
        self.at = "start"
        self.is_done = False
        self.error: Exception | None = None
        self.wakes_s = 0.0
        """It sleeps until this time of the world: whoever steps actors leaves it alone."""
        self._work = work
        self._go = threading.Lock()
        self._stopped = threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        self._is_doomed = False
        self._is_begun = False

    @staticmethod
    def here() -> "Actor | None":
        """The actor whose code runs in this thread."""
        found: Actor | None = getattr(_here, "actor", None)
        return found

    def __repr__(self) -> str:
        return f"<Actor {self.name} {'done' if self.is_done else 'at ' + self.at}>"

    def pause(self, op: str, key: str) -> None:
        """Wait here until `step`, or end here after `crash`."""
        self.at = f"{op} {key}"
        self._stopped.release()
        self._go.acquire()
        if self._is_doomed:
            raise Crash

    def step(self) -> bool:
        """Let it run to its next IO step, or to its end; True when it has ended."""
        if self.is_done:
            return True
        if self._is_begun:
            self._go.release()
        else:
            self._is_begun = True
            _stage.run(self.play)
        self._stopped.acquire()
        return self.is_done

    def finish(self) -> None:
        """Let it run to its end."""
        while not self.step():
            pass

    def crash(self) -> None:
        """End it where it stands."""
        self._is_doomed = True
        self.is_done = self.is_done or not self._is_begun
        self.finish()

    def play(self) -> None:
        """Do all of its work, in a thread that is its own meanwhile."""
        _here.actor = self
        try:
            self._work()
        except Crash:
            pass
        except Exception as exc:  # noqa: BLE001 - the world looks at it
            self.error = exc
        finally:
            _here.actor = None
            self.is_done = True
            self._stopped.release()


class _Stage:
    """Threads that play one actor after the other: to make one costs more than a history step."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[Callable[[], None]]] = []

    def run(self, play: Callable[[], None]) -> None:
        with suppress(IndexError):
            self._idle.pop().put(play)
            return
        plays: SimpleQueue[Callable[[], None]] = SimpleQueue()
        plays.put(play)
        threading.Thread(target=self._serve, args=(plays,), name="actor", daemon=True).start()

    def _serve(self, plays: "SimpleQueue[Callable[[], None]]") -> None:
        while True:
            plays.get()()
            self._idle.append(plays)


_stage = _Stage()
