"""Send what waits on this machine to a store that is not a directory. It makes no rows.

The spool of a store is a local folder in that store's own layout. A file leaves it only when
this process's own put of it returned OK (`docs/format.md`, Writing). One thread a process and
store sends all that waits in one batch.
"""

import logging
import os
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import TrackioError
from trackio.store.base import Store
from trackio.store.directory import Directory

log = logging.getLogger("trackio")
URL_FILE = ".store-url"
_MAX_DELAY_S = 60.0
_IDLE_S = 3600.0


def spool_folder(spool_dir: Path, store_url: str) -> Path:
    """The folder of one store's spool; its name is readable and never two stores'."""
    readable = "".join(char if char.isalnum() else "-" for char in store_url)[:60]
    return spool_dir / f"{readable}-{sha256(store_url.encode()).hexdigest()[:12]}"


class Spool:
    """Files that wait to be sent to `store`.

    Args:
        folder: where they lie.
        store: where they go.
        random: jitter for the time between attempts.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        clock: Clock = SYSTEM_CLOCK,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.files = Directory(folder)
        self.store = store
        self.last_error: TrackioError | None = None
        self.folder = folder
        self._clock = clock
        self._jitter = jitter
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._sending: set[str] = set()
        self._held: set[str] = set()
        self._failures = 0
        self._is_urgent = False

    def offer(self, names: Iterable[str]) -> None:
        """These files lie in the folder and may be sent."""
        with self._changed:
            self._waiting.update(dict.fromkeys(names))
            self._changed.notify_all()
        self._leave_note()

    def waiting(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are not in the store yet, as far as this process knows."""
        with self._changed:
            return [name for name in names if name in self._waiting]

    def wait_sent(self, prefix: str, timeout_s: float) -> bool:
        """Wait until nothing below `prefix` is left to send; False if the time is up.

        Somebody waits: after failures the next attempt comes at once.
        """
        with self._changed:
            self._is_urgent = True
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: not any(name.startswith(prefix) for name in self._waiting), timeout_s
            )

    def wait_for_work(self, timeout_s: float) -> None:
        """Sleep until a file may be sent, or the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._sendable()), timeout_s)

    def pause(self) -> None:
        """After failures wait, each time twice as long up to a minute, with jitter."""
        with self._changed:
            if self._failures:
                longest = min(_MAX_DELAY_S, 2.0 ** min(self._failures, 10))
                self._changed.wait_for(lambda: self._is_urgent, self._jitter(longest / 2, longest))
            self._is_urgent = False

    def note_fault(self) -> None:
        """Count a failure that is none of the store's own."""
        self._failures += 1

    def send(self) -> bool:
        """Send all that waits, first what shards need, then shards; False if some is left.

        What failed stays and is counted; it raises nothing, so that a loop can call it.
        """
        with self._changed:
            batch = self._sendable()
            self._sending.update(batch)
        if not batch:
            return True
        try:
            shards = [name for name in batch if _is_range(name)]
            others = [name for name in batch if not _is_range(name)]
            for part in (others, shards):
                self._send_part(part)
        except TrackioError as exc:
            self._note_failure(exc)
            return False
        finally:
            with self._changed:
                self._sending.difference_update(batch)
                self._changed.notify_all()
        self._failures, self.last_error = 0, None
        return True

    # The side that a roll-up needs.

    def hold(self, names: Sequence[str]) -> bool:
        """Keep these from being sent; False if one was sent, or is on its way."""
        with self._changed:
            sendable = set(self._sendable())
            if not sendable.issuperset(names):
                return False
            self._held.update(names)
            return True

    def release(self, names: Sequence[str]) -> None:
        """The held files may be sent after all."""
        with self._changed:
            self._held.difference_update(names)
            self._changed.notify_all()

    def replace(self, names: Sequence[str], merged: str) -> None:
        """Send `merged` in place of the held files, which hold nothing else."""
        with self._changed:
            for name in names:
                self._waiting.pop(name, None)
            self._held.difference_update(names)
            self._waiting[merged] = None
            self._changed.notify_all()
        self.files.delete(names)

    def _leave_note(self) -> None:
        """Tell other processes where the folder's files belong."""
        note = self.folder / URL_FILE
        if not note.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = note.with_name(f"{URL_FILE}.{os.getpid()}")
            draft.write_text(self.store.url)
            draft.replace(note)

    def _sendable(self) -> list[str]:
        busy = self._sending | self._held
        return [name for name in self._waiting if name not in busy]

    def _send_part(self, names: Sequence[str]) -> None:
        here = {name: self.files.path(name) for name in names}
        # One that is gone was sent by another process that took it for left behind.
        here = {name: path for name, path in here.items() if path.exists()}
        if here:
            self.store.put(here)
        with self._changed:
            for name in names:
                self._waiting.pop(name, None)
        self.files.delete(names)

    def _note_failure(self, exc: TrackioError) -> None:
        self._failures += 1
        if self.last_error is None:
            log.warning(
                "trackio: %s cannot be reached (%s); rows wait on this machine and are sent "
                "as soon as it answers",
                self.store.url,
                exc,
            )
        self.last_error = exc


def _is_range(name: str) -> bool:
    return isinstance(keys.parse(name), keys.ShardKey | keys.PointerKey)


class SpoolThread(threading.Thread):
    """Sends what waits in a spool for as long as the process lives."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(name="trackio-spool", daemon=True)
        self.spool = spool

    def run(self) -> None:
        """Send whenever something waits; after a failure wait longer and longer."""
        while True:
            self.spool.wait_for_work(_IDLE_S)
            try:
                self.spool.send()
            except Exception:
                log.exception("trackio: sending to %s failed; trying again", self.spool.store.url)
                self.spool.note_fault()
            self.spool.pause()
