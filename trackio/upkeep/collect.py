"""Delete what nothing can need any more. Decides from a listing and checked files.

The rules are points 4 and 5 of `docs/format.md`, Compacting and collecting: an entry goes only
on account of entries before it in the walk order that together hold its rows, each read to the
end after the listing and each older than grace; a pack goes in two passes. Doubt keeps a file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from trackio import keys
from trackio.catalog import RunFiles, Snapshot, WriterFiles, list_project, list_writer
from trackio.cover import cover, in_walk_order, merge_ranges, subtract
from trackio.keys import PointerKey, RangeKey
from trackio.model import Entry, PackId, RunId, SeqRange, WriterId
from trackio.store.base import Store
from trackio.upkeep.trust import Check, Trust, make_check

__all__ = ["Check", "Plan", "apply", "make_check", "plan", "plan_snapshot", "plan_writer"]

_CLOCKS_S: Final = 24 * 3600.0
"""How long a job's clock file stays if the job did not take it away itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The keys that may go, the marks to put, and of what is superseded what stays and why."""

    deletes: tuple[str, ...]
    condemns: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"delete {len(self.deletes):,} files, condemn {len(self.condemns):,} packs"


def store_now(store: Store, project: str, job_id: str) -> float:
    """The store's own time in seconds since 1970, learned by putting a key and listing it.

    Where the listing does not show the key yet, minus infinity: nothing counts as old.
    """
    key = str(keys.ClockKey(project, job_id))
    store.put({key: b""})
    return max((e.time_s for e in _clocks(store, project) if e.key == key), default=float("-inf"))


def drop_clocks(store: Store, project: str, job_id: str) -> None:
    """Take away the clock files of this job and of jobs that died a day ago."""
    own = str(keys.ClockKey(project, job_id))
    listed = list(_clocks(store, project))
    now_s = max((entry.time_s for entry in listed), default=0.0)
    store.delete([e.key for e in listed if e.key == own or now_s - e.time_s > _CLOCKS_S])


def plan(store: Store, project: str, *, job_id: str, grace_s: float) -> Plan:
    """What may be deleted in a whole project.

    Raises:
        StoreUnavailable, StoreRefused: a listing is not whole, so nothing may be deleted.
    """
    now_s = store_now(store, project, job_id)
    return plan_snapshot(list_project(store, project), store, now_s=now_s, grace_s=grace_s)


def plan_writer(
    store: Store, project: str, run_id: RunId, writer_id: WriterId, *, grace_s: float
) -> Plan:
    """What may be deleted of one writer's own shards; raises as `plan` does.

    Packs are none of its business: its pointers neither go nor count.
    """
    now_s = store_now(store, project, writer_id)
    files = list_writer(store, project, run_id, writer_id)
    trust = Trust(check=make_check(store), older_than_s=now_s - grace_s, packs={}, condemned={})
    superseded = set(files.cover.superseded)
    deletes, kept = _plan_files(files, trust, superseded)
    return Plan(deletes=tuple(deletes), kept=tuple(kept))


def plan_snapshot(snapshot: Snapshot, store: Store, *, now_s: float, grace_s: float) -> Plan:
    """What may be deleted, given a listing of a whole project made after `now_s`."""
    trust = Trust(
        check=make_check(store),
        older_than_s=now_s - grace_s,
        packs=snapshot.packs,
        condemned=snapshot.condemned,
    )
    deletes: list[str] = []
    kept: list[tuple[str, str]] = []
    for run in snapshot.runs.values():
        deletes += _hidden(snapshot, run, trust)
        for files in run.writers.values():
            gone, stay = _plan_files(files, trust, _superseded(files, trust))
            deletes += gone
            kept += stay
    deletes += _packs_to_delete(snapshot, trust)
    return Plan(
        deletes=tuple(deletes),
        condemns=tuple(_packs_to_condemn(snapshot, trust)),
        kept=tuple(kept),
    )


def apply(plan: Plan, store: Store) -> int:
    """Put the marks, then delete what the plan says; returns how many keys were deleted."""
    if plan.condemns:
        store.put(dict.fromkeys(plan.condemns, b""))
    if plan.deletes:
        store.delete(plan.deletes)
    return len(plan.deletes)


def _plan_files(
    files: WriterFiles, trust: Trust, candidates: Iterable[RangeKey]
) -> tuple[list[str], list[tuple[str, str]]]:
    """What of one writer's files may go, and what of the candidates has to stay and why."""
    wanted = set(candidates)
    if not wanted:
        return [], []
    # If not even names and times allow it, nothing needs to be read.
    could_go = {key for key, goes in _walk(files, wanted, trust, read_for=None) if goes}
    needed = merge_ranges(SeqRange(key.first, key.last) for key in could_go)
    deletes: list[str] = []
    kept: list[tuple[str, str]] = []
    for key, goes in _walk(files, wanted, trust, read_for=needed):
        if goes:
            deletes.append(str(key))
        else:
            kept.append((str(key), "what stands before it is not old or not readable enough"))
    return deletes, kept


def _walk(
    files: WriterFiles,
    candidates: set[RangeKey],
    trust: Trust,
    read_for: tuple[SeqRange, ...] | None,
) -> Iterator[tuple[RangeKey, bool]]:
    """Each candidate, and whether it may go on account of those before it.

    Read is what overlaps `read_for`; with None nothing is, and all is taken for readable.
    """
    held: tuple[SeqRange, ...] = ()
    for key in in_walk_order(files.ranges):
        span, entry = SeqRange(key.first, key.last), files.ranges[key]
        if key in candidates:
            is_held = trust.is_old(entry) and not subtract([span], held)
            goes = is_held or trust.is_without_pack(key)
            yield key, goes
            if goes:
                continue
        if read_for is None:
            is_relied_on = trust.could_hold(key, entry)
        else:
            is_relied_on = _overlaps(span, read_for) and trust.holds(key, entry)
        if is_relied_on:
            held = merge_ranges([*held, span])


def _superseded(files: WriterFiles, trust: Trust) -> set[RangeKey]:
    """What gives no rows once pointers to missing or condemned packs hold nothing."""
    healthy = trust.packs.keys() - trust.condemned.keys()
    taken = {taken.key for taken in cover(files.ranges, healthy).taken}
    return set(files.ranges) - taken


def _hidden(snapshot: Snapshot, run: RunFiles, trust: Trust) -> Iterator[str]:
    """What still appears under writers that an old tombstone hides."""
    stones = snapshot.tombstones.get(run.run_id, {})
    old = [tombstone_id for tombstone_id, entry in stones.items() if trust.is_old(entry)]
    newest = max(old, default=None)
    for writer_id, files in run.hidden.items():
        if newest is not None and writer_id < newest:
            yield from map(str, (*files.ranges, *files.media))


def _packs_to_condemn(snapshot: Snapshot, trust: Trust) -> Iterator[str]:
    """The old packs that no pointer names."""
    named = _named(snapshot)
    for pack_id, entry in snapshot.packs.items():
        if pack_id not in named and pack_id not in snapshot.condemned and trust.is_old(entry):
            yield str(keys.CondemnedKey(snapshot.project, pack_id))


def _packs_to_delete(snapshot: Snapshot, trust: Trust) -> Iterator[str]:
    """The packs with an old mark that still no pointer names, and overviews without a pack."""
    named = _named(snapshot)
    gone = {
        pack_id
        for pack_id, mark in snapshot.condemned.items()
        if pack_id in snapshot.packs and pack_id not in named and trust.is_old(mark)
    }
    yield from (str(keys.PackKey(snapshot.project, pack_id)) for pack_id in gone)
    for pack_id, entry in snapshot.overviews.items():
        if pack_id in gone or (pack_id not in snapshot.packs and trust.is_old(entry)):
            yield str(keys.OverviewKey(snapshot.project, pack_id))


def _named(snapshot: Snapshot) -> frozenset[PackId]:
    """The packs that a pointer names; those of hidden writers name none."""
    return frozenset(
        key.pack_id
        for run in snapshot.runs.values()
        for files in run.writers.values()
        for key in files.ranges
        if isinstance(key, PointerKey)
    )


def _clocks(store: Store, project: str) -> Iterator[Entry]:
    folder = str(keys.ClockKey(project, "")).rpartition("/")[0] + "/"
    return store.list(folder)


def _overlaps(span: SeqRange, ranges: Iterable[SeqRange]) -> bool:
    return any(first <= span.last and span.first <= last for first, last in ranges)
