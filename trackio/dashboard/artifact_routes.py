"""What the pages of artifacts and registries ask for, and the files of versions, to keep.

A file is named by its version and its path, never by a key: nothing is given that no manifest
of the project holds. It is always a download, and never drawn as a page of this server.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from trackio import keys
from trackio.artifacts.manifest import ManifestEntry
from trackio.dashboard import parameters, shelf
from trackio.dashboard.contents import contents
from trackio.dashboard.desk import Desk
from trackio.dashboard.file_routes import SANDBOX
from trackio.dashboard.guard import Answer, as_json
from trackio.dashboard.meta import Meta
from trackio.dashboard.recalling import Recalling
from trackio.errors import InvalidInput, NotFound
from trackio.model import Entry
from trackio.query.artifacts import get_version
from trackio.store.base import Store, is_local, local_file
from trackio.store.remote import RemoteStore, is_remote

_PART: Final = 8 << 20
"""Bytes that are read at once of a file that is sent on from a store far away."""


class ArtifactRoutes:
    """The answers of one dashboard; what never changes is read once for all who ask."""

    def __init__(self, desk: Desk) -> None:
        self._store: Store = Recalling(desk.store, clock=desk.clock)

    def answers(self) -> dict[str, Answer]:
        """Every answer by its path."""
        return {
            "contents.json": self.contents_json,
            "artifacts.json": self.artifacts_json,
            "artifact.json": self.artifact_json,
            "version.json": self.version_json,
            "uses.json": self.uses_json,
            "lineage.json": self.lineage_json,
            "run_artifacts.json": self.run_artifacts_json,
            "registries.json": self.registries_json,
            "artifact_file": self.artifact_file,
        }

    def contents_json(self, desk: Desk, request: Request) -> Response:
        """How much there is for each page."""
        now = _now(desk, request)
        return as_json({**contents(now), **shelf.counts(self._store, now.project)})

    def artifacts_json(self, desk: Desk, request: Request) -> Response:
        """All artifacts of a project."""
        return as_json(shelf.artifacts(self._store, _now(desk, request)))

    def artifact_json(self, desk: Desk, request: Request) -> Response:
        """The versions of one artifact: `name`."""
        return as_json(shelf.versions(self._store, _now(desk, request), _name(request)))

    def version_json(self, desk: Desk, request: Request) -> Response:
        """One version: `name`, and `version`, without which it is the newest."""
        spec = request.query_params.get("version")
        return as_json(shelf.version(self._store, _now(desk, request), _name(request), spec))

    def uses_json(self, desk: Desk, request: Request) -> Response:
        """Which runs of all projects used a version: every project is looked through."""
        spec = request.query_params.get("version")
        project, name = parameters.project(request), _name(request)
        metas = (desk.project(one).now() for one in desk.projects())
        return as_json(shelf.uses(self._store, metas, project, name, spec))

    def lineage_json(self, desk: Desk, request: Request) -> Response:
        """Who made what of what, in the project or, with `name`, around one version."""
        name, spec = request.query_params.get("name"), request.query_params.get("version")
        return as_json(shelf.lineage(self._store, _now(desk, request), name, spec))

    def run_artifacts_json(self, desk: Desk, request: Request) -> Response:
        """What one run made and used."""
        now = _now(desk, request)
        return as_json(shelf.run_links(self._store, now, parameters.one_run(request, now)))

    def registries_json(self, desk: Desk, request: Request) -> Response:
        """All registries of the store, which belong to no project."""
        del desk, request
        return as_json(shelf.registries(self._store))

    def artifact_file(self, desk: Desk, request: Request) -> Response:
        """One file of a version, to keep: `name`, `version`, `path`."""
        given = request.query_params
        project, path = _now(desk, request).project, given.get("path", "")
        row, manifest = get_version(self._store, project, _name(request), given.get("version"))
        entry = next((entry for entry in manifest.entries if entry.path == path), None)
        if entry is None:
            raise NotFound(f"{row.name}:{row.version} holds no {path!r}")
        if entry.ref is not None:
            raise InvalidInput(f"{path!r} lies at {entry.ref}: fetch it from there")
        return _file(desk.store, project, entry)


def _now(desk: Desk, request: Request) -> Meta:
    return desk.project(parameters.project(request)).now()


def _name(request: Request) -> str:
    name = request.query_params.get("name")
    if not name:
        raise InvalidInput("say which artifact: ?name=NAME")
    return name


def _file(store: Store, project: str, entry: ManifestEntry) -> Response:
    """The bytes of an entry under the last part of its path."""
    key = str(keys.BlobKey(project, entry.digest))
    leaf = entry.path.rpartition("/")[2]
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(leaf, safe='')}",
        "content-security-policy": SANDBOX,
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-store",
    }
    kind = "application/octet-stream"
    if is_local(store):
        return FileResponse(local_file(store, key), media_type=kind, headers=headers)
    if not is_remote(store) or entry.size <= _PART:
        return Response(store.get(key), media_type=kind, headers=headers)
    headers["content-length"] = str(entry.size)
    return StreamingResponse(
        _parts(store, _listed(store, project, key)), media_type=kind, headers=headers
    )


def _listed(store: Store, project: str, key: str) -> Entry:
    """A blob as it is listed, which is what a range of it is asked for by."""
    for entry in store.list(keys.blob_prefix(project)):
        if entry.key == key:
            return entry
    raise NotFound(f"{key} is not in the store")


def _parts(store: RemoteStore, entry: Entry) -> Iterator[bytes]:
    """A large file piece by piece, so that none of it stays in memory."""
    for begin in range(0, entry.size_bytes, _PART):
        yield store.get_range(entry, begin, min(entry.size_bytes, begin + _PART))
