"""Small things that a run does beside logging, each in a thread of its own.

Nothing waits for them but the run's end, and that not for long; what fails is warned about and
goes no further.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

_log = logging.getLogger("trackio")
LONGEST_S: Final = 10.0
LAST_WORDS_S: Final = 30.0
"""How long an errand waits for the store to have what was said before it."""


class Errands:
    """The errands of one run."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def start(self, what: str, act: Callable[[], object]) -> None:
        """Begin to do it; `what` names it in a warning."""

        def run() -> None:
            try:
                act()
            except Exception as exc:  # noqa: BLE001 - the top of the thread
                _log.warning("trackio: %s failed: %s", what, exc)

        thread = threading.Thread(target=run, name="trackio-errand", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()]
        self._threads.append(thread)
        thread.start()

    def wait(self, limit_s: float = LONGEST_S) -> bool:
        """Whether all are done; waits for that no longer than `limit_s`."""
        ends_s = time.monotonic() + limit_s
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(max(0.0, ends_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
