"""Rehearse what goes wrong with stores: lost answers, partial batches, listings seen half-way.

A wrapper for tests, and for people who want to see what happens. Everything follows from the
choices and random numbers handed in. It stands before one actor: each single IO step (one
file of a batch, one page of a listing) first calls `before`, which may wait, let others go
first, or raise to end the actor there. Listings that lag are the subject of `lagging`.
"""

import itertools
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable, TrackioError
from trackio.model import Entry
from trackio.store.base import Content, Store, check_key, check_prefix
from trackio.store.wrapper import Wrapper

Op = Literal["list", "get", "put", "delete"]
Before = Callable[[Op, str], None]
"""Called with the verb and its key (of a listing: the prefix) before each IO step."""


class Fault(Enum):
    """What goes wrong with one call."""

    NONE = "nothing"
    REFUSED = "nothing happens; the store says no"
    FAILED = "nothing happens (a listing breaks off); trying again may work"
    LOST = "everything happens; the answer is lost"
    PARTIAL = "some of the batch happens; the error names the rest"
    OVERNAMED = "some of the batch happens; the error names the rest and more"
    TORN = "everything happens, but one new file is cut short and the answer is lost"


Choose = Callable[[Op, Sequence[str]], Fault]
"""Says what goes wrong with a call of this verb on these keys (of a listing: the prefix)."""

_NOTHING_HAPPENS: Final = (Fault.REFUSED, Fault.FAILED)
_SOME_HAPPENS: Final = (Fault.PARTIAL, Fault.OVERNAMED)


def _go_on(op: Op, key: str) -> None:
    """Let the step happen at once."""


def _never(op: Op, keys: Sequence[str]) -> Fault:
    return Fault.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """How likely each fault is; a call on which none can strike goes well."""

    refused: float = 0.0
    failed: float = 0.0
    lost: float = 0.0
    partial: float = 0.0
    overnamed: float = 0.0
    torn: float = 0.0

    def chooser(self, seed: int) -> Choose:
        """Faults drawn with these chances, the same for the same seed."""
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        weights = {fault: getattr(self, fault.name.lower()) for fault in list(Fault)[1:]}
        if min(weights.values()) < 0 or sum(weights.values()) > 1:
            raise InvalidInput(f"{self}: chances must not be negative or exceed 1 together")

        def choose(op: Op, keys: Sequence[str]) -> Fault:
            drawn = rng.random()
            for fault, weight in weights.items():
                drawn -= weight
                if drawn < 0:
                    return fault
            return Fault.NONE

        return choose


def latency(sleep: Callable[[float], None], longest_s: float, seed: int) -> Before:
    """A `before` that lets each step wait for up to `longest_s`."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def before(op: Op, key: str) -> None:
        sleep(rng.uniform(0.0, longest_s))

    return before


class Faulty(Wrapper):
    """A store on which `choose` lets calls go wrong and `before` comes between all steps.

    A batch happens one file at a time in an order of its own. A listing is read in pages of
    `page_keys` keys in ascending order, each as the store is when its page is asked for.
    """

    def __init__(
        self,
        inner: Store,
        choose: Choose = _never,
        *,
        before: Before = _go_on,
        page_keys: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(inner)
        self._choose = choose
        self._before = before
        self._page_keys = page_keys
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """One page after the other; breaks off after some of them on a fault."""
        check_prefix(prefix)
        fault = self._choose("list", [prefix])
        breaks_at = self._breaks_at(fault)
        after = ""
        for number in itertools.count():
            self._before("list", prefix)
            if number == breaks_at:
                raise _error(fault, "list", [prefix])
            page = self._page(prefix, recursive, after)
            yield from page
            if len(page) < self._page_keys and breaks_at is None:
                return
            after = page[-1].key if page else after

    def get(self, key: str) -> bytes:
        """One step."""
        fault = self._choose("get", [key])
        self._before("get", key)
        if fault in _NOTHING_HAPPENS:
            raise _error(fault, "get", [key])
        return self._inner.get(key)

    def put(self, files: Mapping[str, Content]) -> None:
        """One step a file."""
        self._batch("put", files, lambda key: self._inner.put({key: files[key]}))

    def delete(self, keys: Iterable[str]) -> None:
        """One step a key."""
        self._batch("delete", dict.fromkeys(keys), lambda key: self._inner.delete([key]))

    def _breaks_at(self, fault: Fault) -> int | None:
        """The number of the page on which a listing breaks off."""
        if fault is Fault.REFUSED:
            return 0
        return self._random.randrange(3) if fault is Fault.FAILED else None

    def _page(self, prefix: str, recursive: bool, after: str) -> Sequence[Entry]:
        """The next entries by key, as they are now."""
        entries = sorted(self._inner.list(prefix, recursive=recursive))
        begin = bisect_right(entries, after, key=lambda entry: entry.key)
        return entries[begin : begin + self._page_keys]

    def _batch(self, op: Op, keys: Iterable[str], step: Callable[[str], None]) -> None:
        order = [check_key(key) for key in keys]
        self._random.shuffle(order)
        fault = self._choose(op, order)
        landing = self._landing(fault, len(order))
        # What replaces a whole file does so whole: that much every store promises.
        tears = fault is Fault.TORN and op == "put" and bool(order) and self._is_new(order[-1])
        for key in order[:landing]:
            self._before(op, key)
            step(key)
        if order and not landing:
            self._before(op, order[0])
        if tears:
            tear(self._inner, order[-1], self._random.random())
        if again := _again(fault, order, landing):
            raise _error(fault, op, again)

    def _is_new(self, key: str) -> bool:
        try:
            self._inner.get(key)
        except NotFound:
            return True
        return False

    def _landing(self, fault: Fault, count: int) -> int:
        """How many files of the batch the fault lets happen."""
        if fault in _NOTHING_HAPPENS:
            return 0
        return self._random.randrange(count) if fault in _SOME_HAPPENS and count else count


def tear(store: Store, key: str, share: float) -> None:
    """Leave only this share of the bytes under `key`, as no store should ever do."""
    data = store.get(key)
    store.put({key: data[: int(len(data) * share)]})


def _again(fault: Fault, order: Sequence[str], landed: int) -> Sequence[str]:
    """The keys that the error of this fault names; none where the call goes well."""
    match fault:
        case Fault.NONE:
            return ()
        case Fault.PARTIAL:
            return order[landed:]
        case Fault.OVERNAMED:
            return order[landed // 2 :]
        case _:
            return order


def _error(fault: Fault, op: Op, keys: Sequence[str]) -> TrackioError:
    message = f"{op} {', '.join(keys)}: rehearsed fault ({fault.value})"
    if fault is Fault.REFUSED:
        return StoreRefused(message)
    return StoreUnavailable(message, keys=() if op in ("list", "get") else keys)
