"""Bring one source over: every row into the sink of its run, or to where it is accounted for.

The rows of a table are read once, in order, for all runs together, so memory does not grow
with the source: whatever waits in the sinks is put as shards once it is too much.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from trackio.upkeep.migrate.aside import Aside
from trackio.upkeep.migrate.books import Books, Context, as_object
from trackio.upkeep.migrate.database import Database
from trackio.upkeep.migrate.identity import INBOX
from trackio.upkeep.migrate.inbox import Record
from trackio.upkeep.migrate.lane import Lane
from trackio.upkeep.migrate.legacy import (
    ALERTS,
    BODIES,
    CONFIGS,
    METRICS,
    SYSTEM_METRICS,
    TRACES,
    Row,
    Shape,
    Source,
    valid_text,
)
from trackio.upkeep.migrate.plans import Plans
from trackio.upkeep.migrate.report import TableReport

Records = Callable[[], Iterable[Record]]
"""The inbox records of the project, read anew with each call."""

_NO_SHAPE: Final = Shape(columns=())
_RELIEVE_EVERY: Final = 1024


def transfer(
    source: Source | None, plans: Plans, context: Context, *, path: str, records: Records
) -> None:
    """Bring everything of one source and its inbox over; put, read back and reported."""
    _Transfer(plans, context, path).run(source, records)


class _Transfer:
    def __init__(self, plans: Plans, context: Context, path: str) -> None:
        self._books = Books(plans, context)
        self._plans = plans
        self._context = context
        self._path = path
        self._seen: defaultdict[str, set[str]] = defaultdict(set)

    def run(self, source: Source | None, records: Records) -> None:
        with closing(self._books):
            if source is not None:
                self._bring_source(source, _ids_of(records()))
            self._bring_records(records())
            self._books.finish()

    def _bring_source(self, source: Source, inbox_ids: dict[str, set[str]]) -> None:
        for table in (METRICS, SYSTEM_METRICS, ALERTS, TRACES):
            if table in source.tables:
                self._bring_table(source, table, inbox_ids.get(table, set()))
        if CONFIGS in source.tables:
            self._account_configs(source)
        if self._context.wanted(self._plans.home):
            for table in source.tables:
                if table not in BODIES:
                    self._keep_table(source, table)
        for damage in source.damage:
            place = f"{damage.table} {damage.first}-{damage.last}"
            self._context.quarantine(self._path, place, damage.reason)

    def _bring_table(self, source: Source, table: str, inbox_ids: set[str]) -> None:
        shape = source.tables[table]
        counts = self._books.open_table(self._path, table, shape.count)
        lane = Lane(self._books, counts, shape=shape, runs=self._plans.runs.get(table, {}))
        repeated = _repeated_ids(source, table)
        seen = self._seen[table]
        for batch in source.rows(table):
            for row in batch:
                log_id = row[6]
                if log_id is not None and (
                    repeated is None or log_id in repeated or log_id in inbox_ids
                ):
                    if log_id in seen:
                        lane.drop_duplicate(row)
                        continue
                    seen.add(log_id)
                lane.bring(row)
            counts.read += len(batch)
            self._context.tick(len(batch), 0)
            self._books.relieve()
        _account_damage(counts, source)

    def _account_configs(self, source: Source) -> None:
        """Say what became of each config; those that count went into their runs."""
        plans, shape = self._plans, source.tables[CONFIGS]
        counts = self._books.open_table(self._path, CONFIGS, shape.count)
        columns = (*BODIES[CONFIGS], *shape.extras)
        superseded = set(map(id, plans.superseded))
        undecodable = {id(row): reason for row, reason in plans.undecodable}
        for owner, row in plans.configs:
            counts.read += 1
            key = plans.runs[CONFIGS][owner]
            if id(row) in undecodable:
                self._books.quarantine(counts, row, columns, undecodable[id(row)])
            elif key in plans.hidden or id(row) in superseded:
                counts.kept += 1
                self._keep_config(row, columns, "not-current")
            elif self._books.sink(key) is None:
                counts.left_out += 1
            else:
                counts.written += 1
                if shape.extras:
                    self._keep_config(row, columns, "whole")
        _account_damage(counts, source)

    def _keep_config(self, row: Row, columns: Iterable[str], why: str) -> None:
        aside = self._books.aside(self._plans.home, self._path)
        aside.keep(f"{CONFIGS}-{why}", as_object(row, columns))

    def _keep_table(self, source: Source, table: str) -> None:
        counts = self._books.open_table(self._path, table, source.tables[table].count)
        aside = self._books.aside(self._plans.home, self._path)
        for said in source.objects(table):
            counts.read += 1
            counts.kept += 1
            aside.keep(table, said)
            if table == "pending_uploads":
                self._keep_upload(said, aside)
        _account_damage(counts, source)

    def _keep_upload(self, said: dict[str, Any], aside: Aside) -> None:
        """Keep the bytes that were waiting to be uploaded, unless they lie outside the folder.

        Its path is what the database says, and a database may come from anybody.
        """
        file = Path(valid_text(said.get("file_path")))
        if _is_file(file) and not file.resolve().is_relative_to(self._context.media.root.resolve()):
            note = f"{self._path}: {file} was to be uploaded and lies elsewhere: save it yourself"
            self._context.report.notes.append(note)
        elif _is_file(file):
            aside.attach(f"pending_uploads/{said.get('id')}-{file.name}", file)
        else:
            note = f"{self._path}: {file.name!r} was to be uploaded, but is gone"
            self._context.report.notes.append(note)

    def _bring_records(self, records: Iterable[Record]) -> None:
        lanes: dict[tuple[str, str], Lane] = {}
        for record in records:
            name = (record.path, record.table)
            if name not in lanes:
                counts = self._books.open_table(*name)
                runs = self._plans.runs.get(INBOX + record.table, {})
                lanes[name] = Lane(self._books, counts, shape=_NO_SHAPE, runs=runs)
            self._bring_record(record, lanes[name])

    def _bring_record(self, record: Record, lane: Lane) -> None:
        lane.counts.read += 1
        row = _row_of(record)
        seen = self._seen[record.table]
        if row[6] is not None and row[6] in seen:
            lane.drop_duplicate(row)
            return
        seen.add(row[6])
        lane.bring(row)
        if lane.counts.read % _RELIEVE_EVERY == 0:
            self._books.relieve()


def _account_damage(counts: TableReport, source: Source) -> None:
    """Count the rows that could not be read; then nobody knows how many there should be."""
    lost = sum(damage.rows for damage in source.damage if damage.table == counts.table)
    counts.read += lost
    counts.quarantined += lost
    if lost:
        counts.expected = None


def _repeated_ids(source: Source, table: str) -> set[str] | None:
    """The ids that several rows have; None if nobody can say without reading all."""
    column = {ALERTS: "alert_id", TRACES: ""}.get(table, "log_id")
    if column not in source.tables[table].columns:
        return set()
    if not isinstance(source, Database):
        return None
    return set() if source.has_unique(table, column) else source.repeated(table, column)


def _ids_of(records: Iterable[Record]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        found[record.table].add(_row_of(record)[6])
    return found


def _row_of(record: Record) -> Row:
    said = record.said
    log_id = said.get("alert_id" if record.table == ALERTS else "log_id")
    return (
        record.place,
        None,
        _hashable(said.get("run_id")),
        said["run"],
        said.get("timestamp"),
        said.get("step"),
        None if log_id is None else valid_text(log_id),
        None,
        *(said.get(name) for name in BODIES[record.table]),
    )


def _hashable(value: Any) -> Any:
    return valid_text(value) if isinstance(value, list | dict) else value


def _is_file(path: Path) -> bool:
    try:
        return path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        return False
