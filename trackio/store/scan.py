"""List a folder tree of a local disk, quickly. Skips what begins with a dot; changes nothing.

A project may be a link to a folder elsewhere. A link inside it that leads out of it is left out:
what others can write there must not show files of this machine.

A folder that has not changed need not be read again: files of a store are only added, removed
or replaced by a rename, and each of these changes the folder's mtime. That is trusted only as
far as it can be. A scan is reused when an earlier one, `_SETTLE_S` before it, saw the same
mtime and the same files (a change within one tick of the file system's clock shows no other
mtime, and a file that somebody copies in place is still growing), and only for `_REUSE_S`
(some network mounts invent mtimes), which is well below grace. No clock of the machine is
compared with one of the file system.
"""

import errno
import os
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

from trackio.clock import Clock
from trackio.model import Entry

_NOTHING_THERE: Final = {errno.ENOENT, errno.ELOOP}  # it vanished, or is a link to nowhere
_SETTLE_S: Final = 2.0
_REUSE_S: Final = 30.0


class _Scan(NamedTuple):
    """What a folder held: at `scanned_s`, and already at `since_s`, by the monotonic clock."""

    mtime_ns: int
    since_s: float
    scanned_s: float
    files: list[Entry]
    folders: list[str]


class Scanner:
    """Lists the files below `root`; remembers what it saw. Safe to use from many threads."""

    def __init__(self, root: str, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._scans: dict[str, _Scan] = {}

    def files(self, prefix: str) -> Iterator[Entry]:
        """Every file below the folder `prefix`; nothing where there is no such folder."""
        folders = [prefix]
        while folders:
            scan = self._look(folders.pop())
            if scan is not None:
                yield from scan.files
                folders += scan.folders

    def folder(self, prefix: str) -> Iterator[Entry]:
        """The files and folders that lie directly in the folder `prefix`."""
        scan = self._look(prefix)
        if scan is not None:
            yield from scan.files
            for folder in scan.folders:
                yield Entry(folder, 0, 0.0, "")

    def forget(self, prefix: str) -> None:
        """The folder `prefix` has changed: do not trust what is remembered of it."""
        self._scans.pop(prefix, None)

    def _look(self, prefix: str) -> _Scan | None:
        """What the folder holds, remembered or read anew; None if it is gone."""
        now_s = self._clock.monotonic()
        old = self._scans.get(prefix)
        try:
            mtime_ns = os.stat(self._root + prefix).st_mtime_ns  # noqa: PTH116 - 3 times as fast
            if old is not None and old.mtime_ns == mtime_ns and _is_reusable(old, now_s):
                return old
            files, folders = self._read(prefix)
        except (FileNotFoundError, NotADirectoryError):
            self.forget(prefix)
            return None
        scan = _Scan(mtime_ns, now_s, now_s, files, folders)
        if old is not None and old == scan._replace(since_s=old.since_s, scanned_s=old.scanned_s):
            scan = scan._replace(since_s=old.since_s)
        self._scans[prefix] = scan
        return scan

    def _read(self, prefix: str) -> tuple[list[Entry], list[str]]:
        files: list[Entry] = []
        folders: list[str] = []
        with os.scandir(self._root + prefix) as found:
            for item in found:
                name = item.name
                if name[0] == ".":
                    continue
                try:
                    if prefix and item.is_symlink() and self._leads_out(prefix, item.path):
                        continue
                    if item.is_dir():
                        if not (item.is_symlink() and _is_loop(item.path)):
                            folders.append(f"{prefix}{name}/")
                        continue
                    known = item.stat()
                except OSError as exc:
                    if exc.errno in _NOTHING_THERE:
                        continue
                    raise
                if stat.S_ISREG(known.st_mode):
                    files.append(_entry(prefix + name, known))
        return files, folders

    def _leads_out(self, prefix: str, link: str) -> bool:
        """Whether a link leads out of the project, which may itself lie elsewhere."""
        project = os.path.realpath(self._root + prefix.partition("/")[0])
        inside = os.path.join(project, "")  # noqa: PTH118 - text is compared
        return not os.path.realpath(link).startswith(inside)


def _is_reusable(scan: _Scan, now_s: float) -> bool:
    return scan.scanned_s - scan.since_s >= _SETTLE_S and now_s - scan.scanned_s < _REUSE_S


def _entry(key: str, known: os.stat_result) -> Entry:
    mtime_ns, size = known.st_mtime_ns, known.st_size
    time_ns = max(known.st_ctime_ns, mtime_ns)
    return Entry(key, size, time_ns / 1e9, f"{mtime_ns:x}-{size:x}-{known.st_ino:x}")


def _is_loop(link: str) -> bool:
    """Whether a link to a folder leads back to a folder above it."""
    target = os.path.join(os.path.realpath(link), "")  # noqa: PTH118 - text is compared
    return os.path.join(os.path.realpath(os.path.dirname(link)), "").startswith(target)  # noqa: PTH118, PTH120
