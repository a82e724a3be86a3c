"""Find the files that rows refer to, and know them by content. Puts nothing.

A path in a row is relative to the media folder or to the one above it, may have backslashes,
and may be stale since a rename; then the file is found by its name, which holds a uuid.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import orjson

ROOT: Final = "media"
_MAX_EXTENSION: Final = 16
_REFERENCE: Final = re.compile(rb'"file_path"\s*:\s*("(?:[^"\\]|\\.)*")')


class Blob(NamedTuple):
    """A file by its content."""

    sha256: str
    extension: str
    path: Path


class MediaFiles:
    """The files below `media/` of one source folder.

    Args:
        root: the source folder.
        paths: the paths of its files, relative to `root`.
    """

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self.root = root
        self._paths = {path for path in paths if path.startswith(f"{ROOT}/")}
        self._by_name = _index(self._paths)
        self._known: dict[str, Blob] = {}
        self.used: set[str] = set()
        self.left: set[str] = set()
        self.missing: set[str] = set()

    def find(self, said: str) -> Blob | None:
        """The file that a row means by `said`; None if it is gone."""
        path = self._resolve(said.replace("\\", "/"))
        if path is None:
            self.missing.add(said)
            return None
        self.used.add(path)
        if path not in self._known:
            file = self.root / path
            self._known[path] = Blob(hash_file(file), _extension(path), file)
        return self._known[path]

    def leave(self, row: Iterable[object]) -> None:
        """Note the files that a row refers to which is not brought over."""
        for value in row:
            raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
            for literal in _REFERENCE.findall(raw) if isinstance(raw, bytes) else ():
                path = self._resolve(_unquote(literal).replace("\\", "/"))
                if path is not None:
                    self.left.add(path)

    def _resolve(self, said: str) -> str | None:
        for path in (f"{ROOT}/{said}", said):
            if path in self._paths:
                return path
        namesakes = self._by_name.get(PurePosixPath(said).name, [])
        return namesakes[0] if len(namesakes) == 1 else None


def _unquote(literal: bytes) -> str:
    try:
        return str(orjson.loads(literal))
    except orjson.JSONDecodeError:
        return ""


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, read piece by piece."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _index(paths: Iterable[str]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        found[PurePosixPath(path).name].append(path)
    return found


def _extension(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    kept = "".join(char for char in suffix if char.isascii() and char.isalnum())
    return kept[:_MAX_EXTENSION] or "bin"
