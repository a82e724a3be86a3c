"""Leave a webhook alone for a while that did not take an alert: longer and longer. No IO."""

from typing import Final

from trackio.clock import Clock

FIRST_S: Final = 60.0
LONGEST_S: Final = 900.0


class Resting:
    """Which webhooks are left alone, and until when; by the digests of their URLs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses_s: dict[str, float] = {}
        self._until_s: dict[str, float] = {}

    def add(self, digest: str) -> None:
        """It did not take an alert."""
        pause_s = min(self._pauses_s.get(digest, FIRST_S / 2) * 2, LONGEST_S)
        self._pauses_s[digest] = pause_s
        self._until_s[digest] = self._clock.monotonic() + pause_s

    def drop(self, digest: str) -> None:
        """It took one."""
        self._pauses_s.pop(digest, None)
        self._until_s.pop(digest, None)

    def is_at_rest(self, digest: str) -> bool:
        """Whether it is to be left alone now."""
        return self._clock.monotonic() < self._until_s.get(digest, float("-inf"))
