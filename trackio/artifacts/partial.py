"""A large file that comes in parts and can be gone on with after a break. Knows no store.

The bytes lie in a hidden file beside where they will be, behind them a byte for each part that
says whether it is here. One process at a time has such a file, by a lock that ends with it; a
second one, and a system without such locks, begins a file of its own and takes it away again.
"""

import os
import secrets
import threading
from pathlib import Path
from typing import Any, Final

PART_BYTES: Final = 16 << 20
_HERE: Final = b"\x01"


class Partial:
    """The parts of one file.

    Args:
        target: where the file will be; its folder exists.
        digest: what it will hold, which names the hidden file.
        size: how many bytes that are.
    """

    def __init__(self, target: Path, digest: str, size: int) -> None:
        self._target = target
        self._size = size
        self._lock = threading.Lock()
        self._count = -(-size // PART_BYTES)
        shared = target.with_name(f".{digest[:32]}.part")
        self.path, self._file = _claim(shared) or _own(target)
        self._is_kept = self.path == shared
        if os.fstat(self._file.fileno()).st_size != size + self._count:
            self._file.truncate(0)
            self._file.truncate(size + self._count)

    def missing(self) -> list[tuple[int, int]]:
        """Where the parts that are not here begin and end."""
        self._file.seek(self._size)
        marks = self._file.read(self._count)
        begins = [place * PART_BYTES for place, mark in enumerate(marks) if mark != _HERE[0]]
        return [(begin, min(begin + PART_BYTES, self._size)) for begin in begins]

    def write(self, begin: int, data: bytes) -> None:
        """This part is here."""
        with self._lock:
            self._file.seek(begin)
            self._file.write(data)
            self._file.seek(self._size + begin // PART_BYTES)
            self._file.write(_HERE)

    def finish(self) -> None:
        """All parts are here, and right: the file takes its place."""
        self._file.truncate(self._size)
        self.path.replace(self._target)
        self._file.close()

    def forget(self) -> None:
        """What is here is of no use."""
        self.path.unlink(missing_ok=True)
        self._file.close()

    def leave(self) -> None:
        """Keep what is here for the next attempt, if there can be one."""
        if self._is_kept:
            self._file.close()
        else:
            self.forget()


def _claim(path: Path) -> tuple[Path, Any] | None:
    """The file, locked; None if another process has it, or nobody can tell."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return path, file
        file.close()  # whoever had it has finished it meanwhile


def _own(target: Path) -> tuple[Path, Any]:
    path = target.with_name(f".{secrets.token_hex(8)}.tmp")
    return path, path.open("w+b", buffering=0)
