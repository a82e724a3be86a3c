"""Find the alert rows of a project that are not done. Reads what is new of each writer only."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from trackio.cover import subtract
from trackio.model import ALERT, RUN, RunId, SeqRange, WriterId
from trackio.query.said import Said
from trackio.query.view import View, rereads
from trackio.upkeep.alerts.due import LEVELS, Due
from trackio.upkeep.alerts.marks import Marks, Ranges

TOLD = "told"
"""Key of the row in which a training process says that it has told a webhook of an alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is new: alerts, and all the rows that were looked at to find them."""

    dues: tuple[Due, ...]
    looked_at: Mapping[tuple[RunId, WriterId], Ranges]


@rereads
def find_rows(view: View, marks: Marks) -> Found:
    """The alerts in rows that `marks` is not done with, oldest first."""
    new = {
        (run.run_id, writer_id): ranges
        for run in view.runs()
        for writer_id, writer in run.writers.items()
        if (ranges := marks.new_of(run.run_id, writer_id, writer.cover.ranges))
    }
    rows = {place: list(_rows_of(view, *place, ranges)) for place, ranges in new.items()}
    names = _names(view, {run_id for (run_id, _), found in rows.items() if _has_alert(found)})
    dues = [
        due
        for (run_id, writer_id), found in rows.items()
        if _has_alert(found)
        for due in _dues(view.snapshot.project, run_id, names[run_id], writer_id, found)
        if any(first <= due.seq <= last for first, last in new[run_id, writer_id])
    ]
    oldest_first = sorted(dues, key=lambda due: (due.time_s, due.writer_id, due.seq))
    return Found(dues=tuple(oldest_first), looked_at=new)


def _rows_of(view: View, run_id: RunId, writer_id: WriterId, new: Ranges) -> Iterator[Said]:
    """What a writer said from its first new row on: what it told of comes after the alert."""
    pieces = view.writers(run_id).get(writer_id, ())
    wanted = [piece for piece in pieces if piece.last >= new[0].first]
    said = view.said(wanted)
    for piece in wanted:
        yield from (row for row in said[piece] if row.seq >= new[0].first)


def _has_alert(rows: Iterable[Said]) -> bool:
    return any(row.kind == ALERT for row in rows)


def _names(view: View, run_ids: set[RunId]) -> dict[RunId, str]:
    metas = view.metas(run for run in view.runs() if run.run_id in run_ids)
    return {run_id: meta.name if meta else str(run_id) for run_id, meta in metas.items()}


def _dues(
    project: str, run_id: RunId, run: str, writer_id: WriterId, rows: Iterable[Said]
) -> Iterator[Due]:
    listed = list(rows)
    told = {
        (row.value.get("seq"), row.value.get("webhook"))
        for row in listed
        if row.kind == RUN and row.key == TOLD and isinstance(row.value, dict)
    }
    for row in listed:
        if row.kind != ALERT:
            continue
        said = row.value if isinstance(row.value, dict) else {"text": row.value}
        level = str(said.get("level", "info"))
        client = said.get("webhook")
        yield Due(
            project=project,
            run_id=run_id,
            run=run,
            writer_id=writer_id,
            seq=row.seq,
            time_s=row.time_s,
            step=row.step,
            level=level if level in LEVELS else "warn",
            title=row.key,
            text=str(said.get("text") or ""),
            client=client if isinstance(client, str) else None,
            is_told=(row.seq, client) in told,
        )


def without(ranges: Ranges, dues: Iterable[Due]) -> list[SeqRange]:
    """The ranges without the rows of these alerts, ascending."""
    return list(subtract(ranges, [SeqRange(seq, seq) for seq in sorted({d.seq for d in dues})]))
