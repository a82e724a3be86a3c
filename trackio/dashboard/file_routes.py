"""Bytes that runs logged, and the files of the store itself. Nothing of it can run as this page.

Whatever somebody logged is served with a policy that gives it no origin, no cookies and no way
out: a page that was logged is drawn in a frame of its own (`static/htmlframe.js`).
"""

import mimetypes
import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from trackio import keys
from trackio.dashboard import parameters
from trackio.dashboard.desk import Desk
from trackio.errors import NotFound
from trackio.keys import MediaKey
from trackio.model import RunId, WriterId
from trackio.store.base import is_local, local_file

_INSIDE: Final = "img-src data: blob:; media-src data: blob:; font-src data:; style-src"
SANDBOX: Final = (
    f"sandbox allow-scripts; default-src 'none'; {_INSIDE} 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval' data: blob:"
)
"""For what was logged: it may draw itself, ask nobody, and see nothing of the page around it."""
_RANGE: Final = re.compile(r"bytes=(?P<begin>\d*)-(?P<end>\d*)")
_NETWORK: Final = "sandbox allow-scripts"
_SHOWN: Final = ("image/", "video/", "audio/", "text/plain", "application/json")
_TYPES: Final = {"html": "text/html; charset=utf-8", "json": "application/json", "md": "text/plain"}


def media(desk: Desk, request: Request) -> Response:
    """The bytes of an image, a table, a page …: `run`, `writer`, `file`; `net` lets a page out."""
    now = desk.project(parameters.project(request)).now()
    run_id = parameters.one_run(request, now)
    given = request.query_params
    sha256, _, extension = given.get("file", "").partition(".")
    key = MediaKey(now.project, RunId(run_id), WriterId(given.get("writer", "")), sha256, extension)
    if keys.parse(str(key)) != key:
        raise NotFound(f"nothing was logged as {given.get('file')!r}")
    response = _bytes(desk, request, str(key), extension)
    response.headers["cache-control"] = "private, max-age=31536000, immutable"
    if "net" in given:
        response.headers["content-security-policy"] = _NETWORK
    return response


def store_file(desk: Desk, request: Request) -> Response:
    """A file of the store under its own name, to keep: `key`, which must be of the project."""
    now = desk.project(parameters.project(request)).now()
    key = request.query_params.get("key", "")
    name = keys.decode_name(key.partition("/")[0])
    if name != now.project or keys.parse(key) is None:
        raise NotFound(f"{key!r} is no file of {now.project!r}")
    response = _bytes(desk, request, key, key.rpartition(".")[2])
    leaf = key.rpartition("/")[2]
    response.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(leaf)}"
    return response


def _bytes(desk: Desk, request: Request, key: str, extension: str) -> Response:
    """The bytes under a key, or the range of them that is asked for."""
    kind = _TYPES.get(extension) or mimetypes.types_map.get(f".{extension}", "")
    headers = {
        "content-security-policy": SANDBOX,
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
    }
    if not kind.startswith((*_SHOWN, "text/html")):
        kind = "application/octet-stream"
    if is_local(desk.store):
        path = local_file(desk.store, key)
        return FileResponse(path, media_type=kind, headers=headers)
    return _part(desk.store.get(key), request.headers.get("range", ""), kind, headers)


def _part(content: bytes, wanted: str, kind: str, headers: dict[str, str]) -> Response:
    """All of it, or the range that a film or a sound asks for."""
    more = {**headers, "accept-ranges": "bytes"}
    found = _RANGE.fullmatch(wanted)
    if found is None:
        return Response(content, media_type=kind, headers=more)
    size = len(content)
    begin, end = found["begin"], found["end"]
    first = int(begin) if begin else max(0, size - int(end or 0))
    last = min(int(end), size - 1) if begin and end else size - 1
    if first > last:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    more["content-range"] = f"bytes {first}-{last}/{size}"
    return Response(content[first : last + 1], status_code=206, media_type=kind, headers=more)
