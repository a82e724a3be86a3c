"""Decide which blobs nobody needs any more, and delete them. Coordinates with nobody.

A blob goes if no manifest refers to it, or only those of versions that were deleted more than
grace ago, and its own copy is older than grace. Whoever logs an artifact puts an old copy that
nothing holds again, so what it relies on is young when its manifest appears. Before it deletes,
the collector announces itself and looks once more (`announcing`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trackio import ids, keys
from trackio.artifacts.announcing import at_work, promised_s
from trackio.artifacts.manifest import decode_manifest
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import UnreadableFile
from trackio.model import Entry
from trackio.store.base import Store
from trackio.store.parallel import attempt_each, raise_first
from trackio.upkeep.collect import drop_clocks, store_now

_GETS = 16
_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPlan:
    """What may go of one project."""

    deletes: tuple[Entry, ...] = ()
    kept: int = 0

    @property
    def size_bytes(self) -> int:
        """How many bytes go."""
        return sum(entry.size_bytes for entry in self.deletes)

    @property
    def total(self) -> int:
        """How many blobs there are."""
        return len(self.deletes) + self.kept

    def __str__(self) -> str:
        return f"{len(self.deletes)} of {self.total} blobs may go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one collection came to."""

    plan: BlobPlan
    deleted: int

    def __str__(self) -> str:
        return f"{self.plan}, {self.plan.size_bytes:,} bytes; {self.deleted} are deleted"


def collect(
    store: Store,
    project: str,
    *,
    grace_s: float,
    dry_run: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> Collected:
    """Plan, and unless it is a rehearsal, apply; raises as `plan` does."""
    planned = plan(store, project, grace_s=grace_s, clock=clock)
    deleted = 0 if dry_run else apply(planned, store, project, grace_s=grace_s, clock=clock)
    return Collected(plan=planned, deleted=deleted)


def plan(store: Store, project: str, *, grace_s: float, clock: Clock = SYSTEM_CLOCK) -> BlobPlan:
    """What may be deleted.

    Raises:
        StoreUnavailable, StoreRefused: a listing or a manifest could not be read: nothing may.
    """
    listed = {entry.key: entry for entry in store.list(keys.artifacts_prefix(project))}
    if not any(isinstance(keys.parse(key), keys.BlobKey) for key in listed):
        return BlobPlan()
    job_id = ids.make_id(clock)
    now_s = store_now(store, project, job_id)
    drop_clocks(store, project, job_id)
    return plan_listed(store, listed, older_than_s=now_s - grace_s)


def plan_listed(store: Store, listed: Mapping[str, Entry], *, older_than_s: float) -> BlobPlan:
    """What may be deleted, given a listing of all artifacts of a project."""
    parsed = {key: keys.parse(key) for key in listed}
    gone = {
        (it.name, it.version_id)
        for key, it in parsed.items()
        if isinstance(it, keys.DeletedVersionKey) and listed[key].time_s < older_than_s
    }
    manifests = [
        key
        for key, it in parsed.items()
        if isinstance(it, keys.ManifestKey) and (it.name, it.version_id) not in gone
    ]
    blobs = {it.sha256: listed[k] for k, it in parsed.items() if isinstance(it, keys.BlobKey)}
    try:
        held = _held(store, manifests)
    except UnreadableFile:  # nobody knows what it holds
        return BlobPlan(kept=len(blobs))
    deletes = tuple(
        entry
        for digest, entry in sorted(blobs.items())
        if digest not in held and entry.time_s < older_than_s
    )
    return BlobPlan(deletes=deletes, kept=len(blobs) - len(deletes))


def apply(
    plan: BlobPlan, store: Store, project: str, *, grace_s: float, clock: Clock = SYSTEM_CLOCK
) -> int:
    """Delete what the plan says, if it still may go; how many that were."""
    left = {entry.key for entry in plan.deletes}
    count = 0
    while left:
        began_s = clock.monotonic()
        with at_work(store, project, clock=clock) as now_s:
            listed = {entry.key: entry for entry in store.list(keys.artifacts_prefix(project))}
            again = plan_listed(store, listed, older_than_s=now_s - grace_s)
            left &= {entry.key for entry in again.deletes}
            gone = _delete(store, sorted(left), clock, until_s=began_s + promised_s(grace_s) / 2)
        if left and not gone:  # looking alone takes longer than what was looked at holds
            break
        left -= gone
        count += len(gone)
    return count


def _delete(store: Store, doomed: Sequence[str], clock: Clock, *, until_s: float) -> set[str]:
    """Delete some at a time, as long as there is time; which those were."""
    gone: set[str] = set()
    for start in range(0, len(doomed), _BATCH):
        if clock.monotonic() > until_s:
            break
        batch = doomed[start : start + _BATCH]
        store.delete(batch)
        gone.update(batch)
    return gone


def _held(store: Store, manifests: Iterable[str]) -> frozenset[str]:
    found: list[frozenset[str]] = []

    def read(key: str) -> None:
        found.append(decode_manifest(store.get(key)).blobs)

    raise_first(attempt_each(manifests, read, workers=_GETS))
    return frozenset[str]().union(*found)
