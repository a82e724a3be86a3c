"""Bytes under keys, wherever they are. Opening a store imports only what that store needs."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trackio.errors import InvalidInput
from trackio.store.base import Content, LocalStore, Store, is_local

__all__ = [
    "Content",
    "LocalStore",
    "Store",
    "existing_url",
    "is_local",
    "open_for_reading",
    "open_store",
]

_SCHEME = re.compile(r"(file(?=:/)|[a-z][a-z0-9+.-]*(?=://))", re.IGNORECASE)
_BUCKET_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
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


def existing_url(text: str) -> str:
    """The URL of a store that is there already, which may be named as `namespace/name`.

    That is a bucket, unless a folder here is called so. Where a store may yet be made, a name
    like that has to stay a folder.
    """
    is_bucket = _BUCKET_ID.fullmatch(text) is not None and not Path(text).exists()
    return f"hf://buckets/{text}" if is_bucket else text


def open_for_reading(url: str | Path) -> Store:
    """The store that somebody names who wants to look; see `existing_url`.

    It only reads, and tries again for a short while what is unavailable.

    Raises:
        InvalidInput: as `open_store`.
    """
    from trackio.store.read_only import ReadOnly
    from trackio.store.retrying import Retrying, RetryPolicy

    found = existing_url(url) if isinstance(url, str) else url
    return ReadOnly(Retrying(open_store(found), RetryPolicy(attempts=4, deadline_s=15.0)))


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
