"""The caller's side of the write path: a call takes its seq, writes its line and returns.

No network, no disk sync, no pyarrow. What becomes of the lines is `publisher`'s business,
when it happens `thread`'s.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackio import journal
from trackio.buffer import Batch, Buffer
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.journal import encode_log
from trackio.lifecycle import no_fork
from trackio.model import WriterId
from trackio.settings import FlushPolicy
from trackio.values.plain import UnstorableError, Warn, encode_data, encode_quickly
from trackio.values.rich import Held
from trackio.writer.journals import Journals

if TYPE_CHECKING:
    from trackio.values.rich import Hold
    from trackio.values.sorting import Sorted
    from trackio.writer.media import Media

log = logging.getLogger("trackio")
_NO_OTHERS: Sequence[tuple[str, bytes]] = ()


@cache
def _sorting() -> "Callable[[Mapping[Any, Any], Warn, Hold], Sorted]":
    """Sorts calls that are not plain; loaded with the first of them."""
    with no_fork():
        from trackio.values.sorting import sort_values

    return sort_values


class Sealed(Exception):
    """The writer takes no more calls: what is logged now belongs to another writer."""


class Writer:
    """Takes the calls of one process for one run, from any thread, until it is sealed.

    Args:
        header: whose calls these are; stands in the journal.
        journal_dir: the local folder of the journal.
        policy: how large buffer and journal may grow.
        media: files the bytes of media; without one there are none.
        clock: the time of a call.
    """

    def __init__(
        self,
        header: journal.Header,
        journal_dir: Path,
        *,
        policy: FlushPolicy,
        media: "Media | None" = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.media = media
        self.wake: Callable[[], None] = lambda: None
        """Called, with no lock held, when a shard is due at once."""
        self.next_step = 0
        self.next_seq = 0
        self.safe_seq = -1
        self.unjournaled = 0
        self._taken = 0
        self._is_sealed = False
        self._time_ns = clock.time_ns
        self._warned: set[str] = set()
        self._mutex = threading.Lock()
        self._buffer = Buffer(policy)
        self._unsafe: list[Batch] = []
        self._journals = Journals(journal_dir, header, max_bytes=policy.rotate_bytes)
        self._restart_journal()

    @property
    def header(self) -> journal.Header:
        """Whose calls these are."""
        return self._journals.header

    def log(self, data: Mapping[Any, Any], step: int | None = None) -> None:
        """A `log` call; without a step it gets the next one of this writer.

        What is no metric follows as calls of other kinds at the same step.

        Raises:
            Sealed: it was not taken.
        """
        others = _NO_OTHERS
        body = encode_quickly(data)
        if body is None:
            body, others = self._sort(data)
        auto = b"false"
        with self._mutex:
            if self._is_sealed:
                raise Sealed
            # The seq is taken before the line is written: a call that an exception interrupts
            # (Ctrl-C) leaves a seq without a row, never two calls under one seq.
            seq = self.next_seq
            self.next_seq = seq + 1
            if step is None:
                auto, step = b"true", self.next_step
            if step >= self.next_step:
                self.next_step = step + 1
            line = encode_log(seq, self._time_ns() // 1000, step, auto, body)
            is_full = self._keep(line)
            if others:
                for kind, said in others:
                    self._append(kind, said, step, auto=auto)
        if is_full:
            self.wake()

    def append(self, kind: str, data: Mapping[Any, Any], step: int | None = None) -> int:
        """A call of another kind; returns its seq.

        Raises:
            Sealed: it was not taken.
        """
        body = encode_data(data, self.warn_key)
        with self._mutex:
            if self._is_sealed:
                raise Sealed
            return self._append(kind, body, step)

    def _append(
        self, kind: str, body: bytes, step: int | None = None, *, auto: bytes = b"false"
    ) -> int:
        seq = self.next_seq
        self.next_seq = seq + 1
        self._keep(journal.encode_call(seq, self._time_ns() // 1000, kind, step, body, auto=auto))
        return seq

    def _sort(self, data: Mapping[Any, Any]) -> tuple[bytes, Sequence[tuple[str, bytes]]]:
        """A call that is not plain: its numbers, and the calls beside it; files its media."""
        return _sorting()(data, self.warn_key, self._hold)

    def _hold(self, content: bytes | Path, extension: str) -> Held:
        if self.media is None:
            raise UnstorableError("this writer keeps no media")
        return self.media.hold(content, extension)

    def _keep(self, line: bytes) -> bool:
        """Journal and buffer a line; whether a shard is due at once."""
        try:
            self._journals.append(line)
        except OSError as exc:
            self.unjournaled += 1
            self._warn_unjournaled(exc)
        return self._buffer.add(line)

    def warn_key(self, key: str, problem: str) -> None:
        """Warn once about a key that a user logs."""
        self.warn_once(f"the key {key}", f"{key!r} {problem}")

    def warn_once(self, about: str, message: str) -> None:
        """Warn, unless something was said about this before."""
        if about not in self._warned:
            self._warned.add(about)
            log.warning("trackio: %s", message)

    def _warn_unjournaled(self, exc: OSError) -> None:
        self.warn_once(
            "journal",
            f"the journal in {self._journals.folder} cannot be written ({exc}); calls wait in "
            "memory until they are in the store and are lost if this process is killed before: "
            "free space there, or set TRACKIO_JOURNAL_DIR",
        )

    def pending(self) -> list[bytes]:
        """The lines that are in no shard yet, oldest first; for any thread."""
        with self._mutex:
            taken = [line for batch in self._unsafe for line in batch.lines]
            return [*taken, *self._buffer.lines()]

    # What follows is for the background thread alone.

    def seal(self) -> None:
        """Take no more calls, except the last ones."""
        with self._mutex:
            self._is_sealed = True

    def append_last(self, kind: str, data: Mapping[Any, Any]) -> int:
        """A call of the sealed writer itself; returns its seq."""
        body = encode_data(data, self.warn_key)
        with self._mutex:
            return self._append(kind, body)

    def take(self) -> list[Batch]:
        """All calls that are in no shard yet, oldest first, until `mark_safe` says they are."""
        with self._mutex:
            if self.next_seq > self._taken:
                self._unsafe.append(self._buffer.take(self.next_seq))
                self._taken = self.next_seq
        return list(self._unsafe)

    def mark_safe(self, seq: int) -> None:
        """Every call up to `seq` is in a shard that was put; its journal may go."""
        self.safe_seq = seq
        self._unsafe = [batch for batch in self._unsafe if batch.last > seq]
        self._journals.drop_safe(seq)

    def tend_journal(self) -> None:
        """Sync the journal; begin another where it is full or lost. Warns where it cannot."""
        try:
            if self._journals.is_lost:
                self._repeat_in_new_journal()
            elif self._journals.is_full:
                fresh = self._journals.make()
                with self._mutex:
                    self._journals.begin(fresh, self.next_seq - 1)
            self._journals.sync()
        except OSError as exc:
            self._warn_unjournaled(exc)

    def rename(self, writer_id: WriterId) -> None:
        """Go on under another id; only while nothing was put under the old one."""
        self._journals.header = replace(self.header, writer_id=writer_id)
        if self.media is not None:
            self.media.rename(writer_id)
        self._restart_journal()

    @property
    def is_all_safe(self) -> bool:
        """Whether every call is in a shard that was put."""
        return self.safe_seq == self.next_seq - 1

    def close(self, *, keep: bool = False) -> None:
        """Let go of the journal; it is removed if every call is safe, unless `keep`."""
        self._journals.close(drop=self.is_all_safe and not keep)

    def _restart_journal(self) -> None:
        """As `_repeat_in_new_journal`; warns where that fails."""
        try:
            self._repeat_in_new_journal()
        except OSError as exc:
            self._warn_unjournaled(exc)

    def _repeat_in_new_journal(self) -> None:
        """Begin a journal that repeats every call that is not safe; those before it go."""
        taken = [line for batch in self._unsafe for line in batch.lines]
        fresh = self._journals.make(taken)
        try:
            with self._mutex:
                fresh.append(b"".join(self._buffer.lines()))
                before = self._journals.replace(fresh)
                self.unjournaled = 0
        except OSError:
            fresh.drop()
            raise
        for file in before:
            file.drop()
