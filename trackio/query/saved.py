"""The files that runs saved under names of their own: models, configs, logs. Fetches no bytes.

A row of kind `file` refers to bytes that lie beside the shards of its writer (`docs/values.md`).
Of a name that was saved several times the last counts.
"""

from collections.abc import Mapping
from typing import Any

from trackio.model import FILE, RunId
from trackio.query.media_rows import MediaRow
from trackio.query.view import View, rereads


@rereads
def list_saved(view: View, run_id: str) -> list[MediaRow]:
    """The files of a run, by name."""
    run = RunId(run_id)
    found: dict[str, MediaRow] = {}
    for piece, rows in view.said(view.pieces([run])).items():
        for row in rows:
            if row.kind != FILE or not _is_file(row.value):
                continue
            before = found.get(row.key)
            if before is None or (before.writer_id, before.seq) < (piece.writer_id, row.seq):
                found[row.key] = MediaRow(
                    project=view.snapshot.project,
                    run_id=run,
                    writer_id=piece.writer_id,
                    label="",
                    seq=row.seq,
                    time_s=row.time_s,
                    step=row.step,
                    key=row.key,
                    type=FILE,
                    index=None,
                    reference=row.value,
                )
    return sorted(found.values(), key=lambda row: row.key)


def _is_file(said: Any) -> bool:
    return isinstance(said, Mapping) and "sha256" in said
