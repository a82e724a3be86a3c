"""Give a run another name. Its id, its rows and its files stay as they are."""

from dataclasses import replace
from datetime import UTC, datetime

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound
from trackio.meta import decode_meta, encode_meta
from trackio.model import RunId, RunMeta
from trackio.store.base import Store


def rename_run(
    store: Store, project: str, run_id: RunId, name: str, *, clock: Clock = SYSTEM_CLOCK
) -> RunMeta:
    """Call a run `name`, live or not; what is said of it now.

    Raises:
        InvalidInput: no run can be called so.
        NotFound: there is no such run.
        UnreadableFile: its `meta.json` is damaged.
        StoreUnavailable, StoreRefused: the old name, or both, may find it; try again.
    """
    found = str(keys.NameKey(project, name, run_id))
    key = str(keys.MetaKey(project, run_id))
    now = datetime.fromtimestamp(clock.time_ns() / 1e9, UTC).isoformat()
    try:
        meta = decode_meta(store.get(key))
    except NotFound as exc:
        if not any(True for _ in store.list(keys.run_prefix(project, run_id))):
            raise NotFound(f"there is no run {run_id!r} in {project!r}") from exc
        meta = RunMeta(name=name, created=now)  # nothing was said of it so far
    renamed = replace(meta, name=name, edited_at=now)
    store.put({found: b""})
    store.put({key: encode_meta(renamed)})
    if meta.name != name:
        store.delete([str(keys.NameKey(project, meta.name, run_id))])
    return renamed
