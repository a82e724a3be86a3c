"""The front end's files, served from memory under a version that changes with them.

The version is a part of the path, not a query, so that modules which import one another by
relative names all carry it; what has the right version may be kept by the browser for ever.
All style sheets together are one more file, `all.css`, and all modules `all.js`: they are wanted
at once, and a browser that has to ask for each waits for most of them.
"""

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from trackio.dashboard.bundle import bundle

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".md": "text/plain",
    ".svg": "image/svg+xml",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@cache
def files() -> dict[str, bytes]:
    """Every file by its path below the folder."""
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file()
    }
    sheets = [found[name] for name in found if name.endswith(".css")]
    modules = {
        name: content.decode()
        for name, content in found.items()
        if name.endswith(".js") and "/" not in name
    }
    together = {"all.css": b"\n".join(sheets), "all.js": bundle(modules, "main.js").encode()}
    return {**found, **together}


@cache
def version() -> str:
    """12 hex digits that change whenever a file of the front end does."""
    digest = blake2b(digest_size=6)
    for name, content in files().items():
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


async def front_end_file(request: Request) -> Response:
    """One file; under another version it is today's, which is not kept."""
    path = request.path_params["path"]
    content = files().get(path)
    if content is None:
        return Response(status_code=404)
    kept = _FOR_EVER if request.path_params["version"] == version() else "no-cache"
    media_type = _TYPES.get(Path(path).suffix, "text/plain")
    return Response(content, media_type=media_type, headers={"cache-control": kept})
