"""Tell what people hand over as a file: a path, an open file, bytes. Reads no more than it must."""

import os
from pathlib import Path
from typing import Any, Final

from trackio.values.plain import UnstorableError
from trackio.values.rich import Held, Hold

_MAX_EXTENSION: Final = 16


def is_path(value: object) -> bool:
    """Whether this names a file."""
    return isinstance(value, str | os.PathLike)


def as_path(value: Any) -> Path:
    """The file that is named.

    Raises:
        UnstorableError: there is no such file.
    """
    path = Path(os.fspath(value)).expanduser()
    if not path.is_file():
        raise UnstorableError(f"there is no file {str(path)!r}")
    return path


def read_open(value: Any) -> bytes | None:
    """What is left to read of an open file, or the bytes themselves; None for anything else."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    read = getattr(value, "read", None)
    if not callable(read):
        return None
    said = read()
    return said.encode() if isinstance(said, str) else bytes(said)


def extension_of(path: Path, default: str) -> str:
    """The end of a file's name, as keys have it: up to 16 small ASCII letters and digits."""
    return clean_extension(path.suffix, default)


def clean_extension(suffix: str, default: str) -> str:
    """`suffix` as keys have it."""
    kept = "".join(char for char in suffix.lower() if char.isascii() and char.isalnum())
    return kept[:_MAX_EXTENSION] or default


def hold_file(value: Any, hold: Hold, default: str) -> Held:
    """File what a path names, under the extension that it has."""
    path = as_path(value)
    return hold(path, extension_of(path, default))
