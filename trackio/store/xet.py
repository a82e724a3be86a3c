"""Bring the contents of files to and from the storage behind a bucket. A batch shows them.

The session of `hf_xet` is ours, so that its settings are those of many small files and the
sessions of others in the process keep theirs.
"""

import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trackio.store.base import Content

if TYPE_CHECKING:
    from hf_xet import XetFileDownload, XetSession

CONNECT_S: Final = 10.0
SILENCE_S: Final = 60.0  # a connection on which nothing moves for so long is given up
_SETTINGS: Final[Mapping[str, object]] = {
    "deduplication.global_dedup_query_enabled": False,  # one request a file, and never a hit
    "telemetry.enabled": False,
    "client.retry_max_attempts": 2,
    "client.retry_base_delay": timedelta(seconds=1),
    "client.connect_timeout": timedelta(seconds=CONNECT_S),
    "client.read_timeout": timedelta(seconds=SILENCE_S),
    # Of small files the wait counts and not the bytes: ask for more of them at once.
    "data.max_concurrent_file_downloads": 64,
    "client.ac_initial_download_concurrency": 32,
}
_LOG: Final = "HF_XET_LOG_DEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the Hub gives to those who may write: where to send, and a token until `expires_s`."""

    url: str
    token: str = field(repr=False)
    expires_s: int


def upload(
    files: Mapping[str, Content],
    grant: Grant,
    *,
    refresh_url: str,
    headers: Mapping[str, str],
) -> Mapping[str, str]:
    """Send the contents; the hash of each. Raises what `hf_xet` raises.

    Args:
        refresh_url: where a long upload gets another grant, with `headers`.
    """
    _import_without_log()
    from hf_xet import SKIP_SHA256

    session = _sessions.session()
    with session.new_upload_commit(**_access(grant, refresh_url, headers)) as commit:
        uploads = {
            path: commit.start_upload_file(str(content), sha256=SKIP_SHA256)
            if isinstance(content, Path)
            else commit.start_upload_bytes(content, sha256=SKIP_SHA256)
            for path, content in files.items()
        }
    return {path: sent.result().xet_info.hash for path, sent in uploads.items()}


def download(
    files: Mapping[Path, tuple[str, int]],
    grant: Grant,
    *,
    refresh_url: str,
    headers: Mapping[str, str],
) -> Mapping[Path, Exception]:
    """Write the contents of these hashes and sizes to local paths; what failed.

    Raises what `hf_xet` raises when nothing can be fetched at all.
    """
    _import_without_log()
    from hf_xet import XetFileInfo

    started: dict[Path, XetFileDownload] = {}
    with suppress(RuntimeError):  # one of them failed; each says so below
        group = _sessions.session().new_file_download_group(**_access(grant, refresh_url, headers))
        with group:
            for path, (digest, size) in files.items():
                info = XetFileInfo(digest, size)
                started[path] = group.start_download_file(info, str(path))
    failed: dict[Path, Exception] = {}
    for path in files:
        try:
            started[path].result()
        except KeyError:
            failed[path] = ConnectionError("the storage behind the Hub does not answer")
        except (OSError, RuntimeError) as exc:
            failed[path] = exc
    return failed


def read_range(
    content: tuple[str, int],
    begin: int,
    end: int,
    grant: Grant,
    *,
    refresh_url: str,
    headers: Mapping[str, str],
) -> bytes:
    """The bytes `begin ≤ i < end` of the content of a hash and size; raises as `hf_xet`."""
    _import_without_log()
    from hf_xet import XetFileInfo

    group = _sessions.session().new_download_stream_group(**_access(grant, refresh_url, headers))
    return b"".join(group.download_stream(XetFileInfo(*content), begin, end))


def _access(grant: Grant, refresh_url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """How a session gets in."""
    return {
        "endpoint": grant.url,
        "token": grant.token,
        "token_expiry_unix_secs": grant.expires_s,
        "token_refresh_url": refresh_url,
        "token_refresh_headers": dict(headers),
        "custom_headers": {k: v for k, v in headers.items() if k.lower() != "authorization"},
    }


class _Sessions:
    """The session of this process. A forked child makes another: threads do not come along."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._session: XetSession | None = None

    def session(self) -> "XetSession":
        with self._lock:
            if self._session is None:
                from hf_xet import XetConfig, XetSession

                self._session = XetSession(XetConfig().with_config(dict(_SETTINGS)))
            return self._session


def _import_without_log() -> None:
    """Import `hf_xet` so that it keeps no log file, to which each upload would add 10 kB.

    It reads this variable once, when it is imported; whoever set it, or came first, has a say.
    """
    if "hf_xet" in sys.modules or _LOG in os.environ:
        return
    os.environ[_LOG] = os.devnull
    try:
        with suppress(ImportError):  # whoever needs it will say so
            import hf_xet  # noqa: F401 - for what it does meanwhile
    finally:
        del os.environ[_LOG]


_sessions = _Sessions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_sessions.forget)
