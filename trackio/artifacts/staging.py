"""Copies of an artifact that wait in the spool's folder until they are sent. Sends nothing.

They lie as they will in the store, so that another process can send them if this one dies.
Two artifacts of one process may need the same copy: it goes when neither needs it any more.
"""

import os
import shutil
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from trackio import keys
from trackio.artifacts.hashing import Hashed
from trackio.artifacts.manifest import Manifest, encode_manifest
from trackio.artifacts.sending import Files
from trackio.artifacts.versions import encode_alias
from trackio.errors import InvalidInput, StoreRefused
from trackio.model import VersionId
from trackio.spool import Spool
from trackio.store.base import Content
from trackio.store.parallel import attempt_each, raise_first

_WORKERS: Final = 8
_CHUNK_BYTES: Final = 1 << 20

_needed: Counter[Path] = Counter()
_lock = threading.Lock()


class Staged:
    """The copies of one version.

    Args:
        spool: of the store that it goes to.
        manifest: what it holds.
        version_id: under which it waits.
        aliases: what it will be called.
    """

    def __init__(
        self, spool: Spool, manifest: Manifest, version_id: VersionId, aliases: list[str]
    ) -> None:
        self._spool = spool
        self._manifest = manifest
        self._version_id = version_id
        self._aliases = aliases
        self._claimed: list[Path] = []

    def has_room(self, size_bytes: int) -> bool:
        """Whether the disk can hold so many bytes more."""
        folder = next(it for it in (self._spool.folder, *self._spool.folder.parents) if it.exists())
        return shutil.disk_usage(folder).free > size_bytes

    def fill(self, files: Files) -> Files:
        """Copy everything; where the copies are.

        Raises:
            InvalidInput: a file is not what it was when it was hashed.
            StoreRefused: it cannot be copied: there is no room for it, say.
        """
        targets = {digest: self._path(digest) for digest in files}
        with _lock:
            self._claimed = list(targets.values())
            _needed.update(self._claimed)

        def copy(digest: str) -> None:
            _copy(files[digest].path, targets[digest], digest)

        try:
            raise_first(attempt_each(targets, copy, workers=_WORKERS))
            self._spool.files.put(self._marks())
        except BaseException:
            self.drop()
            raise
        self._spool.offer(())  # leaves the note that tells whose folder this is
        return {digest: _hashed(path, files[digest]) for digest, path in targets.items()}

    def drop(self) -> None:
        """It is in the store: take the copies away that nobody else needs."""
        self._spool.files.delete(self._marks())
        with _lock:  # also while files go: who claims one looks afterwards whether it is there
            _needed.subtract(self._claimed)
            mine = [path for path in self._claimed if _needed[path] <= 0]
            for path in mine:
                del _needed[path]
            self._spool.files.delete(self._blob(path.name) for path in mine)
        self._claimed = []

    def _marks(self) -> dict[str, Content]:
        project, name = self._manifest.project, self._manifest.name
        manifest = keys.ManifestKey(project, name, self._version_id)
        aliases = (keys.AliasKey(project, name, alias) for alias in self._aliases)
        return {
            str(manifest): encode_manifest(self._manifest),
            **{str(key): encode_alias(self._version_id) for key in aliases},
        }

    def _blob(self, digest: str) -> str:
        return str(keys.BlobKey(self._manifest.project, digest))

    def _path(self, digest: str) -> Path:
        return self._spool.files.path(self._blob(digest))


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
        if _copy_hashed(source, draft) != digest:
            raise InvalidInput(f"{source} changed while it was logged: log it when it is complete")
        draft.replace(target)
    except OSError as exc:
        raise StoreRefused(f"{source} cannot be copied to {target.parent}: {exc}") from exc
    finally:
        with suppress(OSError):
            draft.unlink()


def _copy_hashed(source: Path, target: Path) -> str:
    """Copy, and hash what was copied."""
    digest = sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(_CHUNK_BYTES):
            digest.update(chunk)
            write.write(chunk)
    return digest.hexdigest()


def _hashed(path: Path, source: Hashed) -> Hashed:
    """The copy of a file; the file itself where another process has sent the copy already."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return source
    return replace(source, path=path, modified_ns=found.st_mtime_ns)
