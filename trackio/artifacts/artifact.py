"""An artifact in the hands of a user: files to be logged, or a version that is there.

It is made, filled and logged once; what `use_artifact` and the reading API give is logged
already, and its files come with `download`.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from trackio import keys
from trackio.artifacts import fetch
from trackio.artifacts.hashing import Hashed, hash_files
from trackio.artifacts.manifest import Manifest, ManifestEntry, digest_of
from trackio.artifacts.references import MAX_OBJECTS, resolve_reference
from trackio.artifacts.versions import (
    LATEST,
    Versions,
    check_alias,
    encode_alias,
    list_versions,
    read_manifests,
)
from trackio.errors import InvalidInput, NotFound, StoreUnavailable, UnreadableFile
from trackio.model import VersionId
from trackio.store.base import Store
from trackio.values.plain import dump_text

if TYPE_CHECKING:
    from trackio.artifacts.collections import Collection

FilePath = str | os.PathLike[str]


class Pending(Protocol):
    """A version on its way into the store."""

    @property
    def version_id(self) -> VersionId:
        """Its id, as far as is known."""

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until it is there."""


class Artifact:
    """Files under a name, in versions.

    Args:
        name: what it is called; each change of its files is a version of this name.
        type: what kind of thing it is, such as "model" or "dataset"; a name keeps its type.
        description: what people want to know of it.
        metadata: anything that JSON can hold.

    Raises:
        InvalidInput: a name that cannot be one, or metadata that JSON cannot hold.
    """

    def __init__(
        self,
        name: str,
        type: str = "unspecified",  # noqa: A002 - as other trackers call it
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = _check_name(name)
        self.type = type
        self.description = description
        self.metadata: dict[str, Any] = dict(metadata or {})
        self._files: dict[str, Path] = {}
        self._refs: dict[str, ManifestEntry] = {}
        self._store: Store | None = None
        self._manifest: Manifest | None = None
        self._version_id: VersionId | None = None
        self._versions: Versions | None = None
        self._pending: Pending | None = None
        self.source: tuple[str, str] | None = None
        """The registry and the collection that it was found in."""

    def __repr__(self) -> str:
        state = "not logged yet" if self._manifest is None else self.qualified_name
        return f"<trackio.Artifact {self.name!r} ({self.type}) {state}>"

    # What goes in.

    def add_file(self, local_path: FilePath, name: str | None = None) -> "Artifact":
        """Add a file, under its own name unless told otherwise.

        Raises:
            InvalidInput: there is no such file, or the artifact is logged already.
        """
        path = Path(local_path).expanduser().absolute()
        if not path.is_file():
            raise InvalidInput(f"there is no file {path}")
        self._check_open()
        self._files[_check_path(name or path.name)] = path
        return self

    def add_dir(self, local_dir: FilePath, name: str | None = None) -> "Artifact":
        """Add every file below a folder; symbolic links are left out.

        Raises:
            InvalidInput: there is no such folder.
        """
        root = Path(local_dir).expanduser().absolute()
        if not root.is_dir():
            raise InvalidInput(f"there is no folder {root}")
        self._check_open()
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(it for it in folders if not Path(folder, it).is_symlink())
            for file in sorted(files):
                path = Path(folder, file)
                if not path.is_symlink():
                    inner = path.relative_to(root).as_posix()
                    self._files[_check_path(f"{name}/{inner}" if name else inner)] = path
        return self

    def add_reference(
        self,
        uri: str,
        name: str | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
    ) -> "Artifact":
        """Refer to what lies elsewhere: its bytes are not kept here.

        Raises:
            InvalidInput: no handler knows such a URI, or it names too many objects.
            NotFound, StoreUnavailable: it names nothing, or does not answer.
        """
        self._check_open()
        uri = os.fspath(uri)
        found = resolve_reference(uri, checksum=checksum, max_objects=max_objects or MAX_OBJECTS)
        for one in found:
            is_itself = uri.rstrip("/").rpartition("/")[2] in (one.relkey, quote(one.relkey))
            inner = name if name and is_itself else f"{name or ''}/{one.relkey}".lstrip("/")
            path = _check_path(inner)
            digest = one.digest or one.uri
            self._refs[path] = ManifestEntry(
                path=path, digest=digest, size=one.size or 0, ref=one.uri
            )
        return self

    # What is known of it.

    @property
    def project(self) -> str | None:
        """The project that it was logged in."""
        return None if self._manifest is None else self._manifest.project

    @property
    def manifest(self) -> Manifest:
        """What it holds.

        Raises:
            InvalidInput: it is not logged yet.
        """
        if self._manifest is None:
            raise InvalidInput(f"artifact {self.name!r} is not logged yet")
        return self._manifest

    @property
    def digest(self) -> str:
        """The hash of what it holds: equal files, equal digest."""
        if self._manifest is None:
            return digest_of(self.local_entries())
        return self._manifest.digest

    manifest_digest = digest

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        if self._manifest is None:
            return sum(path.stat().st_size for path in self._files.values()) + sum(
                entry.size for entry in self._refs.values()
            )
        return self._manifest.size

    @property
    def file_count(self) -> int:
        """How many files it has, references included."""
        if self._manifest is None:
            return len(self._files) + len(self._refs)
        return len(self._manifest.entries)

    @property
    def references(self) -> list[ManifestEntry]:
        """Its files that the store does not keep."""
        entries = self._manifest.entries if self._manifest else self._refs.values()
        return [entry for entry in entries if entry.ref is not None]

    @property
    def created_at(self) -> datetime:
        """When this version was logged."""
        return datetime.fromisoformat(self.manifest.created)

    @property
    def version_id(self) -> VersionId:
        """The id of this version, which never changes.

        Raises:
            InvalidInput: it is not logged yet.
        """
        if self._pending is not None:
            return self._pending.version_id
        if self._version_id is None:
            raise InvalidInput(f"artifact {self.name!r} is not logged yet")
        return self._version_id

    @property
    def version(self) -> str:
        """Its number, such as "v3"; waits until it is in the store.

        Raises:
            InvalidInput: it is not logged yet.
            StoreUnavailable: it is not in the store yet.
        """
        return f"v{self._known().number(self.version_id)}"

    @property
    def aliases(self) -> list[str]:
        """What this version is called besides its number."""
        return self._known().aliases_of(self.version_id)

    @property
    def qualified_name(self) -> str:
        """`project/name:v3`; without the number while it is not in the store."""
        base = f"{self.manifest.project}/{self.name}"
        if self._pending is not None and self._versions is None:
            return base
        return f"{base}:{self.version}"

    @property
    def is_link(self) -> bool:
        """Whether it was found in a registry."""
        return self.source is not None

    def wait(self, timeout: float | None = None) -> "Artifact":
        """Wait until it is in the store; returns itself.

        Raises:
            InvalidInput: it is not logged yet.
            StoreUnavailable: it is not there in time.
        """
        if self._manifest is None:
            raise InvalidInput(f"artifact {self.name!r} is not logged yet")
        if self._pending is not None:
            if not self._pending.wait(timeout):
                raise StoreUnavailable(
                    f"artifact {self.name!r} is not in the store yet; it waits on this machine, "
                    "and `trackio sync` sends it"
                )
            self._version_id, self._pending = self._pending.version_id, None
        return self

    def get_entry_uri(self, name: str) -> str:
        """Where the bytes of one of its files are.

        Raises:
            NotFound: it holds no such file.
        """
        for entry in self.manifest.entries:
            if entry.path == name:
                blob = keys.BlobKey(self.manifest.project, entry.digest)
                return entry.ref or f"{self._opened().url}/{blob}"
        raise NotFound(f"artifact {self.name!r} holds no {name!r}")

    # What comes out.

    def download(self, root: FilePath | None = None, path: str | None = None) -> str:
        """Bring its files here, each checked by its hash; what is there already stays.

        Args:
            root: the folder; by default one of its own below `./.trackio`.
            path: only this file, or what lies in this folder of it.

        Returns:
            The folder.

        Raises:
            NotFound, UnreadableFile: a file is gone, or is not what was logged.
            StoreUnavailable, StoreRefused: the store did not give it.
        """
        self.wait()
        folder = Path(root).expanduser() if root is not None else self._default_folder()
        folder.mkdir(parents=True, exist_ok=True)
        fetch.download(self._opened(), self.manifest, folder, path=path)
        return str(folder)

    def file(self, root: FilePath | None = None) -> str:
        """Bring the one file that it holds; returns its path.

        Raises:
            InvalidInput: it holds none or several.
        """
        entries = self.manifest.entries
        if len(entries) != 1:
            raise InvalidInput(f"artifact {self.name!r} holds {len(entries)} files, not one")
        return str(fetch.local_path(Path(self.download(root)), entries[0].path))

    def verify(self, root: FilePath | None = None) -> None:
        """Compare the files in a folder with what was logged.

        Raises:
            UnreadableFile: some differ, or are not there.
        """
        folder = Path(root).expanduser() if root is not None else self._default_folder()
        if wrong := fetch.wrong_files(self.manifest, folder):
            raise UnreadableFile(f"{len(wrong)} files differ from {self.name!r}: {wrong[:10]}")

    def add_aliases(self, aliases: Iterable[str]) -> None:
        """Call this version so; a version that was called so before is not any more.

        Raises:
            InvalidInput: a word that cannot be an alias.
        """
        project, name = self._located()
        wanted = [check_alias(alias) for alias in aliases if alias != LATEST]
        mark = encode_alias(self.version_id)
        self._opened().put({str(keys.AliasKey(project, name, alias)): mark for alias in wanted})
        self._versions = None

    def delete(self) -> None:
        """Delete this version: its number is not used again, its files are collected later."""
        project, name = self._located()
        mark = keys.DeletedVersionKey(project, name, self.version_id)
        self._opened().put({str(mark): b""})
        self._versions = None

    def link(self, target_path: str, aliases: Iterable[str] | None = None) -> "Collection":
        """Put this version into a collection, `registry/collection`; see `Registry`."""
        from trackio.artifacts.collections import link_artifact

        return link_artifact(self._opened(), self.wait(), target_path, aliases or ())

    def unlink(self) -> None:
        """Take this version out of the collection that it was found in.

        Raises:
            InvalidInput: it was not found in one.
        """
        from trackio.artifacts.collections import unlink_artifact

        if self.source is None:
            raise InvalidInput(f"{self.qualified_name} was not found in a registry")
        unlink_artifact(self._opened(), self, *self.source)

    # For what logs and finds it.

    def local_entries(self) -> list[ManifestEntry]:
        """What it will hold: every file is hashed now."""
        return self._entries(hash_files(self._files.values()))

    def _entries(self, hashed: Mapping[Path, Hashed]) -> list[ManifestEntry]:
        own = [
            ManifestEntry(path=name, digest=hashed[path].digest, size=hashed[path].size)
            for name, path in self._files.items()
        ]
        return sorted([*own, *self._refs.values()], key=lambda entry: entry.path)

    def make_manifest(
        self, project: str, *, run_id: str | None = None, run_name: str | None = None
    ) -> tuple[Manifest, dict[str, Hashed]]:
        """What it holds, and where the bytes of each blob are.

        Raises:
            InvalidInput: it holds nothing, or is logged already, or its metadata is no JSON.
        """
        self._check_open()
        hashed = hash_files(self._files.values())
        entries = self._entries(hashed)
        if not entries:
            raise InvalidInput(f"artifact {self.name!r} is empty: add_file() or add_dir() first")
        dump_text(self.metadata)
        manifest = Manifest(
            name=self.name,
            type=self.type,
            entries=tuple(entries),
            created=datetime.now(UTC).isoformat(),
            description=self.description,
            metadata=self.metadata,
            project=project,
            run_id=run_id,
            run_name=run_name,
        )
        return manifest, {found.digest: found for found in hashed.values()}

    def settle(
        self,
        store: Store,
        manifest: Manifest,
        version_id: VersionId,
        *,
        pending: Pending | None = None,
        versions: Versions | None = None,
    ) -> "Artifact":
        """This is what became of it; returns itself."""
        self._store, self._manifest, self._version_id = store, manifest, version_id
        self._pending, self._versions = pending, versions
        self.description, self.metadata = manifest.description, dict(manifest.metadata)
        self.type = manifest.type
        return self

    def _check_open(self) -> None:
        if self._manifest is not None:
            raise InvalidInput(
                f"artifact {self.name!r} is logged, and versions never change: make a new one"
            )

    def _opened(self) -> Store:
        if self._store is None:
            raise InvalidInput(f"artifact {self.name!r} is not logged yet")
        return self._store

    def _located(self) -> tuple[str, str]:
        self.wait()
        return self.manifest.project, self.manifest.name

    def _known(self) -> Versions:
        if self._versions is None or self.version_id not in self._versions.ids:
            project, name = self._located()
            self._versions = list_versions(self._opened(), project, name)
        return self._versions

    def _default_folder(self) -> Path:
        project = keys.encode_name(self.manifest.project)
        folder = f"{keys.encode_name(self.name)}_{self.version}"
        return Path(".trackio", "artifact-downloads", project, folder)


def open_artifact(store: Store, project: str, name: str, version: str | None = None) -> Artifact:
    """A version that is in a store.

    Raises:
        NotFound: there is none.
        StoreUnavailable, StoreRefused, UnreadableFile: it cannot be read.
    """
    versions = list_versions(store, project, name)
    version_id = versions.find(version)
    manifest = read_manifests(store, project, name, [version_id])[version_id]
    return Artifact(name, manifest.type).settle(store, manifest, version_id, versions=versions)


def _check_name(name: str) -> str:
    keys.encode_name(name)
    if "/" in name or ":" in name:
        raise InvalidInput(f"{name!r} cannot name an artifact: it must hold no '/' and no ':'")
    return name


def _check_path(path: str) -> str:
    fetch.local_path(Path(), path)
    return path
