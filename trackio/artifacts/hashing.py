"""Hash many local files at once, in bounded memory. Knows no artifact."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from trackio.errors import InvalidInput
from trackio.store.parallel import attempt_each, raise_first

_WORKERS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """What a file held when it was read."""

    path: Path
    digest: str
    size: int
    modified_ns: int

    def is_unchanged(self) -> bool:
        """Whether it was not written since."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.size, self.modified_ns)


def hash_files(paths: Iterable[Path]) -> dict[Path, Hashed]:
    """The SHA-256 and the size of each file.

    Raises:
        InvalidInput: one cannot be read.
    """
    wanted = {str(path): path for path in paths}
    found: dict[Path, Hashed] = {}

    def one(name: str) -> None:
        found[wanted[name]] = hash_file(wanted[name])

    raise_first(attempt_each(wanted, one, workers=_WORKERS))
    return found


def hash_file(path: Path) -> Hashed:
    """As `hash_files`, for one."""
    try:
        with path.open("rb") as file:
            modified_ns = os.fstat(file.fileno()).st_mtime_ns
            digest = file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
            return Hashed(path=path, digest=digest, size=size, modified_ns=modified_ns)
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc}") from exc
