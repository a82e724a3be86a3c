"""Wait for others as long as they make progress. It knows neither stores nor files."""

import threading
from collections.abc import Callable
from typing import Final

from trackio.clock import Clock
from trackio.settings import Patience

_LOOK_S: Final = 1.0


def wait_patiently(
    changed: threading.Condition,
    is_done: Callable[[], bool],
    patience: Patience,
    *,
    clock: Clock,
    began_s: float,
    progress: Callable[[], object],
    quiet_until_s: Callable[[], float] = lambda: float("-inf"),
) -> bool:
    """Wait until `is_done`; False once nothing has moved for too long, or it took too long.

    Args:
        changed: is held by the caller, and notified when there may be something new.
        began_s: when the waiting began, by the monotonic clock of `clock`.
        progress: a value that changes with each step forward.
        quiet_until_s: until when no progress can be expected.
    """
    seen, seen_s = progress(), began_s
    while not is_done():
        now_s = clock.monotonic()
        if (value := progress()) != seen:
            seen, seen_s = value, now_s
        silent_from_s = max(seen_s, quiet_until_s())
        until_s = min(began_s + patience.cap_s, silent_from_s + patience.silence_s)
        if now_s >= until_s:
            return False
        changed.wait(min(until_s - now_s, _LOOK_S))
    return True
