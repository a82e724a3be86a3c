"""The runs of a project: what a table of runs shows. Reads no point of a finished run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trackio.catalog import RunFiles, WriterFiles
from trackio.errors import InvalidInput, NotFound
from trackio.ids import id_time_ms
from trackio.model import RunId, RunMeta
from trackio.query.attempts import Line
from trackio.query.lines import arrange_run, tally
from trackio.query.said import Stats, WriterSaid, parse_time
from trackio.query.summary import summarize
from trackio.query.view import View, rereads

Status = Literal["running", "finished", "failed", "crashed"]

HEARTBEAT_S = 60.0
SILENT_S = 2 * HEARTBEAT_S + 30.0
"""A run of which the store has got nothing for so long has crashed, or its machine is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run. Times are seconds since 1970.

    `updated_s` is when it finished, or when the store got its newest file; `ended_s` is when
    it finished, or of a crashed run the time of its last row. `resumed` tells that a writer
    continues an earlier one.
    """

    run_id: RunId
    name: str
    group: str | None
    tags: tuple[str, ...]
    notes: str | None
    status: Status
    created_s: float
    started_s: float
    updated_s: float
    ended_s: float | None
    last_step: int | None
    writers: int
    host: str | None
    resumed: bool
    config: Mapping[str, Any]
    summary: Mapping[str, Stats]


@rereads
def list_runs(view: View, now_s: float) -> list[RunRow]:
    """All runs that are not deleted, newest first."""
    runs = view.runs()
    known: dict[RunId, RunRow | None] = {run.run_id: view.remembered(run) for run in runs}
    fresh = _rows(view, [run for run in runs if known[run.run_id] is None], now_s)
    rows = [*fresh, *(row for row in known.values() if row is not None)]
    return sorted(rows, key=lambda row: (row.created_s, row.run_id), reverse=True)


@rereads
def find_run(view: View, text: str) -> RunRow:
    """The run with this id or name, or whose id or name alone begins with it.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several; the message names them.
    """
    runs = {run.run_id: run for run in view.runs()}
    names = {run_id: meta.name for run_id, meta in view.metas(runs.values()).items() if meta}
    found = (
        [run_id for run_id in runs if run_id == text]
        or [run_id for run_id, name in names.items() if name == text]
        or [r for r in runs if r.startswith(text) or names.get(r, "").startswith(text)]
    )
    if not found or not text:
        project = view.snapshot.project
        raise NotFound(f"there is no run {text!r} in {project!r}; `trackio list runs` shows all")
    if len(found) > 1:
        candidates = ", ".join(f"{run_id} ({names.get(run_id, '')})" for run_id in found[:10])
        raise InvalidInput(
            f"{text!r} is ambiguous, {len(found)} runs match: {candidates}; give an id"
        )
    return _rows(view, [runs[found[0]]], view.now_s)[0]


def _rows(view: View, runs: Sequence[RunFiles], now_s: float) -> list[RunRow]:
    """The rows of some runs; those that no time changes any more are remembered."""
    metas = view.metas(runs)
    writers = {run.run_id: view.writers(run.run_id) for run in runs}
    heard = view.heard(pieces for found in writers.values() for pieces in found.values())
    said: dict[RunId, list[WriterSaid]] = {run.run_id: [] for run in runs}
    for writer, run_id in zip(
        heard, (run_id for run_id, found in writers.items() for _ in found), strict=True
    ):
        said[run_id].append(writer)
    view.tallies(
        piece
        for run_id, found in said.items()
        for writer in found
        if writer.finish is None
        for piece in writers[run_id][writer.writer_id]
    )
    rows = []
    for run in runs:
        heard_of_run = said[run.run_id]
        rows.append(_row(view, run, metas[run.run_id], heard_of_run, now_s))
        if heard_of_run and all(writer.finish is not None for writer in heard_of_run):
            view.remember(run, rows[-1])
    return rows


def _row(
    view: View, run: RunFiles, meta: RunMeta | None, heard: Sequence[WriterSaid], now_s: float
) -> RunRow:
    writers = view.writers(run.run_id)
    lines = arrange_run(view, writers, heard) if writers else ()
    summary = summarize(view, lines, heard, writers)
    status = _status(run, lines, heard, now_s)
    started_s = id_time_ms(min(run.writers)) / 1000 if run.writers else None
    created_s = parse_time(meta.created) if meta else None
    updated_s = _updated_s(run, heard)
    return RunRow(
        run_id=run.run_id,
        name=meta.name if meta else run.run_id,
        group=meta.group if meta else None,
        tags=meta.tags if meta else (),
        notes=meta.notes if meta else None,
        status=status,
        created_s=_first(created_s, started_s, updated_s),
        started_s=_first(started_s, created_s, updated_s),
        updated_s=updated_s,
        ended_s=_ended_s(view, status, heard, run.run_id),
        last_step=max((s.step for s in summary.values() if s.step is not None), default=None),
        writers=len(run.writers),
        host=next((writer.host for writer in reversed(heard) if writer.host), None),
        resumed=any(w.resumed_from for w in heard) or any(len(a.attempts) > 1 for a in lines),
        config={key: value for writer in heard for key, value in writer.config.items()},
        summary=summary,
    )


def _status(
    run: RunFiles, lines: Iterable[Line], heard: Iterable[WriterSaid], now_s: float
) -> Status:
    """A run goes on while one of its lines does, and ends as its worst line did."""
    said = {writer.writer_id: writer for writer in heard}
    newest = [line.attempts[-1].writer_id for line in lines]
    states = {_writer_status(run.writers[w], said[w], now_s) for w in newest}
    order: tuple[Status, ...] = ("running", "crashed", "failed", "finished")
    return next((s for s in order if s in states), _status_at(_updated_s(run, ()), now_s))


def _writer_status(files: WriterFiles, said: WriterSaid, now_s: float) -> Status:
    return _status_at(files.newest_s, now_s) if said.finish is None else said.finish.state


def _status_at(newest_s: float, now_s: float) -> Status:
    return "crashed" if now_s - newest_s > SILENT_S else "running"


def _updated_s(run: RunFiles, heard: Iterable[WriterSaid]) -> float:
    finished = {w.writer_id: w.finish.time_s for w in heard if w.finish is not None}
    times = [finished.get(w, files.newest_s) for w, files in run.writers.items()]
    return max(times, default=run.meta.time_s if run.meta else 0.0)


def _ended_s(
    view: View, status: Status, heard: Sequence[WriterSaid], run_id: RunId
) -> float | None:
    """The time of the last thing that is known of a run that goes on no more."""
    if status == "running":
        return None
    unfinished = [writer.writer_id for writer in heard if writer.finish is None]
    counted = [t.last_time_s for t in tally(view, view.writers(run_id), unfinished)]
    said = [writer.last_time_s for writer in heard if writer.last_time_s is not None]
    return max([*counted, *said], default=None)


def _first(*times: float | None) -> float:
    return next((time for time in times if time is not None), 0.0)
