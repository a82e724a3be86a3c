"""What is known of a run beside its points: who and where it is, how it went. Part of `Run`."""

from datetime import datetime
from typing import Any

from trackio.query.changed import find_reason, list_config_changes
from trackio.query.definitions import list_definitions
from trackio.query.environment import read_environment
from trackio.query.frames import moment
from trackio.query.nested import Config, nest
from trackio.query.project import Project
from trackio.query.runs import RunRow, Status
from trackio.query.view import View
from trackio.values.definition import Definition


class Known:
    """The part of a run that says what it is."""

    def __init__(self, project: Project, view: View, row: RunRow) -> None:
        self._project = project
        self._view = view
        self._row = row

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id} {self.name!r} {self.status}>"

    @property
    def id(self) -> str:
        """Its id, which never changes."""
        return self._row.run_id

    @property
    def name(self) -> str:
        """Its name, a label."""
        return self._row.name

    @property
    def project(self) -> str:
        """The name of its project."""
        return self._project.name

    @property
    def path(self) -> str:
        """What `Api.run` finds it by."""
        return f"{self.project}/{self.id}"

    @property
    def group(self) -> str | None:
        """The group it belongs to."""
        return self._row.group

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self._row.tags)

    @property
    def notes(self) -> str | None:
        """What somebody wrote about it."""
        return self._row.notes

    @property
    def status(self) -> Status:
        """running, finished, failed, or crashed: silent for too long without having finished."""
        return self._row.status

    state = status

    @property
    def created_at(self) -> datetime:
        """When it was first made."""
        return moment(self._row.created_s)

    @property
    def started_at(self) -> datetime:
        """When its first writer started."""
        return moment(self._row.started_s)

    @property
    def ended_at(self) -> datetime | None:
        """When it finished or failed, or said its last word; None while it runs."""
        return None if self._row.ended_s is None else moment(self._row.ended_s)

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end, or to what is known of it now."""
        ended_s = self._row.ended_s
        return (self._row.updated_s if ended_s is None else ended_s) - self._row.started_s

    @property
    def reason(self) -> str | None:
        """Why it failed, if it did and said so."""
        return find_reason(self._view, self._row.run_id)

    @property
    def definitions(self) -> dict[str, Definition]:
        """What `define_metric` said: x axis, summary and goal, by metric or pattern."""
        return list_definitions(self._view, [self._row.run_id])

    def config_changes(self) -> list[dict[str, Any]]:
        """Every value that each key of its config had, oldest first."""
        return [
            {"time": moment(change.time_s), "key": change.key, "value": change.value}
            for change in list_config_changes(self._view, self._row.run_id)
        ]

    @property
    def last_step(self) -> int | None:
        """The largest step at which a metric has its last value."""
        return self._row.last_step

    @property
    def config(self) -> Config:
        """Its config, nested as it was given."""
        return nest(self._row.config)

    @property
    def summary(self) -> dict[str, float | str | None]:
        """The last value of each metric, or what the user put there."""
        stats = self._row.summary.items()
        return {key: found.last if found.text is None else found.text for key, found in stats}

    @property
    def environment(self) -> dict[str, Any]:
        """Where it ran and came from: host, user, command, git, packages, processors, GPUs."""
        return read_environment(self._view, self.id)

    metadata = environment
