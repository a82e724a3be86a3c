"""Where time comes from, so that a test can hand in its own. No sleeping."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time in nanoseconds since 1970 (UTC) and a monotonic time in seconds."""

    def time_ns(self) -> int:
        """Wall time in nanoseconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""


class SystemClock:
    """The machine's own clocks."""

    time_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)


SYSTEM_CLOCK = SystemClock()
