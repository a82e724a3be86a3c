"""Migrate a whole legacy folder into a store. Decides the order; the work is done elsewhere.

Each database, or what is left of one, is a unit of its own: a damaged one keeps nobody from
the others.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import tzinfo
from pathlib import Path

from trackio.errors import InvalidInput
from trackio.keys import LegacyKey
from trackio.store.base import Store, is_local
from trackio.upkeep.migrate import files, names
from trackio.upkeep.migrate.artifacts import Artifacts
from trackio.upkeep.migrate.books import Context, Tick, few_collections
from trackio.upkeep.migrate.discover import Discovery, Unit, discover
from trackio.upkeep.migrate.inbox import Record, read_bad_lines, read_records
from trackio.upkeep.migrate.legacy import BODIES, CONFIGS, Source
from trackio.upkeep.migrate.media import MediaFiles, hash_file
from trackio.upkeep.migrate.outlet import Outlet
from trackio.upkeep.migrate.plans import Guess, plan
from trackio.upkeep.migrate.report import Report, TableReport
from trackio.upkeep.migrate.sources import Fates, open_source
from trackio.upkeep.migrate.survey import look
from trackio.upkeep.migrate.transfer import transfer
from trackio.values.plain import dump_text


def migrate(
    root: Path,
    store: Store,
    *,
    project: str | None = None,
    dry_run: bool = False,
    zone: tzinfo | None = None,
    tick: Tick = lambda read, found: None,
) -> Report:
    """Bring everything below `root` over into `store`; the source is only ever read.

    Args:
        root: the old `TRACKIO_DIR`.
        store: where to; may be the same folder.
        project: only this one, by its name or the name of its file.
        dry_run: read everything and put nothing.
        zone: of times whose zone nobody knows; None is this machine's.
        tick: told how many rows more were read, and how many more were found to read.

    Raises:
        InvalidInput: there is no such folder.
        StoreUnavailable, StoreRefused: some of it is there; migrating again goes on.
    """
    if not root.is_dir():
        raise InvalidInput(f"--source {root} is no folder: name the folder that holds the *.db")
    root = root.resolve()
    found = discover(root, skips_store=_is_same_folder(root, store))
    with tempfile.TemporaryDirectory(prefix="trackio-migrate-") as scratch, few_collections():
        context = Context(
            outlet=Outlet(store, dry_run=dry_run),
            media=MediaFiles(root, found.paths("media")),
            report=Report(source=str(root), dest=store.url, dry_run=dry_run),
            scratch=Path(scratch),
            zone=zone,
            wanted=_filter(project),
            tick=tick,
        )
        _Migration(found, context).run()
    return context.report


class _Migration:
    """One pass over everything that was found."""

    def __init__(self, found: Discovery, context: Context) -> None:
        self._found = found
        self._context = context
        self._homes: dict[str, str] = {}
        self._fates: Fates = {}
        self._artifacts = Artifacts(found.root, context)

    def run(self) -> None:
        """Every unit, then the files, then the account of it all."""
        inbox_names: defaultdict[str, set[str]] = defaultdict(set)
        for record in read_records(self._found.fragments):
            inbox_names[names.canonical(record.project)].add(record.project)
        for stem in sorted({*self._found.units, *inbox_names}):
            unit = self._found.units.get(stem, Unit(stem=stem))
            if self._is_wanted(unit, inbox_names.get(stem, set())):
                self._bring(unit)
        self._artifacts.finish()
        self._fates.update(dict.fromkeys(self._artifacts.brought, ("migrated", "")))
        self._quarantine_lines()
        files.copy_files(self._found, self._context, self._homes, self._fates)
        files.report_files(self._found, self._context, self._fates)
        self._sum_up()

    def _is_wanted(self, unit: Unit, inbox_names: set[str]) -> bool:
        # The rows of a database may name projects of their own.
        said = {unit.stem, *unit.names, *inbox_names}
        return unit.database is not None or any(map(self._context.wanted, said))

    def _bring(self, unit: Unit) -> None:
        with open_source(self._found.root, unit, self._context, self._fates) as source:
            looked = look(source, self._records(unit.stem), stem=unit.stem, raw_names=unit.names)
            if source is None and not looked.survey.seen:
                return
            self._homes[unit.stem] = looked.home
            self._context.tick(0, _count_rows(source))
            plans = plan(looked, source, self._guess(unit))
            path = f"{unit.stem} (inbox)" if source is None else source.path
            transfer(
                source, plans, self._context, path=path, records=lambda: self._records(unit.stem)
            )
            if source is not None:
                self._artifacts.bring(source, looked.home)
            self._put_mark(source, path, looked.home)

    def _records(self, stem: str) -> Iterator[Record]:
        """The inbox records of one unit."""
        for record in read_records(self._found.fragments):
            if names.canonical(record.project) == stem:
                yield record

    def _put_mark(self, source: Source | None, path: str, home: str) -> None:
        """Leave beside what a source became what it was."""
        if not self._context.wanted(home):
            return
        runs = [
            {"project": run.project, "run_id": run.run_id, "name": run.name, "calls": run.calls}
            for run in self._context.report.runs
            if run.source == path
        ]
        said = {"source": path, "tables": sorted(source.tables if source else ()), "runs": runs}
        file = self._context.scratch / "mark.json"
        file.write_text(dump_text(said), encoding="utf-8")
        key = LegacyKey(home, ("migrated", names.storable_name(f"{path}.json")))
        self._context.outlet.put_missing({key: (file, hash_file(file))})

    def _guess(self, unit: Unit) -> Guess:
        """Times that nobody knows are when the unit's oldest file was last written."""
        found = [file for file in (unit.database, *unit.parquet.values()) if file is not None]
        found += [file for run in unit.csv_runs.values() for file in run]
        paths = [self._found.root / file.path for file in found]
        paths = paths or [fragment.file for fragment in self._found.fragments]
        modified_us = min((path.stat().st_mtime_ns // 1000 for path in paths), default=0)
        return Guess(modified_us=modified_us, zone=self._context.zone)

    def _quarantine_lines(self) -> None:
        """Count the lines of the inbox that nobody can use."""
        counts: dict[str, TableReport] = {}
        for line in read_bad_lines(self._found.fragments):
            if line.path not in counts:
                counts[line.path] = TableReport(source=line.path, table="unusable lines")
                self._context.report.tables.append(counts[line.path])
            counts[line.path].read += 1
            counts[line.path].quarantined += 1
            self._context.quarantine(line.path, f"line {line.place}", line.reason)

    def _sum_up(self) -> None:
        report, outlet = self._context.report, self._context.outlet
        report.put_files, report.put_bytes = outlet.put_files, outlet.put_bytes
        report.differences += outlet.differences
        report.notes += [
            f"rows refer to {path!r}, which is gone" for path in sorted(self._context.media.missing)
        ]
        for run in report.runs:
            report.points += sum(series.figures.count for series in run.series)
            report.differences += [
                f"{run.project}, run {run.name!r}: {difference}" for difference in run.differences
            ]


def _count_rows(source: Source | None) -> int:
    """How many rows its tables say that they hold and the transfer counts."""
    tables = {} if source is None else source.tables
    counted = (tables[name].count for name in BODIES if name in tables and name != CONFIGS)
    return sum(count or 0 for count in counted)


def _filter(project: str | None) -> Callable[[str], bool]:
    if project is None:
        return lambda name: True
    return lambda name: name == project or names.canonical(name) == names.canonical(project)


def _is_same_folder(root: Path, store: Store) -> bool:
    return is_local(store) and store.path("x").parent.resolve() == root
