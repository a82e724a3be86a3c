"""The files that people meant to keep: those that runs saved, and those of the project before.

Before a migration saved files belonged to the project; they lie under the path they had then
(`docs/migration.md`). Fetches no bytes.
"""

from collections.abc import Iterable
from typing import Any

from trackio import keys
from trackio.dashboard.health import files
from trackio.dashboard.meta import Meta
from trackio.dashboard.run_page import plain
from trackio.keys import LegacyKey
from trackio.query.saved import list_saved
from trackio.store.base import Store

_FOLDER = "files"
"""Where the released Trackio keeps what `save` is given, below the media of a project."""


def kept_files(meta: Meta, run_ids: Iterable[str], store: Store | None = None) -> dict[str, Any]:
    """What these runs saved, what their files in the store are, and with `store` the project's."""
    wanted = list(run_ids)
    return {
        **files(meta, wanted),
        "saved": [row for run_id in wanted for row in _saved(meta, run_id)],
        "former": [] if store is None else list_former(store, meta.project),
    }


def list_former(store: Store, project: str) -> list[dict[str, Any]]:
    """The files that the released Trackio kept for the project, which migration brought over."""
    found = []
    for entry in store.list(f"{keys.legacy_prefix(project)}media/"):
        key = keys.parse(entry.key)
        if isinstance(key, LegacyKey) and _FOLDER in key.path[2:-1]:
            name = "/".join(key.path[key.path.index(_FOLDER, 2) + 1 :])
            size, time_s = entry.size_bytes, entry.time_s
            found.append({"name": plain(name), "key": entry.key, "size": size, "time_s": time_s})
    return sorted(found, key=lambda row: str(row["name"]))


def _saved(meta: Meta, run_id: str) -> Iterable[dict[str, Any]]:
    for row in list_saved(meta.view, run_id):
        said = row.reference
        yield {
            "name": plain(row.key),
            "run": meta.run_codes[row.run_id],
            "writer": row.writer_id,
            "file": f"{said['sha256']}.{said.get('extension')}",
            "size": said.get("size"),
            "time_s": row.time_s,
        }
