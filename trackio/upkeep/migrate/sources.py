"""Open the best source of a unit: its database, else its Parquet files, else its CSV files.

A database is opened as a copy in a scratch folder, with the write-ahead log that lies beside
it, while the locks of old writers are held.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from trackio.errors import UnreadableFile
from trackio.upkeep.migrate.books import Context
from trackio.upkeep.migrate.csvfiles import CsvRuns
from trackio.upkeep.migrate.database import Database
from trackio.upkeep.migrate.discover import Found, Unit
from trackio.upkeep.migrate.legacy import BODIES, METRICS, Source
from trackio.upkeep.migrate.repair import copy_database, locked
from trackio.upkeep.migrate.report import Disposition

Fates = dict[str, tuple[Disposition, str]]
"""What became of files, by path, and a note."""

_KNOWN: Final = frozenset({*BODIES, "project_metadata", "registry_events"})


@contextmanager
def open_source(root: Path, unit: Unit, context: Context, fates: Fates) -> Iterator[Source | None]:
    """The rows of a unit; None if it has none. Says in `fates` what its files were."""
    folder = context.scratch / "database"
    source: Source | None = None
    try:
        if unit.database is not None:
            source = _open_database(root, unit, context, fates)
        if source is None and unit.parquet:
            source = _open_sidecars(root, unit)
        if source is None and unit.csv_runs:
            runs = {PurePosixPath(path).name: root / path for path in unit.csv_runs}
            source = CsvRuns(runs, path=f"{unit.stem}.csv", stem=unit.stem)
        yield source
    finally:
        if source is not None:
            source.close()
        shutil.rmtree(folder, ignore_errors=True)


def _open_database(root: Path, unit: Unit, context: Context, fates: Fates) -> Database | None:
    assert unit.database is not None  # noqa: S101 - the caller has looked
    file = unit.database
    folder = context.scratch / "database"
    folder.mkdir(exist_ok=True)
    locks = [root / f"{name}.lock" for name in sorted({unit.stem, *unit.names})]
    with locked(locks) as held:
        copy, stood_still = copy_database(root / file.path, folder)
    if held or not stood_still:
        context.report.differences.append(
            f"{file.path} is being written to: end what writes it, then migrate again"
        )
    try:
        source = Database(copy, path=file.path, stem=unit.stem)
    except UnreadableFile as exc:
        context.quarantine(file.path, "file", str(exc))
        fates[file.path] = ("quarantined", str(exc))
        return None
    return _judge(file, source, context, fates)


def _judge(file: Found, source: Database, context: Context, fates: Fates) -> Database | None:
    """Whether it is one of ours."""
    if source.tables and not _KNOWN & set(source.tables):
        fates[file.path] = ("foreign", "it has no table of Trackio")
        source.close()
        return None
    if source.mended is not None:
        context.quarantine(file.path, "file", f"damaged: {source.mended} had to be mended")
    fates[file.path] = ("migrated", "" if source.tables else "nothing was ever written to it")
    return source


def _open_sidecars(root: Path, unit: Unit) -> Source:
    from trackio.upkeep.migrate.sidecars import Sidecars

    files = {table: root / file.path for table, file in unit.parquet.items()}
    first = unit.parquet.get(METRICS) or next(iter(unit.parquet.values()))
    return Sidecars(files, path=first.path, stem=unit.stem)
