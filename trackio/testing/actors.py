"""Run code step by step: an actor stops before each IO step until it is told to go on.

Only one actor runs at a time, so a history is decided by whoever calls `step` and `crash`
and by nothing else.
"""

import threading
from collections.abc import Callable


class Crash(BaseException):
    """Ends an actor at an IO step, as `kill -9` would: no error handling may stop it."""


_here = threading.local()


def pause(op: str, key: str) -> None:
    """The `before` hook of every `Faulty` store: the actor that runs stops here."""
    actor: Actor | None = getattr(_here, "actor", None)
    if actor is not None:
        actor.pause(op, key)


class Actor:
    """Runs `work` in a thread of its own, up to one IO step at a time."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.name = name
        self.at = "start"
        self.is_done = False
        self.error: Exception | None = None
        self._work = work
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._is_doomed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

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
        if not self.is_done:
            self._go.release()
            self._stopped.acquire()
        return self.is_done

    def finish(self) -> None:
        """Let it run to its end."""
        while not self.step():
            pass

    def crash(self) -> None:
        """End it where it stands."""
        self._is_doomed = True
        self.finish()
        self._thread.join()

    def _run(self) -> None:
        _here.actor = self
        self._go.acquire()
        try:
            if not self._is_doomed:
                self._work()
        except Crash:
            pass
        except Exception as exc:  # noqa: BLE001 - the world looks at it
            self.error = exc
        finally:
            self.is_done = True
            self._stopped.release()
