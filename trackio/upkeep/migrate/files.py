"""Bring over what is kept as files, and say of every file of the source what became of it."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from trackio.keys import LegacyKey
from trackio.upkeep.migrate import names
from trackio.upkeep.migrate.books import Context
from trackio.upkeep.migrate.discover import Discovery, Found
from trackio.upkeep.migrate.media import hash_file
from trackio.upkeep.migrate.report import Disposition, FileReport
from trackio.upkeep.migrate.sources import Fates


def copy_files(found: Discovery, context: Context, homes: Mapping[str, str], fates: Fates) -> None:
    """Copy saved files, media that no row refers to, blobs that no version holds, tokens.

    Args:
        found: all files.
        context: where to.
        homes: the project of each file name that a project had.
        fates: what became of files; those that were copied are added.
    """
    files: dict[LegacyKey, tuple[Path, str]] = {}
    for file in found.files:
        if file.role == "artifacts" and file.path in fates:  # a version holds it
            continue
        if file.role == "media" and file.path in context.media.used:
            fates[file.path] = ("copied", "")
        elif file.role == "media" and file.path in context.media.left:
            fates[file.path] = ("derived", "of a run that is not brought over")
        elif file.role in ("media", "artifacts", "hash"):
            fates[file.path] = _copy(found.root, file, context, homes, files)
    context.outlet.put_missing(files)


def report_files(found: Discovery, context: Context, fates: Fates) -> None:
    """Give every file its one line."""
    exports = _exports(found, fates)
    for file in found.files:
        disposition, note = fates.get(file.path) or _fate(file, exports)
        if file.role == "orphan":
            context.quarantine(file.path, "file", note)
        context.report.files.append(
            FileReport(
                path=file.path, size_bytes=file.size_bytes, disposition=disposition, note=note
            )
        )


def _copy(
    root: Path,
    file: Found,
    context: Context,
    homes: Mapping[str, str],
    files: dict[LegacyKey, tuple[Path, str]],
) -> tuple[Disposition, str]:
    path, parts = root / file.path, PurePosixPath(file.path).parts
    project = _project_of(file, homes)
    if not context.wanted(project):
        return "derived", "of a project that was not asked for"
    digest = hash_file(path)
    if file.role == "artifacts" and "sha256" in parts and parts[-1] != digest:
        context.quarantine(file.path, "file", "its content is not what its name says")
        return "quarantined", "its content is not what its name says"
    files[LegacyKey(project, tuple(map(names.storable_name, parts)))] = (path, digest)
    return "copied", ""


def _project_of(file: Found, homes: Mapping[str, str]) -> str:
    """The project that a file belongs to, by its path."""
    if file.role == "hash":
        return _home_of(file.path.removesuffix(".hash"), homes)
    folders = PurePosixPath(file.path).parts[1:-1]
    known = {*homes, *homes.values()}
    for length in range(1, len(folders) + 1):
        raw = names.nfc("/".join(folders[:length]))
        if raw in known:
            return _home_of(raw, homes)
    return _home_of(folders[0] if folders else "default", homes)


def _home_of(raw: str, homes: Mapping[str, str]) -> str:
    if raw in homes.values():
        return raw
    return homes.get(names.canonical(raw)) or names.storable_name(names.nfc(raw))


def _exports(found: Discovery, fates: Fates) -> set[str]:
    """The Parquet files whose database could be read."""
    readable = {path for path, (fate, _) in fates.items() if fate == "migrated"}
    return {
        file.path
        for unit in found.units.values()
        if unit.database and unit.database.path in readable
        for file in unit.parquet.values()
    }


def _fate(file: Found, exports: set[str]) -> tuple[Disposition, str]:
    match file.role:
        case "beside":
            return ("derived", "") if file.path.endswith("-shm") else ("migrated", "")
        case "parquet" if file.path in exports:
            return "derived", "an export; the database counts"
        case "database" | "inbox" | "csv" | "parquet":
            return "migrated", file.note
        case "orphan":
            return "quarantined", file.note
        case "lock":
            return "derived", "empty"
        case "derived":
            return "derived", file.note
    return "foreign", file.note
