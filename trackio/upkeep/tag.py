"""Change the tags, the group and the notes of a run. Its name, rows and files stay as they are."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound
from trackio.meta import decode_meta, encode_meta
from trackio.model import RunId, RunMeta
from trackio.store.base import Store


def tag_run(
    store: Store,
    project: str,
    run_id: RunId,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    group: str | None = None,
    notes: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RunMeta:
    """Add and remove tags, and set the group or the notes where one is given; "" takes it away.

    `meta.json` is read, changed and written: of two who do so at once, one may win.

    Raises:
        NotFound: nothing is said of such a run.
        UnreadableFile: its `meta.json` is damaged.
        StoreUnavailable, StoreRefused: nothing was changed, or all of it; try again.
    """
    key = str(keys.MetaKey(project, run_id))
    try:
        meta = decode_meta(store.get(key))
    except NotFound as exc:
        raise NotFound(f"nothing is said of the run {run_id!r} in {project!r}: rename it") from exc
    gone = set(remove)
    tags = tuple(dict.fromkeys(tag for tag in (*meta.tags, *add) if tag not in gone))
    changed = replace(
        meta,
        tags=tags,
        group=meta.group if group is None else group or None,
        notes=meta.notes if notes is None else notes or None,
    )
    if changed == meta:
        return meta
    edited = datetime.fromtimestamp(clock.time_ns() / 1e9, UTC).isoformat()
    changed = replace(changed, edited_at=edited)
    store.put({key: encode_meta(changed)})
    return changed
