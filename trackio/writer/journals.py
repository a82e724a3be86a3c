"""The journal files of one writer, one after the other. It takes no lock and knows no buffer.

A file that is full waits until its calls are safe; one that was lost is replaced by a new one
that repeats what is not safe yet.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from trackio import journal
from trackio.writer.journal_file import JournalFile, journal_path


class _Full(NamedTuple):
    """A file that takes no more calls and may go when `last` is safe."""

    file: JournalFile
    last: int


def _refuse(_line: bytes) -> None:
    raise FileNotFoundError("there is no journal")


class Journals:
    """The current journal file of a writer and the full ones before it.

    Raises:
        OSError: from `append`: the call is not in the journal.
    """

    def __init__(self, folder: Path, header: journal.Header, *, max_bytes: int) -> None:
        self.folder = folder
        self.header = header
        self._max_bytes = max_bytes
        self._made = 0
        self._full: list[_Full] = []
        self._set(None)

    def _set(self, current: JournalFile | None) -> None:
        self._current = current
        self.append: Callable[[bytes], None] = _refuse if current is None else current.append
        """Write a call's line to the current journal."""

    @property
    def is_lost(self) -> bool:
        """Whether nobody else could read the current journal, or there is none."""
        return self._current is None or self._current.is_lost()

    @property
    def is_full(self) -> bool:
        """Whether the current journal is large enough to begin another."""
        return self._current is not None and self._current.size_bytes >= self._max_bytes

    def make(self, lines: Iterable[bytes] = ()) -> JournalFile:
        """A new file that holds `lines`; `begin` makes it the current one."""
        path = journal_path(self.folder, self.header.writer_id, self._made)
        self._made += 1
        return JournalFile(path, self.header, lines)

    def begin(self, fresh: JournalFile, last: int) -> None:
        """Go on in `fresh`; the file before it held calls up to `last`."""
        if self._current is not None:
            self._full.append(_Full(self._current, last))
        self._set(fresh)

    def replace(self, fresh: JournalFile) -> list[JournalFile]:
        """Go on in `fresh`, which repeats all that counts; returns the files that may go."""
        before = self._all()
        self._full = []
        self._set(fresh)
        return before

    def sync(self) -> None:
        """Bring all that was written to the disk itself."""
        for file in self._all():
            file.sync()

    def drop_safe(self, seq: int) -> None:
        """Every call up to `seq` is in a shard: remove the full files that hold no other."""
        for full in [full for full in self._full if full.last <= seq]:
            full.file.drop()
            self._full.remove(full)

    def close(self, *, drop: bool) -> None:
        """Let go of every file, and remove it if everything in it is safe."""
        for file in self._all():
            if drop:
                file.drop()
            else:
                file.close()
        self._full = []
        self._set(None)

    def _all(self) -> list[JournalFile]:
        current = [] if self._current is None else [self._current]
        return [*(full.file for full in self._full), *current]
