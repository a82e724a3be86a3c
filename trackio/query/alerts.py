"""The alerts that runs raised. Fires and forgets nothing."""

from dataclasses import dataclass
from typing import Any, Final

from trackio.errors import InvalidInput
from trackio.model import ALERT, RunId, WriterId
from trackio.query.pieces import Piece
from trackio.query.said import Said
from trackio.query.view import View, rereads

LEVELS: Final = ("info", "warn", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert; `(writer_id, seq)` tells it from every other."""

    run_id: RunId
    writer_id: WriterId
    seq: int
    time_s: float
    step: int | None
    title: str
    text: str
    level: str


@rereads
def list_alerts(
    view: View,
    run_id: str | None = None,
    level: str | None = None,
    since_s: float | None = None,
) -> list[Alert]:
    """Alerts, oldest first: of one run, of one level, not older than `since_s`.

    Raises:
        InvalidInput: there is no such level.
    """
    if level is not None and level not in LEVELS:
        raise InvalidInput(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
    said = view.said(view.pieces(None if run_id is None else [RunId(run_id)]))
    found = [
        _alert(piece, row) for piece, rows in said.items() for row in rows if row.kind == ALERT
    ]
    wanted = (
        alert
        for alert in found
        if (level is None or alert.level == level) and (since_s is None or alert.time_s >= since_s)
    )
    return sorted(wanted, key=lambda alert: (alert.time_s, alert.writer_id, alert.seq))


def _alert(piece: Piece, row: Said) -> Alert:
    said: dict[str, Any] = row.value if isinstance(row.value, dict) else {"text": row.value}
    return Alert(
        run_id=piece.run_id,
        writer_id=piece.writer_id,
        seq=row.seq,
        time_s=row.time_s,
        step=row.step,
        title=row.key,
        text=str(said.get("text") or ""),
        level=str(said.get("level", "info")),
    )
