"""What a listing of one project says, as a frozen value. Lists the store; opens no file.

A snapshot follows from key names alone (`docs/format.md`, Reading): for each run its
writers, for each writer the cover of its files.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType

from trackio import keys
from trackio.cover import Cover, cover
from trackio.ids import id_time_ms
from trackio.keys import MediaKey, MetaKey, PackKey, RangeKey
from trackio.model import Entry, PackId, RunId, TombstoneId, WriterId
from trackio.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterFiles:
    """The listed files of one writer and the cover of those that can be read."""

    writer_id: WriterId
    ranges: Mapping[RangeKey, Entry]
    media: Mapping[MediaKey, Entry]
    cover: Cover

    @property
    def newest_s(self) -> float:
        """When the store last got a file of this writer; its start where there is none."""
        times = [entry.time_s for entry in self.ranges.values()]
        return max(times, default=id_time_ms(self.writer_id) / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The listed files of one run; `writers` leaves out those a tombstone hides."""

    run_id: RunId
    meta: Entry | None
    writers: Mapping[WriterId, WriterFiles]
    hidden: Mapping[WriterId, WriterFiles]
    tombstone: TombstoneId | None

    @property
    def is_deleted(self) -> bool:
        """Whether a tombstone hides all there is of the run."""
        return self.tombstone is not None and not self.writers


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The live files of one project at one listing."""

    project: str
    runs: Mapping[RunId, RunFiles]
    packs: Mapping[PackId, Entry] = field(default_factory=dict)
    condemned: Mapping[PackId, Entry] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    foreign: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        """16 hex digits that change whenever what is listed does; the same in every process."""
        identity = "\n".join(sorted(f"{key} {version}" for key, version in self._identity()))
        return blake2b(identity.encode(), digest_size=8).hexdigest()

    def without(self, unreadable: Iterable[str]) -> "Snapshot":
        """This snapshot as if these keys were not there, so that the files under them serve."""
        bad = self.unreadable | frozenset(unreadable)
        packs = {pack: e for pack, e in self.packs.items() if e.key not in bad}
        runs = {run_id: _walk_run(run, packs, bad) for run_id, run in self.runs.items()}
        return replace(self, runs=runs, unreadable=bad)

    def _identity(self) -> Iterator[tuple[str, str]]:
        for run in self.runs.values():
            if run.meta is not None:
                yield run.meta.key, run.meta.version
            for writer in run.writers.values():
                for entry in writer.ranges.values():
                    yield entry.key, entry.version
        for entry in self.packs.values():
            yield entry.key, entry.version
        for key in self.unreadable:
            yield key, "unreadable"


def list_projects(store: Store) -> list[str]:
    """The names of all projects: the folders that hold `runs/`."""
    folders = (entry.key for entry in store.list("", recursive=False) if entry.key.endswith("/"))
    names = (keys.decode_name(folder[:-1]) for folder in folders)
    return sorted(name for name in names if name is not None and _has_runs(store, name))


def list_project(store: Store, project: str) -> Snapshot:
    """List one project as it is now.

    Runs are listed before packs, because a pointer is put after its pack and deleted before
    it; tombstones last, because one is put before what it hides goes.

    Raises:
        StoreUnavailable, StoreRefused: the listing is not whole.
    """
    listing = _Listing(project)
    listing.add(store.list(keys.runs_prefix(project)))
    listing.add(store.list(keys.pack_prefix(project)))
    if late := listing.writers_with_gaps():
        # Listings are not atomic: what looks like a hole may be a merge seen half-way.
        for run_id, writer_id in late:
            listing.add(store.list(keys.writer_prefix(project, run_id, writer_id)))
        listing.add(store.list(keys.pack_prefix(project)))
    listing.add(store.list(keys.deleted_prefix(project)))
    return listing.snapshot()


def list_writer(store: Store, project: str, run_id: RunId, writer_id: WriterId) -> WriterFiles:
    """List one writer's own files as they are now; raises as `list_project` does."""
    listing = _Listing(project)
    listing.add(store.list(keys.writer_prefix(project, run_id, writer_id)))
    listing.add(store.list(keys.pack_prefix(project)))
    return listing.writer(run_id, writer_id)


def find_runs_named(store: Store, project: str, name: str) -> list[RunId]:
    """The ids of all runs that were ever called `name`, newest id last; `meta.json` decides."""
    prefix = keys.name_prefix(project, name)
    found = (keys.parse(entry.key) for entry in store.list(prefix))
    return sorted(key.run_id for key in found if isinstance(key, keys.NameKey))


class _Listing:
    """Keys of one project, sorted into their places as they are listed."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._metas: dict[RunId, Entry] = {}
        self._ranges: defaultdict[tuple[RunId, WriterId], dict[RangeKey, Entry]] = defaultdict(dict)
        self._media: defaultdict[tuple[RunId, WriterId], dict[MediaKey, Entry]] = defaultdict(dict)
        self._packs: dict[PackId, Entry] = {}
        self._condemned: dict[PackId, Entry] = {}
        self._tombstones: dict[RunId, TombstoneId] = {}
        self._foreign: dict[str, None] = {}

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        match keys.parse(entry.key):
            case (keys.ShardKey() | keys.PointerKey()) as key:
                self._ranges[key.run_id, key.writer_id][key] = entry
            case MediaKey() as key:
                self._media[key.run_id, key.writer_id][key] = entry
            case MetaKey() as key:
                self._metas[key.run_id] = entry
            case PackKey() as key:
                self._packs[key.pack_id] = entry
            case keys.CondemnedKey() as key:
                self._condemned[key.pack_id] = entry
            case keys.TombstoneKey() as key:
                seen = self._tombstones.get(key.run_id, key.tombstone_id)
                self._tombstones[key.run_id] = max(seen, key.tombstone_id)
            case None:
                self._foreign[entry.key] = None
            case _:
                pass

    def writers_with_gaps(self) -> list[tuple[RunId, WriterId]]:
        return [owner for owner, found in self._ranges.items() if cover(found, self._packs).gaps]

    def snapshot(self) -> Snapshot:
        owners: defaultdict[RunId, set[WriterId]] = defaultdict(set)
        for run_id, writer_id in (*self._ranges, *self._media):
            owners[run_id].add(writer_id)
        return Snapshot(
            project=self._project,
            runs=MappingProxyType(
                {run_id: self._run(run_id, owners[run_id]) for run_id in {**self._metas, **owners}}
            ),
            packs=MappingProxyType(dict(self._packs)),
            condemned=MappingProxyType(dict(self._condemned)),
            foreign=tuple(self._foreign),
        )

    def _run(self, run_id: RunId, writer_ids: Iterable[WriterId]) -> RunFiles:
        tombstone = self._tombstones.get(run_id)
        files = {writer_id: self.writer(run_id, writer_id) for writer_id in sorted(writer_ids)}
        hidden = {w: f for w, f in files.items() if tombstone is not None and w < tombstone}
        return RunFiles(
            run_id=run_id,
            meta=self._metas.get(run_id),
            writers={w: f for w, f in files.items() if w not in hidden},
            hidden=hidden,
            tombstone=tombstone,
        )

    def writer(self, run_id: RunId, writer_id: WriterId) -> WriterFiles:
        ranges = self._ranges.get((run_id, writer_id), {})
        return WriterFiles(
            writer_id=writer_id,
            ranges=ranges,
            media=self._media.get((run_id, writer_id), {}),
            cover=cover(ranges, self._packs),
        )


def _walk_run(run: RunFiles, packs: Mapping[PackId, Entry], bad: frozenset[str]) -> RunFiles:
    writers = {
        writer_id: replace(
            files, cover=cover((k for k in files.ranges if str(k) not in bad), packs)
        )
        for writer_id, files in run.writers.items()
    }
    return replace(run, writers=writers)


def _has_runs(store: Store, project: str) -> bool:
    prefix = keys.project_prefix(project)
    return any(entry.key == f"{prefix}runs/" for entry in store.list(prefix, recursive=False))
