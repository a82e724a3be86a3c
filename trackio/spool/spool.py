"""The files that wait on this machine for a store that is not a directory. It makes no rows.

The spool of a store is a local folder in that store's own layout. A file leaves it only when
this process's own put of it returned OK (`docs/format.md`, Writing). One thread a process and
store sends all that waits in one batch.
"""

import logging
import os
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import StoreRefused, StoreUnavailable, TrackioError
from trackio.settings import REMOTE_FLUSH_S, Patience
from trackio.spool.outage import forget_outage, tell_unreachable
from trackio.spool.pace import LEAST_S, Pace
from trackio.spool.patience import wait_patiently
from trackio.store.base import Store, budget_of
from trackio.store.directory import Directory
from trackio.store.making import Making

log = logging.getLogger("trackio")
URL_FILE: Final = ".store-url"
_IDLE_S: Final = 3600.0
_BATCH_FILES: Final = 1000
_BATCH_BYTES: Final = 32 << 20


def spool_folder(spool_dir: Path, store_url: str) -> Path:
    """The folder of one store's spool; its name is readable and never two stores'."""
    readable = "".join(char if char.isalnum() else "-" for char in store_url)[:60]
    return spool_dir / f"{readable}-{sha256(store_url.encode()).hexdigest()[:12]}"


class Spool:
    """Files that wait to be sent to `store`.

    Args:
        folder: where they lie.
        store: where they go; its bucket is made, private, if it is missing.
        jitter: chance in the time between attempts.
        flush_s: how often files come; a longer interval between sendings is reported.
        is_sending: whether they are sent at all while this process lives.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        clock: Clock = SYSTEM_CLOCK,
        jitter: Callable[[float, float], float] = random.uniform,
        flush_s: float = REMOTE_FLUSH_S,
        is_sending: bool = True,
    ) -> None:
        self.files = Directory(folder)
        self.store = store
        self.last_error: TrackioError | None = None
        self.folder = folder
        self.is_sending = is_sending
        self.sent_files = 0
        self.on_sent: Callable[[int], None] = lambda files: None
        self.pace = Pace(least_s=min(LEAST_S, flush_s), jitter=jitter)
        self._clock = clock
        self._flush_s = flush_s
        self._has_told_pace = False
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._sending: set[str] = set()
        self._held: set[str] = set()
        self._in_a_hurry = 0
        self._refused_s = float("-inf")

    @property
    def interval_s(self) -> float:
        """How long what is logged waits at most before a sending begins, if all goes well."""
        return max(self._flush_s, self.pace.interval_s)

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

    def waiting_below(self, prefix: str) -> list[str]:
        """The files below `prefix` that are not in the store yet, as far as this process knows."""
        with self._changed:
            return [name for name in self._waiting if name.startswith(prefix)]

    def wait_sent(self, prefix: str, patience: Patience, *, began_s: float | None = None) -> bool:
        """Wait until nothing below `prefix` is left to send; False when patience ends.

        Somebody waits: after failures the next attempts come soon. Once the store says no, so
        that somebody has to act, there is nothing to wait for.
        """
        begin_s = self._clock.monotonic() if began_s is None else began_s
        with self._changed:
            self._in_a_hurry += 1
            self._changed.notify_all()
            try:
                wait_patiently(
                    self._changed,
                    lambda: self._is_sent(prefix) or self._refused_s >= begin_s,
                    patience if self.is_sending else Patience(silence_s=0.0, cap_s=0.0),
                    clock=self._clock,
                    began_s=begin_s,
                    progress=lambda: self.sent_files,
                    quiet_until_s=lambda: self.pace.quiet_until_s,
                )
                return self._is_sent(prefix)
            finally:
                self._in_a_hurry -= 1

    def _is_sent(self, prefix: str) -> bool:
        return not any(name.startswith(prefix) for name in self._waiting)

    def wait_s(self) -> float:
        """How long until the next sending may begin."""
        if not self._sendable():
            return _IDLE_S
        due_s = self.pace.due_s(is_urgent=self._in_a_hurry > 0)
        return max(0.0, due_s - self._clock.monotonic())

    def await_turn(self) -> None:
        """Sleep until a file may be sent and it is time to."""
        with self._changed:
            while (wait_s := self.wait_s()) > 0:
                self._changed.wait(min(wait_s, _IDLE_S))

    def note_fault(self) -> None:
        """Count a failure that is none of the store's own."""
        self.pace.fail(self._clock.monotonic())

    def send(self) -> bool:
        """Send all that waits, first what shards need, then shards; False if some is left.

        What failed stays and is counted; it raises nothing, so that a loop can call it.
        """
        with self._changed:
            batch = self._sendable()
            self._sending.update(batch)
        if not batch:
            return True
        began_s = self._clock.monotonic()
        self.pace.begin(began_s)
        try:
            failure = self._send_in_order(batch)
        finally:
            with self._changed:
                self._sending.difference_update(batch)
                self._changed.notify_all()
        if failure is None:
            self._note_success()
        else:
            self._note_failure(failure, began_s)
        return failure is None

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
        self.files.delete([name for name in names if name != merged])

    def _leave_note(self) -> None:
        """Tell other processes where the folder's files belong."""
        note = self.folder / URL_FILE
        if not note.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = note.with_name(f"{URL_FILE}.{os.getpid()}-{threading.get_ident()}")
            draft.write_text(self.store.url)
            draft.replace(note)

    def _sendable(self) -> list[str]:
        busy = self._sending | self._held
        return [name for name in self._waiting if name not in busy]

    def _send_in_order(self, batch: Sequence[str]) -> TrackioError | None:
        """Put the files of a batch; the last failure, or None."""
        failure: TrackioError | None = None
        shards = [name for name in batch if _comes_last(name)]
        needed = [name for name in batch if not _comes_last(name)]
        for part in (needed, shards):
            held_up = {_run_of(name) for name in self.waiting(needed)}
            ready = part if part is needed else [n for n in part if _run_of(n) not in held_up]
            for files in self._batches(ready):
                try:
                    self._put(files)
                except TrackioError as exc:
                    failure = exc
                    if not _is_partial(exc, files):
                        return exc
        return failure

    def _batches(self, names: Sequence[str]) -> Iterator[Mapping[str, Path]]:
        """The files by name, cut so that each batch is a step forward that is soon done."""
        batch: dict[str, Path] = {}
        size_bytes = 0
        gone = []
        for name in names:
            path = self.files.path(name)
            try:
                file_bytes = path.stat().st_size
            except FileNotFoundError:  # another process took it for left behind, and sent it
                gone.append(name)
                continue
            if batch and (len(batch) >= _BATCH_FILES or size_bytes + file_bytes > _BATCH_BYTES):
                yield batch
                batch, size_bytes = {}, 0
            batch[name] = path
            size_bytes += file_bytes
        self._forget(gone)
        if batch:
            yield batch

    def _put(self, files: Mapping[str, Path]) -> None:
        """Put a batch; what the store took is done with, also where it names others that failed."""
        try:
            Making(self.store).put(files)
        except StoreUnavailable as exc:
            if _is_partial(exc, files):
                self._finish_with([name for name in files if name not in exc.keys])
            raise
        self._finish_with(list(files))

    def _finish_with(self, names: Sequence[str]) -> None:
        self.sent_files += len(names)
        try:
            self.files.delete(names)
        finally:
            self._forget(names)
        self.on_sent(len(names))

    def _forget(self, names: Sequence[str]) -> None:
        with self._changed:
            for name in names:
                self._waiting.pop(name, None)
            self._changed.notify_all()

    def _note_success(self) -> None:
        self.pace.succeed(self._clock.monotonic(), budget_of(self.store))
        self.last_error = None
        forget_outage(self.store.url)
        self._tell_pace()

    def _note_failure(self, exc: TrackioError, began_s: float) -> None:
        now_s = self._clock.monotonic()
        self.pace.fail(now_s, exc.retry_after_s if isinstance(exc, StoreUnavailable) else None)
        self.last_error = exc
        if isinstance(exc, StoreRefused):
            with self._changed:
                self._refused_s = began_s  # who began to wait since then sees one more attempt
                self._changed.notify_all()
        tell_unreachable(self.store.url, exc)
        self._tell_pace()

    def _tell_pace(self) -> None:
        if self.pace.interval_s > self._flush_s and not self._has_told_pace:
            self._has_told_pace = True
            log.warning(
                "trackio: %s limits how often its user may ask; files are sent every %.0f s "
                "instead of every %.0f s, and nothing is lost",
                self.store.url,
                self.pace.interval_s,
                self._flush_s,
            )


_LAST: Final = (keys.ShardKey, keys.PointerKey, keys.ManifestKey, keys.AliasKey)
_OF_ARTIFACTS: Final = (keys.BlobKey, keys.ManifestKey, keys.AliasKey, keys.DeletedVersionKey)


def _comes_last(name: str) -> bool:
    """Whether a file refers to others, which have to be there before."""
    return isinstance(keys.parse(name), (*_LAST, keys.DeletedVersionKey))


def _run_of(name: str) -> tuple[str, str] | None:
    """Project and run that a file belongs to; None where it belongs to none."""
    key = keys.parse(name)
    if isinstance(key, _OF_ARTIFACTS):
        return "", key.project  # no project is called so
    run_id = getattr(key, "run_id", None)
    return None if key is None or run_id is None else (key.project, run_id)


def _is_partial(exc: TrackioError, files: Mapping[str, Path]) -> bool:
    """Whether the store took the files of the batch that the error does not name."""
    named = exc.keys & files.keys() if isinstance(exc, StoreUnavailable) else ()
    return 0 < len(named) < len(files)
