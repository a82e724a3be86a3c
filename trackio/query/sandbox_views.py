"""Set up what a user's SELECT can see of a view. Runs no SQL but that of `queries.sql`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from trackio.model import RunId
from trackio.query.alerts import Alert, list_alerts
from trackio.query.attempts import Attempt
from trackio.query.database import Parameters, text_of
from trackio.query.lines import lines_of_runs
from trackio.query.pieces import Piece
from trackio.query.runs import RunRow, list_runs
from trackio.query.said import split_value
from trackio.query.view import View

Names = Mapping[RunId, str]


def set_up(db: duckdb.DuckDBPyConnection, view: View, *, number: int = 0) -> list[str]:
    """Make the views of `docs/sql.md`; returns the paths of the files that they read.

    `number` tells one project from others that are set up in the same database.
    """
    rows = list_runs(view, view.now_s)
    names = {row.run_id: row.name for row in rows}
    _create(db, "runs", _columns(map(_run, rows), _RUN_FIELDS))
    _create(db, "configs", _columns(_configs(rows), _CONFIG_FIELDS))
    alerts = (_alert(alert, names) for alert in list_alerts(view))
    _create(db, "alerts", _columns(alerts, _ALERT_FIELDS))
    pieces, sources = view.sources(view.pieces(names))
    _create_read(db, sources, f"held_{number}")
    has_cuts = _create_attempts(db, view, pieces, names)
    db.sql(text_of("sandbox_visible_points" if has_cuts else "sandbox_points")).create_view(
        "points"
    )
    for name in ("metrics", "system_metrics"):
        db.sql(text_of(f"sandbox_{name}")).create_view(name)
    return [
        path
        for given in sources.values()
        for name in ("whole_files", "part_files")
        for path in given.get(name, ())
    ]


def _create(db: duckdb.DuckDBPyConnection, name: str, parameters: Parameters) -> None:
    db.sql(text_of(f"sandbox_{name}"), params=dict(parameters)).create(name)


def _create_read(
    db: duckdb.DuckDBPyConnection, sources: Mapping[str, Parameters], held: str
) -> None:
    """The view `read`: the rows of all pieces, unchanged; those in memory are called `held`."""
    bound: dict[str, Any] = {}
    for given in sources.values():
        for name, value in given.items():
            if isinstance(value, pa.Table):
                db.register(held, value)
            else:
                bound[name] = value
    text = "\nUNION ALL\n".join(text_of(name) for name in sources)
    text = text.replace("FROM held", f"FROM {held}")
    db.sql(text, params=bound).create_view("read")


def _create_attempts(
    db: duckdb.DuckDBPyConnection, view: View, pieces: Sequence[Piece], names: Names
) -> bool:
    """The tables `pieces` and `cuts`; whether any point is abandoned."""
    lines = lines_of_runs(view, dict.fromkeys(piece.run_id for piece in pieces))
    places = {
        (run_id, attempt.writer_id): (line.label, attempt)
        for run_id, found in lines.items()
        for line in found
        for attempt in line.attempts
    }
    numbered = [
        (number, piece, *places[piece.run_id, piece.writer_id])
        for number, piece in enumerate(pieces)
    ]
    rows = (_piece(*found, names[found[1].run_id]) for found in numbered)
    _create(db, "pieces", _columns(rows, _PIECE_FIELDS))
    cuts = [
        (number, key, below)
        for number, _, _, attempt in numbered
        for key, below in attempt.cuts.items()
    ]
    _create(db, "cuts", _columns(cuts, ("piece", "key", "below")))
    return bool(cuts)


def _columns(rows: Iterable[Sequence[Any]], fields: Sequence[str]) -> dict[str, list[Any]]:
    """Rows as one list a field."""
    listed = list(rows)
    return {field: [row[place] for row in listed] for place, field in enumerate(fields)}


_PIECE_FIELDS = ("piece", "run_id", "run", "label", "writer_id", "step_offset")


def _piece(number: int, piece: Piece, label: str, attempt: Attempt, run: str) -> tuple[Any, ...]:
    return number, piece.run_id, run, label, piece.writer_id, attempt.offset


_RUN_FIELDS = (
    "run_id",
    "name",
    "group",
    "tags",
    "notes",
    "status",
    "created_us",
    "started_us",
    "updated_us",
    "ended_us",
    "last_step",
    "writers",
    "host",
    "resumed",
    "config_keys",
    "config_texts",
    "summary_keys",
    "summary_values",
)


def _run(row: RunRow) -> tuple[Any, ...]:
    return (
        row.run_id,
        row.name,
        row.group,
        list(row.tags),
        row.notes,
        row.status,
        _us(row.created_s),
        _us(row.started_s),
        _us(row.updated_s),
        None if row.ended_s is None else _us(row.ended_s),
        row.last_step,
        row.writers,
        row.host,
        row.resumed,
        list(row.config),
        [_text(value) for value in row.config.values()],
        list(row.summary),
        [stats.last for stats in row.summary.values()],
    )


_CONFIG_FIELDS = ("run_id", "run", "key", "value", "text")


def _configs(rows: Iterable[RunRow]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        for key, value in row.config.items():
            yield row.run_id, row.name, key, *split_value(value)


_ALERT_FIELDS = (
    "run_id",
    "run",
    "writer_id",
    "seq",
    "time_us",
    "step",
    "level",
    "title",
    "text",
)


def _alert(alert: Alert, names: Names) -> tuple[Any, ...]:
    return (
        alert.run_id,
        names[alert.run_id],
        alert.writer_id,
        alert.seq,
        _us(alert.time_s),
        alert.step,
        alert.level,
        alert.title,
        alert.text,
    )


def _text(value: Any) -> str | None:
    """A value of a config as text, numbers too."""
    number, text = split_value(value)
    return text if number is None else str(value)


def _us(time_s: float) -> int:
    return round(time_s * 1e6)
