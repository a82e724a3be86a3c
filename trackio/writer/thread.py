"""The background thread of one writer: decides when to publish, merge and collect, and does it.

It is the only one that touches the store. Whatever fails is kept, counted and tried again;
nothing here reaches the training code.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import TrackioError
from trackio.keys import run_prefix
from trackio.model import HEARTBEAT, RUN
from trackio.settings import FlushPolicy
from trackio.spool import Spool
from trackio.writer.writer import Writer

if TYPE_CHECKING:
    from trackio.writer.publisher import Publisher
    from trackio.writer.rollup import RollUp

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

    def flush(self, timeout_s: float) -> bool:
        """Whether every call made so far is in the store; waits for that up to `timeout_s`."""
        target = self.writer.next_seq - 1
        self.wake()
        with self._cond:
            done = self._cond.wait_for(
                lambda: self.writer.safe_seq >= target or self._is_stopped, timeout_s
            )
        return done and self.writer.safe_seq >= target and self._wait_sent(timeout_s)

    def finish(self, said: Mapping[str, str | None], timeout_s: float) -> bool:
        """Write the last calls, publish all and end the thread; True if all is in the store.

        When the time is up the thread goes on in the background for as long as the process
        lives, and what it cannot put stays in the journal.
        """
        with self._cond:
            self._last_words = said
            self._cond.notify_all()
            self._cond.wait_for(lambda: self._is_stopped, timeout_s)
        return self.writer.is_all_safe and self._wait_sent(timeout_s)

    def _wait_sent(self, timeout_s: float) -> bool:
        if self._spool is None:
            return True
        header = self.writer.header
        return self._spool.wait_sent(run_prefix(header.project, header.run_id), timeout_s)

    def _run(self) -> None:
        self._let_init_return()
        try:
            publisher, rollup = self._make_parts()
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
