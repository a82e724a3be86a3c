"""The local file behind a journal: append, sync, notice that it was lost. It decodes nothing.

One process appends; the file is opened with O_APPEND, never locked and never mapped.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from os import write
from pathlib import Path

from trackio import journal

_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
SUFFIX = ".journal"


class JournalFile:
    """One journal file of this process, open for appending.

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path, header: journal.Header, lines: Iterable[bytes] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.size_bytes = 0
        self._fd = os.open(path, _FLAGS, 0o644)
        self._is_torn = False
        self._is_synced = True
        try:
            self.append(journal.encode_header(header) + b"".join(lines))
        except OSError:
            self.drop()
            raise

    def append(self, line: bytes) -> None:
        """Write a whole line with one `write`.

        Raises:
            OSError: it is not, or not wholly, in the file; readers skip what is torn.
        """
        if self._is_torn:
            line = b"\n" + line
        self._is_torn = True
        written = write(self._fd, line)
        while written < len(line):
            written += write(self._fd, line[written:])
        self._is_torn = self._is_synced = False
        self.size_bytes += written

    def sync(self) -> None:
        """Bring what was written to the disk itself, if there is anything new."""
        if not self._is_synced:
            self._is_synced = True
            os.fsync(self._fd)

    def is_lost(self) -> bool:
        """Whether the path no longer leads to this file, so that nobody else could read it."""
        try:
            there, here = self.path.stat(), os.fstat(self._fd)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def close(self) -> None:
        """Let go of the file and leave it where it is."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def drop(self) -> None:
        """Close and remove the file, unless something else stands there now.

        One that cannot be removed stays: whoever recovers it finds that all of it is stored.
        """
        lost = self.is_lost()
        self.close()
        if not lost:
            with suppress(OSError):
                self.path.unlink()


def journal_path(folder: Path, writer_id: str, number: int) -> Path:
    """The path of a writer's journal; a long run has one after the other."""
    return folder / f"{writer_id}.{number}{SUFFIX}"
