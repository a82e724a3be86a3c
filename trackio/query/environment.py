"""Where a run came from and what it ran on, as its writers said. Reads nothing else."""

from typing import Any, Final

from trackio.model import ENVIRONMENT, HARDWARE, RUN, START, RunId
from trackio.query.view import View, rereads

_TOLD: Final = (START, ENVIRONMENT, HARDWARE)


@rereads
def read_environment(view: View, run_id: str) -> dict[str, Any]:
    """What the newest writer that said anything told: host, user, command, git, packages, GPUs."""
    for pieces in reversed(view.writers(RunId(run_id)).values()):
        said = view.said(pieces)
        told = {
            row.key: row.value
            for piece in pieces
            for row in said[piece]
            if row.kind == RUN and row.key in _TOLD and isinstance(row.value, dict)
        }
        if told:
            return {
                name: value for key in _TOLD if key in told for name, value in told[key].items()
            }
    return {}
