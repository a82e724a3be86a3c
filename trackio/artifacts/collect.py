"""Decide which blobs nobody needs any more, and delete them. Coordinates with nobody.

A blob goes if no manifest refers to it, or only those of versions that were deleted more than
grace ago, and its own copy is older than grace. Whoever logs an artifact puts an old copy that
nothing holds again, so what it relies on is young when its manifest appears. Right before it
deletes, the collector looks once more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trackio import ids, keys
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

    def __str__(self) -> str:
        return f"{len(self.deletes)} of {len(self.deletes) + self.kept} blobs may go"


def plan(store: Store, project: str, *, grace_s: float, clock: Clock = SYSTEM_CLOCK) -> BlobPlan:
    """What may be deleted.

    Raises:
        StoreUnavailable, StoreRefused: a listing or a manifest could not be read: nothing may.
    """
    job_id = ids.make_id(clock)
    now_s = store_now(store, project, job_id)
    drop_clocks(store, project, job_id)
    listed = {entry.key: entry for entry in store.list(keys.artifacts_prefix(project))}
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
    count = 0
    for start in range(0, len(plan.deletes), _BATCH):
        wanted = {entry.key for entry in plan.deletes[start : start + _BATCH]}
        job_id = ids.make_id(clock)
        now_s = store_now(store, project, job_id)
        drop_clocks(store, project, job_id)
        listed = {entry.key: entry for entry in store.list(keys.artifacts_prefix(project))}
        again = plan_listed(store, listed, older_than_s=now_s - grace_s)
        going = [entry.key for entry in again.deletes if entry.key in wanted]
        store.delete(going)
        count += len(going)
    return count


def _held(store: Store, manifests: Iterable[str]) -> frozenset[str]:
    found: list[frozenset[str]] = []

    def read(key: str) -> None:
        found.append(decode_manifest(store.get(key)).blobs)

    raise_first(attempt_each(manifests, read, workers=_GETS))
    return frozenset[str]().union(*found)
