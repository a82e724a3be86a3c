"""List every file of a legacy folder and say what it is. Opens none but Parquet footers.

What lies below the folder in the new layout, because the store is the same folder, is left
out; so are names that begin with a dot.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from trackio import keys
from trackio.upkeep.migrate import names
from trackio.upkeep.migrate.inbox import Fragment
from trackio.upkeep.migrate.sidecars import split_name

Role = Literal[
    "database",
    "beside",
    "orphan",
    "parquet",
    "inbox",
    "media",
    "artifacts",
    "hash",
    "lock",
    "csv",
    "derived",
    "foreign",
]

_FOLDERS: Final = frozenset({"media", "artifacts", "inbox", "traces", "registry-cache", "aux"})
_BESIDE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file; `path` is relative to the source folder, with `/`."""

    path: str
    size_bytes: int
    role: Role
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Unit:
    """What belongs to one file name: a database, or what is left of it, and what lies beside."""

    stem: str
    database: Found | None = None
    parquet: dict[str, Found] = field(default_factory=dict)
    csv_runs: dict[str, list[Found]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Discovery:
    """What a source folder holds."""

    root: Path
    files: list[Found]
    units: dict[str, Unit]
    fragments: list[Fragment]

    def paths(self, role: Role) -> list[str]:
        """The paths of all files in this role."""
        return [file.path for file in self.files if file.role == role]


def discover(root: Path, *, skips_store: bool) -> Discovery:
    """List the folder.

    Args:
        root: the source folder.
        skips_store: whether a store of the new layout lies in the same folder.
    """
    paths = {path: size for path, size in _walk(root) if not (skips_store and _is_ours(path))}
    files = [
        _classify(path, size, paths)
        if size >= 0
        else Found(path=path, size_bytes=0, role="foreign", note="a link that leads elsewhere")
        for path, size in sorted(paths.items())
    ]
    units = _units(root, files)
    fragments = [
        Fragment(path=file.path, file=root / file.path) for file in files if file.role == "inbox"
    ]
    return Discovery(root=root, files=files, units=units, fragments=fragments)


def _walk(root: Path) -> Iterator[tuple[str, int]]:
    """Every file and its size, which is -1 for a link that leads out of the folder.

    A folder that somebody sent may hold a link to any file of this machine.
    """
    inside = root.resolve()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if not (entry.name.startswith(".") and not folder):
                        waiting.append(f"{path}/")
                elif entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(inside):
                    yield path, -1
                elif entry.is_file():
                    yield path, entry.stat().st_size


def _is_ours(path: str) -> bool:
    parsed = keys.parse(path)
    is_legacy_folder = path.split("/", 1)[0] in _FOLDERS
    return parsed is not None and not (is_legacy_folder and isinstance(parsed, keys.LegacyKey))


def _classify(path: str, size: int, paths: Mapping[str, int]) -> Found:
    folder, slash, _ = path.partition("/")
    inner = _INSIDE.get(folder) if slash else None
    role, note = inner(path) if inner else _classify_other(path, paths)
    return Found(path=path, size_bytes=size, role=role, note=note)


def _classify_other(path: str, paths: Mapping[str, int]) -> tuple[Role, str]:
    pure = PurePosixPath(path)
    is_top = "/" not in path
    for suffix in _BESIDE:
        if is_top and path.endswith(f".db{suffix}"):
            is_beside = path.removesuffix(suffix) in paths
            return ("beside", "") if is_beside else ("orphan", "its database is gone")
    if is_top and pure.suffix in _TOP:
        return _TOP[pure.suffix], ""
    if pure.suffix == ".lock":
        return "lock", ""
    if pure.suffix == ".hash":
        return "hash", ""
    is_csv = len(pure.parts) >= 3 and pure.name in ("run.csv", "config.json")
    if is_csv and str(pure.with_name("run.csv")) in paths:
        return "csv", ""
    return "foreign", "Trackio writes no such file"


def _in_inbox(path: str) -> tuple[Role, str]:
    if path.endswith(".jsonl"):
        return "inbox", ""
    return "derived", "was never finished"


def _in_artifacts(path: str) -> tuple[Role, str]:
    if ".partial." in PurePosixPath(path).name:
        return "derived", "was never finished"
    return "artifacts", ""


_TOP: Final[Mapping[str, Role]] = {".db": "database", ".parquet": "parquet"}
_INSIDE: Final[Mapping[str, Callable[[str], tuple[Role, str]]]] = {
    "media": lambda _: ("media", ""),
    "artifacts": _in_artifacts,
    "inbox": _in_inbox,
    "traces": lambda _: ("derived", "a copy of rows, for display"),
    "registry-cache": lambda _: ("derived", "a copy of a remote registry"),
    "aux": lambda _: ("foreign", "no data of runs"),
}


def _units(root: Path, files: Iterable[Found]) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    found = list(files)

    def unit(stem: str) -> Unit:
        return units.setdefault(names.nfc(stem), Unit(stem=names.nfc(stem)))

    parquet = {Path(f.path).stem: root / f.path for f in found if f.role == "parquet"}
    for file in found:
        if file.role == "database":
            unit(Path(file.path).stem).database = file
        elif file.role == "parquet":
            stem, table = split_name(root / file.path, parquet)
            unit(stem).parquet[table] = file
        elif file.role == "csv":
            run = PurePosixPath(file.path).parent
            unit(names.canonical(run.parent.name)).csv_runs.setdefault(str(run), []).append(file)
            unit(names.canonical(run.parent.name)).names.add(run.parent.name)
    for raw in _surviving_names(found):
        if (stem := names.canonical(raw)) in units:
            units[stem].names.add(raw)
    return units


def _surviving_names(files: Iterable[Found]) -> Iterator[str]:
    """Whatever may be a project's name: of lock and hash files, of folders below `media/`."""
    folders: defaultdict[str, None] = defaultdict()
    for file in files:
        if file.role in ("lock", "hash"):
            yield file.path.rpartition(".")[0]
        elif file.role == "media":
            parts = PurePosixPath(file.path).parts[1:-1]
            folders.update(("/".join(parts[:n]), None) for n in range(1, len(parts) + 1))
    yield from folders
