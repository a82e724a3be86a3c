"""What the page of one run says beside its charts. Reads what was said, no point."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from trackio.dashboard.meta import Meta
from trackio.dashboard.tables import Row, as_text
from trackio.model import ENVIRONMENT, HARDWARE, RUN, RunId
from trackio.query.runs import RunRow
from trackio.query.said import Stats
from trackio.query.view import View, rereads

_MOST: Final = 5_000
"""Keys of config, and of the summary, that are told."""


def run_page(meta: Meta, run_id: str) -> Row:
    """State, config, summary, writers, and where and how it ran."""
    run = next(run for run in meta.runs if run.run_id == run_id)
    return {
        "rev": meta.rev,
        "code": meta.run_codes[run.run_id],
        **_state(run),
        "config": {key: plain(value) for key, value in _first(run.config)},
        "summary": {key: _stats(stats) for key, stats in _first(run.summary)},
        "writers": _writers(meta.view, run.run_id),
        "surroundings": _surroundings(meta.view, run.run_id),
        "files": _files(meta.view, run.run_id),
    }


def _state(run: RunRow) -> Row:
    return {
        "id": run.run_id,
        "name": run.name,
        "group": run.group,
        "tags": list(run.tags),
        "notes": run.notes,
        "status": run.status,
        "created_s": run.created_s,
        "started_s": run.started_s,
        "updated_s": run.updated_s,
        "ended_s": run.ended_s,
        "last_step": run.last_step,
        "host": run.host,
    }


@rereads
def _writers(view: View, run_id: RunId) -> list[Row]:
    """What each writer said of itself, and how it ended."""
    writers = view.writers(run_id)
    return [
        {
            "id": said.writer_id,
            "label": said.label,
            "host": said.host,
            "start_s": said.start_s,
            "last_s": said.last_time_s,
            "state": said.finish.state if said.finish else None,
            "reason": said.finish.reason if said.finish else None,
            "resumed_from": list(said.resumed_from),
            "start": plain(dict(said.start)),
        }
        for said in view.heard(writers.values())
    ]


@rereads
def _surroundings(view: View, run_id: RunId) -> Row:
    """The environment and the hardware that the newest writer found."""
    found: Row = {}
    for rows in view.said(view.pieces([run_id])).values():
        for row in rows:
            if row.kind == RUN and row.key in (ENVIRONMENT, HARDWARE):
                found[row.key] = plain(row.value)
    return found


@rereads
def _files(view: View, run_id: RunId) -> Row:
    """How many files of the store hold the run, and how large they are."""
    run = view.snapshot.runs[run_id]
    entries = [e for writer in run.writers.values() for e in writer.ranges.values()]
    media = [e for writer in run.writers.values() for e in writer.media.values()]
    return {
        "shards": len(entries),
        "shard_bytes": sum(entry.size_bytes for entry in entries),
        "media": len(media),
        "media_bytes": sum(entry.size_bytes for entry in media),
        "gaps": sum(len(writer.cover.gaps) for writer in run.writers.values()),
    }


def _first(of: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return list(of.items())[:_MOST]


def _stats(stats: Stats) -> Row:
    last = stats.last if stats.text is None else stats.text
    return {
        "last": plain(last),
        "min": plain(stats.min),
        "max": plain(stats.max),
        "mean": plain(stats.mean),
        "count": stats.count,
        "step": stats.step,
    }


def plain(value: Any) -> Any:
    """A value as JSON has it, what is inside included; numbers it has no words for as text."""
    match value:
        case None | bool():
            return value
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case int() if abs(value) > 1 << 53:
            return str(value)
        case int() | float():
            return value
        case str():
            return as_text(value)
        case Mapping():
            return {as_text(str(key)): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return as_text(orjson.dumps(value, default=str).decode())
