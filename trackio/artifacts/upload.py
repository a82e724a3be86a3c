"""Log an artifact from a run: at once into a directory, through the spool into any other store.

Into a store that is not a directory nothing waits for the network: the bytes are copied to the
spool's folder, the manifest beside them, and a thread looks what is there already. So a store
that is down costs a training nothing, and a process that is killed loses nothing.
"""

import logging
import os
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from trackio import keys
from trackio.artifacts.artifact import Artifact
from trackio.artifacts.commit import Files, commit, set_aliases
from trackio.artifacts.hashing import hash_file
from trackio.artifacts.manifest import Manifest, encode_manifest, has_digest, make_version_id
from trackio.artifacts.versions import Versions, list_versions, read_manifests
from trackio.clock import SYSTEM_CLOCK
from trackio.errors import InvalidInput, StoreRefused, TrackioError
from trackio.model import VersionId
from trackio.settings import Patience, Settings
from trackio.spool import Spool
from trackio.store.base import Store, is_local
from trackio.store.parallel import attempt_each, raise_first
from trackio.writer.open import open_spool

_log = logging.getLogger("trackio")
_WORKERS: Final = 8


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
    upload = Upload(
        manifest,
        open_spool(settings, store),
        aliases=names,
        overwrite=overwrite,
        patience=settings.patience,
    )
    upload.stage(files)
    artifact.settle(store, manifest, upload.version_id, pending=upload)
    upload.start()
    return upload


class Upload:
    """One version on its way through the spool.

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
        self._is_decided = threading.Event()
        now_ms = SYSTEM_CLOCK.time_ns() // 1_000_000
        self._version_id = make_version_id(manifest.digest, now_ms)

    @property
    def version_id(self) -> VersionId:
        """Its id, as far as is known."""
        return self._version_id

    def stage(self, files: Files) -> None:
        """Copy what it holds to the folder of the spool.

        Raises:
            InvalidInput: a file changed meanwhile.
            StoreRefused: it cannot be copied: there is no room for it, say.
        """
        wanted = {self._blob(digest): file.path for digest, file in files.items()}

        def copy(key: str) -> None:
            _copy(wanted[key], self._spool.files.path(key), key.rpartition("/")[2])

        raise_first(attempt_each(wanted, copy, workers=_WORKERS))
        self._spool.files.put({self._manifest_key(): encode_manifest(self._manifest)})

    def start(self) -> None:
        """Look what the store has, in a thread, and send the rest."""
        thread = threading.Thread(target=self._run, name="trackio-artifact", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is on its way out
            self._run()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is in the store; False if it is not there in time."""
        if timeout_s is None:
            return self.wait_patiently(self._patience)
        return self.wait_patiently(Patience(silence_s=timeout_s, cap_s=timeout_s))

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left to send, as far as this process knows."""
        prefix = keys.artifacts_prefix(self._manifest.project)
        return self._is_decided.is_set() and not self._spool.waiting_below(prefix)

    def wait_patiently(self, limit: Patience) -> bool:
        """As `wait`, as long as something moves."""
        if not self._is_decided.wait(limit.silence_s):
            return False
        if not self._spool.is_sending:
            return False
        prefix = keys.artifacts_prefix(self._manifest.project)
        return self._spool.wait_sent(prefix, limit)

    def _run(self) -> None:
        try:
            self._decide()
        except TrackioError as exc:
            _log.info("trackio: %s is sent without a look at the store: %s", self._name(), exc)
            self._offer(self._manifest.blobs)
        except Exception:  # noqa: BLE001 - the top of a thread
            _log.exception("trackio: %s is sent without a look at the store", self._name())
            self._offer(self._manifest.blobs)
        finally:
            self._is_decided.set()

    def _decide(self) -> None:
        """Send what the store lacks; nothing at all where a version has these files."""
        if not self._spool.is_sending:
            self._offer(self._manifest.blobs)
            return
        store, manifest = self._spool.store, self._manifest
        versions = list_versions(store, manifest.project, manifest.name)
        newest = read_manifests(store, manifest.project, manifest.name, versions.live[-3:])
        same = next(
            (
                version
                for version, found in reversed(newest.items())
                if has_digest(version, manifest.digest) and found.digest == manifest.digest
            ),
            None,
        )
        if any(before.type != manifest.type for before in newest.values()):
            kinds = sorted({before.type for before in newest.values()})
            _log.warning("trackio: %s is of type %s, which never changes", self._name(), kinds[0])
        staged = self._manifest_key()
        held = frozenset[str]().union(*(found.blobs for found in newest.values()))
        if same is not None:
            self._version_id = same
            self._spool.files.delete([staged, *map(self._blob, self._unshared(manifest.blobs))])
            self._offer((), versions)
            return
        self._renumber(versions, staged)
        self._spool.files.delete(map(self._blob, self._unshared(manifest.blobs & held)))
        self._offer(manifest.blobs - held, versions)

    def _renumber(self, versions: Versions, staged: str) -> None:
        """Take an id above every listed one, so that the newest has the largest number."""
        after = versions.ids[-1] if versions.ids else None
        if after is None or self._version_id > after:
            return
        self._version_id = make_version_id(self._manifest.digest, 0, after)
        self._spool.files.put({self._manifest_key(): encode_manifest(self._manifest)})
        self._spool.files.delete([staged])

    def _offer(self, blobs: Iterable[str], versions: Versions | None = None) -> None:
        known = versions or Versions(project=self._manifest.project, name=self._manifest.name)
        marks = set_aliases(known, self._version_id, self._aliases)
        if self._overwrite:
            marks |= {
                str(keys.DeletedVersionKey(known.project, known.name, version)): b""
                for version in known.live
                if version != self._version_id
            }
        self._spool.files.put(marks)
        names = [*map(self._blob, sorted(blobs)), self._manifest_key(), *marks]
        self._spool.offer(name for name in names if self._spool.files.path(name).exists())

    def _unshared(self, blobs: Iterable[str]) -> list[str]:
        """Those that no other version on its way from this process needs."""
        shared = set(self._spool.waiting(map(self._blob, blobs)))
        return [digest for digest in blobs if self._blob(digest) not in shared]

    def _name(self) -> str:
        return f"artifact {self._manifest.project}/{self._manifest.name}"

    def _blob(self, digest: str) -> str:
        return str(keys.BlobKey(self._manifest.project, digest))

    def _manifest_key(self) -> str:
        manifest = self._manifest
        return str(keys.ManifestKey(manifest.project, manifest.name, self._version_id))


def _copy(source: Path, target: Path, digest: str) -> None:
    """Copy a file under the name of its content.

    Raises:
        InvalidInput: it is not what it was when it was hashed.
        StoreRefused: it cannot be read any more, or there is no room for it.
    """
    if target.exists():
        return
    draft = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, draft)
        if hash_file(draft).digest != digest:
            raise InvalidInput(f"{source} changed while it was logged: log it when it is complete")
        draft.replace(target)
    except OSError as exc:
        raise StoreRefused(f"{source} cannot be copied to {target.parent}: {exc}") from exc
    finally:
        with suppress(OSError):
            draft.unlink()
