"""What changed in the config of a run, and why it ended as it did."""

from dataclasses import dataclass
from typing import Any

from trackio.model import CONFIG, RunId
from trackio.query.view import View, rereads


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """A key of a config got a value at a time; None may also say that it was taken out."""

    time_s: float
    key: str
    value: Any


@rereads
def list_config_changes(view: View, run_id: RunId) -> list[ConfigChange]:
    """Every value that each key had, oldest first."""
    found = [
        ConfigChange(time_s=row.time_s, key=row.key, value=row.value)
        for pieces in view.writers(run_id).values()
        for piece, rows in view.said(pieces).items()
        for row in rows
        if row.kind == CONFIG and piece in pieces
    ]
    return sorted(found, key=lambda change: change.time_s)


@rereads
def find_reason(view: View, run_id: RunId) -> str | None:
    """Why the run failed, as its last writer that did said."""
    heard = view.heard(view.writers(run_id).values())
    failed = [said.finish for said in heard if said.finish and said.finish.state == "failed"]
    return max(failed, key=lambda finish: finish.time_s).reason if failed else None
