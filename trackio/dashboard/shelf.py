"""What the pages of artifacts and registries say, as JSON has it. Knows no HTTP, writes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from trackio.artifacts.changes import list_registries
from trackio.artifacts.events import Event
from trackio.artifacts.manifest import Manifest
from trackio.artifacts.versions import list_versions
from trackio.dashboard.meta import Meta
from trackio.dashboard.run_page import plain
from trackio.dashboard.tables import Row
from trackio.query.artifacts import (
    ArtifactRow,
    LinkRow,
    VersionRow,
    count_artifacts,
    get_version,
    list_artifact_rows,
    list_links,
    list_version_rows,
    number_links,
)
from trackio.query.lineage import related
from trackio.query.registries import (
    CollectionRow,
    LinkedVersion,
    RegistryRow,
    list_placings,
    list_registry_rows,
)
from trackio.store.base import Store

MOST_FILES: Final = 50_000
MOST_LINKS: Final = 10_000
MOST_EVENTS: Final = 2_000


def artifacts(store: Store, meta: Meta) -> Row:
    """Every artifact of a project."""
    found = list_artifact_rows(store, meta.project)
    return {"rev": meta.rev, "artifacts": [_artifact(row) for row in found]}


def versions(store: Store, meta: Meta, name: str) -> Row:
    """The versions of one artifact, newest first.

    Raises:
        NotFound: nobody logged such an artifact.
    """
    found = list_version_rows(store, meta.project, name)
    return {
        "rev": meta.rev,
        "name": plain(name),
        "versions": [_version(meta, row) for row in reversed(found)],
    }


def version(store: Store, meta: Meta, name: str, spec: str | None) -> Row:
    """One version: what it holds, who made it, who used it, where it is registered.

    Raises:
        NotFound: there is none.
    """
    row, manifest = get_version(store, meta.project, name, spec)
    return tell_version(meta, row, manifest, project_links(store, meta), list_registry_rows(store))


def tell_version(
    meta: Meta,
    row: VersionRow,
    manifest: Manifest,
    links: Iterable[LinkRow],
    registries: Iterable[RegistryRow],
) -> Row:
    """One version, of which all this is known."""
    place = (meta.project, row.name, row.version_id)
    own = [link for link in links if link.place == place]
    return {
        "rev": meta.rev,
        **_version(meta, row),
        "metadata": plain(manifest.metadata),
        **_files(manifest),
        "made": [_link(meta, link) for link in own if link.made],
        "used": [_link(meta, link) for link in own if not link.made],
        "placings": [
            {"registry": registry, "collection": collection, **_linked(linked)}
            for registry, collection, linked in list_placings(registries, *place)
        ],
    }


def lineage(store: Store, meta: Meta, name: str | None, spec: str | None) -> Row:
    """Who made what of what: in the whole project, or around one version.

    Raises:
        NotFound: there is no such version.
    """
    links = project_links(store, meta)
    if name is not None:
        place = (meta.project, name, list_versions(store, meta.project, name).find(spec))
        links = related(links, place)
    return tell_lineage(meta, links)


def tell_lineage(meta: Meta, links: Sequence[LinkRow]) -> Row:
    """These links, of many the newest."""
    return {
        "rev": meta.rev,
        "total": len(links),
        "links": [_link(meta, link) for link in links[-MOST_LINKS:]],
    }


def run_links(store: Store, meta: Meta, run_id: str) -> Row:
    """What one run made and used."""
    links = _once(number_links(store, list_links(meta.view, run_id)))
    return {"rev": meta.rev, "links": [_link(meta, link) for link in links]}


def uses(store: Store, metas: Iterable[Meta], project: str, name: str, spec: str | None) -> Row:
    """Which runs of these projects used a version.

    Raises:
        NotFound: there is no such version.
    """
    place = (project, name, list_versions(store, project, name).find(spec))
    found = [
        {**_link(meta, link), "in": meta.project}
        for meta in metas
        for link in project_links(store, meta)
        if link.place == place and not link.made
    ]
    return {"used": found}


def project_links(store: Store, meta: Meta) -> list[LinkRow]:
    """What all runs of a project made and used, each link once, oldest first."""
    return _once(number_links(store, list_links(meta.view)))


def counts(store: Store, project: str) -> dict[str, int]:
    """How many artifacts and registries there are, for the tabs; from two listings of folders."""
    return {
        "artifacts": count_artifacts(store, project),
        "registries": len(list_registries(store)),
    }


def registries(store: Store) -> Row:
    """Every registry: its collections, and what happened to it, newest first."""
    return {"registries": [_registry(row) for row in list_registry_rows(store)]}


def _once(links: Sequence[LinkRow]) -> list[LinkRow]:
    """A run that logs or uses a version again says so again: the first time counts."""
    first: dict[tuple[Any, ...], LinkRow] = {}
    for link in links:
        first.setdefault((link.run_id, link.made, link.place), link)
    return list(first.values())


def _artifact(row: ArtifactRow) -> Row:
    return {
        "name": plain(row.name),
        "type": plain(row.type),
        "versions": row.versions,
        "latest": row.latest,
        "size": row.size,
        "files": row.files,
        "updated_s": _seconds(row.updated),
        "aliases": [[plain(alias), number] for alias, number in row.aliases.items()],
    }


def _version(meta: Meta, row: VersionRow) -> Row:
    return {
        "name": plain(row.name),
        "type": plain(row.type),
        "version": row.version,
        "id": row.version_id,
        "aliases": [plain(alias) for alias in row.aliases],
        "digest": row.digest,
        "size": row.size,
        "count": row.files,
        "created_s": _seconds(row.created),
        "description": plain(row.description),
        "run": _run(meta, row.run_id, row.run_name),
    }


def _files(manifest: Manifest) -> Row:
    """The files by path; those that lie elsewhere say where."""
    entries = sorted(manifest.entries, key=lambda entry: entry.path)[:MOST_FILES]
    return {
        "files": [
            {"path": plain(entry.path), "size": entry.size, "digest": entry.digest}
            | ({} if entry.ref is None else {"ref": plain(entry.ref)})
            for entry in entries
        ]
    }


def _link(meta: Meta, link: LinkRow) -> Row:
    return {
        "run": _run(meta, link.run_id, None),
        "made": link.made,
        "project": plain(link.project),
        "name": plain(link.name),
        "type": plain(link.type),
        "version": link.version,
        "id": link.version_id,
        "is_gone": link.is_gone or link.version is None,
        "time_s": link.time_s,
    }


def _run(meta: Meta, run_id: str | None, name: str | None) -> Row | None:
    """A run by its code, and by its name where it is not in the project any more."""
    if run_id is None and name is None:
        return None
    known = next((run for run in meta.runs if run.run_id == run_id), None)
    if known is None:
        return {"code": None, "id": run_id, "name": plain(name or run_id)}
    return {"code": meta.run_codes[known.run_id], "id": run_id, "name": plain(known.name)}


def _registry(row: RegistryRow) -> Row:
    linked: dict[tuple[str, ...], LinkedVersion] = {
        (collection.name, version.project, version.name, version.version_id): version
        for collection in row.collections
        for version in collection.versions
    }
    return {
        "name": plain(row.name),
        "description": plain(row.description),
        "created_s": _seconds(row.created),
        "collections": [_collection(one) for one in row.collections],
        "total": len(row.events),
        "events": [_event(event, linked) for event in row.events[::-1][:MOST_EVENTS]],
    }


def _event(event: Event, linked: Mapping[tuple[str, ...], LinkedVersion]) -> Row:
    """What happened; of a link also the numbers that the version has here and at home."""
    said = event.said
    names = ("collection", "project", "name", "version_id")
    version = linked.get(tuple(str(said.get(name)) for name in names))
    return {
        "kind": event.kind,
        "time_s": _seconds(event.time),
        "actor": plain(event.actor),
        "said": plain(said),
        "version": version.version if version else None,
        "source": version.source if version else None,
    }


def _collection(row: CollectionRow) -> Row:
    return {
        "name": plain(row.name),
        "type": plain(row.type),
        "description": plain(row.description),
        "created_s": _seconds(row.created),
        "versions": [_linked(one) for one in reversed(row.versions)],
        "aliases": [[plain(alias), number] for alias, number in row.aliases.items()],
    }


def _linked(linked: LinkedVersion) -> Row:
    return {
        "version": linked.version,
        "aliases": [plain(alias) for alias in linked.aliases],
        "project": plain(linked.project),
        "name": plain(linked.name),
        "source": linked.source,
        "digest": linked.digest,
        "linked_s": _seconds(linked.linked),
        "linked_by": plain(linked.linked_by),
        "is_unlinked": linked.is_unlinked,
        "is_gone": linked.is_gone,
    }


def _seconds(moment: str | None) -> float | None:
    """A time as seconds since 1970; None for what is none."""
    try:
        return None if moment is None else datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return None
