"""Take up what dead processes left on this machine: journals to publish, spools to send.

The same steps for every caller: `init` (in the background), resuming by name, `show`,
`sync` and the `recover` command. Never raises because of a store; a report says what waits.
"""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trackio.errors import TrackioError
from trackio.lifecycle import no_fork
from trackio.settings import Settings, upkeep_policy
from trackio.spool import URL_FILE, Spool, spool_folder
from trackio.store import open_store
from trackio.store.base import is_local

if TYPE_CHECKING:
    from trackio.upkeep.recover import Left, Policy

log = logging.getLogger("trackio")
_started = threading.Event()


@dataclass(slots=True, kw_only=True)
class Report:
    """What was done: plans carried out, files sent, and why something still waits."""

    plans: list[str] = field(default_factory=list)
    calls: int = 0
    journals_dropped: int = 0
    files_sent: int = 0
    problems: list[str] = field(default_factory=list)


def recover_in_background(settings: Settings) -> None:
    """Once a process, in a thread, and only if other journals or spools lie about."""
    if _started.is_set() or not _is_anything_left(settings):
        return
    _started.set()
    threading.Thread(
        target=_recover_quietly, args=(settings,), name="trackio-recover", daemon=True
    ).start()


def recover_project(settings: Settings, project: str) -> None:
    """Publish what crashed processes of this machine left of one project, if anything."""
    if _is_anything_left(settings):
        recover(settings, project=project)


def recover(
    settings: Settings,
    *,
    project: str | None = None,
    everything: bool = False,
    dry_run: bool = False,
) -> Report:
    """Publish journals and send spools, of one project or of all.

    Args:
        everything: also journals whose owner may still be alive; harmless.
        dry_run: only say what would be done.
    """
    from trackio.upkeep.recover import Policy, find_left

    report = Report()
    policy = Policy(everything=everything)
    found, damaged = find_left(settings.journal_dir, policy, now_s=time.time(), project=project)
    report.problems += [f"{path}: {problem}" for path, problem in damaged]
    for left in found:
        try:
            _recover_one(settings, left, policy, report, dry_run=dry_run)
        except TrackioError as exc:
            header = left.header
            report.problems.append(f"{header.project}/{header.meta.name}: {exc}")
    if not dry_run:
        _send_spools(settings, policy, report)
    return report


def _recover_one(
    settings: Settings, left: "Left", policy: "Policy", report: Report, *, dry_run: bool
) -> None:
    from trackio.upkeep import recover as steps

    store = open_store(left.header.store_url)
    local = is_local(store)
    spool = None if local else Spool(spool_folder(settings.spool_dir, store.url), store)
    seen = steps.look(
        left,
        store,
        spooled=None if spool is None else spool.files,
        grace_s=upkeep_policy(is_local=local).grace_s,
    )
    plan = steps.plan(left, seen, policy, now_s=time.time())
    if plan.publish or plan.drop:
        report.plans.append(str(plan))
    if dry_run:
        return
    names = steps.apply(plan, store if spool is None else spool.files)
    if spool is not None:
        spool.offer(names)
        report.files_sent += len(names) if spool.send() else 0
    report.calls += plan.calls
    report.journals_dropped += len(plan.drop)


def _send_spools(settings: Settings, policy: "Policy", report: Report) -> None:
    """Send what processes that are gone left in the spools."""
    from trackio import keys
    from trackio.upkeep.recover import live_writers

    live = live_writers(settings.journal_dir, policy, now_s=time.time())
    for url, folder in _spools(settings.spool_dir):
        try:
            spool = Spool(folder, open_store(url))
            names = [entry.key for entry in spool.files.list()]
            parsed = {name: keys.parse(name) for name in names}
            spool.offer(n for n in names if getattr(parsed[n], "writer_id", None) not in live)
            sent = len(spool.waiting(names))
            if spool.send():
                report.files_sent += sent
            else:
                report.problems.append(f"{url}: {spool.last_error}")
        except TrackioError as exc:
            report.problems.append(f"{url}: {exc}")


def _spools(spool_dir: Path) -> Iterator[tuple[str, Path]]:
    for note in sorted(spool_dir.glob(f"*/{URL_FILE}")):
        yield note.read_text(), note.parent


def _is_anything_left(settings: Settings) -> bool:
    return any(settings.journal_dir.glob("*.journal")) or any(_spools(settings.spool_dir))


def _recover_quietly(settings: Settings) -> None:
    try:
        with no_fork():
            import trackio.upkeep.recover  # noqa: F401
        report = recover(settings)
    except Exception:
        log.exception("trackio: what earlier processes left could not be taken up")
        return
    if report.calls:
        log.warning("trackio: recovered %d calls of runs that were killed", report.calls)
