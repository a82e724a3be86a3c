"""Bytes under keys, wherever they are. Opening a store imports only what that store needs."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trackio.errors import InvalidInput
from trackio.store.base import Content, LocalStore, Store, is_local

__all__ = ["Content", "LocalStore", "Store", "is_local", "open_store"]

_SCHEME = re.compile(r"(file(?=:/)|[a-z][a-z0-9+.-]*(?=://))", re.IGNORECASE)
_SUPPORTED = (
    "a path, file:///path, hf://buckets/namespace/name, s3://bucket/prefix, gs://bucket/prefix, "
    "az://container/prefix or memory://name"
)


def open_store(url: str | Path) -> Store:
    """The store at `url`, a path or one of the URLs of `docs/stores.md`. Touches nothing yet.

    Raises:
        InvalidInput: no store is known by such a URL, or a package that it needs is missing.
    """
    text = os.fspath(url)
    if not text:
        raise InvalidInput(f"a store needs an address: {_SUPPORTED}")
    scheme = None if isinstance(url, Path) else _SCHEME.match(text)
    if scheme is None:
        return _directory(Path(text).expanduser())
    match scheme[1].lower():
        case "file":
            return _directory(_path_of(text))
        case "hf":
            from trackio.store.bucket import open_bucket

            return open_bucket(text)
        case "s3" | "gs" | "az":
            from trackio.store.object import ObjectStore

            return ObjectStore(text)
        case "memory":
            from trackio.store.memory import open_memory

            return open_memory(text.partition("://")[2])
        case other:
            raise InvalidInput(
                f"{other}:// stores are not supported by this version of Trackio, "
                f"which opens {_SUPPORTED}"
            )


def _directory(root: Path) -> Store:
    from trackio.store.directory import Directory

    return Directory(root)


def _path_of(url: str) -> Path:
    """The path that a `file:` URL names (RFC 8089)."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost"):
        if os.name != "nt":
            raise InvalidInput(
                f"{url} names the host {parts.netloc!r}: write three slashes, file:///path"
            )
        path = f"//{parts.netloc}{path}"
    elif os.name == "nt":
        path = path.removeprefix("/")
    return Path(path)
