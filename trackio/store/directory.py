"""A store that is a folder of a local or network disk. Knows no format, takes no lock.

A file is written under a temporary name, synced, and renamed; then its folder is synced, so
what `put` returned from survives a power cut. Names that begin with a dot are never listed:
temporary files, the journal and the spool have such names.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable, TrackioError
from trackio.model import Entry
from trackio.store.base import Content, check_key, check_prefix
from trackio.store.scan import Scanner

_CHUNK_BYTES: Final = 1 << 20
_ATTEMPTS: Final = 100
_NO_SUCH_FILE: Final = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_ADVICE: Final = {
    errno.ENOSPC: "the disk is full: free some space, then try again",
    errno.EDQUOT: "the quota is used up: free some space, then try again",
    errno.EROFS: "the file system is read-only: mount it for writing, or choose another store",
    errno.EACCES: "permission denied: ask its owner for access, or choose another store",
    errno.EPERM: "not permitted: ask its owner for access, or choose another store",
    errno.ENAMETOOLONG: "the path is too long for this file system: use shorter names",
}
_CLASHES: Final = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY}
_CANNOT_SYNC: Final = {errno.EINVAL, errno.ENOTSUP}  # some network mounts cannot sync a folder
_IN_USE: Final = 32  # Windows: another program has the file open, for now


class Directory:
    """Keys are paths below `root`, which need not exist before the first `put`."""

    def __init__(self, root: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - `..` is resolved, links stay
        self._folder = os.path.join(self._root, "")  # noqa: PTH118 - with the separator
        self._scanner = Scanner(self._folder, clock)
        self._synced: set[str] = set()
        self._spelled: set[str] = set()
        self._real: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Directory({str(self._root)!r})"

    @property
    def url(self) -> str:
        """The `file:` URL of the folder."""
        return self._root.as_uri()

    def path(self, key: str) -> Path:
        """The local file of `key`, whether or not it exists."""
        return Path(self._folder + check_key(key))

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The files below a folder; see `Store.list`."""
        check_prefix(prefix)
        look = self._scanner.files if recursive else self._scanner.folder
        try:
            yield from look(prefix)
        except OSError as exc:
            raise _translate(exc, prefix or self.url, "list") from exc

    def get(self, key: str) -> bytes:
        """The bytes of a file; see `Store.get`."""
        try:
            with open(self._folder + check_key(key), "rb", opener=_open_now) as file:
                if self._leads_out(key, file.fileno()):
                    raise NotFound(f"there is no {key} in {self.url}: a link leads out of it")
                return file.read()
        except _NO_SUCH_FILE as exc:
            raise NotFound(f"there is no {key} in {self.url}") from exc
        except OSError as exc:
            raise _translate(exc, key, "read") from exc

    def put(self, files: Mapping[str, Content]) -> None:
        """Write all files under temporary names, rename them, sync their folders.

        See `Store.put`. Where it raises `StoreUnavailable`, all of them are to be sent again.
        """
        staged: dict[str, str] = {}
        key = ""
        try:
            for key, content in files.items():
                staged[self._stage(check_key(key), content)] = key
            for temporary, key in list(staged.items()):
                os.replace(temporary, self._folder + key)  # noqa: PTH105 - 3 times as fast
                del staged[temporary]
            self._sync({_parent(key) for key in files})
        except OSError as exc:
            raise _translate(exc, key, "write", files) from exc
        finally:
            for temporary in staged:
                _remove_quietly(temporary)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove files, and folders that became empty; see `Store.delete`."""
        asked = dict.fromkeys(map(check_key, keys))
        left = dict(asked)
        for key in asked:
            try:
                os.unlink(self._folder + key)  # noqa: PTH108 - 3 times as fast
            except _NO_SUCH_FILE:
                pass
            except OSError as exc:
                if not os.path.isdir(self._folder + key):  # noqa: PTH112 - a folder is no key
                    raise _translate(exc, key, "delete", left) from exc
            del left[key]
        for folder in {_parent(key) for key in asked}:
            self._remove_empty(folder)

    def _leads_out(self, key: str, descriptor: int) -> bool:
        """Whether an open file lies outside the first folder of its key, through some link."""
        real = _real_path(self._folder + key, descriptor)
        first = key[: key.find("/") + 1]
        folder = self._real.get(first)
        if folder is not None and real.startswith(folder):
            return False
        self._real[first] = folder = os.path.join(os.path.realpath(self._folder + first), "")  # noqa: PTH118
        return not real.startswith(folder)

    def _stage(self, key: str, content: Content) -> str:
        """The temporary file, in the folder of `key`, that now holds the content."""
        folder = _parent(key)
        temporary = f"{self._folder}{folder}.{os.urandom(8).hex()}.tmp"
        with open(self._create(temporary, folder), "wb") as file:  # noqa: PTH123 - a descriptor
            try:
                self._check_spelling(folder)
                for chunk in _chunks(key, content):
                    file.write(chunk)
                file.flush()
                if file.tell():  # the sync of its folder is all that an empty file needs
                    os.fsync(file.fileno())
            except BaseException:
                _remove_quietly(temporary)
                raise
        return temporary

    def _create(self, path: str, folder: str) -> int:
        """Open a new file, making its folder as often as somebody removes it meanwhile."""
        for _ in range(_ATTEMPTS):
            try:
                return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)
            except FileNotFoundError:
                self._make_folder(folder)
        raise StoreUnavailable(f"the folder {self._folder}{folder} is removed again and again")

    def _make_folder(self, folder: str) -> None:
        new = [path for path in (self._root, *self._root.parents) if not path.exists()]
        with suppress(FileNotFoundError):  # somebody removed a folder above it meanwhile
            os.makedirs(self._folder + folder, exist_ok=True)  # noqa: PTH103
        for path in new:
            _sync_folder(str(path.parent))
        while folder:
            self._synced.discard(folder)
            folder = _parent(folder[:-1])

    def _sync(self, folders: set[str]) -> None:
        """Sync the folders, and those above them whose entries this object has not synced yet.

        A folder that another process has just made may not be on the disk yet, and a file in
        it would go with it.
        """
        found = set(folders)
        for folder in folders:
            while folder and folder not in self._synced:
                found.add(folder := _parent(folder[:-1]))
        for folder in found:
            with suppress(FileNotFoundError):  # somebody deleted what was in it, and it went too
                _sync_folder(self._folder + folder)
            self._scanner.forget(folder)
        self._synced |= found

    def _check_spelling(self, folder: str) -> None:
        """Refuse a folder that the file system takes for one that is spelled otherwise."""
        while folder and folder not in self._spelled:
            parent = _parent(folder[:-1])
            name = folder[len(parent) : -1]
            if (other := _other_spelling(self._folder + parent, name)) is not None:
                raise InvalidInput(
                    f"{folder!r} differs only by case from {parent + other!r}, and this file "
                    "system cannot tell them apart: use another name"
                )
            self._spelled.add(folder)
            folder = parent

    def _remove_empty(self, folder: str) -> None:
        """Remove the folder if it is empty, then the one above it, never the root."""
        while folder:
            self._scanner.forget(folder)
            try:
                os.rmdir(self._folder + folder)  # noqa: PTH106 - 3 times as fast
            except OSError:
                return
            self._synced.discard(folder)
            self._spelled.discard(folder)
            folder = _parent(folder[:-1])


_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


def _parent(key: str) -> str:
    """The folder of a key, "" for the root."""
    return key[: key.rfind("/") + 1]


def _open_now(path: str, flags: int) -> int:
    """Open without waiting: for somebody who writes into a pipe one would wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _real_path(path: str, descriptor: int) -> str:
    """Where an open file lies; the system knows it at once, and otherwise it is looked for."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - 10 times as fast
    except OSError:
        return os.path.realpath(path)


def _chunks(key: str, content: Content) -> Iterator[bytes]:
    if not isinstance(content, Path):
        yield content
        return
    try:
        source = content.open("rb")
    except OSError as exc:
        raise InvalidInput(f"{content}, to be put under {key}, cannot be read: {exc}") from exc
    with source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _sync_folder(path: str) -> None:
    if os.name == "nt":  # Windows has no such call
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


def _other_spelling(parent: str, name: str) -> str | None:
    """How the folder `name` is really spelled, if that is another way; None if it is not."""
    swapped = name.swapcase()
    try:
        if swapped == name or not os.path.samefile(parent + name, parent + swapped):  # noqa: PTH121
            return None
    except OSError:  # no such file: this file system tells case apart
        return None
    names = os.listdir(parent)  # noqa: PTH208
    if name in names:
        return None
    return next((other for other in names if other.casefold() == name.casefold()), None)


def _remove_quietly(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _translate(exc: OSError, key: str, verb: str, again: Iterable[str] = ()) -> TrackioError:
    if exc.errno in _CLASHES:
        return InvalidInput(
            f"cannot {verb} {key}: a file and a folder would have the same name; use another key"
        )
    message = f"cannot {verb} {key}: {exc.strerror or exc}"
    if exc.errno in _ADVICE and getattr(exc, "winerror", None) != _IN_USE:
        return StoreRefused(f"{message}; {_ADVICE[exc.errno]}")
    return StoreUnavailable(f"{message}; trying again may work", keys=again)
