"""Everything that old Trackios wrote comes over, and nothing else: each fixture, each promise."""

import hashlib
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tests.compat.ground_truth import differences, truths
from tests.compat.migrated import (
    NAMES,
    MigratedRun,
    contents_of,
    expected,
    read_lines,
    read_media,
    read_store,
    state_of,
    unpack,
)
from trackio import keys
from trackio.store.directory import Directory
from trackio.upkeep.migrate import names
from trackio.upkeep.migrate.migrate import migrate
from trackio.upkeep.migrate.report import Report

ROWS_WITH_ARTIFACTS = ("artifacts", "artifact_versions", "artifact_aliases", "run_artifact_links")
INCOMPLETE = {"special-corrupt"}


class Migrated:
    """One fixture, migrated once."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.truth = expected(name)
        self.source = unpack(name, folder / "old")
        self.before = state_of(self.source)
        self.store = Directory(folder / "new")
        self.report: Report = migrate(self.source, self.store, zone=UTC)
        self.after = state_of(self.source)
        self.runs = read_store(self.store)

    def find(self, truth: Any) -> MigratedRun | None:
        """The run that a truth is about."""
        for run in self.report.runs:
            stem = names.canonical(run.project)
            is_same = truth.run_id is None or run.run_id == names.storable_run_id(truth.run_id)
            is_here = names.canonical(truth.stem) in (stem, names.canonical(run.source))
            if is_same and is_here and run.name == (truth.name or run.run_id):
                return self.runs[run.project, run.run_id]
        return None


@pytest.fixture(scope="module", params=NAMES)
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    """Each fixture in turn."""
    return Migrated(request.param, tmp_path_factory.mktemp("migrated"))


def test_the_source_is_not_touched(migrated: Migrated) -> None:
    """Not a byte, not a time, not a file more or less: databases are opened as copies."""
    assert migrated.before == migrated.after


def test_the_report_says_whether_everything_came_over(migrated: Migrated) -> None:
    """Exit code 0 only where nothing is damaged."""
    assert [] == migrated.report.differences
    assert [] == migrated.report.uncounted
    assert (migrated.name in INCOMPLETE) == migrated.report.exit_code


def test_every_file_is_accounted_for(migrated: Migrated) -> None:
    """Each file of the source has exactly one fate."""
    wanted = [file["path"] for file in migrated.truth["files"]]
    assert sorted(wanted) == sorted(file.path for file in migrated.report.files)


def test_every_run_of_the_ground_truth_is_there_and_as_it_was(migrated: Migrated) -> None:
    """Per run and metric: rows, kinds, sum, min, max, first and last; alerts, traces, config."""
    problems = []
    for truth in truths(migrated.truth):
        run = migrated.find(truth)
        if truth.is_hidden:
            problems += [] if run is None else [f"{truth.name} was deleted, but is there"]
        elif run is None:
            problems.append(f"{truth.stem}: {truth.name} ({truth.run_id}) is missing")
        elif migrated.name != "special-duplicate-log-ids":
            problems += [f"{truth.stem}, {truth.name}: {it}" for it in differences(truth, run)]
    assert [] == problems


def test_no_run_is_there_that_nobody_logged(migrated: Migrated) -> None:
    """Ghosts of dashboards and of deleted runs stay away."""
    if migrated.truth["dbs"] and migrated.name != "special-corrupt":
        wanted = [truth for truth in truths(migrated.truth) if not truth.is_hidden]
        links = _link_only_runs(migrated.truth)
        assert len(wanted) + links == len(migrated.runs)


def test_every_row_is_written_kept_or_named(migrated: Migrated) -> None:
    """The tables of the report hold as many rows as those of the databases."""
    read = {(t.source, t.table): t.read for t in migrated.report.tables}
    for db in migrated.truth["dbs"]:
        if not db.get("error") and db["file"] != "foreign.db":
            wanted = {(db["file"], name): table["rows"] for name, table in db["tables"].items()}
            assert wanted == {key: read.get(key) for key in wanted}


def test_every_medium_that_a_row_refers_to_is_there_byte_by_byte(migrated: Migrated) -> None:
    """Also those whose path is stale since a rename."""
    digests = {file["path"]: file["sha256"] for file in migrated.truth["files"]}
    stored: set[str] = set()
    for project, run_id in migrated.runs:
        for digest, data in read_media(migrated.store, project, run_id).items():
            assert hashlib.sha256(data).hexdigest() == digest
            stored.add(digest)
    for db in migrated.truth["dbs"]:
        for reference in db.get("media_refs", {}).get("refs", []):
            if reference["resolved"] in digests:
                assert digests[reference["resolved"]] in stored


def test_every_copied_file_is_somewhere_in_the_store(migrated: Migrated) -> None:
    """Saved files, media of deleted runs, blobs of artifacts, tokens: no byte is left behind."""
    digests = {file["path"]: file["sha256"] for file in migrated.truth["files"]}
    stored = set(contents_of(migrated.store).values())
    copied = [file.path for file in migrated.report.files if file.disposition == "copied"]
    blobs = [path for path in _of_artifacts(migrated, "migrated") if path in digests]
    assert [] == [path for path in [*copied, *blobs] if digests[path] not in stored]
    media = [path for path in digests if path.startswith(("media/", "artifacts/"))]
    copied = [path for path in copied if path.startswith(("media/", "artifacts/"))]
    assert sorted(media) == sorted([*copied, *blobs])


def test_the_bytes_of_an_artifact_are_kept_once(migrated: Migrated) -> None:
    """What a version holds is a blob; only what no version holds is kept as it was."""
    held = {
        (db["file"].removesuffix(".db"), entry["digest"])
        for db in migrated.truth["dbs"]
        for version in db.get("artifact_versions") or []
        for entry in version["manifest"]
    }
    for disposition, is_held in (("migrated", True), ("copied", False)):
        for path in _of_artifacts(migrated, disposition):
            _, stem, *_, digest = path.split("/")
            assert is_held == ((stem, digest) in held), path
    keys_of = [keys.parse(entry.key) for entry in migrated.store.list()]
    blobs = {(key.project, key.sha256) for key in keys_of if isinstance(key, keys.BlobKey)}
    kept = {(k.project, k.path[-1]) for k in keys_of if isinstance(k, keys.LegacyKey)}
    assert set() == blobs & kept


def _of_artifacts(migrated: Migrated, disposition: str) -> list[str]:
    return [
        file.path
        for file in migrated.report.files
        if file.disposition == disposition and file.path.startswith("artifacts/")
    ]


def test_tables_without_a_home_are_kept_row_by_row(migrated: Migrated) -> None:
    """Artifacts, their versions, aliases and links, and what was waiting to be uploaded."""
    for db in migrated.truth["dbs"]:
        for table in (*ROWS_WITH_ARTIFACTS, "pending_uploads", "registry_events"):
            if db.get(table):
                home = _home(migrated, db["file"])
                kept = read_lines(migrated.store, home, db["file"], f"{table}.jsonl")
                assert len(db[table]) == len(kept)
                for wanted, got in zip(db[table], kept, strict=True):
                    assert {k: str(wanted[k]) for k in ("id", "created_at") if k in wanted} == {
                        k: str(got[k]) for k in ("id", "created_at") if k in wanted
                    }


def test_a_second_migration_adds_nothing(migrated: Migrated) -> None:
    """Ids follow from the source, so what is there is recognized."""
    before = contents_of(migrated.store)
    again = migrate(migrated.source, migrated.store, zone=UTC)
    assert 0 == again.put_files
    assert {"as before"} >= {run.outcome for run in again.runs}
    assert before == contents_of(migrated.store)
    assert migrated.report.exit_code == again.exit_code


def test_every_key_is_one_of_ours(migrated: Migrated) -> None:
    """Each key parses back to itself, whatever odd names stood in the source."""
    for entry in migrated.store.list():
        assert entry.key == str(keys.parse(entry.key))


def _home(migrated: Migrated, file: str) -> str:
    (mark,) = [e.key for e in migrated.store.list() if e.key.endswith(f"migrated/{file}.json")]
    parsed = keys.parse(mark)
    assert isinstance(parsed, keys.LegacyKey)
    return parsed.project


def _link_only_runs(truth: dict[str, Any]) -> int:
    """Runs that only an artifact's table names."""
    total = 0
    for db in truth["dbs"]:
        known = {run["run_name"] for run in db.get("runs", [])}
        totals = db.get("totals_by_run_name", [])
        stem = db["file"].removesuffix(".db")
        named = {each["run_name"] for each in totals if each["project"] == stem}
        total += 0 if db["file"] == "trackio.db" else len(named - known)
    return total
