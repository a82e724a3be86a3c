"""Decide what is worth packing. Pure: it takes a listing and gives a value that can be printed.

A task is one pack to write. Tasks need no order and may be done twice: each time the pack gets
an id of its own, and the newer pointer wins.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from trackio.catalog import RunFiles, Snapshot, WriterFiles
from trackio.cover import Taken
from trackio.keys import PackKey, PointerKey, RangeKey
from trackio.model import Entry, PackId, RunId, SeqRange, WriterId
from trackio.pack import PackMeta

_TIER_BYTES: Final = 1 << 20
_TIER_FACTOR: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactPolicy:
    """What is worth packing.

    `settle_s` is how long a writer that did not say that it finished must be silent,
    `pack_bytes` how large a pack should become, `fan_in` how many packs of like size are merged,
    `dead_share` how much of a pack may be dead before it is written anew, `retention_s` how long
    deleted rows may stay in one.
    """

    settle_s: float = 600.0
    pack_bytes: int = 256 << 20
    fan_in: int = 4
    dead_share: float = 0.2
    retention_s: float = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Of the file `key`, the rows `first ≤ seq ≤ last` of one writer are to be packed.

    `version` and `size_bytes` are as listed; of a pack they are the pack's.
    """

    key: str
    run_id: RunId
    writer_id: WriterId
    first: int
    last: int
    version: str
    size_bytes: int
    is_pack: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One pack: what goes into it; its id must sort above `above`.

    `metas` are the listed `meta.json` of its runs.
    """

    project: str
    sources: tuple[Source, ...]
    metas: tuple[tuple[RunId, Entry], ...] = ()
    above: PackId | None = None

    @property
    def size_bytes(self) -> int:
        """How large its sources are, of packs only what counts."""
        return sum(source.size_bytes for source in self.sources)

    @property
    def run_ids(self) -> tuple[RunId, ...]:
        """The runs whose rows it gets."""
        return tuple(dict.fromkeys(source.run_id for source in self.sources))

    def stretches(self) -> Iterator[tuple[RunId, WriterId, SeqRange]]:
        """What the pointers will say: neighbouring sources of a writer joined."""
        by_writer: defaultdict[tuple[RunId, WriterId], list[SeqRange]] = defaultdict(list)
        for source in self.sources:
            spans = by_writer[source.run_id, source.writer_id]
            if spans and spans[-1].last + 1 >= source.first:
                spans[-1] = SeqRange(spans[-1].first, source.last)
            else:
                spans.append(SeqRange(source.first, source.last))
        for (run_id, writer_id), spans in by_writer.items():
            for span in spans:
                yield run_id, writer_id, span

    def __str__(self) -> str:
        files = len({source.key for source in self.sources})
        writers = len({(source.run_id, source.writer_id) for source in self.sources})
        return (
            f"{self.project}: pack {files:,} files of {writers:,} writers in "
            f"{len(self.run_ids):,} runs, {self.size_bytes / 1e6:,.1f} MB"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The packs to write, and the writers that have to wait and why."""

    project: str
    tasks: tuple[Task, ...]
    waiting: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self.tasks)) or f"{self.project}: nothing to pack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What names do not tell: which writers finished, and what some packs say of themselves."""

    finished: Collection[WriterId] = ()
    packs: Mapping[PackId, PackMeta] = field(default_factory=dict)


def plan(snapshot: Snapshot, seen: Seen, policy: CompactPolicy, *, now_s: float) -> Plan:
    """What to pack, given a listing made after the store said it was `now_s`."""
    stale = stale_packs(snapshot, seen, policy, now_s)
    live = _live_seqs(snapshot)
    sources: list[list[Source]] = []
    waiting: list[tuple[str, str]] = []
    for run_id in sorted(snapshot.runs):
        run = snapshot.runs[run_id]
        for writer_id in sorted(run.writers):
            writer = run.writers[writer_id]
            why = _why_wait(writer, seen, policy, now_s)
            if why is not None and not all(t.key.is_pointer for t in writer.cover.taken):
                waiting.append((f"{run_id}/{writer_id}", why))
            only_condemned = why is not None
            loose = _loose(snapshot, writer, stale, only_condemned=only_condemned)
            sources += _groups(snapshot, run, writer, loose, live)
    above = max([*snapshot.packs, *snapshot.condemned], default=None)
    tasks = tuple(_task(snapshot, group, above) for group in _packed(sources, policy.pack_bytes))
    return Plan(project=snapshot.project, tasks=tasks, waiting=tuple(waiting))


def _task(snapshot: Snapshot, sources: list[Source], above: PackId | None) -> Task:
    runs = dict.fromkeys(source.run_id for source in sources)
    metas = [(run_id, snapshot.runs[run_id].meta) for run_id in runs]
    return Task(
        project=snapshot.project,
        sources=tuple(sources),
        metas=tuple((run_id, meta) for run_id, meta in metas if meta is not None),
        above=above,
    )


def stale_packs(
    snapshot: Snapshot, seen: Seen, policy: CompactPolicy, now_s: float
) -> frozenset[PackId]:
    """The packs whose live rows are to be packed anew."""
    named = _live_seqs(snapshot)
    healthy = {pack: e for pack, e in snapshot.packs.items() if pack not in snapshot.condemned}
    stale = {pack for pack in named if pack in snapshot.condemned}
    stale |= {pack for pack in named if _is_too_dead(pack, snapshot, seen, policy, now_s)}
    tiers: defaultdict[int, list[PackId]] = defaultdict(list)
    for pack, entry in healthy.items():
        if pack in named and pack not in stale and entry.size_bytes < policy.pack_bytes // 2:
            tiers[_tier(entry.size_bytes)].append(pack)
    for packs in tiers.values():
        if len(packs) >= policy.fan_in:
            stale |= set(packs)
    return frozenset(stale)


def packs_in_doubt(snapshot: Snapshot) -> frozenset[PackId]:
    """The packs of which some rows may be dead, as far as names tell."""
    named = set(_live_seqs(snapshot))
    superseded = {
        key.pack_id
        for run in snapshot.runs.values()
        for writer in run.writers.values()
        for key in writer.cover.superseded
        if isinstance(key, PointerKey)
    }
    is_any_deleted = bool(snapshot.tombstones)
    return frozenset(named if is_any_deleted else named & superseded)


def _why_wait(writer: WriterFiles, seen: Seen, policy: CompactPolicy, now_s: float) -> str | None:
    """Why a writer is not packed yet; None if it may be."""
    silent_s = now_s - writer.newest_s
    if silent_s <= policy.settle_s and writer.writer_id not in seen.finished:
        return f"it wrote {max(silent_s, 0):,.0f} s ago and has not finished"
    for gap in writer.cover.gaps:
        came_s = min(e.time_s for key, e in writer.ranges.items() if key.first > gap.last)
        if now_s - came_s < policy.settle_s:
            return f"calls {gap.first:,} to {gap.last:,} may still arrive"
    return None


def _loose(
    snapshot: Snapshot, writer: WriterFiles, stale: Collection[PackId], *, only_condemned: bool
) -> list[bool]:
    """For each file that counts whether it is to be packed.

    One that counts only in part goes with the one before it, else its pointer would stand
    behind it in the walk and never count.
    """
    taken = writer.cover.taken
    if only_condemned:
        loose = [t.key.is_pointer and t.key.pack_id in snapshot.condemned for t in taken]
    else:
        loose = [not t.key.is_pointer or t.key.pack_id in stale for t in taken]
    for place in range(len(taken) - 1, 0, -1):
        if loose[place] and not taken[place].is_whole:
            loose[place - 1] = True
    return loose


def _groups(
    snapshot: Snapshot,
    run: RunFiles,
    writer: WriterFiles,
    loose: Iterable[bool],
    live: Mapping[PackId, int],
) -> Iterator[list[Source]]:
    """The sources of a writer, those that must go into one pack together."""
    group: list[Source] = []
    for taken, is_loose in zip(writer.cover.taken, loose, strict=True):
        if group and (not is_loose or taken.is_whole):
            yield group
            group = []
        if is_loose:
            group.append(_source(snapshot, run.run_id, writer, taken, live))
    if group:
        yield group


def _source(
    snapshot: Snapshot,
    run_id: RunId,
    writer: WriterFiles,
    taken: Taken,
    live: Mapping[PackId, int],
) -> Source:
    key: RangeKey = taken.key
    calls = taken.last - taken.first + 1
    if isinstance(key, PointerKey):
        entry = snapshot.packs[key.pack_id]
        name = str(PackKey(snapshot.project, key.pack_id))
        size_bytes = entry.size_bytes * calls // max(live[key.pack_id], 1)
    else:
        entry = writer.ranges[key]
        name, size_bytes = str(key), entry.size_bytes
    return Source(
        key=name,
        run_id=run_id,
        writer_id=writer.writer_id,
        first=taken.first,
        last=taken.last,
        version=entry.version,
        size_bytes=size_bytes,
        is_pack=key.is_pointer,
    )


def _packed(groups: Iterable[list[Source]], pack_bytes: int) -> Iterator[list[Source]]:
    """Neighbouring groups together up to the size of a pack."""
    pack: list[Source] = []
    size = 0
    for group in groups:
        more = sum(source.size_bytes for source in group)
        if pack and size + more > pack_bytes:
            yield pack
            pack, size = [], 0
        pack += group
        size += more
    if pack:
        yield pack


def _live_seqs(snapshot: Snapshot) -> dict[PackId, int]:
    """The packs that rows count of, and how many calls those are."""
    named: defaultdict[PackId, int] = defaultdict(int)
    for run in snapshot.runs.values():
        for writer in run.writers.values():
            for taken in writer.cover.taken:
                if isinstance(taken.key, PointerKey):
                    named[taken.key.pack_id] += taken.last - taken.first + 1
    return named


def _is_too_dead(
    pack: PackId, snapshot: Snapshot, seen: Seen, policy: CompactPolicy, now_s: float
) -> bool:
    """Whether too much of a pack is dead, or something has been for too long."""
    said = seen.packs.get(pack)
    if said is None:
        return False
    dead = sum(
        s.rows
        for s in said.stretches
        if not _is_live(snapshot, pack, s.run_id, s.writer_id, s.first)
    )
    if dead > policy.dead_share * said.rows:
        return True
    deleted_s = [
        entry.time_s
        for stretch in said.stretches
        for tombstone_id, entry in snapshot.tombstones.get(stretch.run_id, {}).items()
        if stretch.writer_id < tombstone_id
    ]
    return any(now_s - time_s > policy.retention_s for time_s in deleted_s)


def _is_live(
    snapshot: Snapshot, pack: PackId, run_id: RunId, writer_id: WriterId, first: int
) -> bool:
    run = snapshot.runs.get(run_id)
    writer = None if run is None else run.writers.get(writer_id)
    if writer is None:
        return False
    return any(
        t.key.is_pointer and t.key.pack_id == pack and t.key.first == first
        for t in writer.cover.taken
    )


def _tier(size_bytes: int) -> int:
    tier = 0
    while size_bytes > _TIER_BYTES:
        size_bytes //= _TIER_FACTOR
        tier += 1
    return tier
