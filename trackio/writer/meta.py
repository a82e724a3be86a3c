"""What a store has of a run beside its rows: `meta.json`, its name, its tombstones."""

from collections.abc import Mapping

from trackio import journal, keys
from trackio.meta import encode_meta
from trackio.model import RunId, TombstoneId
from trackio.store.base import Content, Store


def meta_files(header: journal.Header) -> Mapping[str, Content]:
    """The files that say what a run is and find it by name."""
    return {
        str(keys.MetaKey(header.project, header.run_id)): encode_meta(header.meta),
        str(keys.NameKey(header.project, header.meta.name, header.run_id)): b"",
    }


def has_meta(store: Store, project: str, run_id: RunId) -> bool:
    """Whether somebody has put what is said of the run."""
    wanted = str(keys.MetaKey(project, run_id))
    listed = store.list(keys.run_prefix(project, run_id), recursive=False)
    return any(entry.key == wanted for entry in listed)


def find_tombstone(store: Store, project: str, run_id: RunId) -> TombstoneId | None:
    """The newest tombstone of a run."""
    listed = [keys.parse(entry.key) for entry in store.list(keys.tombstone_prefix(project, run_id))]
    found = [key.tombstone_id for key in listed if isinstance(key, keys.TombstoneKey)]
    return max(found, default=None)
