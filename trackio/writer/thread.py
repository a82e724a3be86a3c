"""The background thread of one writer: decides when to publish, merge and collect, and does it.

It is the only one that touches the store. Whatever fails is kept, counted and tried again;
nothing here reaches the training code.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.cover import merge_ranges
from trackio.errors import TrackioError
from trackio.lifecycle import no_fork
from trackio.model import HEARTBEAT, RUN, SeqRange
from trackio.settings import FlushPolicy, Patience
from trackio.spool import Spool, wait_patiently
from trackio.writer.writer import Writer

if TYPE_CHECKING:
    from trackio.writer.publisher import Publisher
    from trackio.writer.rollup import RollUp
    from trackio.writer.summary import Latest, MetricSummary

log = logging.getLogger("trackio")
_MAX_RETRY_S = 30.0
_HEAD_START_S = 0.05


MakeParts = Callable[[], "tuple[Publisher, RollUp]"]
"""Makes what the thread works with; called in the thread, because it imports pyarrow."""


class WriterThread:
    """Runs `writer` until `finish`.

    Args:
        writer: takes the calls.
        make_parts: makes the writer's publisher and roll-up.
        spool: where the shards wait for a store that is not a directory, if it is not one.
    """

    def __init__(
        self,
        writer: Writer,
        make_parts: MakeParts,
        *,
        spool: Spool | None,
        policy: FlushPolicy,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.writer = writer
        self.error: Exception | None = None
        self._make_parts = make_parts
        self._spool = spool
        self._policy = policy
        self._clock = clock
        self._cond = threading.Condition()
        self._is_due = False
        self._publisher: Publisher | None = None
        self._latest: Latest | None = None
        self._last_words: Mapping[str, str | None] | None = None
        self._is_last_said = False
        self._is_stopped = False
        self._failures = 0
        self._publish_at = clock.monotonic() + policy.max_age_s
        self._seen_seq = 0
        self._seen_at = clock.monotonic()
        writer.wake = self.wake

    def start(self) -> None:
        """Begin to run."""
        threading.Thread(target=self._run, name="trackio-writer", daemon=True).start()

    def wake(self) -> None:
        """Publish now."""
        with self._cond:
            self._is_due = True
            self._cond.notify_all()

    def flush(self, patience: Patience) -> bool:
        """Whether every call made so far is in the store; waits for that as `patience` says."""
        began_s = self._clock.monotonic()
        target = self.writer.next_seq - 1
        self.wake()
        self._wait_until(lambda: self.writer.safe_seq >= target, patience, began_s)
        return self.writer.safe_seq >= target and self._wait_sent(patience, began_s)

    def finish(self, said: Mapping[str, str | None], patience: Patience) -> bool:
        """Write the last calls, publish all and end the thread; True if all is in the store.

        When patience ends the thread goes on in the background for as long as the process
        lives, and what it cannot put stays in the journal or the spool.
        """
        began_s = self._clock.monotonic()
        with self._cond:
            self._last_words = said
            self._cond.notify_all()
        self._wait_until(lambda: False, patience, began_s)
        return self.writer.is_all_safe and self._wait_sent(patience, began_s)

    def count_local(self) -> int:
        """How many of the calls are not in the store, as far as this process knows."""
        calls = self.writer.next_seq
        unsafe = calls - 1 - self.writer.safe_seq
        waiting = [] if self._spool is None else self._spool.waiting_below(self._prefix)
        shards = [key for name in waiting if isinstance(key := keys.parse(name), keys.ShardKey)]
        if len(shards) < len(waiting):
            return calls  # what they need to be read is not there
        spans = merge_ranges(SeqRange(key.first, key.last) for key in shards)
        return min(calls, unsafe + sum(span.last + 1 - span.first for span in spans))

    def latest(self) -> "dict[str, MetricSummary]":
        """How each metric that was logged so far adds up; for any thread."""
        with no_fork():
            from trackio.writer.summary import Latest

        if self._latest is None:
            self._latest = Latest()
        publisher = self._publisher
        # The lines are read before what is summed up: so no call is in neither.
        return self._latest.update(
            self.writer.pending(), (lambda: (-1, {})) if publisher is None else publisher.latest
        )

    @property
    def reason(self) -> Exception | None:
        """Why something is not in the store, if that is known."""
        return self.error or (self._spool.last_error if self._spool is not None else None)

    @property
    def interval_s(self) -> float | None:
        """How far apart sendings to a store that is not a directory are; None without any."""
        spool = self._spool
        return None if spool is None or not spool.is_sending else spool.interval_s

    @property
    def _prefix(self) -> str:
        return keys.run_prefix(self.writer.header.project, self.writer.header.run_id)

    def _wait_until(self, is_done: Callable[[], bool], patience: Patience, began_s: float) -> None:
        """Wait until then, or until this thread has ended."""
        with self._cond:
            wait_patiently(
                self._cond,
                lambda: self._is_stopped or is_done(),
                patience,
                clock=self._clock,
                began_s=began_s,
                progress=lambda: self.writer.safe_seq,
            )

    def _wait_sent(self, patience: Patience, began_s: float) -> bool:
        if self._spool is None:
            return True
        return self._spool.wait_sent(self._prefix, patience, began_s=began_s)

    def _run(self) -> None:
        self._let_init_return()
        try:
            publisher, rollup = self._make_parts()
            self._publisher = publisher
        except Exception as exc:  # noqa: BLE001 - as below
            self._note(exc)
            self._stop()
            self._journal_to_the_end()
            return
        self._open(publisher)
        while not self._is_stopped:
            self._wait()
            try:
                self._step(publisher, rollup)
                self._failures, self.error = 0, None
            except Exception as exc:  # noqa: BLE001 - the top of the thread: nothing may end it
                self._note(exc)
            if self._is_last_said and self.writer.is_all_safe:
                self.writer.close()
                self._stop()

    def _let_init_return(self) -> None:
        """The first import of pyarrow holds the interpreter; not while somebody waits for us."""
        with self._cond:
            if "pyarrow" not in sys.modules and not self._is_wanted():
                self._cond.wait(_HEAD_START_S)

    def _open(self, publisher: "Publisher") -> None:
        try:
            publisher.open()
        except Exception as exc:  # noqa: BLE001 - `publish` tries again, and tells
            log.debug("trackio: the run is not in the store yet: %s", exc)

    def _journal_to_the_end(self) -> None:
        """Nothing can be published here; what the journal has can be, by another process."""
        with self._cond:
            while self._last_words is None:
                self._cond.wait()
        self.writer.close()

    def _wait(self) -> None:
        with self._cond:
            if self._failures:
                # However much is asked for, a store that fails is left alone for a while.
                self._cond.wait(min(_MAX_RETRY_S, 0.1 * 2 ** min(self._failures, 9)))
            elif not self._is_wanted():
                self._cond.wait(min(self._policy.sync_s, self._policy.max_age_s))

    def _step(self, publisher: "Publisher", rollup: "RollUp") -> None:
        with self._cond:
            due, self._is_due = self._is_due, False
        if self._last_words is not None:
            rollup.add(publisher.finish(self._last_words))
            self._is_last_said = True
            rollup.finish()
            return
        self.writer.tend_journal()
        self._beat()
        if due or self._clock.monotonic() >= self._publish_at:
            self._publish_at = self._clock.monotonic() + self._policy.max_age_s
            rollup.add(publisher.publish())
            self._notify()
            rollup.step(self._is_wanted)
            rollup.collect()

    def _beat(self) -> None:
        """Show that the run is alive when it says nothing itself."""
        now = self._clock.monotonic()
        if self.writer.next_seq != self._seen_seq:
            self._seen_seq, self._seen_at = self.writer.next_seq, now
        elif now - self._seen_at >= self._policy.heartbeat_s:
            self.writer.append(RUN, {HEARTBEAT: None})

    def _is_wanted(self) -> bool:
        """Whether somebody waits for this thread, so that a merge should stop."""
        return self._is_due or self._last_words is not None

    def _stop(self) -> None:
        with self._cond:
            self._is_stopped = True
            self._cond.notify_all()

    def _notify(self) -> None:
        with self._cond:
            self._cond.notify_all()

    def _note(self, exc: Exception) -> None:
        self._failures += 1
        if self.error is None or type(self.error) is not type(exc):
            level = logging.WARNING if isinstance(exc, TrackioError) else logging.ERROR
            log.log(level, "trackio: rows wait on this machine: %s", exc, exc_info=level > 30)
        self.error = exc
