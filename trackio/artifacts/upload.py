"""Log an artifact from a run: at once where that is quick, else from copies in the spool.

Into a directory it is put at once. On its way to any other store a large one is sent straight
from its files while the call waits, because a copy would take as long. What is small, what the
store takes slower than a disk would, and what is logged while it is down, is copied; a thread
sends the copies, so that files may change and processes may die.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from trackio.artifacts.artifact import Artifact
from trackio.artifacts.commit import Committed, How, commit
from trackio.artifacts.manifest import Manifest, make_version_id
from trackio.artifacts.sending import Files
from trackio.artifacts.staging import Staged
from trackio.artifacts.versions import Versions
from trackio.clock import SYSTEM_CLOCK
from trackio.errors import StoreRefused, StoreUnavailable, TrackioError
from trackio.model import VersionId
from trackio.settings import Patience, Settings
from trackio.spool import Spool, tell_unreachable, wait_patiently
from trackio.store.base import Store, is_local
from trackio.store.making import Making
from trackio.store.retrying import Retrying, RetryPolicy
from trackio.writer.open import open_spool

_log = logging.getLogger("trackio")
_SMALL_BYTES: Final = 64 << 20
"""What is smaller is copied: whoever logs it does not wait for the network at all."""
_LEAST_S: Final = 5.0
_LEAST_BYTES_S: Final = 32 << 20
"""As fast as a slow disk: a store that takes less is not waited for."""
_STRAIGHT: Final = RetryPolicy(attempts=3, deadline_s=10.0)
_SHORT_S: Final = 0.5
_LONG_S: Final = 60.0


def log_artifact(
    artifact: Artifact,
    *,
    store: Store,
    settings: Settings,
    project: str,
    run_id: str | None = None,
    run_name: str | None = None,
    aliases: Iterable[str] = (),
    overwrite: bool = False,
) -> "Upload | None":
    """Log it; what is still on its way is returned.

    Raises:
        InvalidInput: it is empty, or of another type than before, or a file cannot be read.
        StoreUnavailable, StoreRefused: the directory cannot be written.
    """
    manifest, files = artifact.make_manifest(project, run_id=run_id, run_name=run_name)
    names = [alias for alias in aliases if alias != "latest"]
    if settings.mode == "disabled":
        own = make_version_id(manifest.digest, 0)
        only = Versions(project=project, name=manifest.name, ids=(own,))
        artifact.settle(store, manifest, own, versions=only)
        return None
    if is_local(store):
        done = commit(store, manifest, files, aliases=names, overwrite=overwrite)
        artifact.settle(store, done.manifest, done.version_id)
        return None
    spool = open_spool(settings, store)
    upload = Upload(manifest, spool, aliases=names, overwrite=overwrite, patience=settings.patience)
    straight = upload.begin(files)
    if straight is not None:
        artifact.settle(store, straight.manifest, straight.version_id)
        return None
    artifact.settle(store, manifest, upload.version_id, pending=upload)
    return upload


class _Abandoned(Exception):
    """Nobody waits for the files to be sent straight any more: copies take their place."""


class Upload:
    """One version on its way to a store that is no directory.

    Args:
        manifest: what it holds.
        spool: of the store that it goes to.
        patience: how long `wait` waits unless told otherwise.
    """

    def __init__(
        self,
        manifest: Manifest,
        spool: Spool,
        *,
        aliases: list[str],
        overwrite: bool,
        patience: Patience,
    ) -> None:
        self._manifest = manifest
        self._spool = spool
        self._aliases = aliases
        self._overwrite = overwrite
        self._patience = patience
        self._wanted_id = make_version_id(manifest.digest, SYSTEM_CLOCK.time_ns() // 1_000_000)
        self._staged = Staged(spool, manifest, self._wanted_id, aliases)
        self._changed = threading.Condition()
        self._done: Committed | None = None
        self._refused_s = float("-inf")
        self._waiting = 0
        self._begun_bytes = 0
        self._straight: TrackioError | bool | None = None
        """How sending straight ended: an error, or whether it is done; None while it goes on."""
        self._is_abandoned = False
        self._copies: Files | None = None

    @property
    def version_id(self) -> VersionId:
        """Its id, as far as is known."""
        return self._wanted_id if self._done is None else self._done.version_id

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left to send, as far as this process knows."""
        return self._done is not None

    def begin(self, files: Files) -> Committed | None:
        """Send the files straight if that is quick, else copy them; what became of the former.

        Raises:
            InvalidInput: a file changed meanwhile, or the artifact is of another type.
            StoreRefused: it cannot be copied: there is no room for it, say.
        """
        size_bytes = sum(file.size for file in files.values())
        is_up = self._spool.is_sending and self._spool.last_error is None
        if is_up and size_bytes > _SMALL_BYTES and self._goes_straight(files, size_bytes):
            return self._done
        copies = self._staged.fill(files)
        with self._changed:
            self._copies = copies
            self._changed.notify_all()
        if self._spool.is_sending and not self._is_abandoned:
            self._start(self._send_copies)
        return None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is in the store; False if it is not there in time."""
        if timeout_s is None:
            return self.wait_patiently(self._patience)
        return self.wait_patiently(Patience(silence_s=timeout_s, cap_s=timeout_s))

    def wait_patiently(self, limit: Patience) -> bool:
        """As `wait`, as long as something moves; once the store says no there is no point."""
        if not self._spool.is_sending:
            return False
        began_s = SYSTEM_CLOCK.monotonic()
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            try:
                wait_patiently(
                    self._changed,
                    lambda: self.is_done or self._refused_s >= began_s,
                    limit,
                    clock=SYSTEM_CLOCK,
                    began_s=began_s,
                    progress=lambda: self._begun_bytes,
                )
            finally:
                self._waiting -= 1
        return self.is_done

    # Straight from the files.

    def _goes_straight(self, files: Files, size_bytes: int) -> bool:
        """Whether the store has it now; False if copies are to be made.

        Raises:
            InvalidInput: a file changed meanwhile, or the artifact is of another type.
        """
        self._start(lambda: self._send_straight(files))
        began_s = time.monotonic()
        with self._changed:
            while self._straight is None:
                self._changed.wait(_SHORT_S)
                allowed_s = _LEAST_S + self._begun_bytes / _LEAST_BYTES_S
                is_slow = time.monotonic() - began_s > allowed_s
                if self._straight is None and is_slow and self._staged.has_room(size_bytes):
                    self._is_abandoned = True
                    return False
        if isinstance(self._straight, TrackioError) and not isinstance(
            self._straight, StoreUnavailable | StoreRefused
        ):
            raise self._straight
        return self._straight is True

    def _send_straight(self, files: Files) -> None:
        ended: TrackioError | bool = False
        try:
            ended = self._commit(files, policy=_STRAIGHT, keeps_type=False)
        except _Abandoned:
            pass
        except TrackioError as exc:
            ended = exc
        except Exception:  # noqa: BLE001 - the top of a thread
            _log.exception("trackio: %s is copied, and sent later", self._name())
        finally:
            with self._changed:
                self._straight = ended
                self._changed.notify_all()
        if self._is_abandoned:
            self._send_copies()

    # From copies.

    def _send_copies(self) -> None:
        """Try until it is there, or the process ends: then another one sends the copies."""
        with self._changed:
            while self._copies is None:  # they are being made
                self._changed.wait()
            copies = self._copies
        wait_s = 1.0
        while not self._attempt(copies):
            with self._changed:
                self._changed.wait(_SHORT_S if self._waiting else wait_s)
            wait_s = min(2 * wait_s, _LONG_S)
        self._staged.drop()

    def _attempt(self, copies: Files) -> bool:
        """Whether it is in the store now."""
        if self.is_done:
            return True
        try:
            return self._commit(copies, policy=RetryPolicy(), keeps_type=True)
        except TrackioError as exc:
            tell_unreachable(self._spool.store.url, exc)
            with self._changed:
                if isinstance(exc, StoreRefused):
                    self._refused_s = SYSTEM_CLOCK.monotonic()
                self._changed.notify_all()
        except Exception:  # noqa: BLE001 - the top of a thread
            _log.exception("trackio: %s could not be sent, and is tried again", self._name())
        return False

    def _commit(self, files: Files, *, policy: RetryPolicy, keeps_type: bool) -> bool:
        store = Retrying(Making(self._spool.store), policy)
        how = How(wanted_id=self._wanted_id, keeps_type=keeps_type, go_on=self._go_on)
        done = commit(
            store,
            self._manifest,
            files,
            aliases=self._aliases,
            overwrite=self._overwrite,
            how=how,
        )
        with self._changed:
            self._done = done
            self._changed.notify_all()
        return True

    def _go_on(self, size_bytes: int) -> None:
        with self._changed:
            self._begun_bytes += size_bytes
            is_straight = self._straight is None
            self._changed.notify_all()
        if is_straight and self._is_abandoned:
            raise _Abandoned

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="trackio-artifact", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is on its way out
            work()

    def _name(self) -> str:
        return f"artifact {self._manifest.project}/{self._manifest.name}"
