"""Migrate a whole legacy folder into a store. Decides the order; the work is done elsewhere.

Each database, or what is left of one, is a unit of its own: a damaged one keeps nobody from
the others.
"""

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path, PurePosixPath

from trackio.errors import InvalidInput, UnreadableFile
from trackio.keys import LegacyKey
from trackio.store.base import Store, is_local
from trackio.upkeep.migrate import names
from trackio.upkeep.migrate.csvfiles import CsvRuns
from trackio.upkeep.migrate.database import Database
from trackio.upkeep.migrate.discover import Discovery, Found, Unit, discover
from trackio.upkeep.migrate.inbox import Fragment, Record, read_bad_lines, read_records
from trackio.upkeep.migrate.legacy import BODIES, METRICS, Source
from trackio.upkeep.migrate.media import MediaFiles, hash_file
from trackio.upkeep.migrate.outlet import Outlet
from trackio.upkeep.migrate.repair import copy_database, locked
from trackio.upkeep.migrate.report import (
    Disposition,
    FileReport,
    Quarantined,
    Report,
    TableReport,
)
from trackio.upkeep.migrate.survey import look
from trackio.upkeep.migrate.transfer import Context, Tick, Transfer, put_missing
from trackio.values.plain import dump_text


def migrate(
    root: Path,
    store: Store,
    *,
    project: str | None = None,
    dry_run: bool = False,
    zone: tzinfo | None = None,
    tick: Tick = lambda rows: None,
) -> Report:
    """Bring everything below `root` over into `store`; the source is only ever read.

    Args:
        root: the old `TRACKIO_DIR`.
        store: where to; may be the same folder.
        project: only this one, by its name or the name of its file.
        dry_run: read everything and put nothing.
        zone: of times whose zone nobody knows; None is this machine's.
        tick: told how many rows more were read.

    Raises:
        InvalidInput: there is no such folder.
        StoreUnavailable, StoreRefused: some of it is there; migrating again goes on.
    """
    if not root.is_dir():
        raise InvalidInput(f"--source {root} is no folder: name the folder that holds the *.db")
    root = root.resolve()
    found = discover(root, skips_store=_overlaps(root, store))
    with tempfile.TemporaryDirectory(prefix="trackio-migrate-") as scratch:
        context = Context(
            outlet=Outlet(store, dry_run=dry_run),
            media=MediaFiles(root, found.paths("media")),
            report=Report(source=str(root), dest=store.url, dry_run=dry_run),
            scratch=Path(scratch),
            zone=zone,
            wanted=_filter(project),
            tick=tick,
        )
        with _few_collections():
            _Migration(found, context).run()
    return context.report


class _Migration:
    """One pass over everything that was found."""

    def __init__(self, found: Discovery, context: Context) -> None:
        self._found = found
        self._context = context
        self._report = context.report
        self._homes: dict[str, str] = {}
        self._became: dict[str, tuple[Disposition, str]] = {}

    def run(self) -> None:
        """Every unit, then the files, then the account of it all."""
        by_stem = self._fragments_by_stem()
        for stem in sorted({*self._found.units, *by_stem}):
            unit = self._found.units.get(stem, Unit(stem=stem))
            if self._is_wanted(unit, by_stem.get(stem, set())):
                self._bring(unit, has_inbox=stem in by_stem)
        self._quarantine_lines()
        self._copy_files()
        self._account_files()
        outlet = self._context.outlet
        self._report.put_files, self._report.put_bytes = outlet.put_files, outlet.put_bytes
        self._report.differences += outlet.differences
        self._report.notes += [
            f"a row refers to {path}, which is gone" for path in sorted(self._context.media.missing)
        ]
        for run in self._report.runs:
            self._report.differences += [
                f"{run.project}, run {run.name!r}: {difference}" for difference in run.differences
            ]
            self._report.points += sum(series.figures.count for series in run.series)

    def _fragments_by_stem(self) -> dict[str, set[str]]:
        """The raw project names of the inbox, by stem."""
        found: dict[str, set[str]] = {}
        for record in read_records(self._found.fragments):
            found.setdefault(names.canonical(record.project), set()).add(record.project)
        return found

    def _is_wanted(self, unit: Unit, inbox_names: set[str]) -> bool:
        has_many = unit.database is not None  # its rows may name projects of their own
        said = {unit.stem, *unit.names, *inbox_names}
        return has_many or any(map(self._context.wanted, said))

    def _bring(self, unit: Unit, *, has_inbox: bool) -> None:
        with self._opened(unit) as source:
            if source is None and not has_inbox:
                return
            self._bring_rows(unit, source, has_inbox=has_inbox)

    def _bring_rows(self, unit: Unit, source: Source | None, *, has_inbox: bool) -> None:
        fragments = self._found.fragments if has_inbox else []

        def records() -> Iterable[Record]:
            return (r for r in read_records(fragments) if names.canonical(r.project) == unit.stem)

        surveyed = look(
            source,
            records(),
            stem=unit.stem,
            raw_names=unit.names,
            modified_us=self._modified_us(unit, fragments),
            zone=self._context.zone,
        )
        self._homes[unit.stem] = surveyed.home
        path = source.path if source is not None else f"{unit.stem}.inbox"
        transfer = Transfer(source, surveyed, self._context, path=path, home=surveyed.home)
        transfer.run(records)
        self._put_mark(path, surveyed.home, transfer.projects)

    def _put_mark(self, path: str, home: str, projects: set[str]) -> None:
        """Leave the account of a source beside what it became."""
        said = {
            "source": path,
            "projects": sorted(projects),
            "runs": [
                {"project": r.project, "run_id": r.run_id, "name": r.name, "calls": r.calls}
                for r in self._report.runs
                if r.source == path
            ],
        }
        file = self._context.scratch / "mark.json"
        file.write_text(dump_text(said), encoding="utf-8")
        name = names.storable_name(f"{path}.json")
        put_missing(
            self._context.outlet,
            {LegacyKey(home, ("migrated", name)): (file, hash_file(file))},
        )

    @contextmanager
    def _opened(self, unit: Unit) -> Iterator[Source | None]:
        """The best source of a unit: its database, else its Parquet files, else CSV files."""
        source: Source | None = None
        if unit.database is not None:
            source = self._open_database(unit, unit.database)
        if source is None and unit.parquet:
            from trackio.upkeep.migrate.sidecars import Sidecars

            files = {table: self._found.root / f.path for table, f in unit.parquet.items()}
            path = unit.parquet.get(METRICS, next(iter(unit.parquet.values()))).path
            source = Sidecars(files, path=path, stem=unit.stem)
        if source is None and unit.csv_runs:
            runs = {PurePosixPath(p).name: self._found.root / p for p in unit.csv_runs}
            source = CsvRuns(runs, path=f"{unit.stem}.csv", stem=unit.stem)
        try:
            yield source
        finally:
            if source is not None:
                source.close()
            shutil.rmtree(self._context.scratch / "database", ignore_errors=True)

    def _open_database(self, unit: Unit, file: Found) -> Database | None:
        folder = self._context.scratch / "database"
        folder.mkdir(exist_ok=True)
        locks = [self._found.root / f"{name}.lock" for name in {unit.stem, *unit.names}]
        with locked(locks) as held:
            copy, stood_still = copy_database(self._found.root / file.path, folder)
        if held or not stood_still:
            self._report.differences.append(
                f"{file.path} is being written to: end what writes it and migrate again"
            )
        return self._judge(unit, file, copy)

    def _judge(self, unit: Unit, file: Found, copy: Path) -> Database | None:
        try:
            source = Database(copy, path=file.path, stem=unit.stem)
        except UnreadableFile as exc:
            self._quarantine(file.path, "file", str(exc))
            self._became[file.path] = ("quarantined", str(exc))
            return None
        if source.tables and not set(source.tables) & {*BODIES, "project_metadata"}:
            self._became[file.path] = ("foreign", "it has no table of Trackio")
            source.close()
            return None
        if source.mended is not None:
            self._quarantine(file.path, "file", f"damaged: {source.mended} had to be mended")
        note = "" if source.tables else "nothing was ever written to it"
        self._became[file.path] = ("migrated", note)
        return source

    def _modified_us(self, unit: Unit, fragments: list[Fragment]) -> int:
        files = [unit.database, *unit.parquet.values()] if unit.database or unit.parquet else []
        paths = [self._found.root / file.path for file in files if file is not None]
        paths += [self._found.root / f.path for run in unit.csv_runs.values() for f in run]
        paths += [fragment.file for fragment in fragments] if not paths else []
        return min((path.stat().st_mtime_ns // 1000 for path in paths), default=0)

    def _quarantine_lines(self) -> None:
        counts: dict[str, TableReport] = {}
        for line in read_bad_lines(self._found.fragments):
            if line.path not in counts:
                counts[line.path] = TableReport(source=line.path, table="unusable lines")
                self._report.tables.append(counts[line.path])
            counts[line.path].read += 1
            counts[line.path].quarantined += 1
            self._quarantine(line.path, f"line {line.place}", line.reason)

    def _quarantine(self, path: str, place: str, reason: str) -> None:
        self._report.quarantined.append(Quarantined(source=path, place=place, reason=reason))

    def _copy_files(self) -> None:
        """Everything that is kept as a file."""
        files: dict[LegacyKey, tuple[Path, str]] = {}
        for file in self._found.files:
            if file.role == "media" and file.path in self._context.media.used:
                self._became[file.path] = ("copied", "")
            elif file.role in ("media", "artifacts", "hash"):
                self._copy(file, files)
        put_missing(self._context.outlet, files)

    def _copy(self, file: Found, files: dict[LegacyKey, tuple[Path, str]]) -> None:
        path = self._found.root / file.path
        digest = hash_file(path)
        parts = PurePosixPath(file.path).parts
        if file.role == "artifacts" and "sha256" in parts and parts[-1] != digest:
            reason = "its content is not what its name says"
            self._quarantine(file.path, "file", reason)
            self._became[file.path] = ("quarantined", reason)
            return
        project = self._project_of(file)
        if self._context.wanted(project):
            stored = tuple(map(names.storable_name, parts))
            files[LegacyKey(project, stored)] = (path, digest)
            self._became[file.path] = ("copied", "")
        else:
            self._became[file.path] = ("derived", "of a project that was not asked for")

    def _project_of(self, file: Found) -> str:
        """The project that a file belongs to, by its path."""
        if file.role == "hash":
            raw = file.path.removesuffix(".hash")
            return self._homes.get(names.canonical(raw), names.storable_name(raw))
        parts = PurePosixPath(file.path).parts[1:-1]
        for length in range(1, len(parts) + 1):
            raw = "/".join(parts[:length])
            for stem, home in self._homes.items():
                if raw in (home, stem) or (names.nfc(raw) in (home, stem)):
                    return home
        raw = parts[0] if parts else "default"
        return self._homes.get(names.canonical(raw), names.storable_name(raw))

    def _account_files(self) -> None:
        for file in self._found.files:
            disposition, note = self._became.get(file.path) or self._disposition(file)
            if file.role == "orphan":
                self._quarantine(file.path, "file", file.note)
            self._report.files.append(
                FileReport(
                    path=file.path, size_bytes=file.size_bytes, disposition=disposition, note=note
                )
            )

    def _disposition(self, file: Found) -> tuple[Disposition, str]:
        match file.role:
            case "database" | "inbox" | "csv":
                return "migrated", file.note
            case "beside":
                return ("derived", "") if file.path.endswith("-shm") else ("migrated", "")
            case "orphan":
                return "quarantined", file.note
            case "parquet":
                return self._parquet(file)
            case "lock":
                return "derived", "empty"
            case "derived":
                return "derived", file.note
            case _:
                return "foreign", file.note

    def _parquet(self, file: Found) -> tuple[Disposition, str]:
        for unit in self._found.units.values():
            if file in unit.parquet.values():
                database = unit.database and self._became.get(unit.database.path, ("", ""))[0]
                if database == "migrated":
                    return "derived", "an export; the database counts"
        return "migrated", ""


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage in cycles rarely: rows make a lot of objects, and none of them cycles."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _filter(project: str | None) -> Callable[[str], bool]:
    if project is None:
        return lambda name: True
    return lambda name: name == project or names.canonical(name) == names.canonical(project)


def _overlaps(root: Path, store: Store) -> bool:
    return is_local(store) and store.path("x").parent.resolve() == root
