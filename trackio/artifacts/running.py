"""The artifacts of one run: what it logs, what it uses, and the rows that say so."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from trackio import journal
from trackio.artifacts.artifact import Artifact
from trackio.artifacts.contents import FilePath
from trackio.artifacts.upload import Upload, log_artifact
from trackio.artifacts.use import find_artifact
from trackio.artifacts.versions import check_alias
from trackio.errors import InvalidInput, StoreRefused, StoreUnavailable
from trackio.model import ARTIFACT, Json
from trackio.settings import Patience, Settings
from trackio.store.base import Store
from trackio.store.retrying import Retrying, RetryPolicy
from trackio.values.plain import dump_text

INPUT: Final = "input"
OUTPUT: Final = "output"

_log = logging.getLogger("trackio")


class RunArtifacts:
    """What a run does with artifacts.

    Args:
        store: where they are.
        settings: those of the run.
        append: takes a row of the run.
    """

    def __init__(
        self, store: Store, settings: Settings, append: Callable[[str, dict[str, Any]], object]
    ) -> None:
        self._store = store
        self._settings = settings
        self._append = append
        self._uploads: list[Upload] = []

    def log(
        self,
        given: Artifact | FilePath,
        header: journal.Header,
        *,
        name: str | None = None,
        kind: str | None = None,
        aliases: Iterable[str] | None = None,
        overwrite: bool = False,
    ) -> Artifact:
        """Log an artifact, or a file or a folder as one; see `Run.log_artifact`."""
        artifact = _as_artifact(given, name, kind)
        words = [aliases] if isinstance(aliases, str) else list(aliases or ())
        names = [check_alias(alias) for alias in words]
        try:
            upload = self._send(artifact, header, names, overwrite=overwrite)
        except (StoreUnavailable, StoreRefused, OSError) as exc:
            _log.warning(
                "trackio: artifact %r was not logged (%s): it stays where it is; log it again "
                "when %s can be written",
                artifact.name,
                exc,
                self._store.url,
            )
            return artifact
        if upload is not None:
            self._uploads = [it for it in self._uploads if not it.is_done]
            self._uploads.append(upload)
        self._note(artifact, OUTPUT)
        return artifact

    def _send(
        self, artifact: Artifact, header: journal.Header, aliases: list[str], *, overwrite: bool
    ) -> Upload | None:
        return log_artifact(
            artifact,
            store=self._store,
            settings=self._settings,
            project=header.project,
            run_id=header.run_id,
            run_name=header.meta.name,
            aliases=aliases,
            overwrite=overwrite,
        )

    def use(
        self, given: Artifact | str, header: journal.Header, kind: str | None = None
    ) -> Artifact:
        """Find a version and remember that this run used it; see `Run.use_artifact`."""
        if isinstance(given, Artifact):
            artifact = given.wait()
            if kind is not None and artifact.type != kind:
                raise InvalidInput(f"{artifact.name!r} is of type {artifact.type!r}, not {kind!r}")
        else:
            artifact = find_artifact(self.reading(), given, header.project, kind)
        self._note(artifact, INPUT)
        return artifact

    def reading(self) -> Store:
        """The store, asked again for a short while where it is unavailable."""
        return Retrying(self._store, RetryPolicy(attempts=4, deadline_s=15.0))

    def wait(self, patience: Patience) -> bool:
        """Wait until every logged artifact is in the store; False if one is not."""
        done = [upload.wait_patiently(patience) for upload in self._uploads]
        return all(done)

    def _note(self, artifact: Artifact, direction: str) -> None:
        said = {
            "direction": direction,
            "project": artifact.manifest.project,
            "name": artifact.name,
            "type": artifact.type,
            "version_id": artifact.version_id,
            "digest": artifact.digest,
        }
        if artifact.source is not None:
            said["registry"], said["collection"] = artifact.source
        name = f"{artifact.manifest.project}/{artifact.name}"
        self._append(ARTIFACT, {name: Json(dump_text(said))})


def _as_artifact(given: Artifact | FilePath, name: str | None, kind: str | None) -> Artifact:
    if isinstance(given, Artifact):
        return given
    path = Path(given).expanduser()
    made = Artifact(name or path.absolute().name, kind or "unspecified")
    return made.add_dir(path) if path.is_dir() else made.add_file(path)
