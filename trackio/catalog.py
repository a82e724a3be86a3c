"""What a listing of one project says, as a frozen value. Lists the store; opens no file.

A snapshot follows from key names alone (`docs/format.md`, Reading): for each run its
writers, for each writer the cover of its files.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType
from typing import TypeVar

from trackio import keys
from trackio.cover import Cover, cover
from trackio.ids import id_time_ms
from trackio.keys import MediaKey, MetaKey, PackKey, RangeKey
from trackio.model import Entry, PackId, RunId, TombstoneId, WriterId
from trackio.store.base import Store

_OF_A_RUN = keys.ShardKey | keys.PointerKey | MediaKey | MetaKey | keys.TombstoneKey
K = TypeVar("K")
Q = TypeVar("Q")
V = TypeVar("V")


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
    overviews: Mapping[PackId, Entry] = field(default_factory=dict)
    tombstones: Mapping[RunId, Mapping[TombstoneId, Entry]] = field(default_factory=dict)
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
    listing = Listing(project)
    list_into(listing, store)
    return listing.snapshot()


def list_into(listing: "Listing", store: Store) -> None:
    """List all of a project, into an empty listing or one of before; raises as `list_project`.

    Of what is as it was before nothing is worked out again.
    """
    project = listing.project
    for prefix in (keys.runs_prefix(project), keys.pack_prefix(project)):
        listing.replace(prefix, store.list(prefix))
    if late := listing.writers_with_gaps():
        # Listings are not atomic: what looks like a hole may be a merge seen half-way.
        for run_id, writer_id in late:
            listing.add(store.list(keys.writer_prefix(project, run_id, writer_id)))
        listing.add(store.list(keys.pack_prefix(project)))
    deleted = keys.deleted_prefix(project)
    listing.replace(deleted, store.list(deleted))


def list_writer(store: Store, project: str, run_id: RunId, writer_id: WriterId) -> WriterFiles:
    """List one writer's own files as they are now; raises as `list_project` does."""
    listing = Listing(project)
    listing.add(store.list(keys.writer_prefix(project, run_id, writer_id)))
    listing.add(store.list(keys.pack_prefix(project)))
    return listing.writer(run_id, writer_id)


def list_packs(store: Store, project: str) -> tuple[Mapping[PackId, Entry], Mapping[PackId, Entry]]:
    """The packs of a project as they are now, and the marks of the condemned ones."""
    listing = Listing(project)
    listing.add(store.list(keys.pack_prefix(project)))
    listed = listing.snapshot()
    return listed.packs, listed.condemned


def find_runs_named(store: Store, project: str, name: str) -> list[RunId]:
    """The ids of all runs that were ever called `name`, newest id last; `meta.json` decides."""
    prefix = keys.name_prefix(project, name)
    found = (keys.parse(entry.key) for entry in store.list(prefix))
    return sorted(key.run_id for key in found if isinstance(key, keys.NameKey))


class Listing:
    """Keys of one project in their places; may be told of changes after it was listed.

    `size` is how many keys it holds. Runs of which nothing changed are not walked again.
    """

    def __init__(self, project: str) -> None:
        self.project = project
        self._entries: dict[str, Entry] = {}
        self._metas: dict[RunId, Entry] = {}
        self._ranges: dict[RunId, dict[WriterId, dict[RangeKey, Entry]]] = {}
        self._media: dict[RunId, dict[WriterId, dict[MediaKey, Entry]]] = {}
        self._packs: dict[PackId, Entry] = {}
        self._condemned: dict[PackId, Entry] = {}
        self._overviews: dict[PackId, Entry] = {}
        self._tombstones: dict[RunId, dict[TombstoneId, Entry]] = {}
        self._foreign: dict[str, bool] = {}
        self._runs: dict[RunId, RunFiles] = {}
        self._changed: set[RunId] = set()
        self._snapshot: Snapshot | None = None

    @property
    def size(self) -> int:
        """How many keys it holds."""
        return len(self._entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """These keys are there now."""
        for entry in entries:
            known = self._entries.get(entry.key)
            if known is not entry and known != entry:
                self._entries[entry.key] = entry
                self._put(keys.parse(entry.key), entry.key, entry)

    def remove(self, key: str) -> None:
        """This key is not there any more."""
        if self._entries.pop(key, None) is not None:
            self._put(keys.parse(key), key, None)

    def replace(self, prefix: str, entries: Iterable[Entry]) -> None:
        """These, and no others, are the keys below `prefix` now."""
        found = {entry.key: entry for entry in entries}
        for key in [k for k in self._entries if k.startswith(prefix) and k not in found]:
            self.remove(key)
        self.add(found.values())

    def _put(self, key: keys.Key | None, name: str, entry: Entry | None) -> None:
        self._snapshot = None
        match key:
            case keys.ShardKey() | keys.PointerKey():
                _set(self._ranges.setdefault(key.run_id, {}), key.writer_id, key, entry)
            case MediaKey():
                _set(self._media.setdefault(key.run_id, {}), key.writer_id, key, entry)
            case MetaKey():
                _set_or_drop(self._metas, key.run_id, entry)
            case PackKey():
                _set_or_drop(self._packs, key.pack_id, entry)
                self._changed.update(self._ranges)
            case keys.CondemnedKey():
                _set_or_drop(self._condemned, key.pack_id, entry)
            case keys.OverviewKey():
                _set_or_drop(self._overviews, key.pack_id, entry)
            case keys.TombstoneKey():
                _set(self._tombstones, key.run_id, key.tombstone_id, entry)
            case None:
                _set_or_drop(self._foreign, name, None if entry is None else True)
            case _:
                pass
        if isinstance(key, _OF_A_RUN):
            self._changed.add(key.run_id)

    def writers_with_gaps(self) -> list[tuple[RunId, WriterId]]:
        """The writers of which seqs are missing between those that are listed."""
        return [
            (run_id, writer_id)
            for run_id, writers in self._ranges.items()
            for writer_id, found in writers.items()
            if self._cover(run_id, writer_id, found).gaps
        ]

    def _cover(self, run_id: RunId, writer_id: WriterId, found: Mapping[RangeKey, Entry]) -> Cover:
        """The cover of a writer; that of a run of which nothing changed is known."""
        run = None if run_id in self._changed else self._runs.get(run_id)
        if run is None:
            return cover(found, self._packs)
        return (run.writers.get(writer_id) or run.hidden[writer_id]).cover

    def run_ids(self) -> set[RunId]:
        """The runs of which there is something."""
        places = (self._metas, self._ranges, self._media)
        return {run_id for place in places for run_id, found in place.items() if found}

    def snapshot(self) -> Snapshot:
        """What is listed, as a value; the same one as long as nothing changes."""
        if self._snapshot is not None:
            return self._snapshot
        there = self.run_ids() if self._changed else set()
        for run_id in self._changed:
            if run_id in there:
                self._runs[run_id] = self._run(run_id)
            else:
                self._runs.pop(run_id, None)
        self._changed.clear()
        self._snapshot = Snapshot(
            project=self.project,
            runs=MappingProxyType(dict(self._runs)),
            packs=MappingProxyType(dict(self._packs)),
            condemned=MappingProxyType(dict(self._condemned)),
            overviews=MappingProxyType(dict(self._overviews)),
            tombstones=MappingProxyType({r: dict(found) for r, found in self._tombstones.items()}),
            foreign=tuple(self._foreign),
        )
        return self._snapshot

    def _run(self, run_id: RunId) -> RunFiles:
        tombstone = max(self._tombstones.get(run_id, ()), default=None)
        owners = {*self._ranges.get(run_id, ()), *self._media.get(run_id, ())}
        files = {writer_id: self.writer(run_id, writer_id) for writer_id in sorted(owners)}
        hidden = {w: f for w, f in files.items() if tombstone is not None and w < tombstone}
        return RunFiles(
            run_id=run_id,
            meta=self._metas.get(run_id),
            writers={w: f for w, f in files.items() if w not in hidden},
            hidden=hidden,
            tombstone=tombstone,
        )

    def writer(self, run_id: RunId, writer_id: WriterId) -> WriterFiles:
        """The files of one writer and their cover."""
        ranges = self._ranges.get(run_id, {}).get(writer_id, {})
        return WriterFiles(
            writer_id=writer_id,
            ranges=dict(ranges),
            media=dict(self._media.get(run_id, {}).get(writer_id, {})),
            cover=cover(ranges, self._packs),
        )


def _set(places: dict[K, dict[Q, V]], place: K, key: Q, value: V | None) -> None:
    """Set or drop one of several values in a place; a place without any goes."""
    inner = places.setdefault(place, {})
    _set_or_drop(inner, key, value)
    if not inner:
        del places[place]


def _set_or_drop(values: dict[Q, V], key: Q, value: V | None) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


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
