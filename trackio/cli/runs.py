"""What commands say of a run and of the project it is in."""

from typing import TYPE_CHECKING, Any

from trackio.cli.options import Opened
from trackio.cli.text import count_of
from trackio.render import iso_time

if TYPE_CHECKING:
    from trackio.query.runs import RunRow


def run_object(run: "RunRow") -> dict[str, Any]:
    """A run for programs, without its config and summary."""
    return {
        "id": run.run_id,
        "name": run.name,
        "status": run.status,
        "group": run.group,
        "tags": run.tags,
        "notes": run.notes,
        "created": iso_time(run.created_s),
        "started": iso_time(run.started_s),
        "updated": iso_time(run.updated_s),
        "ended": None if run.ended_s is None else iso_time(run.ended_s),
        "last_step": run.last_step,
        "writers": run.writers,
        "host": run.host,
        "resumed": run.resumed,
    }


def full_run_object(run: "RunRow") -> dict[str, Any]:
    """A run for programs, with its config and what is known of each metric."""
    return {**run_object(run), "config": run.config, "summary": run.summary}


def warnings_of(opened: Opened) -> list[str]:
    """What stands in the way of a whole answer."""
    count = len(opened.view.unreadable)
    if not count:
        return []
    warning = (
        f"{count_of(count, 'file')} of {opened.project} cannot be read, and what only they hold "
        f"is missing here; `trackio verify --project {opened.project}` names them"
    )
    return [warning]
