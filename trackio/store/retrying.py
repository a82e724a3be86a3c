"""A store that tries again when the one behind it is unavailable. It refuses nothing itself.

The wait before each attempt is drawn evenly between nothing and a bound that doubles ("full
jitter"), so that many clients which failed together do not come back together. Where the store
says how long it wants to be left alone, that comes on top: nobody asks before.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, StoreUnavailable, TrackioError
from trackio.model import Entry
from trackio.store.base import Content, Store
from trackio.store.parallel import raise_first
from trackio.store.remote import Failures, RemoteStore, is_remote, pass_on
from trackio.store.wrapper import Wrapper

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most `attempts` in all; none begins later than `deadline_s` after the first."""

    attempts: int = 6
    first_delay_s: float = 0.25
    max_delay_s: float = 15.0
    deadline_s: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.first_delay_s, self.max_delay_s, self.deadline_s) < 0:
            raise InvalidInput(f"{self}: attempts must be at least 1 and times not negative")

    def longest_wait_s(self, failures: int) -> float:
        """How long to wait at most after so many failures."""
        return min(self.max_delay_s, self.first_delay_s * 2.0 ** min(failures - 1, 60))


class Retrying(Wrapper):
    """Repeats what failed with `StoreUnavailable`; other errors pass.

    A put and a delete repeat only the keys the error names. A listing is read to its end
    before the first entry is given, and read anew when it breaks off.
    """

    def __init__(
        self,
        inner: Store,
        policy: RetryPolicy = RetryPolicy(),
        *,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(inner)
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._random = random
        pass_on(self, inner)
        if is_remote(inner):
            self.fetch = lambda wanted: self._fetch(inner, wanted)
            self.get_range = lambda *what: self._retry(lambda: inner.get_range(*what))

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The whole listing; see `Store.list`."""
        yield from self._retry(lambda: tuple(self._inner.list(prefix, recursive=recursive)))

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        return self._retry(lambda: self._inner.get(key))

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`; the error of the last attempt names what is still to be sent."""
        left = dict(files)

        def put_rest() -> None:
            try:
                self._inner.put(left)
            except StoreUnavailable as exc:
                _keep(left, exc)
                raise

        self._retry(put_rest)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Store.delete`; the error of the last attempt names what is still to be deleted."""
        left = dict.fromkeys(keys)

        def delete_rest() -> None:
            try:
                self._inner.delete(left)
            except StoreUnavailable as exc:
                _keep(left, exc)
                raise

        self._retry(delete_rest)

    def _fetch(self, inner: RemoteStore, wanted: Mapping[Entry, Path]) -> Failures:
        left = dict(wanted)
        failures: dict[str, TrackioError] = {}

        def fetch_rest() -> None:
            failures.update(inner.fetch(left))
            again = {k: e for k, e in failures.items() if isinstance(e, StoreUnavailable)}
            for entry in [entry for entry in left if entry.key not in again]:
                del left[entry]
            for key in again:
                del failures[key]
            raise_first(again)

        try:
            self._retry(fetch_rest)
        except StoreUnavailable as exc:
            failures.update((entry.key, exc) for entry in left)
        return failures

    def _retry(self, attempt: Callable[[], Answer]) -> Answer:
        deadline_s = self._clock.monotonic() + self._policy.deadline_s
        failures = 0
        while True:
            try:
                return attempt()
            except StoreUnavailable as exc:
                failures += 1
                wait_s = self._random() * self._policy.longest_wait_s(failures)
                wait_s += exc.retry_after_s or 0.0
                too_late = self._clock.monotonic() + wait_s > deadline_s
                if failures >= self._policy.attempts or too_late:
                    raise
            self._sleep(wait_s)


def _keep(left: dict[str, Answer], exc: StoreUnavailable) -> None:
    """Drop what need not be sent again; an error that names no key of ours means all."""
    if again := exc.keys & left.keys():
        for key in left.keys() - again:
            del left[key]
