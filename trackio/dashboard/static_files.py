"""The front end's files, served under a version that changes with them. Knows no project.

The version is a part of the path, not a query, so that modules which import one another by
relative names all carry it; what has the right version may be kept by the browser for ever.
"""

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@cache
def version() -> str:
    """12 hex digits that change whenever a file of the front end does."""
    digest = blake2b(digest_size=6)
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(FOLDER).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Immutable(StaticFiles):
    """Serves `<version>/<file>`; another version gets today's file, which is not kept."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        asked, _, file = path.partition("/")
        response = await super().get_response(file, scope)
        response.headers["cache-control"] = _FOR_EVER if asked == version() else "no-cache"
        return response
