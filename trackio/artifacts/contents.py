"""The files and references that an artifact will hold, while it is filled. Puts nothing.

`add_*` collects, `read` hashes all of it once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from trackio.artifacts.hashing import Hashed, hash_files
from trackio.artifacts.manifest import ManifestEntry
from trackio.artifacts.paths import check_path
from trackio.artifacts.references import MAX_OBJECTS, ResolvedReference, resolve_reference
from trackio.errors import InvalidInput

FilePath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the contents are: entries by path, and where the bytes of each blob lie."""

    entries: tuple[ManifestEntry, ...]
    files: Mapping[str, Hashed]


class Contents:
    """Local files and references by their path in the artifact; the last one of a path counts."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}
        self._refs: dict[str, ManifestEntry] = {}

    def __len__(self) -> int:
        return len(self._files) + len(self._refs)

    @property
    def references(self) -> list[ManifestEntry]:
        """What the store will not keep."""
        return list(self._refs.values())

    @property
    def size(self) -> int:
        """How many bytes the files have now."""
        local = sum(path.stat().st_size for path in self._files.values())
        return local + sum(entry.size for entry in self._refs.values())

    def add_file(self, local_path: FilePath, name: str | None = None) -> None:
        """Add a file, under its own name unless told otherwise.

        Raises:
            InvalidInput: there is no such file, or no folder can hold its name.
        """
        path = Path(local_path).expanduser().absolute()
        if not path.is_file():
            raise InvalidInput(f"there is no file {path}")
        self._files[check_path(name or path.name)] = path

    def add_dir(self, local_dir: FilePath, name: str | None = None) -> None:
        """Add every file below a folder; symbolic links are left out.

        Raises:
            InvalidInput: there is no such folder.
        """
        root = Path(local_dir).expanduser().absolute()
        if not root.is_dir():
            raise InvalidInput(f"there is no folder {root}")
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(it for it in folders if not Path(folder, it).is_symlink())
            for file in sorted(files):
                path = Path(folder, file)
                if not path.is_symlink():
                    inner = path.relative_to(root).as_posix()
                    self._files[check_path(f"{name}/{inner}" if name else inner)] = path

    def add_reference(
        self, uri: str, name: str | None, *, checksum: bool, max_objects: int | None
    ) -> None:
        """Refer to what lies elsewhere.

        Raises:
            InvalidInput: no handler knows such a URI, or it names too many objects.
            NotFound, StoreUnavailable: it names nothing, or does not answer.
        """
        found = resolve_reference(uri, checksum=checksum, max_objects=max_objects or MAX_OBJECTS)
        for one in found:
            path = check_path(_path_of(one, uri, name))
            self._refs[path] = ManifestEntry(
                path=path, digest=one.digest or one.uri, size=one.size or 0, ref=one.uri
            )

    def read(self) -> Read:
        """Hash every file now.

        Raises:
            InvalidInput: one cannot be read.
        """
        hashed = hash_files(self._files.values())
        own = [
            ManifestEntry(path=name, digest=hashed[path].digest, size=hashed[path].size)
            for name, path in self._files.items()
        ]
        entries = sorted([*own, *self._refs.values()], key=lambda entry: entry.path)
        files = {found.digest: found for found in hashed.values()}
        return Read(entries=tuple(entries), files=files)


def _path_of(one: ResolvedReference, uri: str, name: str | None) -> str:
    """What an object is called in the artifact: `name` itself if it is what the URI names."""
    is_itself = uri.rstrip("/").rpartition("/")[2] in (one.relkey, quote(one.relkey))
    return name if name and is_itself else f"{name or ''}/{one.relkey}".lstrip("/")
