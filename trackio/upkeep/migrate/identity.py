"""Say which rows are of one run. Values in, values out.

Until 0.23 a run was its name; later it is its id, except in databases that are older than
that, where ids in newer tables mean nothing. An id that the main tables do not know counts by
its name, if exactly one run has that name.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from trackio.upkeep.migrate.legacy import ALERTS, CONFIGS, METRICS, SYSTEM_METRICS, Owner

INBOX: Final = "inbox/"
"""What the tables of inbox records are called in a survey begins so."""
_MAIN: Final = frozenset({METRICS, CONFIGS, SYSTEM_METRICS, ALERTS})


class RunKey(NamedTuple):
    """One run: by its id, or by its name where it has none."""

    project: str
    run_id: str | None
    name: str | None


@dataclass(slots=True)
class Seen:
    """What a table says of one owner."""

    rows: int = 0
    first_time: object = None
    last_place: int = 0


@dataclass(slots=True)
class Survey:
    """Everybody that the tables of one source name."""

    is_by_name: bool
    """The metrics table has no run ids."""

    configs_have_ids: bool
    seen: dict[str, dict[Owner, Seen]] = field(default_factory=dict)

    def add(self, table: str, owner: Owner, place: int, timestamp: object) -> Seen:
        """One more row; returns what is known of its owner now."""
        seen = self.seen.setdefault(table, {}).setdefault(owner, Seen())
        seen.rows += 1
        seen.last_place = place
        if seen.first_time in (None, ""):
            seen.first_time = timestamp
        return seen


def resolve(survey: Survey, project_of: Mapping[str | None, str]) -> dict[str, dict[Owner, RunKey]]:
    """The run of each owner, by table.

    Args:
        survey: who is named where.
        project_of: the project for what the rows themselves say.
    """
    ids: set[tuple[str, str]] = set()
    ids_by_name: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for table in filter(_is_main, survey.seen):
        for project, run_id, name in survey.seen[table]:
            if run_id is not None:
                ids.add((project_of[project], run_id))
                ids_by_name[project_of[project], name].add(run_id)

    def find(owner: Owner) -> RunKey:
        project, run_id, name = project_of[owner.project], owner.run_id, owner.run_name
        if survey.is_by_name:
            return RunKey(project, None, name)
        if run_id is not None and (project, run_id) in ids:
            return RunKey(project, run_id, None)
        namesakes = ids_by_name.get((project, name), set())
        if name and len(namesakes) == 1:
            return RunKey(project, next(iter(namesakes)), None)
        return RunKey(project, run_id, None) if run_id is not None else RunKey(project, None, name)

    return {
        table: {owner: find(owner) for owner in owners} for table, owners in survey.seen.items()
    }


def find_hidden(survey: Survey, runs: Mapping[str, Mapping[Owner, RunKey]]) -> set[RunKey]:
    """Runs that were deleted: later versions left their config behind, and nothing else."""
    hidden = set(runs.get(CONFIGS, {}).values()) if survey.configs_have_ids else set()
    nobody = {key for key in runs.get(CONFIGS, {}).values() if not key.project}
    for table, owners in runs.items():
        if table != CONFIGS:
            hidden -= set(owners.values())
            nobody -= set(owners.values())
    return hidden | nobody


def names_of(survey: Survey, runs: Mapping[str, Mapping[Owner, RunKey]]) -> dict[RunKey, str]:
    """What each run is called: as its latest row of the first table that knows it says."""
    best: dict[RunKey, tuple[int, int, str]] = {}
    for weight, table in enumerate(_lightest_first(runs)):
        for owner, key in runs[table].items():
            said = (weight, survey.seen[table][owner].last_place, owner.run_name)
            if owner.run_name or key not in best:
                best[key] = max(said, best.get(key, said))
    return {key: key.name if key.name is not None else name for key, (_, _, name) in best.items()}


def _is_main(table: str) -> bool:
    return table in _MAIN or table.startswith(INBOX)


def _lightest_first(tables: Iterable[str]) -> list[str]:
    order = [ALERTS, SYSTEM_METRICS, CONFIGS, METRICS]
    return sorted(tables, key=lambda table: (order.index(table) if table in order else -1, table))
