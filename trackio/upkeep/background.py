"""Take up what dead processes left on this machine: journals to publish, spools to send.

The same steps for every caller: `init` (in the background), resuming by name, `show`,
`sync` and the `recover` command. Never raises because of a store; a report says what waits.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trackio import journal, keys
from trackio.errors import FormatTooNew, TrackioError, UnreadableFile
from trackio.lifecycle import no_fork
from trackio.settings import Settings, upkeep_policy
from trackio.spool import URL_FILE, Spool, spool_folder
from trackio.store import open_store
from trackio.store.base import is_local
from trackio.store.making import Making

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
    files_waiting: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How what lies about is taken up.

    `send` sends what waits in a spool, and says whether all was sent. `drops` says whether
    journals are removed once the store has held their rows for long enough, which takes a put
    to learn its time; `also_of_the_living` whether spool files of living processes are sent.
    """

    send: Callable[[Spool], bool] = Spool.send
    drops: bool = True
    also_of_the_living: bool = False


def recover_in_background(settings: Settings) -> None:
    """Once a process, in a thread, and only if other journals or spools lie about."""
    if _started.is_set() or not _is_anything_left(settings):
        return
    _started.set()
    threading.Thread(
        target=_recover_quietly, args=(settings,), name="trackio-recover", daemon=True
    ).start()


def recover_project(settings: Settings, project: str, *, store_url: str) -> None:
    """Publish what crashed processes of this machine left of one project of a store."""
    headers = list_headers(settings.journal_dir)
    if any((h.project, h.store_url) == (project, store_url) for h in headers):
        recover(settings, project=project, store_url=store_url)


def list_headers(journal_dir: Path) -> list[journal.Header]:
    """What the journals on this machine, of whomever they are, say of themselves."""
    found = []
    for path in sorted(journal_dir.glob("*.journal")):
        try:
            with path.open("rb") as file:
                found.append(journal.decode_header(file.readline()))
        except (OSError, UnreadableFile, FormatTooNew):
            continue  # its owner is done with it, or `recover` will tell
    return found


def recover(
    settings: Settings,
    *,
    project: str | None = None,
    store_url: str | None = None,
    everything: bool = False,
    dry_run: bool = False,
    how: How = How(),
) -> Report:
    """Publish journals and send spools, of one project or of all.

    Args:
        store_url: only what belongs to this store.
        everything: also journals whose owner may still be alive; harmless.
        dry_run: only say what would be done.
        how: what `sync` does otherwise.
    """
    from trackio.upkeep.recover import Policy, find_left

    report = Report()
    policy = Policy(everything=everything)
    found, damaged = find_left(settings.journal_dir, policy, now_s=time.time(), project=project)
    report.problems += [f"{path}: {problem}" for path, problem in damaged]
    for left in found:
        header = left.header
        if store_url not in (None, header.store_url):
            continue
        try:
            _recover_one(settings, left, policy, report, how=how, dry_run=dry_run)
        except TrackioError as exc:
            report.problems.append(f"{header.project}/{header.meta.name}: {exc}")
    if store_url is None:
        _send_spools(settings, policy, report, project=project, how=how, dry_run=dry_run)
    return report


def _recover_one(
    settings: Settings, left: "Left", policy: "Policy", report: Report, *, how: How, dry_run: bool
) -> None:
    from trackio.upkeep import recover as steps

    store = Making(open_store(left.header.store_url))
    local = is_local(store)
    spool = None if local else Spool(spool_folder(settings.spool_dir, store.url), store)
    seen = steps.look(
        left,
        store,
        spooled=None if spool is None else spool.files,
        grace_s=upkeep_policy(is_local=local).grace_s,
        may_ask_time=how.drops,
    )
    plan = steps.plan(left, seen, policy, now_s=time.time())
    if plan.publish or plan.drop:
        report.plans.append(str(plan))
    if dry_run:
        return
    names = steps.apply(plan, store if spool is None else spool.files)
    if spool is not None:
        spool.offer([*_media_of(spool, left), *names])
        how.send(spool)
        report.files_sent += spool.sent_files
    report.calls += plan.calls
    report.journals_dropped += len(plan.drop)


def _media_of(spool: Spool, left: "Left") -> list[str]:
    """The media that this writer filed: they are put before the shards that need them."""
    header = left.header
    folder = keys.writer_prefix(header.project, header.run_id, header.writer_id)
    found = (entry.key for entry in spool.files.list(f"{folder}media/"))
    return [key for key in found if isinstance(keys.parse(key), keys.MediaKey)]


def _send_spools(
    settings: Settings,
    policy: "Policy",
    report: Report,
    *,
    project: str | None,
    how: How,
    dry_run: bool,
) -> None:
    """Send what processes that are gone left in the spools, and what `how` says besides."""
    from trackio.upkeep.recover import live_writers

    live = frozenset[str]()
    if not how.also_of_the_living:
        live = live_writers(settings.journal_dir, policy, now_s=time.time())
    prefix = "" if project is None else keys.project_prefix(project)
    for url, folder in _spools(settings.spool_dir):
        try:
            spool = Spool(folder, open_store(url))
            names = [entry.key for entry in spool.files.list(prefix)]
            left = [name for name in names if _writer_of(name) not in live]
            if dry_run:
                report.files_waiting += len(left)
                continue
            spool.offer(left)
            if left and not how.send(spool):
                report.problems.append(f"{url}: {spool.last_error}")
            report.files_sent += spool.sent_files
            report.files_waiting += len(spool.waiting(left))
        except TrackioError as exc:
            report.problems.append(f"{url}: {exc}")


def _writer_of(name: str) -> str | None:
    found: str | None = getattr(keys.parse(name), "writer_id", None)
    return found


def _spools(spool_dir: Path) -> Iterator[tuple[str, Path]]:
    for note in sorted(spool_dir.glob(f"*/{URL_FILE}")):
        try:
            url = note.read_text()
        except (OSError, UnicodeDecodeError) as exc:
            log.warning("trackio: nobody knows where %s belongs: %s", note.parent, exc)
            continue
        yield url, note.parent


def _is_anything_left(settings: Settings) -> bool:
    return any(settings.journal_dir.glob("*.journal")) or any(
        settings.spool_dir.glob(f"*/{URL_FILE}")
    )


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
