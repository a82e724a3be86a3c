"""Bring what is in one store, or waits on this machine, to another. It deletes nothing there.

Between two stores (`docs/format.md`, Copying): tombstones first, then what shards need, packs and
shards, and pointers last, so that whoever reads meanwhile sees a valid project. What the target
lists under the same name is not sent again, `meta.json` only goes where there is none, and what
is deleted in either place is neither carried over nor brought back. So it can be broken off, done
again, and done while runs are being written. `plan` decides on two listings, `copy` acts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from trackio import keys, merge
from trackio.catalog import list_projects
from trackio.errors import FormatTooNew, NotFound, UnreadableFile
from trackio.model import Entry, TombstoneId
from trackio.store.base import Content, Store, readable
from trackio.store.parallel import attempt_each, raise_first

Tick = Callable[[int, int], None]
"""Told how many files and bytes were put."""

_BATCH_FILES: Final = 500
_BATCH_BYTES: Final = 32 << 20
_WORKERS: Final = 16
_LONGEST_ROUNDS: Final = 10


class Stage(IntEnum):
    """In which order files go: each may need those before it.

    Manifests of artifacts go with rows, because they need blobs; what points at versions goes
    with pointers.
    """

    TOMBSTONES = 0
    NEEDED = 1
    ROWS = 2
    POINTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files of one project that the target lacks, by stage, and how many it has already.

    `project` is `REGISTRIES` for those of all registries, which belong to no project.
    """

    project: str
    puts: Mapping[Stage, tuple[Entry, ...]]
    present: int

    @property
    def files(self) -> int:
        """How many files are to be put."""
        return sum(map(len, self.puts.values()))

    @property
    def size_bytes(self) -> int:
        """How large they are."""
        return sum(entry.size_bytes for entries in self.puts.values() for entry in entries)

    def __str__(self) -> str:
        return (
            f"{self.project}: put {self.files} files ({self.size_bytes:,} bytes), "
            f"{self.present} are there already"
        )


@dataclass(slots=True, kw_only=True)
class Copied:
    """What was done; `vanished` went from the source meanwhile and nothing took their place."""

    files: int = 0
    size_bytes: int = 0
    present: int = 0
    projects: int = 0
    vanished: list[str] = field(default_factory=list)


def plan(source: Store, target: Store, project: str) -> Plan:
    """What of a project, or of `REGISTRIES`, the target lacks.

    Raises:
        StoreUnavailable, StoreRefused: a listing is not whole.
    """
    if project == keys.REGISTRIES:
        there, here = (_listed(store, [keys.REGISTRIES]) for store in (source, target))
    else:
        there = _listed(source, _folders(source, project))
        here = _listed(target, [keys.project_prefix(project)])
    hidden = _tombstones([*there, *here])
    missing: dict[Stage, list[Entry]] = {stage: [] for stage in Stage}
    present = 0
    for entry in there.values():
        stage = _stage(entry.key, hidden)
        if stage is None:
            continue
        if _is_there(entry, here.get(entry.key), source, target):
            present += 1
        else:
            missing[stage].append(entry)
    packs = _packs([*here, *(entry.key for entry in missing[Stage.ROWS])])
    missing[Stage.POINTERS] = [e for e in missing[Stage.POINTERS] if _has_pack(e.key, packs)]
    puts = {stage: tuple(sorted(entries)) for stage, entries in missing.items()}
    return Plan(project=project, puts=puts, present=present)


def plan_all(source: Store, target: Store, project: str | None = None) -> list[Plan]:
    """The plans of one project, or of all and of the registries.

    Raises:
        NotFound: the source has no such project.
        StoreUnavailable, StoreRefused: a listing is not whole.
    """
    names = list_projects(source)
    if project is not None and project not in names:
        raise NotFound(f"there is no project {project!r} in {source.url}")
    if project is not None:
        return [plan(source, target, project)]
    plans = [plan(source, target, name) for name in names]
    registries = plan(source, target, keys.REGISTRIES)
    return [*plans, registries] if registries.files or registries.present else plans


def copy(
    source: Store,
    target: Store,
    *,
    project: str | None = None,
    tick: Tick = lambda files, size_bytes: None,
) -> Copied:
    """Put what the target lacks; what goes from the source meanwhile is listed again.

    Raises:
        NotFound: the source has no such project.
        StoreUnavailable, StoreRefused: it broke off; doing it again goes on from there.
    """
    copied = Copied()
    for first in plan_all(source, target, project):
        copied.projects += 1
        copied.present += first.present
        _copy_project(source, target, first, copied, tick)
    return copied


def _copy_project(source: Store, target: Store, first: Plan, copied: Copied, tick: Tick) -> None:
    """Put what is planned, and plan again as long as a merge took files from under it."""
    current = first
    for _ in range(_LONGEST_ROUNDS):
        vanished = apply(current, source, target, copied, tick)
        if not vanished:
            return
        current = plan(source, target, current.project)
    copied.vanished += vanished


def apply(
    planned: Plan,
    source: Store,
    target: Store,
    copied: Copied,
    tick: Tick = lambda files, size_bytes: None,
) -> list[str]:
    """Put the files of a plan, stage by stage; the keys that were gone from the source.

    Where something that later files need is gone, these are left for another plan.
    """
    for stage in Stage:
        vanished: list[str] = []
        for batch in _batches(planned.puts[stage]):
            files = _read(source, batch, vanished)
            if files:
                target.put(files)
            size_bytes = sum(entry.size_bytes for entry in batch if entry.key in files)
            copied.files += len(files)
            copied.size_bytes += size_bytes
            tick(len(files), size_bytes)
        if vanished:
            return vanished
    return []


def _read(source: Store, batch: Sequence[Entry], vanished: list[str]) -> Mapping[str, Content]:
    files: dict[str, Content] = {}

    def read(key: str) -> None:
        try:
            content = readable(source, key)
            if not isinstance(content, bytes) and not content.exists():
                vanished.append(key)
                return
            files[key] = content
        except NotFound:
            vanished.append(key)

    raise_first(attempt_each((entry.key for entry in batch), read, workers=_WORKERS))
    return files


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        is_full = len(batch) >= _BATCH_FILES or size_bytes + entry.size_bytes > _BATCH_BYTES
        if batch and is_full:
            yield batch
            batch, size_bytes = [], 0
        batch.append(entry)
        size_bytes += entry.size_bytes
    if batch:
        yield batch


def _folders(store: Store, project: str) -> list[str]:
    """The folders to copy; runs first, because a pointer is put after its pack.

    What jobs note of a store is true of that store alone.
    """
    listed = (entry.key for entry in store.list(keys.project_prefix(project), recursive=False))
    runs, state = keys.runs_prefix(project), keys.state_prefix(project)
    return [runs, *sorted(k for k in listed if k.endswith("/") and k not in (runs, state))]


def _listed(store: Store, prefixes: Iterable[str]) -> dict[str, Entry]:
    return {entry.key: entry for prefix in prefixes for entry in store.list(prefix)}


def _tombstones(names: Iterable[str]) -> Mapping[str, TombstoneId]:
    """The newest tombstone of each run."""
    newest: dict[str, TombstoneId] = {}
    for name in names:
        key = keys.parse(name)
        if isinstance(key, keys.TombstoneKey):
            before = newest.get(key.run_id, key.tombstone_id)
            newest[key.run_id] = max(before, key.tombstone_id)
    return newest


def _stage(name: str, hidden: Mapping[str, TombstoneId]) -> Stage | None:
    """When a file goes; None if it does not."""
    match keys.parse(name):
        case keys.TombstoneKey():
            return Stage.TOMBSTONES
        case (keys.ShardKey() | keys.PointerKey() | keys.MediaKey()) as key:
            if key.writer_id < hidden.get(key.run_id, ""):
                return None
            if isinstance(key, keys.PointerKey):
                return Stage.POINTERS
            return Stage.ROWS if isinstance(key, keys.ShardKey) else Stage.NEEDED
        case keys.PackKey() | keys.ManifestKey():
            return Stage.ROWS
        case keys.AliasKey() | keys.DeletedVersionKey() | keys.RegistryEventKey():
            return Stage.POINTERS
        case keys.CondemnedKey():
            return None  # no delete is carried over
    return Stage.NEEDED


def _is_there(wanted: Entry, found: Entry | None, source: Store, target: Store) -> bool:
    """Whether the target has the file; one that was written by another process may differ."""
    if found is None:
        return False
    key = keys.parse(wanted.key)
    if isinstance(key, keys.AliasKey):  # the newer of the two is meant
        return found.time_s >= wanted.time_s or source.get(wanted.key) == target.get(found.key)
    if found.size_bytes == wanted.size_bytes or isinstance(key, keys.MetaKey):
        return True
    if isinstance(key, keys.ShardKey | keys.PackKey):
        return _reads_whole(target, wanted.key)
    return not isinstance(key, keys.MediaKey)


def _reads_whole(store: Store, name: str) -> bool:
    try:
        merge.check(readable(store, name))
    except (UnreadableFile, FormatTooNew, NotFound):
        return False
    return True


def _packs(names: Iterable[str]) -> frozenset[str]:
    found = map(keys.parse, names)
    return frozenset(key.pack_id for key in found if isinstance(key, keys.PackKey))


def _has_pack(name: str, packs: frozenset[str]) -> bool:
    key = keys.parse(name)
    return not isinstance(key, keys.PointerKey) or key.pack_id in packs
