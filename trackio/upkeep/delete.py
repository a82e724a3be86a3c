"""Delete a run: hide what its writers wrote so far for ever, then remove their files.

The rules are those of `docs/format.md`, Deleting. A run that is live while it is deleted stays
deleted: what its writer puts later is hidden too, and collected. Rows in packs vanish at once
for readers and physically when their pack is written anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from trackio import ids, keys
from trackio.errors import NotFound, UnreadableFile
from trackio.meta import decode_meta
from trackio.model import RunId, TombstoneId, WriterId
from trackio.store.base import Store

_FILES = keys.ShardKey | keys.PointerKey | keys.MediaKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What deleting a run does: a tombstone first, if it has writers, then its files go."""

    project: str
    run_id: RunId
    tombstone: str | None
    files: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.project}/{self.run_id}: hide it for ever and delete {len(self.files):,} files"
        )


def plan(store: Store, project: str, run_id: RunId) -> Plan:
    """What deleting a run means now.

    Raises:
        NotFound: there is no such run, or it is deleted already.
        StoreUnavailable, StoreRefused: it cannot be listed.
    """
    listed = list(_listed(store, project, run_id))
    if not listed:
        raise NotFound(f"there is no run {run_id!r} in {project!r}")
    newest = max(_writers(listed), default=None)
    tombstone = None if newest is None else TombstoneId(ids.id_after(newest))
    key = None if tombstone is None else str(keys.TombstoneKey(project, run_id, tombstone))
    names = _names(store, project, run_id)
    return Plan(project=project, run_id=run_id, tombstone=key, files=(*map(str, listed), *names))


def apply(plan: Plan, store: Store) -> int:
    """Delete the run; returns how many files went. Doing it twice does no harm.

    Raises:
        StoreUnavailable, StoreRefused: what is left is hidden, and collected later.
    """
    if plan.tombstone is not None:
        store.put({plan.tombstone: b""})
    newer = set(_listed(store, plan.project, plan.run_id)) - set(map(keys.parse, plan.files))
    hidden = _hidden_by(plan, newer)
    kept = {key for key in newer if isinstance(key, _FILES)} - hidden
    # Somebody resumed the run meanwhile: then what is said of it stays.
    gone = [key for key in plan.files if not kept or isinstance(keys.parse(key), _FILES)]
    store.delete([*gone, *map(str, hidden)])
    return len(gone) + len(hidden)


def delete_run(store: Store, project: str, run_id: RunId) -> int:
    """Plan and apply in one; raises as they do."""
    return apply(plan(store, project, run_id), store)


def _hidden_by(plan: Plan, found: set[keys.Key]) -> set[keys.Key]:
    """What of these files the tombstone hides."""
    stone = keys.parse(plan.tombstone) if plan.tombstone is not None else None
    if not isinstance(stone, keys.TombstoneKey):
        return set()
    return {key for key in found if isinstance(key, _FILES) and key.writer_id < stone.tombstone_id}


def _listed(store: Store, project: str, run_id: RunId) -> Iterator[keys.Key]:
    for entry in store.list(keys.run_prefix(project, run_id)):
        key = keys.parse(entry.key)
        if key is not None:
            yield key


def _writers(listed: list[keys.Key]) -> Iterator[WriterId]:
    return (key.writer_id for key in listed if isinstance(key, _FILES))


def _names(store: Store, project: str, run_id: RunId) -> list[str]:
    """The key that finds the run by its name, as far as one knows the name."""
    try:
        meta = decode_meta(store.get(str(keys.MetaKey(project, run_id))))
    except (NotFound, UnreadableFile):
        return []
    return [str(keys.NameKey(project, meta.name, run_id))]
