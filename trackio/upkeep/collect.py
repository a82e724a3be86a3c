"""Delete superseded shards once nothing can need them. Decides from a listing and checked files.

The rule is point 4 of `docs/format.md`, Compacting and collecting: an entry goes only on
account of entries before it in the walk order that together hold its rows, each read to the
end after the listing and each older than grace. Doubt keeps a file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trackio import keys, merge
from trackio.catalog import Snapshot, WriterFiles, list_project, list_writer
from trackio.cover import in_walk_order, merge_ranges, subtract
from trackio.errors import FormatTooNew, NotFound, UnreadableFile
from trackio.keys import RangeKey, ShardKey
from trackio.model import Entry, RunId, SeqRange, WriterId
from trackio.store.base import Store, readable

Check = Callable[[ShardKey], bool]
"""Whether a shard was read to its end and is what its metadata says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The keys that may go, and of what is superseded what has to stay and why."""

    deletes: tuple[str, ...]
    kept: tuple[tuple[str, str], ...] = ()


def store_now(store: Store, project: str, job_id: str) -> float:
    """The store's own time in seconds since 1970, learned by putting a key and listing it.

    Where the listing does not show the key yet, minus infinity: nothing counts as old.
    """
    key = str(keys.ClockKey(project, job_id))
    store.put({key: b""})
    folder = key.rpartition("/")[0] + "/"
    times = [entry.time_s for entry in store.list(folder) if entry.key == key]
    return max(times, default=float("-inf"))


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
    """What may be deleted of one writer's own files; raises as `plan` does."""
    now_s = store_now(store, project, writer_id)
    files = list_writer(store, project, run_id, writer_id)
    return _plan_files(files, make_check(store), now_s - grace_s)


def plan_snapshot(snapshot: Snapshot, store: Store, *, now_s: float, grace_s: float) -> Plan:
    """What may be deleted, given a listing made after the store said it was `now_s`."""
    check = make_check(store)
    writers = [files for run in snapshot.runs.values() for files in run.writers.values()]
    plans = [_plan_files(files, check, now_s - grace_s) for files in writers]
    return Plan(
        deletes=tuple(key for each in plans for key in each.deletes),
        kept=tuple(pair for each in plans for pair in each.kept),
    )


def apply(plan: Plan, store: Store) -> int:
    """Delete what the plan says; returns how many keys."""
    if plan.deletes:
        store.delete(plan.deletes)
    return len(plan.deletes)


def safe_ranges(files: WriterFiles, check: Check, older_than_s: float) -> tuple[SeqRange, ...]:
    """The seqs that old, wholly readable shards of this writer hold."""
    trusted = [
        SeqRange(key.first, key.last)
        for key, entry in files.ranges.items()
        if _is_trusted(key, entry, check, older_than_s)
    ]
    return merge_ranges(trusted)


def make_check(store: Store) -> Check:
    """A check that reads each shard of `store` to its end, once."""
    known: dict[ShardKey, bool] = {}

    def check(key: ShardKey) -> bool:
        if key not in known:
            known[key] = _reads_whole(store, key)
        return known[key]

    return check


def _plan_files(files: WriterFiles, check: Check, older_than_s: float) -> Plan:
    """Walk one writer's files; keep count of what the trusted ones so far hold."""
    held: list[SeqRange] = []
    deletes: list[str] = []
    kept: list[tuple[str, str]] = []
    candidates = set(files.cover.superseded)
    for key in in_walk_order(files.ranges):
        span = SeqRange(key.first, key.last)
        if isinstance(key, ShardKey) and key in candidates:
            if not subtract([span], merge_ranges(held)) and _is_old(
                files.ranges[key], older_than_s
            ):
                deletes.append(str(key))
                continue
            kept.append((str(key), "what stands before it is not old or not readable enough"))
        entry = files.ranges[key]
        if _is_needed(key, candidates) and _is_trusted(key, entry, check, older_than_s):
            held.append(span)
    return Plan(deletes=tuple(deletes), kept=tuple(kept))


def _is_needed(key: RangeKey, candidates: Iterable[RangeKey]) -> bool:
    """Whether some superseded file overlaps this one, so that reading it is worth while."""
    return any(other.first <= key.last and key.first <= other.last for other in candidates)


def _is_trusted(key: RangeKey, entry: Entry, check: Check, older_than_s: float) -> bool:
    # A pointer's rows are in a pack, which is not read here: it vouches for nothing.
    return isinstance(key, ShardKey) and _is_old(entry, older_than_s) and check(key)


def _is_old(entry: Entry, older_than_s: float) -> bool:
    return entry.time_s < older_than_s


def _reads_whole(store: Store, key: ShardKey) -> bool:
    try:
        meta = merge.check(readable(store, str(key)))
    except (UnreadableFile, FormatTooNew, NotFound):
        return False
    return (meta.first, meta.last) == (key.first, key.last)
