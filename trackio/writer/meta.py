"""What is said of a run beside its rows: `meta.json`, its name, its tombstones. No rows."""

from collections.abc import Mapping
from dataclasses import asdict, fields

import orjson

from trackio import journal, keys
from trackio.model import RunId, RunMeta, TombstoneId
from trackio.store.base import Content, Store

_FIELDS = frozenset(field.name for field in fields(RunMeta))


def encode_meta(meta: RunMeta) -> bytes:
    """The bytes of `meta.json`."""
    return orjson.dumps(asdict(meta), option=orjson.OPT_INDENT_2)


def decode_meta(data: bytes) -> RunMeta:
    """What `meta.json` says; fields of later versions are left out.

    Raises:
        orjson.JSONDecodeError: it is not a meta.json.
    """
    said = orjson.loads(data)
    if not isinstance(said, dict) or "name" not in said or "created" not in said:
        raise orjson.JSONDecodeError("not a meta.json", data.decode(errors="replace"), 0)
    known = {name: value for name, value in said.items() if name in _FIELDS}
    return RunMeta(**{**known, "tags": tuple(known.get("tags") or ())})


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
