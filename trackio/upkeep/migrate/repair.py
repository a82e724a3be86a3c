"""Copy a database with its sidecars and mend the copy, so that SQLite will open it. Reads no row.

The source is only ever read. A write-ahead log or hot journal that lies beside it travels
with it: it may hold the only copy of rows, and SQLite applies it when the copy is opened.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

MAGIC: Final = b"SQLite format 3\0"
SIDECARS: Final = ("-wal", "-journal")
_HEADER_BYTES: Final = 100
_LOCK_WAIT_S: Final = 10.0
_COPIES: Final = 5


def copy_database(source: Path, folder: Path) -> tuple[Path, bool]:
    """A copy of the database and what lies beside it; whether it stood still meanwhile."""
    target = folder / "copy.db"
    for _ in range(_COPIES):
        before = _states(source)
        for suffix in ("", *SIDECARS):
            beside = source.with_name(source.name + suffix)
            if beside.exists():
                shutil.copyfile(beside, target.with_name(target.name + suffix))
        if before == _states(source):
            return target, True
    return target, False


@contextmanager
def locked(locks: Iterable[Path]) -> Iterator[list[Path]]:
    """Hold the lock files of legacy writers; gives those that somebody else kept holding."""
    with ExitStack() as stack:
        held = []
        for path in locks:
            with suppress(OSError):
                file = stack.enter_context(path.open("rb"))
                if not _lock(file.fileno()):
                    held.append(path)
        yield held


def mend(path: Path) -> str | None:
    """Mend the header of a copy that SQLite refuses; what was mended, or None if nothing can be."""
    with path.open("r+b") as file:
        header = bytearray(file.read(_HEADER_BYTES))
        size = path.stat().st_size
        page_size = int.from_bytes(header[16:18], "big")
        page_size = 65536 if page_size == 1 else page_size
        if len(header) < _HEADER_BYTES or not _is_plausible(header, page_size):
            return None
        mended = []
        if header[:16] != MAGIC:
            header[:16] = MAGIC
            mended.append("its first 16 bytes")
        pages = max(1, size // page_size)
        if int.from_bytes(header[28:32], "big") != pages:
            header[28:32] = pages.to_bytes(4, "big")
            header[92:96] = header[24:28]  # or SQLite would not trust the count
            mended.append(f"its length ({pages:,} pages are left)")
        file.seek(0)
        file.write(header)
        file.truncate(pages * page_size if size >= page_size else page_size)
    return " and ".join(mended) or None


def _is_plausible(header: bytes | bytearray, page_size: int) -> bool:
    is_power = 512 <= page_size <= 65536 and page_size & (page_size - 1) == 0
    return is_power and bytes(header[21:24]) == b"\x40\x20\x20" and header[18] in (1, 2)


def _states(source: Path) -> list[tuple[int, int] | None]:
    states: list[tuple[int, int] | None] = []
    for suffix in ("", *SIDECARS):
        try:
            stat = source.with_name(source.name + suffix).stat()
            states.append((stat.st_size, stat.st_mtime_ns))
        except FileNotFoundError:
            states.append(None)
    return states


def _lock(descriptor: int) -> bool:
    """Whether the lock was had; it goes with the descriptor."""
    try:
        import fcntl
    except ImportError:  # Windows, where legacy writers took no such lock
        return True
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        except OSError:
            return True  # a file system without locks: nobody holds one
        else:
            return True
