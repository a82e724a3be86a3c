"""Bring artifacts and registries of earlier Trackios over: versions, aliases, blobs, events.

Their tables are kept as they were, too. A version keeps its number: where an earlier one was
deleted, an empty one that is deleted stands in its place. Ids follow from the source alone, so
that a second migration puts nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from trackio import keys
from trackio.artifacts.events import Event, EventKind, encode_event
from trackio.artifacts.manifest import Manifest, ManifestEntry, encode_manifest, make_version_id
from trackio.artifacts.versions import encode_alias
from trackio.model import EventId, VersionId
from trackio.store.base import Content
from trackio.upkeep.migrate.books import Context
from trackio.upkeep.migrate.legacy import Source, valid_text
from trackio.upkeep.migrate.media import hash_file
from trackio.upkeep.migrate.moments import iso_of, parse_moment
from trackio.upkeep.migrate.names import canonical, is_encodable, storable_name

TABLES: Final = ("artifacts", "artifact_versions", "artifact_aliases")
_REGISTRY: Final = "registry-"
_NOBODY: Final = "0" * 64
_MOST_VERSIONS: Final = 10_000
"""A number that is larger is no number of a version, but damage."""

Versions = dict[tuple[str, str, int], tuple[str, Manifest, VersionId]]
"""What became of a version: by the file name of its project, its name and its number."""


@dataclass(slots=True)
class Artifacts:
    """What a migration has brought over so far, and the registries that wait for the rest."""

    root: Path
    context: Context
    versions: Versions = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    descriptions: dict[str, str | None] = field(default_factory=dict)
    brought: set[str] = field(default_factory=set)
    """The files of the source whose bytes are blobs now."""

    def bring(self, source: Source, home: str) -> None:
        """The artifacts of one database; the events of a registry are remembered."""
        if not self.context.wanted(home):
            return
        if set(TABLES) <= set(source.tables):
            self._bring_versions(source, home)
        if source.stem.startswith(_REGISTRY) and "registry_events" in source.tables:
            name = source.stem.removeprefix(_REGISTRY)
            self.events[name] = list(source.objects("registry_events"))
            for row in source.objects("project_metadata"):
                if row.get("key") == "registry_description":
                    self.descriptions[name] = valid_text(row.get("value")) or None

    def finish(self) -> None:
        """The registries, once every version is there."""
        for name, rows in self.events.items():
            own = storable_name(name)
            listed = self._listed(keys.registry_prefix(own))
            files: dict[str, Content] = {}
            before = ""
            for row in rows:
                event = self._event(name, row, before)
                if event is None:
                    said = f"registry {name!r}: an event {row.get('kind')!r} names nothing here"
                    self.context.report.notes.append(said)
                    continue
                before = event.id
                files[str(keys.RegistryEventKey(own, event.id))] = encode_event(event)
            self._put(files, listed)

    def _bring_versions(self, source: Source, home: str) -> None:
        artifacts = {row["id"]: row for row in source.objects("artifacts")}
        rows: dict[Any, list[dict[str, Any]]] = {}
        for row in source.objects("artifact_versions"):
            rows.setdefault(row["artifact_id"], []).append(row)
        by_row: dict[Any, tuple[str, VersionId]] = {}
        files: dict[str, Content] = {}
        blobs: set[str] = set()
        for artifact_id, artifact in artifacts.items():
            name = _storable(valid_text(artifact.get("name")))
            for said, manifest, version_id in _numbered(artifact, rows.get(artifact_id, []), home):
                files[str(keys.ManifestKey(home, name, version_id))] = encode_manifest(manifest)
                if said is None:
                    files[str(keys.DeletedVersionKey(home, name, version_id))] = b""
                    continue
                by_row[said["id"]] = (name, version_id)
                place = (canonical(source.stem), valid_text(artifact.get("name")), said["version"])
                self.versions[place] = (home, manifest, version_id)
                blobs |= manifest.blobs
        for alias in source.objects("artifact_aliases"):
            found = by_row.get(alias["artifact_version_id"])
            word = valid_text(alias.get("alias"))
            if found is not None and word != "latest" and is_encodable(word):
                files[str(keys.AliasKey(home, found[0], word))] = encode_alias(found[1])
        listed = self._listed(keys.artifacts_prefix(home))
        self._put_blobs(source.stem, home, blobs, listed)
        self._put(files, listed)

    def _put_blobs(self, stem: str, home: str, wanted: set[str], listed: set[str]) -> None:
        folder = self.root / "artifacts" / stem / "blobs" / "sha256"
        files: dict[keys.BlobKey, tuple[Path, str]] = {}
        for digest in sorted(wanted):
            key = keys.BlobKey(home, digest)
            path = folder / digest[:2] / digest
            if not path.is_file():
                self.context.report.notes.append(f"{stem}: the blob {digest} is gone")
            elif hash_file(path) != digest:
                self.context.report.notes.append(f"{stem}: the blob {digest} is damaged")
            else:
                self.brought.add(path.relative_to(self.root).as_posix())
                if str(key) not in listed:
                    files[key] = (path, digest)
        self.context.outlet.put_blobs(files)

    def _put(self, files: Mapping[str, Content], listed: set[str]) -> None:
        self.context.outlet.put({key: it for key, it in files.items() if key not in listed})

    def _listed(self, prefix: str) -> set[str]:
        return self.context.outlet.listed(prefix)

    def _event(self, registry: str, row: Mapping[str, Any], before: str) -> Event | None:
        said = _decoded(row.get("payload"))
        kind = str(row.get("kind"))
        found = self._said(kind, said, self.descriptions.get(registry))
        if found is None:
            return None
        time_us = _time_us(row.get("ts"))
        digits = sha256(f"{registry} {row.get('event_uid')}".encode()).hexdigest()
        event_id = make_version_id(digits, time_us // 1000, before or None)
        return Event(
            id=EventId(event_id),
            kind=found[0],
            time=iso_of(time_us),
            actor=said.get("run_name"),
            said=found[1],
        )

    def _said(
        self, kind: str, said: Mapping[str, Any], description: str | None
    ) -> tuple[EventKind, dict[str, Any]] | None:
        collection = said.get("collection")
        match kind:
            case "create" if collection is None:
                return "create", {"description": description}
            case "create":
                kind_of = {"type": said.get("type") or "unspecified"}
                more = {"description": said.get("description")}
                return "create_collection", {"collection": collection, **kind_of, **more}
            case "link":
                return self._link(said)
            case "promote":
                aliases = [it for it in [said.get("alias")] if it and it != "latest"]
                number = said.get("collection_version")
                return "promote", {"collection": collection, "number": number, "aliases": aliases}
            case "unlink":
                number = said.get("collection_version")
                return "unlink", {"collection": collection, "number": number}
            case "update":
                more = {} if collection is None else {"collection": collection}
                return "update", {**more, "description": said.get("description")}
        return None

    def _link(self, said: Mapping[str, Any]) -> tuple[EventKind, dict[str, Any]] | None:
        project, name = str(said.get("source_project")), str(said.get("source_artifact"))
        found = self.versions.get((canonical(project), name, int(said.get("source_version") or 0)))
        if found is None:
            return None
        home, manifest, version_id = found
        return "link", {
            "collection": said.get("collection"),
            "type": manifest.type,
            "project": home,
            "name": manifest.name,
            "version_id": version_id,
            "digest": manifest.digest,
            "aliases": [],
        }


def _numbered(
    artifact: Mapping[str, Any], rows: list[dict[str, Any]], home: str
) -> Iterator[tuple[dict[str, Any] | None, Manifest, VersionId]]:
    """The versions of an artifact by number, with an empty one where one was deleted."""
    by_number = {int(row["version"]): row for row in rows}
    before: VersionId | None = None
    for number in range(min(max(by_number, default=-1) + 1, _MOST_VERSIONS)):
        row: dict[str, Any] | None = by_number.get(number)
        manifest = _manifest(artifact, row, home, number)
        said = (row or artifact).get("created_at")
        before = make_version_id(manifest.digest, _time_us(said) // 1000, before)
        yield row, manifest, before


def _manifest(
    artifact: Mapping[str, Any], row: Mapping[str, Any] | None, home: str, number: int
) -> Manifest:
    said = row or {}
    entries = _decoded_list(said.get("manifest"))
    name = valid_text(artifact.get("name"))
    metadata = _decoded(said.get("metadata"))
    if row is None:
        entries = [{"path": f"v{number}", "digest": _NOBODY, "size": 0, "ref": "deleted"}]
    return Manifest(
        name=_storable(name),
        type=valid_text(artifact.get("type")) or "unspecified",
        entries=tuple(
            ManifestEntry(
                path=str(it["path"]),
                digest=str(it["digest"]),
                size=int(it.get("size") or 0),
                ref=it.get("ref"),
            )
            for it in entries
        ),
        created=iso_of(_time_us(said.get("created_at") or artifact.get("created_at"))),
        description=valid_text(artifact.get("description")) or None,
        metadata=metadata,
        project=home,
        run_id=said.get("producer_run_id"),
        run_name=said.get("producer_run_name"),
    )


def _storable(name: str) -> str:
    return storable_name(name.replace("/", "_").replace(":", "_"))


def _time_us(said: object) -> int:
    return parse_moment(said, is_utc=True, zone=None, is_known=True).time_us or 0


def _decoded(said: object) -> dict[str, Any]:
    try:
        found = orjson.loads(valid_text(said)) if said else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _decoded_list(said: object) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(valid_text(said)) if said else []
    except orjson.JSONDecodeError:
        return []
    return [it for it in found if isinstance(it, dict) and "path" in it and "digest" in it]
