"""The artifacts of a project, their versions, and which runs made and used them. Writes nothing.

Which artifacts there are follows from a listing; who made and used them from rows of the kind
`artifact`, which name a version by its id, or where a copy was made by its digest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trackio.artifacts.manifest import Manifest, ManifestEntry
from trackio.artifacts.versions import Versions, list_artifacts, list_versions, read_manifests
from trackio.errors import NotFound
from trackio.model import ARTIFACT, RunId, VersionId
from trackio.query.near import advise
from trackio.query.view import View, rereads
from trackio.store.base import Store

OUTPUT: Final = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRow:
    """One artifact: its newest version, and how many there are."""

    name: str
    type: str
    versions: int
    latest: str | None
    size: int
    files: int
    updated: str | None


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
    """A run made a version, or used one; `version` is None where that is gone."""

    run_id: RunId
    direction: str
    project: str
    name: str
    type: str
    version: str | None
    version_id: VersionId
    digest: str
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Who made what of what: links between runs and versions, for a picture."""

    links: tuple[LinkRow, ...]
    run_ids: tuple[RunId, ...]
    versions: tuple[str, ...]


def list_artifact_rows(store: Store, project: str) -> list[ArtifactRow]:
    """Every artifact of a project by name; those whose versions are all deleted are left out."""
    found = list_artifacts(store, project)
    return [_artifact_row(store, versions) for versions in found.values() if versions.live]


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
    known: dict[tuple[str, str], Versions] = {}
    numbered = []
    for link in links:
        place = (link.project, link.name)
        if place not in known:
            known[place] = list_versions(store, *place)
        numbered.append(_numbered(link, known[place]))
    return numbered


def lineage(links: Sequence[LinkRow]) -> Graph:
    """The graph of these links."""
    return Graph(
        links=tuple(links),
        run_ids=tuple(dict.fromkeys(link.run_id for link in links)),
        versions=tuple(dict.fromkeys(_label(link) for link in links)),
    )


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
    return LinkRow(
        run_id=link.run_id,
        direction=link.direction,
        project=link.project,
        name=link.name,
        type=link.type,
        version=f"v{versions.number(found)}",
        version_id=found,
        digest=link.digest,
        time_s=link.time_s,
    )


def _label(link: LinkRow) -> str:
    return f"{link.project}/{link.name}:{link.version or link.version_id}"
