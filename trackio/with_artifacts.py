"""What a run does with artifacts, beside what it logs. Part of `Run`."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trackio import journal
from trackio.report import sync_command
from trackio.settings import Patience, Settings
from trackio.store.base import Store

if TYPE_CHECKING:
    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.contents import FilePath
    from trackio.artifacts.running import RunArtifacts

_log = logging.getLogger("trackio")


class WithArtifacts:
    """A run that logs and uses artifacts; what they need is loaded with the first."""

    name: str
    _header: journal.Header
    _settings: Settings
    _store: Store
    _artifacts: "RunArtifacts | None"

    def _append(self, kind: str, data: Any, step: int | None = None) -> int | None:
        raise NotImplementedError

    def log_artifact(
        self,
        artifact_or_path: "Artifact | FilePath",
        name: str | None = None,
        type: str | None = None,  # noqa: A002 - as other trackers call it
        aliases: Iterable[str] | None = None,
        overwrite: bool = False,
    ) -> "Artifact":
        """Log a version of an artifact, or a file or a folder as one.

        Equal files are one version, whoever logs them. Into a directory it is put at once; on
        its way to any other store it waits on this machine, and nothing here waits for it.

        Args:
            artifact_or_path: the artifact, or the path of a file or a folder.
            name: what a path is called; by default as the file.
            type: what kind of thing it is; by default "unspecified".
            aliases: what this version is called besides `latest` and its number.
            overwrite: delete the versions before it.

        Where it can be written neither to the store nor to this machine, a warning says so, and
        the artifact that is returned is not logged: its `wait()` raises.

        Raises:
            InvalidInput: it is empty, cannot be read, or was of another type before.
        """
        return self._own_artifacts().log(
            artifact_or_path,
            self._header,
            name=name,
            kind=type,
            aliases=aliases,
            overwrite=overwrite,
        )

    def use_artifact(
        self,
        artifact_or_name: "Artifact | str",
        type: str | None = None,  # noqa: A002 - as above
    ) -> "Artifact":
        """Find a version of an artifact, and remember that this run used it.

        Args:
            artifact_or_name: `name`, `name:v3`, `name:alias`, `project/name:v3`, or
                `registry-<name>/collection:v0`.
            type: what it has to be.

        Raises:
            InvalidInput: it names nothing, or is of another type.
            NotFound: there is none.
            StoreUnavailable, StoreRefused: the store cannot be read.
        """
        return self._own_artifacts().use(artifact_or_name, self._header, type)

    def link_artifact(
        self,
        artifact: "Artifact",
        target_path: str,
        aliases: Iterable[str] | None = None,
    ) -> "Artifact":
        """Put a version into a collection of a registry, `registry/collection`.

        Returns:
            The same version, as it is found in that registry.

        Raises:
            InvalidInput: it names no collection, or one of another type.
            StoreUnavailable, StoreRefused: the store cannot be read or written.
        """
        return artifact.link(target_path, aliases)

    def _own_artifacts(self) -> "RunArtifacts":
        if self._artifacts is None:
            from trackio.artifacts.running import RunArtifacts

            self._artifacts = RunArtifacts(self._store, self._settings, self._append)
        return self._artifacts

    def _has_sent_artifacts(self, patience: Patience) -> bool:
        """Wait until every artifact is in the store; False, with a warning, if one is not."""
        if self._artifacts is None or self._artifacts.wait(patience):
            return True
        _log.warning(
            "trackio: artifacts of %r are not in %s yet; they are safe on this machine, and "
            "`%s` sends them",
            self.name,
            self._store.url,
            sync_command(self._settings),
        )
        return False
