"""File the bytes of media by content, beside the shards of their writer.

They are on the local disk when `hold` returns, in the store itself or in the folder of its
spool, under a name that nobody changes; a crash of the process does not undo that. The disk
is synced, and the spool told, by the writer's thread before the shard that needs them is put.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from trackio import journal
from trackio.errors import StoreUnavailable
from trackio.keys import MediaKey
from trackio.model import WriterId
from trackio.store.base import LocalStore
from trackio.values.rich import Held

Name = tuple[str, str]
"""The hash and the extension of a file."""
_ANY: Final[Name] = ("0" * 64, "any")
_CHUNK_BYTES: Final = 1 << 20


class Media:
    """The media of one writer.

    Args:
        files: a directory: the store itself, or the spool's folder.
        header: whose media these are.
    """

    def __init__(self, files: LocalStore, header: journal.Header) -> None:
        self._files = files
        self._header = header
        self._writer_id = header.writer_id
        from hashlib import sha256  # takes milliseconds to load

        self._sha256 = sha256
        self._lock = threading.Lock()
        self._held: dict[Name, None] = {}
        self._unsynced: dict[str, None] = {}

    def hold(self, content: bytes | Path, extension: str) -> Held:
        """File bytes, or what a local file holds now; what was filed before is not put again.

        Raises:
            OSError: `content` cannot be read, or there is no room for it.
        """
        if isinstance(content, bytes):
            held = Held(self._sha256(content).hexdigest(), extension, len(content))
            if held[:2] not in self._held:
                self._keep(self._draft([content])[0], held)
            return held
        with content.open("rb") as source:
            draft, digest, size = self._draft(_chunks(source))
        held = Held(digest, extension, size)
        if held[:2] in self._held:
            draft.unlink()
        else:
            self._keep(draft, held)
        return held

    def settle(self) -> list[str]:
        """Bring what was filed since the last time to the disk itself; returns the keys.

        For the writer's thread.

        Raises:
            StoreUnavailable: it is not all there yet.
        """
        with self._lock:
            keys = list(self._unsynced)
        try:
            for key in keys:
                _sync(self._files.path(key))
            for folder in {self._files.path(key).parent for key in keys}:
                _sync_folder(folder)
        except OSError as exc:
            raise StoreUnavailable(f"media cannot be brought to the disk: {exc}") from exc
        with self._lock:
            for key in keys:
                self._unsynced.pop(key, None)
        return keys

    def rename(self, writer_id: WriterId) -> None:
        """The writer has another id: what it filed moves along."""
        with self._lock:
            before, self._writer_id = self._writer_id, writer_id
            moved = list(self._held)
            self._unsynced = dict.fromkeys(self._key(name) for name in moved)
        for name in moved:
            with suppress(FileNotFoundError):
                old = self._files.path(self._key(name, before))
                _move(old, self._files.path(self._key(name)))

    def _draft(self, chunks: Iterable[bytes]) -> tuple[Path, str, int]:
        """A new file that nobody lists, with its hash and its size."""
        folder = self._files.path(self._key(_ANY)).parent
        path = folder / f".{os.urandom(8).hex()}.tmp"
        digest, size = self._sha256(), 0
        try:
            with _create(path) as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += file.write(chunk)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        return path, digest.hexdigest(), size

    def _keep(self, path: Path, held: Held) -> None:
        """Give a file its name, in the folder that is the writer's then."""
        name = held[:2]
        while True:
            owner = self._writer_id
            target = self._files.path(self._key(name, owner))
            try:
                _move(path, target)
            except FileNotFoundError:
                if not target.exists():  # else `rename` has moved these very bytes there
                    raise
            with self._lock:
                if self._writer_id == owner:
                    self._held[name] = None
                    self._unsynced[self._key(name)] = None
                    return
            path = target  # the writer was renamed meanwhile

    def _key(self, name: Name, writer_id: WriterId | None = None) -> str:
        header = self._header
        owner = self._writer_id if writer_id is None else writer_id
        return str(MediaKey(header.project, header.run_id, owner, *name))


def _create(path: Path) -> BinaryIO:
    try:
        return path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


def _move(old: Path, new: Path) -> None:
    try:
        old.replace(new)
    except FileNotFoundError:
        new.parent.mkdir(parents=True, exist_ok=True)
        old.replace(new)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk


def _sync(path: Path) -> None:
    with suppress(FileNotFoundError):  # sent, or deleted with its run
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # Windows has no such call
        return
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
