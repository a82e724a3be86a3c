"""An artifact in the hands of a user: files to be logged, or a version that is there.

It is made, filled and logged once; what `use_artifact` and the reading API give is logged
already, and its files come with `download`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trackio import keys
from trackio.artifacts import fetch
from trackio.artifacts.changes import check_plain_name
from trackio.artifacts.contents import Contents, FilePath
from trackio.artifacts.hashing import Hashed
from trackio.artifacts.manifest import Manifest, ManifestEntry, digest_of
from trackio.artifacts.paths import local_path
from trackio.artifacts.version import Version
from trackio.artifacts.versions import list_versions, read_manifests
from trackio.errors import InvalidInput, UnreadableFile
from trackio.store.base import Store
from trackio.values.plain import dump_text


class Artifact(Version):
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
        super().__init__(check_plain_name(name, "an artifact"), type)
        self.description = description
        self.metadata = dict(metadata or {})
        self._contents = Contents()

    def __repr__(self) -> str:
        state = "not logged yet" if self._manifest is None else self.qualified_name
        return f"<trackio.Artifact {self.name!r} ({self.type}) {state}>"

    # What goes in.

    def add_file(self, local_path: FilePath, name: str | None = None) -> "Artifact":
        """Add a file, under its own name unless told otherwise.

        Raises:
            InvalidInput: there is no such file, or the artifact is logged already.
        """
        self._check_open()
        self._contents.add_file(local_path, name)
        return self

    def add_dir(self, local_dir: FilePath, name: str | None = None) -> "Artifact":
        """Add every file below a folder; symbolic links are left out.

        Raises:
            InvalidInput: there is no such folder.
        """
        self._check_open()
        self._contents.add_dir(local_dir, name)
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
        self._contents.add_reference(str(uri), name, checksum=checksum, max_objects=max_objects)
        return self

    # What is known of it.

    @property
    def digest(self) -> str:
        """The hash of what it holds: equal files, equal digest."""
        if self._manifest is None:
            return digest_of(self._contents.read().entries)
        return self._manifest.digest

    manifest_digest = digest

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        if self._manifest is None:
            return self._contents.size
        return self._manifest.size

    @property
    def file_count(self) -> int:
        """How many files it has, references included."""
        if self._manifest is None:
            return len(self._contents)
        return len(self._manifest.entries)

    @property
    def references(self) -> list[ManifestEntry]:
        """Its files that the store does not keep."""
        if self._manifest is None:
            return self._contents.references
        return [entry for entry in self._manifest.entries if entry.ref is not None]

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
        return str(local_path(Path(self.download(root)), entries[0].path))

    def verify(self, root: FilePath | None = None) -> None:
        """Compare the files in a folder with what was logged.

        Raises:
            UnreadableFile: some differ, or are not there.
        """
        folder = Path(root).expanduser() if root is not None else self._default_folder()
        if wrong := fetch.wrong_files(self.manifest, folder):
            raise UnreadableFile(f"{len(wrong)} files differ from {self.name!r}: {wrong[:10]}")

    # For what logs and finds it.

    def make_manifest(
        self, project: str, *, run_id: str | None = None, run_name: str | None = None
    ) -> tuple[Manifest, Mapping[str, Hashed]]:
        """What it holds, and where the bytes of each blob are.

        Raises:
            InvalidInput: it holds nothing, or is logged already, or its metadata is no JSON.
        """
        self._check_open()
        if not self._contents:
            raise InvalidInput(f"artifact {self.name!r} is empty: add_file() or add_dir() first")
        dump_text(self.metadata)
        read = self._contents.read()
        manifest = Manifest(
            name=self.name,
            type=self.type,
            entries=read.entries,
            created=datetime.now(UTC).isoformat(),
            description=self.description,
            metadata=self.metadata,
            project=project,
            run_id=run_id,
            run_name=run_name,
        )
        return manifest, read.files

    def _check_open(self) -> None:
        if self._manifest is not None:
            raise InvalidInput(
                f"artifact {self.name!r} is logged, and versions never change: make a new one"
            )

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
