"""Find the run that `init(resume=…)` goes on with: the one look into the store it takes."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from trackio import keys
from trackio.catalog import find_runs_named
from trackio.errors import (
    NotFound,
    StoreMissing,
    StoreRefused,
    StoreUnavailable,
    UnreadableFile,
)
from trackio.ids import is_id
from trackio.journal import Header
from trackio.meta import decode_meta
from trackio.model import RunId, RunMeta, WriterId
from trackio.settings import Settings
from trackio.spool import spool_folder, tell_unreachable
from trackio.store.base import Store, is_local
from trackio.store.directory import Directory
from trackio.upkeep.background import list_headers, recover_project
from trackio.writer.meta import find_tombstone

_log = logging.getLogger("trackio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A run to go on with, and the writers it had; the store may know nothing of it yet."""

    run_id: RunId
    meta: RunMeta
    writers: tuple[WriterId, ...]
    is_sent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A run that is looked for: by its id, which takes one listing, or else by its name."""

    project: str
    name: str
    run_id: RunId | None = None

    def __str__(self) -> str:
        return f"run {self.run_id or self.name!r}"

    def is_meant(self, header: Header) -> bool:
        """Whether it is the run that these calls are of."""
        if self.run_id is not None:
            return (header.project, header.run_id) == (self.project, self.run_id)
        return (header.project, header.meta.name) == (self.project, self.name)


def find_resumable(
    settings: Settings,
    store: Store,
    project: str,
    name: str | None,
    policy: str,
    *,
    run_id: RunId | None = None,
) -> Resumed | None:
    """The run of this id, or the newest of this name, that is not deleted; None begins a new one.

    In a directory, what a crashed process of this machine left in its journal is published
    first, so that it can be found. A store is asked for a while only, a directory for longer:
    its disk may be far away, and hang. What waits on this machine for another store is looked at
    too, and decides alone where that does not answer.

    Raises:
        NotFound: `policy` is "must" and there is none.
        StoreUnavailable, StoreRefused: `policy` is "must" and the store cannot be asked.
    """
    if policy == "never" or not (name or run_id) or settings.mode == "disabled":
        return None
    sought = Sought(project=project, name=name or "", run_id=run_id)
    if is_local(store):
        found = _find_local(settings, store, sought, policy)
    else:
        found = _find_remote(settings, store, sought, policy)
    if found is None and policy == "must":
        raise NotFound(f"project {project!r} in {store.url} has no {sought} to resume")
    return found


def _find_local(settings: Settings, store: Store, sought: Sought, policy: str) -> Resumed | None:
    def look() -> Resumed | None:
        recover_project(settings, sought.project, store_url=store.url)
        return _find(store, sought)

    try:
        return _ask(look, max(settings.resume_s, settings.finish_s), store)
    except (StoreUnavailable, StoreRefused, OSError) as exc:
        if policy == "must":
            raise
        _tell_new(store, sought, exc)
        return None


def _tell_new(store: Store, sought: Sought, exc: Exception) -> None:
    tell_unreachable(store.url, exc, f"whether it has a {sought} is not known, so a new one begins")


def _find_remote(settings: Settings, store: Store, sought: Sought, policy: str) -> Resumed | None:
    try:
        here = _find_here(settings, store, sought)
    except (StoreUnavailable, StoreRefused, OSError) as exc:
        _log.warning("trackio: what waits on this machine cannot be looked at: %s", exc)
        here = None
    if settings.mode == "offline":
        if here is None and policy == "allow":
            _log.warning(
                "trackio: mode is offline and no %s waits on this machine: a new one begins",
                sought,
            )
        return here
    try:
        there = _ask(lambda: _find(store, sought), settings.resume_s, store)
    except StoreMissing:
        there = None  # the first rows make the bucket
    except (StoreUnavailable, StoreRefused) as exc:
        if policy == "must" and here is None:
            raise
        if here is None:
            _tell_new(store, sought, exc)
        else:
            tell_unreachable(store.url, exc, "")
        return here
    return _later(there, here)


def _later(there: Resumed | None, here: Resumed | None) -> Resumed | None:
    """The run that began later; what the store has and what waits here of one run are joined."""
    if there is None or here is None:
        return there or here
    if there.run_id == here.run_id:
        return replace(there, writers=tuple(sorted({*there.writers, *here.writers})))
    return max(there, here, key=lambda found: found.run_id)


def _ask(look: Callable[[], Resumed | None], limit_s: float, store: Store) -> Resumed | None:
    """What `look` finds; it is given up after a while, however slow the network is."""
    answers: SimpleQueue[Resumed | Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(look())
        except Exception as exc:  # noqa: BLE001 - it is raised again by who asked
            answers.put(exc)

    threading.Thread(target=ask, name="trackio-resume", daemon=True).start()
    try:
        answer = answers.get(timeout=limit_s)
    except Empty:
        raise StoreUnavailable(
            f"{store.url} has not told of its runs within {limit_s:g} s; TRACKIO_RESUME_S sets "
            "how long to wait"
        ) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _find_here(settings: Settings, store: Store, sought: Sought) -> Resumed | None:
    """The newest such run that waits on this machine, in spool or journals."""
    spooled = Directory(spool_folder(settings.spool_dir, store.url))
    found = _find(spooled, sought)
    for header in list_headers(settings.journal_dir):
        if header.store_url == store.url and sought.is_meant(header):
            left = Resumed(run_id=header.run_id, meta=header.meta, writers=(header.writer_id,))
            found = _later(found, left)
    return replace(found, is_sent=False) if found else None


def _find(store: Store, sought: Sought) -> Resumed | None:
    if sought.run_id is not None:
        return _find_run(store, sought.project, sought.run_id)
    return _find_named(store, sought.project, sought.name)


def _find_named(store: Store, project: str, name: str) -> Resumed | None:
    for run_id in reversed(find_runs_named(store, project, name)):
        found = _find_run(store, project, run_id)
        if found is not None and found.meta.name == name:
            return found
    return None


def _find_run(store: Store, project: str, run_id: RunId) -> Resumed | None:
    prefix = keys.run_prefix(project, run_id)
    folders = (
        entry.key[len(prefix) : -1]
        for entry in store.list(prefix, recursive=False)
        if entry.key.endswith("/")
    )
    tombstone = find_tombstone(store, project, run_id)
    writers = tuple(
        WriterId(folder)
        for folder in sorted(folders)
        if is_id(folder) and (tombstone is None or folder > tombstone)
    )
    if tombstone is not None and not writers:
        return None
    try:
        meta = decode_meta(store.get(str(keys.MetaKey(project, run_id))))
    except (NotFound, UnreadableFile):
        return None
    return Resumed(run_id=run_id, meta=meta, writers=writers)
