"""The rate limit of a Hub: so many API calls of a user in a window, told with each answer."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from standin.web import Answer, Request

_COUNTED = re.compile(r"/api/")


class RateLimit:
    """`quota` calls each `window_s`; more are refused until the next window.

    Windows follow one another without a gap, as those of the real Hub are said to do.
    """

    def __init__(self, quota: int, window_s: float, now_s: Callable[[], float]) -> None:
        self.refused = 0
        self.windows: Counter[int] = Counter()
        self._quota = quota
        self._window_s = window_s
        self._now_s = now_s

    def take(self, request: Request) -> Answer | None:
        """Count a call; the refusal where the quota is used up."""
        if not _COUNTED.match(request.path):
            return None
        number = int(self._now_s() // self._window_s)
        self.windows[number] += 1
        if self.windows[number] <= self._quota:
            return None
        self.refused += 1
        return self.tell(Answer(status=429, body=b"too many requests"))

    def tell(self, answer: Answer) -> Answer:
        """The answer with what is left."""
        now_s = self._now_s()
        number = int(now_s // self._window_s)
        left = max(0, self._quota - self.windows[number])
        resets_s = int((number + 1) * self._window_s - now_s)
        said = {"RateLimit": f'"api";r={left};t={resets_s}'}
        return replace(answer, headers={**answer.headers, **said})
