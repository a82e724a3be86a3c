"""Look through a source once for whose rows it holds. Decodes no metric and decides no id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trackio.upkeep.migrate import identity, names
from trackio.upkeep.migrate.identity import INBOX, RunKey, Seen, Survey
from trackio.upkeep.migrate.inbox import Record
from trackio.upkeep.migrate.legacy import (
    BODIES,
    CONFIGS,
    LINKED,
    METRICS,
    Owner,
    Row,
    Source,
    valid_text,
)

_NO_PROJECT = ""


@dataclass(slots=True, kw_only=True)
class Looked:
    """What one look through a source found.

    `home` is the project of all that says no other; `configs` are the config rows of the
    source in order, `inbox_configs` the records that bring a later one.
    """

    stem: str
    survey: Survey
    home: str = ""
    runs: dict[str, dict[Owner, RunKey]] = field(default_factory=dict)
    configs: list[tuple[Owner, Row]] = field(default_factory=list)
    inbox_configs: dict[Owner, dict[str, Any]] = field(default_factory=dict)


def owner_of(project: Any, run_id: Any, run_name: Any) -> Owner:
    """An owner as rows say it, made comparable."""
    return Owner(
        None if project is None else valid_text(project),
        valid_text(run_id) or None,
        valid_text(run_name),
    )


def look(
    source: Source | None, records: Iterable[Record], *, stem: str, raw_names: Iterable[str]
) -> Looked:
    """Look through a source and the inbox records that belong to it.

    Args:
        source: a database or what is left of it; None if there are only records.
        records: its inbox.
        stem: the file name that its project had.
        raw_names: what the project may have been called, from the names of other files.
    """
    tables = {} if source is None else source.tables
    survey = Survey(
        is_by_name=METRICS in tables and "run_id" not in tables[METRICS].columns,
        configs_have_ids=CONFIGS in tables and "run_id" in tables[CONFIGS].columns,
    )
    found = Looked(stem=stem, survey=survey)
    if source is not None:
        _look_at_tables(source, found)
        _look_at_links(source, survey)
    said_names = {*raw_names, *_look_at_records(records, found)}
    projects = _projects(survey, stem, said_names)
    found.home = projects[None]
    found.runs = identity.resolve(survey, projects)
    return found


def _look_at_tables(source: Source, found: Looked) -> None:
    for table in BODIES:
        if table in source.tables and table != CONFIGS:
            _look_at_owners(source, table, found.survey)
    if CONFIGS in source.tables:
        for batch in source.rows(CONFIGS):
            found.configs += [(owner_of(*row[1:4]), row) for row in batch]
    for owner, row in found.configs:
        found.survey.add(CONFIGS, owner, row[0], row[4])


def _look_at_owners(source: Source, table: str, survey: Survey) -> None:
    known: dict[tuple[Any, ...], Seen] = {}
    for batch in source.owners(table):
        for place, project, run_id, name, timestamp in batch:
            seen = known.get((project, run_id, name))
            if seen is None:
                owner = owner_of(project, run_id, name)
                known[project, run_id, name] = survey.add(table, owner, place, timestamp)
                continue
            seen.rows += 1
            seen.last_place = place
            if not seen.first_time:
                seen.first_time = timestamp


def _look_at_links(source: Source, survey: Survey) -> None:
    """Tables of artifacts know runs that have logged nothing."""
    for table, (id_column, name_column) in LINKED.items():
        if table not in source.tables:
            continue
        for place, said in enumerate(source.objects(table)):
            run_id, name = said.get(id_column), said.get(name_column)
            home = said.get("run_project")
            is_own = home is None or names.canonical(valid_text(home)) == source.stem
            if (run_id or name) and is_own:
                owner = owner_of(None, run_id, name)
                survey.add(table, owner, place, said.get("created_at"))


def _look_at_records(records: Iterable[Record], found: Looked) -> set[str]:
    """What the records call their project."""
    called = set()
    for record in records:
        said = record.said
        owner = owner_of(None, said.get("run_id"), said["run"])
        found.survey.add(INBOX + record.table, owner, record.place, said.get("timestamp"))
        called.add(record.project)
        if isinstance(said.get("config"), dict):
            found.inbox_configs[owner] = said
    return called


def _projects(survey: Survey, stem: str, raw_names: Iterable[str]) -> Mapping[str | None, str]:
    """The project for each name that rows say; rows that say none belong to the file's."""
    said = {owner.project for owners in survey.seen.values() for owner in owners} - {None}
    found: dict[str | None, str] = {}
    for name in said:
        if name:
            is_usable = names.is_encodable(name)
            found[name] = name if is_usable else names.storable_name(name)
    others = set(found.values())
    if not said:
        found[None] = names.storable_name(names.raw_name(stem, raw_names))
    else:
        found[None] = others.pop() if len(others) == 1 else names.storable_name(stem)
    if _NO_PROJECT in said:
        # Dashboards left a config of no project; rows of no project were shown as `default`.
        found[_NO_PROJECT] = "default" if _has_rows(survey, _NO_PROJECT) else _NO_PROJECT
    return found


def _has_rows(survey: Survey, project: str) -> bool:
    return any(
        owner.project == project
        for table, owners in survey.seen.items()
        if table != CONFIGS
        for owner in owners
    )
