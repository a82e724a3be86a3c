"""Which blobs of a version need not be put. Decides on a listing, puts nothing.

A blob counts as there if a live version of the same artifact holds it, or if its listed copy is
younger than half of grace: so no collector takes it before the manifest that needs it is seen.
"""

from collections.abc import Collection, Mapping

from trackio import ids, keys
from trackio.artifacts.sending import Files
from trackio.clock import Clock
from trackio.model import Entry
from trackio.settings import upkeep_policy
from trackio.store.base import Store, is_local
from trackio.upkeep.collect import drop_clocks, store_now


def list_blobs(store: Store, project: str, wanted: Collection[str]) -> dict[str, Entry]:
    """The entries of those of the wanted blobs that are listed, by digest.

    Raises:
        StoreUnavailable, StoreRefused: the listing is not whole.
    """
    found: dict[str, Entry] = {}
    for entry in store.list(keys.blob_prefix(project)):
        digest = entry.key.rpartition("/")[2]
        if digest in wanted:
            found[digest] = entry
    return found


def find_missing(
    store: Store,
    project: str,
    files: Files,
    listed: Mapping[str, Entry],
    *,
    held: Collection[str],
    clock: Clock,
) -> Files:
    """The blobs that have to be put.

    Args:
        listed: those of them that the store lists.
        held: what live versions of the same artifact hold.
    """
    doubtful = [listed[digest] for digest in files if digest in listed and digest not in held]
    young_s = _young_s(store, project, clock) if doubtful else float("inf")
    return {
        digest: file
        for digest, file in files.items()
        if not (found := listed.get(digest))
        or found.size_bytes != file.size
        or (digest not in held and not found.time_s > young_s)
    }


def _young_s(store: Store, project: str, clock: Clock) -> float:
    """Whatever was put after this time is younger than half of grace, by the store's clock."""
    job_id = ids.make_id(clock)
    now_s = store_now(store, project, job_id)
    drop_clocks(store, project, job_id)
    if now_s == float("-inf"):
        return float("inf")  # nobody knows the time: nothing is young
    return now_s - upkeep_policy(is_local=is_local(store)).grace_s / 2
