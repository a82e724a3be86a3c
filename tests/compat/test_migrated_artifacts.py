"""Artifacts and registries of earlier Trackios come over: numbers, aliases, bytes, events."""

import sqlite3
import tarfile
from pathlib import Path

import pytest

from trackio.artifacts.artifact import open_artifact
from trackio.artifacts.changes import list_registries
from trackio.artifacts.collections import Registry
from trackio.artifacts.use import find_artifact
from trackio.artifacts.versions import list_artifacts
from trackio.query.artifacts import list_version_rows
from trackio.store.directory import Directory
from trackio.upkeep.migrate.migrate import migrate

LEGACY = Path(__file__).parents[1] / "fixtures" / "legacy"


@pytest.fixture(params=["0.36.0", "0.43.0"])
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder that this version of Trackio left."""
    with tarfile.open(LEGACY / f"{request.param}.tar.gz") as tar:
        tar.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old" / "trackio"


def rows(legacy: Path, query: str, stem: str = "my-project") -> list[tuple]:
    """What the old database itself says."""
    with sqlite3.connect(f"file:{legacy / stem}.db?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


def test_every_version_keeps_its_number_its_digest_and_its_aliases(legacy, tmp_path):
    """The digest is computed as it always was."""
    query = """SELECT a.name, v.version, v.manifest_digest, v.size_bytes, v.producer_run_name, v.id
               FROM artifact_versions v JOIN artifacts a ON a.id = v.artifact_id"""
    expected = rows(legacy, query)
    called = rows(legacy, "SELECT artifact_version_id, alias FROM artifact_aliases")
    store = Directory(tmp_path / "new")
    assert migrate(legacy, store).is_whole
    assert expected
    for name, number, digest, size, producer, row_id in expected:
        found = open_artifact(store, "my-project", name, f"v{number}")
        assert (digest, size, producer) == (
            found.digest, found.size, found.manifest.run_name)  # fmt: skip
        assert {alias for of, alias in called if of == row_id} <= set(found.aliases)


def test_every_file_comes_back(legacy, tmp_path):
    """Checked by its hash."""
    store = Directory(tmp_path / "new")
    migrate(legacy, store)
    for name in list_artifacts(store, "my-project"):
        for row in list_version_rows(store, "my-project", name):
            found = open_artifact(store, "my-project", name, row.version)
            if not found.references:
                found.download(tmp_path / "out" / name / row.version)


def test_a_registry_holds_what_it_held(legacy, tmp_path):
    """Numbers, aliases and whence each version came."""
    links = rows(legacy, "SELECT payload FROM registry_events WHERE kind = 'link'",
                 "registry-models")  # fmt: skip
    store = Directory(tmp_path / "new")
    migrate(legacy, store)
    assert ["models"] == list_registries(store)
    (collection,) = Registry(store, "models").collections()
    assert len(links) == collection.num_links
    assert find_artifact(store, "registry-models/churn-model:prod").version_id


def test_migrating_again_puts_nothing(legacy, tmp_path):
    """Ids follow from the source."""
    store = Directory(tmp_path / "new")
    migrate(legacy, store)
    assert 0 == migrate(legacy, store).put_files


def test_where_a_version_was_deleted_the_others_keep_their_numbers(legacy, tmp_path):
    """Since `overwrite` there may be gaps."""
    with sqlite3.connect(legacy / "my-project.db") as database:
        database.execute("DELETE FROM artifact_versions WHERE version = 0 AND artifact_id = 1")
    database.close()
    store = Directory(tmp_path / "new")
    migrate(legacy, store)
    numbers = [row.version for row in list_version_rows(store, "my-project", "my.model_v-1")]
    assert "v0" not in numbers
    assert "v1" in numbers
