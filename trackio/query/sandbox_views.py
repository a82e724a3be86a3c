"""Set up what a user's SELECT can see of a view. Runs no SQL but that of `queries.sql`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from trackio.model import RunId
from trackio.query.alerts import list_alerts
from trackio.query.attempts import Attempt
from trackio.query.database import Parameters, text_of
from trackio.query.lines import lines_of_runs
from trackio.query.pieces import Piece
from trackio.query.runs import RunRow, list_runs
from trackio.query.said import split_value
from trackio.query.view import View

_TIME = pa.timestamp("us", tz="UTC")
_PIECES = pa.schema(
    [
        ("piece", pa.int64()),
        ("run_id", pa.string()),
        ("run", pa.string()),
        ("label", pa.string()),
        ("writer_id", pa.string()),
        ("step_offset", pa.int64()),
    ]
)
_CUTS = pa.schema([("piece", pa.int64()), ("key", pa.string()), ("below", pa.int64())])
_RUNS = pa.schema(
    [
        ("run_id", pa.string()),
        ("name", pa.string()),
        ("group", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("notes", pa.string()),
        ("status", pa.string()),
        ("created", _TIME),
        ("started", _TIME),
        ("updated", _TIME),
        ("ended", _TIME),
        ("last_step", pa.int64()),
        ("writers", pa.int64()),
        ("host", pa.string()),
        ("resumed", pa.bool_()),
        ("config", pa.map_(pa.string(), pa.string())),
        ("summary", pa.map_(pa.string(), pa.float64())),
    ]
)
_CONFIGS = pa.schema(
    [
        ("run_id", pa.string()),
        ("run", pa.string()),
        ("key", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
    ]
)
_ALERTS = pa.schema(
    [
        ("run_id", pa.string()),
        ("run", pa.string()),
        ("writer_id", pa.string()),
        ("seq", pa.int64()),
        ("time", _TIME),
        ("step", pa.int64()),
        ("level", pa.string()),
        ("title", pa.string()),
        ("text", pa.string()),
    ]
)

Names = Mapping[RunId, str]


def set_up(db: duckdb.DuckDBPyConnection, view: View) -> list[str]:
    """Make the views of `docs/sql.md`; returns the paths of the files that they read."""
    rows = list_runs(view, view.now_s)
    names = {row.run_id: row.name for row in rows}
    db.register("runs", _runs(rows))
    db.register("configs", _configs(rows))
    db.register("alerts", _alerts(view, names))
    pieces, sources = view.sources(view.pieces(names))
    _create_read(db, sources)
    _create_points(db, view, pieces, names)
    for name in ("sandbox_metrics", "sandbox_system_metrics"):
        db.execute(text_of(name))
    return [
        path
        for given in sources.values()
        for name in ("whole_files", "part_files")
        for path in given.get(name, ())
    ]


def _create_read(db: duckdb.DuckDBPyConnection, sources: dict[str, Parameters]) -> None:
    """The view `read`: the rows of all pieces, unchanged."""
    bound: dict[str, Any] = {}
    for given in sources.values():
        for name, value in given.items():
            if isinstance(value, pa.Table):
                db.register(name, value)
            else:
                bound[name] = value
    text = "\nUNION ALL\n".join(text_of(name) for name in sources)
    db.sql(text, params=bound).create_view("read")


def _create_points(
    db: duckdb.DuckDBPyConnection, view: View, pieces: Sequence[Piece], names: Names
) -> None:
    """The view `points`: what is visible of the points of all runs."""
    lines = lines_of_runs(view, dict.fromkeys(piece.run_id for piece in pieces))
    places = {
        (run_id, attempt.writer_id): (line.label, attempt)
        for run_id, found in lines.items()
        for line in found
        for attempt in line.attempts
    }
    found = [
        (number, piece, *places[piece.run_id, piece.writer_id])
        for number, piece in enumerate(pieces)
    ]
    db.register("pieces", _pieces(found, names))
    cuts = [
        {"piece": number, "key": key, "below": below}
        for number, _, _, attempt in found
        for key, below in attempt.cuts.items()
    ]
    db.register("cuts", pa.Table.from_pylist(cuts, _CUTS))
    text = text_of("sandbox_visible_points" if cuts else "sandbox_points")
    db.sql(text).create_view("points")


def _pieces(found: Iterable[tuple[int, Piece, str, Attempt]], names: Names) -> pa.Table:
    rows = [
        {
            "piece": number,
            "run_id": piece.run_id,
            "run": names[piece.run_id],
            "label": label,
            "writer_id": piece.writer_id,
            "step_offset": attempt.offset,
        }
        for number, piece, label, attempt in found
    ]
    return pa.Table.from_pylist(rows, _PIECES)


def _runs(rows: Iterable[RunRow]) -> pa.Table:
    return pa.Table.from_pylist([_run(row) for row in rows], _RUNS)


def _run(row: RunRow) -> dict[str, Any]:
    return {
        "run_id": row.run_id,
        "name": row.name,
        "group": row.group,
        "tags": list(row.tags),
        "notes": row.notes,
        "status": row.status,
        "created": _us(row.created_s),
        "started": _us(row.started_s),
        "updated": _us(row.updated_s),
        "ended": None if row.ended_s is None else _us(row.ended_s),
        "last_step": row.last_step,
        "writers": row.writers,
        "host": row.host,
        "resumed": row.resumed,
        "config": [(key, _text(value)) for key, value in row.config.items()],
        "summary": [(key, stats.last) for key, stats in row.summary.items()],
    }


def _configs(rows: Iterable[RunRow]) -> pa.Table:
    configs = []
    for row in rows:
        for key, value in row.config.items():
            number, text = split_value(value)
            configs.append(
                {"run_id": row.run_id, "run": row.name, "key": key, "value": number, "text": text}
            )
    return pa.Table.from_pylist(configs, _CONFIGS)


def _alerts(view: View, names: Names) -> pa.Table:
    alerts = [
        {
            "run_id": alert.run_id,
            "run": names[alert.run_id],
            "writer_id": alert.writer_id,
            "seq": alert.seq,
            "time": _us(alert.time_s),
            "step": alert.step,
            "level": alert.level,
            "title": alert.title,
            "text": alert.text,
        }
        for alert in list_alerts(view)
    ]
    return pa.Table.from_pylist(alerts, _ALERTS)


def _text(value: Any) -> str | None:
    number, text = split_value(value)
    return text if number is None else str(value)


def _us(time_s: float) -> int:
    return round(time_s * 1e6)
