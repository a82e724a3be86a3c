"""The paths of files inside an artifact: which there can be, and where each goes. No IO."""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from trackio.errors import InvalidInput

_DRIVE: Final = re.compile(r"[A-Za-z]:")
"""Where Windows begins a path anew, in the middle of another."""


def local_path(folder: Path, path: str) -> Path:
    """Where a file of a version goes.

    Raises:
        InvalidInput: it would lie outside the folder.
    """
    parts = PurePosixPath(path).parts
    is_outside = not parts or path.startswith("/") or ".." in parts or ":" in parts[0]
    if is_outside or set(path) & {"\\", "\0"} or any(map(_DRIVE.match, parts)):
        raise InvalidInput(f"the artifact names a file {path!r}, which no folder can hold")
    return folder.joinpath(*parts)


def check_path(path: str) -> str:
    """`path` itself.

    Raises:
        InvalidInput: no folder can hold such a file.
    """
    local_path(Path(), path)
    return path


def is_below(path: str, folder: str | None) -> bool:
    """Whether `folder` names the file itself, a folder that holds it, or everything."""
    return folder is None or path == folder or path.startswith(f"{folder.rstrip('/')}/")
