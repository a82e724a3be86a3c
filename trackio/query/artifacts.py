"""The artifacts of a project, their versions, and which runs made and used them. Writes nothing.

Which artifacts there are follows from a listing; who made and used them from rows of the kind
`artifact`, which name a version by its id, or where a copy was made by its digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from trackio import keys
from trackio.artifacts.manifest import Manifest, ManifestEntry
from trackio.artifacts.versions import Versions, list_artifacts, list_versions, read_manifests
from trackio.errors import NotFound
from trackio.model import ARTIFACT, RunId, VersionId
from trackio.query.near import advise
from trackio.query.view import View, rereads
from trackio.store.base import Store
from trackio.store.parallel import attempt_each, raise_first

OUTPUT: Final = "output"
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRow:
    """One artifact: its newest version, how many there are, and which are called how."""

    name: str
    type: str
    versions: int
    latest: str | None
    size: int
    files: int
    updated: str | None
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version of an artifact."""

    name: str
    type: str
    version: str
    version_id: VersionId
    aliases: tuple[str, ...]
    digest: str
    size: int
    files: int
    created: str
    description: str | None
    run_id: str | None
    run_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A run made a version, or used one; `version` is None where nobody knows it any more.

    `is_gone` says that the version was deleted, though its number is known.
    """

    run_id: RunId
    direction: str
    project: str
    name: str
    type: str
    version: str | None
    version_id: VersionId
    digest: str
    time_s: float
    is_gone: bool = False

    @property
    def made(self) -> bool:
        """Whether the run made it; else it used it."""
        return self.direction == OUTPUT

    @property
    def place(self) -> tuple[str, str, VersionId]:
        """Which version that is."""
        return self.project, self.name, self.version_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Who made what of what: links between runs and versions, for a picture."""

    links: tuple[LinkRow, ...]
    run_ids: tuple[RunId, ...]
    versions: tuple[str, ...]


def list_artifact_rows(store: Store, project: str) -> list[ArtifactRow]:
    """Every artifact of a project by name; those whose versions are all deleted are left out."""
    live = {name: it for name, it in list_artifacts(store, project).items() if it.live}
    found: dict[str, ArtifactRow] = {}

    def read(name: str) -> None:
        found[name] = _artifact_row(store, live[name])

    raise_first(attempt_each(live, read, workers=_AT_ONCE))
    return [found[name] for name in live]


def list_version_rows(store: Store, project: str, name: str) -> list[VersionRow]:
    """Every version of an artifact, oldest first.

    Raises:
        NotFound: nobody logged such an artifact.
    """
    versions = _known(store, project, name)
    manifests = read_manifests(store, project, name, versions.live)
    return [_version_row(versions, version, manifests[version]) for version in versions.live]


def get_version(
    store: Store, project: str, name: str, version: str | None = None
) -> tuple[VersionRow, Manifest]:
    """One version, and all that it holds.

    Raises:
        NotFound: there is none.
    """
    versions = _known(store, project, name)
    version_id = versions.find(version)
    manifest = read_manifests(store, project, name, [version_id])[version_id]
    return _version_row(versions, version_id, manifest), manifest


@rereads
def list_links(view: View, run_id: str | None = None) -> list[LinkRow]:
    """What the runs of a project, or one of them, made and used, oldest first."""
    said = view.said(view.pieces(None if run_id is None else [RunId(run_id)]))
    found = [
        _link(piece.run_id, row.value, row.time_s)
        for piece, rows in said.items()
        for row in rows
        if row.kind == ARTIFACT and isinstance(row.value, dict)
    ]
    return sorted(found, key=lambda link: (link.time_s, link.run_id, link.name))


def number_links(store: Store, links: Iterable[LinkRow]) -> list[LinkRow]:
    """The same links with the numbers that their versions have now."""
    listed = list(links)
    known = list_many_versions(store, {(link.project, link.name) for link in listed})
    return [_numbered(link, known[link.project, link.name]) for link in listed]


def list_many_versions(
    store: Store, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Versions]:
    """The versions of many artifacts, each a project and a name, many at once."""
    wanted = {str(keys.artifact_prefix(*place)): place for place in places}
    found: dict[tuple[str, str], Versions] = {}

    def read(prefix: str) -> None:
        found[wanted[prefix]] = list_versions(store, *wanted[prefix])

    raise_first(attempt_each(wanted, read, workers=_AT_ONCE))
    return found


def lineage(links: Sequence[LinkRow]) -> Graph:
    """The graph of these links."""
    return Graph(
        links=tuple(links),
        run_ids=tuple(dict.fromkeys(link.run_id for link in links)),
        versions=tuple(dict.fromkeys(_label(link) for link in links)),
    )


def count_artifacts(store: Store, project: str) -> int:
    """How many artifacts a project has or had, from the names of folders."""
    prefix, blobs = keys.artifacts_prefix(project), keys.blob_prefix(project)
    listed = (entry.key for entry in store.list(prefix, recursive=False))
    return sum(key.endswith("/") and key != blobs for key in listed)


def changed_entries(
    before: Manifest, after: Manifest
) -> dict[str, tuple[ManifestEntry | None, ManifestEntry | None]]:
    """The files that differ between two versions, by path."""
    old = {entry.path: entry for entry in before.entries}
    new = {entry.path: entry for entry in after.entries}
    return {
        path: (old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    }


def _known(store: Store, project: str, name: str) -> Versions:
    versions = list_versions(store, project, name)
    if not versions.ids:
        names = list(list_artifacts(store, project))
        advice = advise(name, names) if names else "it has none yet"
        raise NotFound(f"project {project!r} has no artifact {name!r}; {advice}")
    return versions


def _artifact_row(store: Store, versions: Versions) -> ArtifactRow:
    newest = versions.live[-1]
    manifest = read_manifests(store, versions.project, versions.name, [newest])[newest]
    return ArtifactRow(
        name=versions.name,
        type=manifest.type,
        versions=len(versions.live),
        latest=f"v{versions.number(newest)}",
        size=manifest.size,
        files=len(manifest.entries),
        updated=manifest.created,
        aliases={
            alias: f"v{versions.number(version)}"
            for alias, version in sorted(versions.aliases.items())
            if version in versions.live
        },
    )


def _version_row(versions: Versions, version_id: VersionId, manifest: Manifest) -> VersionRow:
    return VersionRow(
        name=manifest.name,
        type=manifest.type,
        version=f"v{versions.number(version_id)}",
        version_id=version_id,
        aliases=tuple(versions.aliases_of(version_id)),
        digest=manifest.digest,
        size=manifest.size,
        files=len(manifest.entries),
        created=manifest.created,
        description=manifest.description,
        run_id=manifest.run_id,
        run_name=manifest.run_name,
    )


def _link(run_id: RunId, said: dict[str, Any], time_s: float) -> LinkRow:
    return LinkRow(
        run_id=run_id,
        direction=str(said.get("direction", OUTPUT)),
        project=str(said.get("project", "")),
        name=str(said.get("name", "")),
        type=str(said.get("type", "")),
        version=None,
        version_id=VersionId(str(said.get("version_id", ""))),
        digest=str(said.get("digest", "")),
        time_s=time_s,
    )


def _numbered(link: LinkRow, versions: Versions) -> LinkRow:
    alike = [it for it in versions.ids if it.endswith(link.digest[:12])] if link.digest else []
    found = link.version_id if link.version_id in versions.ids else next(iter(alike[-1:]), None)
    if found is None:
        return link
    return replace(
        link,
        version=f"v{versions.number(found)}",
        version_id=found,
        is_gone=found in versions.deleted,
    )


def _label(link: LinkRow) -> str:
    return f"{link.project}/{link.name}:{link.version or link.version_id}"
