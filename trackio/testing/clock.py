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


class JumpyClock:
    """The clock of one machine: its wall time is set right, or wrong, now and then."""

    def __init__(self, true: ManualClock, wrong_by_s: float = 0.0) -> None:
        self._true = true
        self._wrong_by_ns = int(wrong_by_s * 1e9)

    def time_ns(self) -> int:
        """Wall time, as this machine has it."""
        return self._true.time_ns() + self._wrong_by_ns

    def monotonic(self) -> float:
        """Seconds that pass as they should."""
        return self._true.monotonic()

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self._wrong_by_ns += int(seconds * 1e9)
