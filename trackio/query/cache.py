"""Keeps files that never change on local disk, up to a size. It fetches nothing.

One folder serves all processes of a machine, and nobody locks it: a file appears whole by a
rename, and whoever finds the folder too large removes what was used longest ago. It may be
deleted at any time, also while it is read: who misses a file fetches it anew.
"""

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import StoreRefused
from trackio.settings import CACHE_BYTES
from trackio.store.base import Store, is_local

log = logging.getLogger("trackio")

RECENT_S: Final = 60.0
"""What any process used so lately is not removed: it may be about to open it."""
_ABANDONED_S: Final = 3600.0
_TEMPORARY: Final = ".part-"
_CHECKS: Final = 20  # how often the size is looked at while the cache fills once
_KEPT: Final = 0.9


class _File(NamedTuple):
    used_s: float
    size_bytes: int
    path: str


class Cache:
    """Files by key. Safe to use from many threads, beside other processes.

    Args:
        folder: where the files of one store lie; None is a temporary folder of one's own, which
            goes with this object.
        home: the folder whose size is limited, the caches of other stores in it included.
        limit_bytes: how large it may grow.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        home: Path | None = None,
        limit_bytes: int = CACHE_BYTES,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._folder = folder
        self._home = home or folder
        self._limit = limit_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._pins: Counter[str] = Counter()
        self._used: dict[str, float] = {}
        self._unchecked: float = float("inf")

    @classmethod
    def of(
        cls,
        store: Store,
        home: Path,
        limit_bytes: int = CACHE_BYTES,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> "Cache":
        """The one of a store below `home`; a temporary one for a store that does not last."""
        if is_local(store) or store.url.startswith("memory:"):
            return cls(clock=clock)
        return cls(home / _folder_of(store.url), home=home, limit_bytes=limit_bytes, clock=clock)

    def find(self, key: str, size_bytes: int | None = None) -> Path | None:
        """The file of `key`, if it is here and has that size. It counts as used."""
        path = self.path(key)
        now_s = self._clock.time_ns() / 1e9
        try:
            found = path.stat()
            if size_bytes is not None and found.st_size != size_bytes:
                path.unlink()  # truncated, or of another version
                return None
            if now_s - found.st_mtime > RECENT_S / 2:
                os.utime(path, (now_s, now_s))
        except OSError:
            return None
        self._used[str(path)] = self._clock.monotonic()
        return path

    def still_has(self, path: str) -> bool:
        """Whether a file that was found is still there; it counts as used. Seldom asks the disk."""
        now_s = self._clock.monotonic()
        if now_s - self._used.get(path, float("-inf")) < RECENT_S / 2:
            return True
        seconds = self._clock.time_ns() / 1e9
        try:
            os.utime(path, (seconds, seconds))
        except OSError:
            return False
        self._used[path] = now_s
        return True

    @contextmanager
    def pinned(self, paths: Iterable[str]) -> Iterator[None]:
        """This process removes none of them meanwhile."""
        mine = list(paths)
        with self._lock:
            self._pins.update(mine)
        try:
            yield
        finally:
            with self._lock:
                self._pins.subtract(mine)
                self._pins += Counter()

    @contextmanager
    def coming(self, keys: Iterable[str]) -> Iterator[dict[str, Path]]:
        """Where to write the files of `keys` before `keep`; what is left there is removed.

        Raises:
            StoreRefused: there is no room.
        """
        mark = f"{_TEMPORARY}{secrets.token_hex(8)}-"
        parts: dict[str, Path] = {}
        try:
            for number, key in enumerate(keys):
                parent = self._made(self.path(key).parent)
                parts[key] = parent / f"{mark}{number}"
            yield parts
        except OSError as exc:
            raise StoreRefused(
                f"cannot keep files in {self._root()}: {exc.strerror or exc}; free some space, or "
                "set TRACKIO_CACHE_DIR to a folder that has room"
            ) from exc
        finally:
            for part in parts.values():
                with suppress(OSError):
                    part.unlink(missing_ok=True)

    def keep(self, key: str, part: Path) -> Path | None:
        """Take in a whole file that was written at `part`; None if somebody deleted it."""
        path = self.path(key)
        seconds = self._clock.time_ns() / 1e9
        try:
            size = part.stat().st_size
            os.utime(part, (seconds, seconds))
            os.replace(part, path)  # noqa: PTH105 - atomic, whoever else fetches it
        except FileNotFoundError:
            return None
        self._used[str(path)] = self._clock.monotonic()
        with self._lock:
            self._unchecked += size
        return path

    def drop(self, key: str) -> None:
        """Remove the file of `key`, if it is here."""
        with suppress(OSError):
            self.path(key).unlink()

    def let_go(self, keys: Iterable[str]) -> None:
        """Nobody needs these any more; what others may need stays."""
        for key in keys:
            self._used.pop(str(self.path(key)), None)
            if self._home is None:
                self.drop(key)

    def tidy(self) -> None:
        """Remove what was used longest ago if the files have grown too large since last time."""
        with self._lock:
            if self._unchecked < self._limit / _CHECKS or self._home is None:
                return
            self._unchecked = 0
            pinned = set(self._pins)
        _shrink(self._home, self._limit, pinned, self._clock.time_ns() / 1e9)

    def path(self, key: str) -> Path:
        """Where the file of `key` lies, if it is here."""
        return self._root() / key

    def _made(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _root(self) -> Path:
        with self._lock:
            if self._folder is not None and self._home is not None:
                self._folder = _usable(self._folder)
            if self._folder is None:
                self._home = None
                self._folder = Path(tempfile.mkdtemp(prefix="trackio-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder


def _folder_of(url: str) -> str:
    """A name that is readable and never two stores'."""
    readable = "".join(char if char.isalnum() else "-" for char in url)[:60]
    return f"{readable}-{sha256(url.encode()).hexdigest()[:12]}"


def _usable(folder: Path) -> Path | None:
    """The folder, private and there; None where it cannot be."""
    if folder.is_dir():
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        log.warning(
            "Trackio cannot keep files in %s (%s), so that each process fetches them anew; set "
            "TRACKIO_CACHE_DIR to a folder that can be written",
            folder,
            exc.strerror or exc,
        )
        return None
    return folder


def _shrink(home: Path, limit: int, pinned: set[str], now_s: float) -> None:
    """Bring the folder down below its limit, as far as nobody needs what is in it."""
    files = sorted(_scan(str(home), now_s))
    size = sum(file.size_bytes for file in files)
    if size <= limit:
        return
    for file in files:
        if size <= limit * _KEPT or now_s - file.used_s < RECENT_S:
            return
        if file.path in pinned:
            continue
        with suppress(OSError):  # gone already, or open on Windows
            os.unlink(file.path)  # noqa: PTH108 - there may be 100,000 of them
            size -= file.size_bytes


def _scan(folder: str, now_s: float) -> Iterator[_File]:
    """All files below a folder; those somebody never finished are removed."""
    with contextlib.ExitStack() as stack:
        try:
            entries = stack.enter_context(os.scandir(folder))
        except OSError:
            return
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from _scan(entry.path, now_s)
                    continue
                found = entry.stat(follow_symlinks=False)
                if entry.name.startswith(_TEMPORARY) and now_s - found.st_mtime > _ABANDONED_S:
                    os.unlink(entry.path)  # noqa: PTH108 - as above
                    continue
            except OSError:
                continue
            yield _File(found.st_mtime, found.st_size, entry.path)
