"""Merge a writer's small shards into wider ones, so that a run needs no daemon.

Sixteen neighbours become one, again and again (`docs/format.md`, Writing). It deletes only
by the collector's rules, or, in the spool, what was never sent.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

from trackio import merge
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound, UnreadableFile
from trackio.keys import ShardKey
from trackio.lifecycle import in_arrow, is_fork_waiting
from trackio.merge import Source
from trackio.model import SeqRange
from trackio.settings import UpkeepPolicy
from trackio.store.base import Store, readable
from trackio.upkeep import collect


class Put(NamedTuple):
    """A shard this writer has put, how large it is, and its bytes where they are at hand."""

    key: ShardKey
    size_bytes: int
    data: bytes = b""


class Unsent(Protocol):
    """The side of the spool that a roll-up needs."""

    def hold(self, keys: Sequence[str]) -> bool:
        """Keep these from being sent; False if one was sent, or is on its way."""

    def waiting(self, keys: Sequence[str]) -> Sequence[str]:
        """Those that were not sent yet."""

    def replace(self, keys: Sequence[str], merged: str) -> None:
        """Send `merged` in place of the held `keys`, which are deleted."""

    def release(self, keys: Sequence[str]) -> None:
        """The held `keys` may be sent after all."""


class RollUp:
    """The shards one writer has put, by how often they were merged.

    Args:
        store: where the shards are: the target itself, or the spool's folder.
        unsent: the spool, or None if `store` is the target.
        scratch: a local file to merge into before it is put.
    """

    def __init__(
        self,
        store: Store,
        *,
        unsent: Unsent | None,
        scratch: Path,
        policy: UpkeepPolicy,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._unsent = unsent
        self._scratch = scratch
        self._policy = policy
        self._clock = clock
        self._levels: list[list[Put]] = [[]]
        self._collect_after_s: float | None = None
        self._merged: ShardKey | None = None
        self._small: list[Put] | None = []

    def add(self, puts: Sequence[Put]) -> None:
        """Shards just put, in the order of their seqs."""
        self._levels[0].extend(put._replace(data=b"") for put in puts)
        if self._unsent is not None:
            self._keep(puts)

    def _keep(self, puts: Sequence[Put]) -> None:
        """Remember the bytes of a small run: what was sent is not on this machine any more."""
        if self._small is not None:
            self._small += puts
            if sum(put.size_bytes for put in self._small) > self._policy.small_bytes:
                self._small = None

    def step(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Merge wherever enough neighbours wait.

        Raises:
            StoreUnavailable, StoreRefused: what was not done is tried again.
        """
        for level, puts in enumerate(self._levels):
            while len(puts) >= self._policy.fan_in:
                group = puts[: self._policy.fan_in]
                merged = self._merge(group, should_stop)
                if merged is None and should_stop():
                    return
                del puts[: len(group)]
                if merged is not None:
                    self._raise_to(level + 1, merged)

    def finish(self) -> None:
        """Merge the small shards at the end into one, if there are several; raises as `step`.

        Of a run that is sent elsewhere, all of it if it is small, else what was not sent yet.
        """
        if self._unsent is not None and self._small is not None:
            self._put_small(self._small, self._unsent)
            return
        puts = [put for level in self._levels for put in level]
        if self._unsent is not None:
            waiting = set(self._unsent.waiting([str(put.key) for put in puts]))
            puts = [put for put in puts if str(put.key) in waiting]
        puts.sort(key=lambda put: put.key.first, reverse=True)
        sizes = accumulate(put.size_bytes for put in puts)
        small = [
            put for put, size in zip(puts, sizes, strict=True) if size <= self._policy.small_bytes
        ]
        if len(small) >= self._policy.fan_in // 4:
            self._merge(small[::-1], lambda: False)

    def _put_small(self, puts: Sequence[Put], unsent: Unsent) -> None:
        """One shard for the whole run; those that were sent already are left to compaction."""
        if len(puts) < max(2, self._policy.fan_in // 4) or not _touch(puts):
            return
        held = [name for put in puts if unsent.hold([name := str(put.key)])]
        held += self._hold_merged(unsent)
        try:
            merged = self._put_merged(puts, lambda: False)
        except BaseException:
            self._release(held)
            raise
        if merged is None:
            self._release(held)
        else:
            unsent.replace(held, str(merged.key))

    def _hold_merged(self, unsent: Unsent) -> list[str]:
        """What was merged from them before, and waits to be sent too."""
        puts = [put for level in self._levels[1:] for put in level]
        return [name for put in puts if unsent.hold([name := str(put.key)])]

    def collect(self) -> None:
        """Delete what was merged away once grace has passed; raises as `step`."""
        due = self._collect_after_s
        key = self._merged
        if key is None or due is None or self._clock.monotonic() < due:
            return
        plan = collect.plan_writer(
            self._store, key.project, key.run_id, key.writer_id, grace_s=self._policy.grace_s
        )
        collect.apply(plan, self._store)
        self._collect_after_s = (
            self._clock.monotonic() + self._policy.grace_s if plan.kept else None
        )

    def _raise_to(self, level: int, put: Put) -> None:
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(put)

    def _merge(self, group: Sequence[Put], should_stop: Callable[[], bool]) -> Put | None:
        """One shard in place of `group`; None if they stay as they are."""
        names = [str(put.key) for put in group]
        size = sum(put.size_bytes for put in group)
        if size > self._policy.max_merged_bytes or not _touch(group):
            return None
        if self._unsent is not None and not self._unsent.hold(names):
            return None
        try:
            merged = self._put_merged(group, should_stop)
        except BaseException:
            self._release(names)
            raise
        if merged is None:
            self._release(names)
        elif self._unsent is not None:
            self._unsent.replace(names, str(merged.key))
        else:
            self._merged = merged.key
            self._collect_after_s = self._clock.monotonic() + self._policy.grace_s
        return merged

    def _put_merged(self, group: Sequence[Put], should_stop: Callable[[], bool]) -> Put | None:
        first, last = group[0].key, group[-1].key
        span = SeqRange(first.first, last.last)
        try:
            sources = [_source(self._store, put) for put in group]
            self._write_merged(sources, span, should_stop)
            key = ShardKey(first.project, first.run_id, first.writer_id, *span)
            self._store.put({str(key): self._scratch})
            return Put(key, self._scratch.stat().st_size)
        except (merge.Stopped, UnreadableFile, NotFound):
            # A source that cannot be read is for `verify` to report; its neighbours stay.
            return None
        finally:
            self._scratch.unlink(missing_ok=True)

    def _write_merged(
        self, sources: Sequence[Source], span: SeqRange, should_stop: Callable[[], bool]
    ) -> None:
        """Merge into the scratch file; what a fork interrupts is begun again.

        Raises:
            UnreadableFile: a source cannot be read whole.
            Stopped: `should_stop` said so.
        """

        def is_wanted() -> bool:
            return should_stop() or is_fork_waiting()

        while True:
            with in_arrow(), suppress(merge.Stopped):
                merge.merge(sources, span, self._scratch, should_stop=is_wanted)
                return
            if should_stop():
                raise merge.Stopped

    def _release(self, names: Sequence[str]) -> None:
        if self._unsent is not None:
            self._unsent.release(names)


def _touch(group: Sequence[Put]) -> bool:
    """Whether there is no seq between these files that none of them holds."""
    return all(right.key.first == left.key.last + 1 for left, right in pairwise(group))


def _source(store: Store, put: Put) -> Source:
    key = put.key
    data = put.data or readable(store, str(key))
    return Source(name=str(key), data=data, take=SeqRange(key.first, key.last))
