"""One version of an artifact: what it is called, whether it is there, who links to it.

It knows no local file: what goes in and comes out is the subject of `artifact`.
"""

import copy
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol, Self

from trackio import keys
from trackio.artifacts.linking import Linkable, link_version, unlink_version
from trackio.artifacts.manifest import Manifest
from trackio.artifacts.versions import LATEST, Versions, check_alias, encode_alias, list_versions
from trackio.errors import InvalidInput, NotFound, StoreUnavailable
from trackio.model import VersionId
from trackio.store.base import Store


class Pending(Protocol):
    """A version on its way into the store."""

    @property
    def version_id(self) -> VersionId:
        """Its id, as far as is known."""

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until it is there."""


class Version:
    """A version that is in a store, or on its way there; or none yet.

    Args:
        name: that of the artifact.
        type: what kind of thing it is.
    """

    def __init__(self, name: str, type: str) -> None:  # noqa: A002 - as other trackers call it
        self.name = name
        self.type = type
        self.description: str | None = None
        self.metadata: dict[str, Any] = {}
        self.source: tuple[str, str] | None = None
        """The registry and the collection that it was found in."""
        self._store: Store | None = None
        self._manifest: Manifest | None = None
        self._version_id: VersionId | None = None
        self._versions: Versions | None = None
        self._pending: Pending | None = None

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

    def wait(self, timeout: float | None = None) -> Self:
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

    def link(self, target_path: str, aliases: Iterable[str] | None = None) -> Self:
        """Put this version into a collection, `registry/collection`, which is made if missing.

        Returns:
            The same version, as it is found in that registry.

        Raises:
            InvalidInput: the path names no collection, or one of another type.
        """
        version = self.wait().linkable()
        linked = copy.copy(self)
        linked.source = link_version(self._opened(), version, target_path, aliases or ())
        return linked

    def unlink(self) -> None:
        """Take this version out of the collection that it was found in.

        Raises:
            InvalidInput: it was not found in one.
        """
        if self.source is None:
            raise InvalidInput(f"{self.qualified_name} was not found in a registry")
        unlink_version(self._opened(), self.linkable(), *self.source)

    def settle(
        self,
        store: Store,
        manifest: Manifest,
        version_id: VersionId,
        *,
        pending: Pending | None = None,
        versions: Versions | None = None,
    ) -> Self:
        """This is what became of it; returns itself."""
        self._store, self._manifest, self._version_id = store, manifest, version_id
        self._pending, self._versions = pending, versions
        self.description, self.metadata = manifest.description, dict(manifest.metadata)
        self.type = manifest.type
        return self

    def linkable(self) -> Linkable:
        """This version as a registry names it."""
        project, name = self._located()
        return Linkable(
            project=project,
            name=name,
            type=self.type,
            version_id=self.version_id,
            digest=self.manifest.digest,
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
