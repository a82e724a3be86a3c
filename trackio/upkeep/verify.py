"""Read every file of a project to its end and tell what is damaged or missing. Repairs nothing."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from trackio import catalog, keys
from trackio.catalog import Snapshot
from trackio.errors import FormatTooNew, NotFound, UnreadableFile
from trackio.store.base import LocalStore, Store, is_local, readable
from trackio.upkeep.examine import Contents, examine
from trackio.upkeep.findings import Finding, Times, judge, key_of, left_over, unreadable

SETTLE_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was read of a project and what was found, errors first."""

    project: str
    files: int
    rows: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What is not as it should be."""
        return tuple(finding for finding in self.findings if finding.level == "error")


def verify(store: Store, project: str, *, now_s: float, settle_s: float = SETTLE_S) -> Report:
    """Check a project as it is listed now.

    Args:
        store: where it is.
        project: its name.
        now_s: the store's time.
        settle_s: how long what may still arrive is waited for.

    Raises:
        NotFound: there is no such project.
        StoreUnavailable, StoreRefused: it cannot be listed or read now.
    """
    snapshot, contents, bad = _read(store, project)
    found = judge(snapshot, contents, Times(now_s=now_s, settle_s=settle_s))
    found += [unreadable(key, reason) for key, reason in bad.items()]
    found += _left_over(store, project, now_s - settle_s)
    if is_local(store):
        found = [_with_path(store, finding) for finding in found]
    return Report(
        project=project,
        files=len(contents),
        rows=sum(read.meta.rows for read in contents.values()),
        findings=tuple(sorted(found, key=lambda f: (f.level, f.subject, f.kind))),
    )


def _with_path(store: LocalStore, finding: Finding) -> Finding:
    """A file that is none of ours can be removed where it lies."""
    if finding.kind != "foreign":
        return finding
    return replace(finding, command=f"rm {shlex.quote(str(store.path(finding.subject)))}")


def _left_over(store: Store, project: str, before_s: float) -> Iterator[Finding]:
    """Old temporary files; only a directory can have them."""
    if not is_local(store):
        return
    root = store.path(keys.project_prefix(project)[:-1])
    for path in sorted(root.rglob(".*.tmp")):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before_s:
                yield left_over(str(path), f"rm {shlex.quote(str(path))}")


def _read(store: Store, project: str) -> tuple[Snapshot, dict[str, Contents], dict[str, str]]:
    """Read what counts; where a file cannot be read, what lies under it counts instead.

    A file that is gone was superseded meanwhile: then the project is listed again, and what
    is listed even then and still not there is unreadable.
    """
    snapshot = _list(store, project)
    contents: dict[str, Contents] = {}
    bad: dict[str, str] = {}
    missed: set[str] = set()
    while failed := _read_new(store, snapshot, contents):
        gone = {key for key in failed if _is_gone(store, key)} - missed
        bad |= {key: why for key, why in failed.items() if key not in gone}
        missed |= gone
        snapshot = (_list(store, project) if gone else snapshot).without(bad)
    live = set(_counting(snapshot))
    return snapshot, {key: read for key, read in contents.items() if key in live}, bad


def _list(store: Store, project: str) -> Snapshot:
    snapshot = catalog.list_project(store, project)
    if not snapshot.runs:
        raise NotFound(f"there is no project {project!r} in {store.url}")
    return snapshot


def _counting(snapshot: Snapshot) -> Iterator[str]:
    """The keys of the files that hold the rows that count."""
    for run in snapshot.runs.values():
        for writer in run.writers.values():
            for taken in writer.cover.taken:
                yield key_of(snapshot.project, taken.key)


def _read_new(store: Store, snapshot: Snapshot, contents: dict[str, Contents]) -> dict[str, str]:
    """Read the files that were not read yet; why some could not be."""
    failed = {}
    for key in _counting(snapshot):
        if key not in contents:
            try:
                contents[key] = examine(readable(store, key))
            except (UnreadableFile, FormatTooNew, NotFound) as exc:
                failed[key] = str(exc)
    return failed


def _is_gone(store: Store, key: str) -> bool:
    if is_local(store):
        return not store.path(key).exists()
    folder = key.rpartition("/")[0] + "/"
    return not any(entry.key == key for entry in store.list(folder))
