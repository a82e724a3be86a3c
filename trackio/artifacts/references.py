"""Files that an artifact refers to and the store does not keep: how they are found and fetched.

`file:`, `http:`, `https:` and `hf:` are known; `register_reference_handler` teaches others.
"""

import shutil
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from trackio.artifacts.hashing import hash_file
from trackio.errors import InvalidInput, NotFound, StoreUnavailable

MAX_OBJECTS: Final = 10_000
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedReference:
    """One object behind a reference: its path below it, where it is, and what is known of it."""

    relkey: str
    uri: str
    size: int | None = None
    digest: str | None = None


class ReferenceHandler(ABC):
    """Knows one kind of URI."""

    @abstractmethod
    def matches(self, uri: str) -> bool:
        """Whether this URI is of its kind."""

    @abstractmethod
    def resolve(self, uri: str, *, checksum: bool, max_objects: int) -> list[ResolvedReference]:
        """The objects that a URI names, one, or those below a folder."""

    @abstractmethod
    def fetch(self, uri: str, target: Path) -> None:
        """Write one object to a local file."""

    def hint(self, uri: str) -> str:
        """What to do where it cannot be fetched."""
        return f"fetch {uri} by hand"


class _Files(ReferenceHandler):
    def matches(self, uri: str) -> bool:
        return urlsplit(uri).scheme in ("file", "")

    def resolve(self, uri: str, *, checksum: bool, max_objects: int) -> list[ResolvedReference]:
        root = _path_of(uri)
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        if not files:
            raise NotFound(f"{uri} names no file and no folder with files")
        _check_count(uri, files, max_objects)
        return [self._one(root, file, checksum=checksum) for file in files]

    def fetch(self, uri: str, target: Path) -> None:
        try:
            shutil.copyfile(_path_of(uri), target)
        except OSError as exc:
            raise NotFound(f"{uri} cannot be read: {exc}") from exc

    @staticmethod
    def _one(root: Path, file: Path, *, checksum: bool) -> ResolvedReference:
        inner = file.name if file == root else file.relative_to(root).as_posix()
        digest = hash_file(file).digest if checksum else None
        uri = file.absolute().as_uri()
        return ResolvedReference(relkey=inner, uri=uri, size=file.stat().st_size, digest=digest)


class _Http(ReferenceHandler):
    def matches(self, uri: str) -> bool:
        return urlsplit(uri).scheme in ("http", "https")

    def resolve(self, uri: str, *, checksum: bool, max_objects: int) -> list[ResolvedReference]:
        del max_objects
        name = Path(unquote(urlsplit(uri).path)).name or "index"
        if not checksum:
            return [ResolvedReference(relkey=name, uri=uri)]
        try:
            request = urllib.request.Request(uri, method="HEAD")  # noqa: S310 - http only, above
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                tag = (answer.headers.get("ETag") or "").strip('W/"')
                size = int(answer.headers.get("Content-Length") or 0)
        except OSError as exc:
            raise StoreUnavailable(f"{uri} does not answer: {exc}") from exc
        return [ResolvedReference(relkey=name, uri=uri, size=size, digest=tag or None)]

    def fetch(self, uri: str, target: Path) -> None:
        try:
            with (
                urllib.request.urlopen(uri, timeout=_TIMEOUT_S) as answer,  # noqa: S310 - as above
                target.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
        except OSError as exc:
            raise StoreUnavailable(f"{uri} cannot be fetched: {exc}") from exc


class _Hub(ReferenceHandler):
    """`hf://[datasets/|spaces/|buckets/]namespace/name/path`, through huggingface_hub."""

    def matches(self, uri: str) -> bool:
        return urlsplit(uri).scheme == "hf"

    def resolve(self, uri: str, *, checksum: bool, max_objects: int) -> list[ResolvedReference]:
        from huggingface_hub import HfFileSystem

        del checksum  # the Hub's listing says what each file is
        found = HfFileSystem().find(uri, detail=True)
        if not isinstance(found, dict) or not found:
            raise NotFound(f"{uri} names no file of the Hub")
        _check_count(uri, found, max_objects)
        root = uri.removeprefix("hf://").rstrip("/")
        return [
            ResolvedReference(
                relkey=name.removeprefix(root).lstrip("/") or name.rpartition("/")[2],
                uri=f"hf://{name}",
                size=said.get("size"),
                digest=(said.get("lfs") or {}).get("sha256") or said.get("blob_id"),
            )
            for name, said in sorted(found.items())
        ]

    def fetch(self, uri: str, target: Path) -> None:
        from huggingface_hub import HfFileSystem

        try:
            HfFileSystem().get_file(uri, str(target))
        except (OSError, ValueError) as exc:
            raise StoreUnavailable(f"{uri} cannot be fetched: {exc}") from exc


_OWN: Final[tuple[ReferenceHandler, ...]] = (_Files(), _Http(), _Hub())
_registered: list[ReferenceHandler] = []


def register_reference_handler(handler: ReferenceHandler) -> None:
    """Ask `handler` about URIs before those that Trackio knows, the newest first."""
    if not isinstance(handler, ReferenceHandler):
        raise InvalidInput(f"a {type(handler).__name__} is no trackio.ReferenceHandler")
    _registered.insert(0, handler)


def resolve_reference(uri: str, *, checksum: bool, max_objects: int) -> list[ResolvedReference]:
    """The objects that a URI names.

    Raises:
        InvalidInput: nobody knows such URIs, or it names too many objects.
        NotFound: it names nothing.
    """
    return _handler(uri).resolve(uri, checksum=checksum, max_objects=max_objects)


def fetch_reference(uri: str, target: Path) -> None:
    """Write what a URI names to a local file.

    Raises:
        InvalidInput: nobody knows such URIs.
        NotFound, StoreUnavailable: it cannot be had.
    """
    _handler(uri).fetch(uri, target)


def _handler(uri: str) -> ReferenceHandler:
    for handler in (*_registered, *_OWN):
        if handler.matches(uri):
            return handler
    raise InvalidInput(
        f"{uri!r} is of no kind that Trackio can fetch (file, http, https, hf): teach it with "
        "trackio.register_reference_handler"
    )


def _path_of(uri: str) -> Path:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri).expanduser()


def _check_count(uri: str, found: Iterable[object], most: int) -> None:
    if (count := len(list(found))) > most:
        raise InvalidInput(f"{uri} names {count:,} objects: allow them with max_objects={count}")
