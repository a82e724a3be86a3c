"""Read a migrated store with nothing but listings and shards, and unpack legacy fixtures."""

import hashlib
import json
import tarfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackio import keys, shard
from trackio.catalog import list_project, list_projects
from trackio.model import RunId
from trackio.store.base import Store

FIXTURES = Path(__file__).parents[1] / "fixtures" / "legacy"
NAMES = sorted(path.name.removesuffix(".tar.gz") for path in FIXTURES.glob("*.tar.gz"))


@dataclass(slots=True)
class MigratedRun:
    """The rows of one run, in the order of their seqs."""

    meta: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The rows of one kind."""
        return [row for row in self.rows if row["kind"] == kind]

    def texts(self, kind: str) -> list[tuple[str, Any]]:
        """Key and decoded text of the rows of one kind."""
        return [(row["key"], json.loads(row["text"])) for row in self.of(kind)]

    def values(self, kind: str, key: str) -> list[Any]:
        """The values of one series: exact where the text says more than the double."""
        return [value_of(row) for row in self.of(kind) if row["key"] == key]


def value_of(row: dict[str, Any]) -> Any:
    """What a row says."""
    return row["value"] if row["text"] is None else json.loads(row["text"])


def unpack(name: str, folder: Path) -> Path:
    """The `TRACKIO_DIR` of a fixture."""
    with tarfile.open(FIXTURES / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "trackio"


def expected(name: str) -> dict[str, Any]:
    """The ground truth of a fixture."""
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.expected.json").read_text())
    return found


def read_store(store: Store) -> dict[tuple[str, str], MigratedRun]:
    """Every run by project and id; each row of a writer's cover counts once."""
    runs: dict[tuple[str, str], MigratedRun] = {}
    for project in list_projects(store):
        for run_id, files in list_project(store, project).runs.items():
            meta = json.loads(store.get(str(keys.MetaKey(project, run_id))))
            run = runs[project, run_id] = MigratedRun(meta)
            for writer in files.writers.values():
                assert not writer.cover.gaps
                for taken in writer.cover.taken:
                    _, table = shard.decode(store.get(str(taken.key)))
                    run.rows += [row for row in table.to_pylist() if row["seq"] >= taken.first]
            run.rows.sort(key=lambda row: (row["seq"], row["kind"], row["key"]))
    return runs


def read_media(store: Store, project: str, run_id: str) -> dict[str, bytes]:
    """The media of a run by their hash."""
    files = list_project(store, project).runs[RunId(run_id)]
    found = [key for writer in files.writers.values() for key in writer.media]
    return {key.sha256: store.get(str(key)) for key in found}


def read_lines(store: Store, project: str, *path: str) -> list[dict[str, Any]]:
    """A table that was kept as JSON lines; empty if there is none."""
    name = str(keys.LegacyKey(project, ("tables", *path)))
    listed = {entry.key for entry in store.list(keys.legacy_prefix(project))}
    return [json.loads(line) for line in store.get(name).splitlines()] if name in listed else []


def state_of(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Every file of a folder: its hash, size and time of last change."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_size,
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents_of(store: Store) -> dict[str, str]:
    """Every key of a store and the hash of what is there."""
    found = {entry.key: store.get(entry.key) for entry in store.list()}
    return {key: hashlib.sha256(data).hexdigest() for key, data in sorted(found.items())}


def count_by(items: list[Any]) -> dict[Any, int]:
    """How often each item occurs."""
    return dict(Counter(items))


def grouped(rows: list[dict[str, Any]], name: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by one of their columns."""
    found: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return dict(found)
