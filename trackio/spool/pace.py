"""Decide when the next sending may begin. No threads, no clock of its own.

Many processes of one user share one budget of requests and cannot talk to each other. Each
sees in the answers how many are left until when. What everybody together spent between two
sendings of its own tells how far apart these have to be for the rest to last; all come to the
same interval. Where a store only says "not now, come back in a minute", the interval doubles
and then shrinks slowly.
"""

import random
from collections.abc import Callable
from typing import Final, NamedTuple

from trackio.store.base import Budget

LEAST_S: Final = 2.0
MOST_S: Final = 300.0
_LONGEST_DELAY_S: Final = 60.0
_LONGEST_URGENT_DELAY_S: Final = 2.0
_SHARE: Final = 0.9  # of the budget that we plan with: readers want some of it
_TOO_LATE_S: Final = 5.0  # what is left of a window so near to its end tells nothing
_RELAX: Final = 0.97
_NEVER: Final = float("-inf")


class _Seen(NamedTuple):
    """The budget at some moment."""

    at_s: float
    remaining: int


class Pace:
    """How far apart sendings begin, and until when the store is left alone.

    `interval_s` is `least_s` where nothing stands against it. `quiet_until_s` is what the store
    itself asked for: nobody is in too much of a hurry for that.
    """

    def __init__(
        self,
        *,
        least_s: float = LEAST_S,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.interval_s = self._least_s = least_s
        self.quiet_until_s = _NEVER
        self._jitter = jitter
        self._failures = 0
        self._next_s = _NEVER
        self._urgent_s = _NEVER
        self._began_s: float | None = None
        self._apart_s = least_s
        self._seen: _Seen | None = None

    def due_s(self, *, is_urgent: bool) -> float:
        """The moment from which on the next sending may begin."""
        wanted = min(self._next_s, self._urgent_s) if is_urgent else self._next_s
        return max(self.quiet_until_s, wanted)

    def begin(self, now_s: float) -> None:
        """A sending begins."""
        if self._began_s is not None:
            self._apart_s = now_s - self._began_s
        self._began_s = now_s

    def succeed(self, now_s: float, budget: Budget | None = None) -> None:
        """It went well; `budget` is what the store said of its limits meanwhile."""
        self._failures = 0
        self.quiet_until_s = self._urgent_s = _NEVER
        if budget is None:
            self.interval_s = max(self._least_s, self.interval_s * _RELAX)
        else:
            self._adapt(now_s, budget)
        begun_s = now_s if self._began_s is None else self._began_s
        self._next_s = begun_s + self.interval_s * self._jitter(0.95, 1.05)

    def fail(self, now_s: float, retry_after_s: float | None = None) -> None:
        """It failed; wait twice as long as before, or as long as the store asked for."""
        self._failures += 1
        longest_s = min(_LONGEST_DELAY_S, 2.0 ** min(self._failures, 10))
        self._next_s = now_s + self._jitter(longest_s / 2, longest_s)
        self._urgent_s = now_s + self._jitter(1.0, _LONGEST_URGENT_DELAY_S)
        if retry_after_s is not None:
            self._seen = None
            self.interval_s = min(MOST_S, 2 * max(self.interval_s, min(self._apart_s, MOST_S)))
            # All who were sent away come back, but not all at once.
            self.quiet_until_s = now_s + retry_after_s + self._jitter(0.0, self.interval_s)

    def _adapt(self, now_s: float, budget: Budget) -> None:
        before, self._seen = self._seen, _Seen(now_s, budget.remaining)
        if budget.remaining <= 0:
            self.quiet_until_s = now_s + budget.resets_s + self._jitter(0.0, self.interval_s)
            return
        is_same_window = before is not None and budget.remaining < before.remaining
        if before is None or not is_same_window or budget.resets_s < _TOO_LATE_S:
            return
        spent = before.remaining - budget.remaining
        wanted_s = spent * budget.resets_s / (budget.remaining * _SHARE)
        nearest_s, farthest_s = self.interval_s / 2, max(self.interval_s, self._apart_s) * 4
        self.interval_s = max(self._least_s, min(MOST_S, farthest_s, max(nearest_s, wanted_s)))
