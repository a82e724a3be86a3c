"""Time that moves only when a test says so."""


class ManualClock:
    """A clock that stands still until `advance`. Times in seconds since 1970."""

    def __init__(self, now_s: float = 1_000_000_000.0) -> None:
        self._now_ns = int(now_s * 1e9)

    def time_ns(self) -> int:
        """Wall time in nanoseconds; each look is a microsecond later, as calls never coincide."""
        self._now_ns += 1000
        return self._now_ns

    def monotonic(self) -> float:
        """The same in seconds."""
        return self._now_ns / 1e9

    def now_s(self) -> float:
        """The same in seconds since 1970."""
        return self._now_ns / 1e9

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += int(seconds * 1e9)
