"""Look at this machine's side: journals, spools, tokens, disks. Repairs and sends nothing.

Never shows a secret: of a token only where it was found.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from trackio.errors import TrackioError
from trackio.settings import Settings
from trackio.spool.spool import URL_FILE
from trackio.store import open_store
from trackio.store.base import is_local
from trackio.upkeep import recover

RECOVER: Final = "trackio recover"
LOW_BYTES: Final = 1 << 30
_TOKENS: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")
_CLOUD: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AZURE_STORAGE_ACCOUNT_NAME",
)

Level = Literal["ok", "note", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing that was looked at; `command` is what helps."""

    level: Level
    subject: str
    message: str
    command: str | None = None


def examine(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Sign]:
    """Everything that is worth knowing of this machine."""
    return [
        *_folders(settings),
        *_journals(settings),
        *_spools(settings),
        *_credentials(environ),
        *_store(settings),
    ]


def _folders(settings: Settings) -> Iterator[Sign]:
    for what, folder in (("data", settings.dir), ("journal", settings.journal_dir)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(there, os.W_OK):
            advice = "make it writable, or set TRACKIO_DIR or TRACKIO_JOURNAL_DIR"
            yield Sign(level="error", subject=what, message=f"{folder} cannot be written: {advice}")
            continue
        free = shutil.disk_usage(there).free
        level: Level = "note" if free < LOW_BYTES else "ok"
        yield Sign(level=level, subject=what, message=f"{folder}, {free / 1e9:,.1f} GB free")


def _journals(settings: Settings) -> Iterator[Sign]:
    now_s = time.time()
    policy = recover.Policy(everything=True)
    found, damaged = recover.find_left(settings.journal_dir, policy, now_s=now_s)
    for left in found:
        run = f"{left.header.project}/{left.header.meta.name}"
        calls = f"{len(left.calls):,} calls for {left.header.store_url}"
        age = f"changed {max(now_s - left.changed_s, 0):,.0f} s ago"
        torn = f", {left.torn} torn lines" if left.torn else ""
        if policy.is_alive(left.header.owner):
            yield Sign(level="ok", subject=run, message=f"a live process logs: {calls}{torn}")
        else:
            state = "died" if left.is_dead else "may have died, or runs on another machine"
            message = f"its process {state}: its journal holds {calls}{torn}, {age}"
            yield Sign(level="note", subject=run, message=message, command=RECOVER)
    for path, problem in damaged:
        message = f"the journal cannot be read: {problem}"
        yield Sign(level="error", subject=path.name, message=message)
    if not found and not damaged:
        yield Sign(level="ok", subject="journals", message="nothing waits in a journal")


def _spools(settings: Settings) -> Iterator[Sign]:
    notes = sorted(settings.spool_dir.glob(f"*/{URL_FILE}"))
    for note in notes:
        files = [p for p in note.parent.rglob("*") if p.is_file() and p != note]
        size = sum(_size(path) for path in files)
        url = note.read_text()
        if files:
            message = f"{len(files):,} files, {size / 1e6:,.1f} MB wait to be sent"
            yield Sign(level="note", subject=url, message=message, command=RECOVER)
    if not notes:
        yield Sign(level="ok", subject="spool", message="nothing waits to be sent")


def _credentials(environ: Mapping[str, str]) -> Iterator[Sign]:
    found = [name for name in (*_TOKENS, *_CLOUD) if environ.get(name)]
    home = environ.get("HF_HOME") or f"{environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    file = Path(environ.get("HF_TOKEN_PATH") or f"{home}/token").expanduser()
    if file.exists():
        found.append(str(file))
        if os.name == "posix" and file.stat().st_mode & 0o077:
            message = f"others can read {file}: chmod 600 {file}"
            yield Sign(level="error", subject="token", message=message)
    where = ", ".join(found) or "none, which is fine for a store on this machine"
    yield Sign(level="ok", subject="credentials", message=f"found in: {where}")


def _store(settings: Settings) -> Iterator[Sign]:
    """Whether the store that would be logged to answers."""
    try:
        store = open_store(settings.store_url)
        projects = sum(entry.key.endswith("/") for entry in store.list("", recursive=False))
    except TrackioError as exc:
        yield Sign(level="error", subject=settings.store_url, message=str(exc))
        return
    where = "on this machine" if is_local(store) else "remote"
    yield Sign(level="ok", subject=store.url, message=f"{where}, answers: {projects:,} folders")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
