"""Databases and folders that somebody sent: nothing outside them is read, and nothing hangs."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from tests.compat.legacy_database import ERA_L, add_rows, make_database, write_era_l
from trackio.errors import TrackioError
from trackio.importers.calls import import_csv, import_mlflow, import_tf_events, import_wandb
from trackio.importers.mlstore import files_below, local_folder
from trackio.importers.wandbmedia import convert
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.upkeep.migrate.migrate import migrate

SECRET = b"hush-hush-hush"


def everything(store: MemoryStore) -> Iterator[bytes]:
    for entry in store.list(""):
        yield store.get(entry.key)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the machine on which somebody imports."""
    path = tmp_path / "home" / "id_rsa"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


def test_a_database_names_no_file_outside_its_folder(tmp_path: Path, secret: Path) -> None:
    """Media, tables, blobs and uploads that wait: paths up, absolute, backslashes, links."""
    old = tmp_path / "old"
    (old / "media" / "p").mkdir(parents=True)
    (old / "media" / "p" / "link.png").symlink_to(secret)
    (old / "artifacts" / "p" / "blobs" / "sha256" / "ab").mkdir(parents=True)
    (old / "artifacts" / "p" / "blobs" / "sha256" / "ab" / ("ab" * 32)).symlink_to(secret)
    paths = ["../home/id_rsa", str(secret), "..\\home\\id_rsa", "p/link.png", "media/p/link.png"]
    paths += [f"file://{secret}", "media/../../home/id_rsa", "id_rsa"]
    bodies = [{"x": {"_type": "trackio.image", "file_path": path}} for path in paths]
    bodies += [{"t": {"_type": "trackio.table", "_value": [body["x"] for body in bodies]}}]
    write_era_l(old / "p.db", map(json.dumps, bodies))
    db = sqlite3.connect(old / "p.db", isolation_level=None)
    db.execute(
        "CREATE TABLE pending_uploads (id INTEGER PRIMARY KEY, space_id TEXT, file_path TEXT)"
    )
    add_rows(db, "pending_uploads", [{"space_id": "u/s", "file_path": path} for path in paths])
    db.close()
    store = MemoryStore()
    report = migrate(old, store, zone=UTC)
    assert not any(SECRET in data for data in everything(store))
    assert [] == report.differences


def test_a_table_that_is_a_trap_ends(tmp_path: Path) -> None:
    """Views without end, columns that are computed, ids that lie beyond all rows."""
    path = tmp_path / "old" / "p.db"
    db = make_database(path, ERA_L)
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t"
    db.execute(f"CREATE VIEW alerts AS {endless}")
    db.execute(
        "CREATE TABLE traces (id INTEGER PRIMARY KEY, a TEXT, "
        "b TEXT GENERATED ALWAYS AS (hex(zeroblob(400000000))) VIRTUAL)"
    )
    db.execute("INSERT INTO traces (a) VALUES ('x')")
    row = {"run_id": "one", "run_name": "one", "timestamp": "2026-01-01", "step": 0}
    add_rows(db, "metrics", [{**row, "metrics": '{"loss": 1.5}'}])
    db.execute("UPDATE sqlite_sequence SET seq = 4611686018427387904")
    db.close()
    report = migrate(tmp_path / "old", MemoryStore(), zone=UTC)
    assert 1 == sum(table.written for table in report.tables if table.table == "metrics")


def test_a_table_whose_first_page_is_gone_and_whose_end_is_a_lie_ends(tmp_path: Path) -> None:
    """Each stretch that cannot be read is halved; not for ever."""
    path = tmp_path / "old" / "p.db"
    db = make_database(path, ERA_L)
    row = {"run_id": "one", "run_name": "one", "timestamp": "2026-01-01", "step": 0}
    add_rows(db, "metrics", [{**row, "metrics": '{"loss": 1.5}'}])
    db.execute("UPDATE sqlite_sequence SET seq = 4611686018427387904")
    (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'metrics'").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)
    report = migrate(tmp_path / "old", MemoryStore(), zone=UTC)
    assert 0 == sum(table.written for table in report.tables)


def test_versions_of_artifacts_without_end_are_cut(tmp_path: Path) -> None:
    """A version number of 10^12 does not make as many manifests."""
    path = tmp_path / "old" / "p.db"
    db = make_database(
        path,
        ERA_L,
        "CREATE TABLE artifacts (id INTEGER PRIMARY KEY, name TEXT, type TEXT)",
        "CREATE TABLE artifact_versions (id INTEGER PRIMARY KEY, artifact_id INTEGER, "
        "version INTEGER, manifest TEXT)",
        "CREATE TABLE artifact_aliases (id INTEGER PRIMARY KEY, artifact_version_id INTEGER, "
        "alias TEXT)",
    )
    add_rows(db, "artifacts", [{"name": "../../m", "type": "model"}])
    add_rows(db, "artifact_versions", [{"artifact_id": 1, "version": 10**12, "manifest": "[]"}])
    add_rows(db, "artifact_aliases", [{"artifact_version_id": 1, "alias": "../../x"}])
    db.close()
    store = MemoryStore()
    migrate(tmp_path / "old", store, zone=UTC)
    assert not any(".." in entry.key.split("/") for entry in store.list(""))


def test_an_mlflow_store_names_no_folder_outside_itself(tmp_path: Path, secret: Path) -> None:
    """Its artifact URI, its params, its links."""
    root = tmp_path / "mlruns"
    run = root / "0" / "abc"
    for folder in ("params", "metrics", "tags", "artifacts"):
        (run / folder).mkdir(parents=True)
    (root / "0" / "meta.yaml").write_text("name: demo\nexperiment_id: '0'\n")
    (run / "meta.yaml").write_text(
        "run_id: abc\nrun_name: n\nstatus: 3\nstart_time: 1700000000000\nend_time: 1700000001000\n"
        f"artifact_uri: file://{secret.parent}\nlifecycle_stage: active\n"
    )
    (run / "metrics" / "loss").write_text("1700000000000 1.5 0\n")
    (run / "params" / "stolen").symlink_to(secret)
    (run / "artifacts" / "stolen").symlink_to(secret)
    store = Directory(tmp_path / "store")
    import_mlflow(root, store=tmp_path / "store")
    assert not any(SECRET in store.get(entry.key) for entry in store.list(""))
    assert local_folder(f"file://{secret.parent}", root) is None
    assert local_folder(f"file://{run}/artifacts", root) == run / "artifacts"
    assert local_folder(f"{run}/artifacts/../../../../home", root) is None
    assert local_folder("file:///a%00b", root) is None
    assert [] == files_below(run / "artifacts")


def test_a_yaml_of_an_mlflow_store_makes_no_object(tmp_path: Path) -> None:
    """Tags of YAML that call something are not obeyed: the file counts as none."""
    mark = tmp_path / "made"
    root = tmp_path / "mlruns"
    (root / "0" / "abc").mkdir(parents=True)
    (root / "0" / "meta.yaml").write_text("name: demo\n")
    text = f"run_id: !!python/object/apply:os.mkdir ['{mark}']\n"
    (root / "0" / "abc" / "meta.yaml").write_text(text)
    import_mlflow(root, store=tmp_path / "store")
    assert not mark.exists()


@pytest.mark.parametrize(
    "said", ["../home/id_rsa", "/etc/passwd", "link.png", "media/../../home/id_rsa"]
)
def test_a_wandb_run_names_no_file_outside_its_folder(
    tmp_path: Path, secret: Path, said: str
) -> None:
    """The history says where a picture lies."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "link.png").symlink_to(secret)
    notes: list[str] = []
    found = convert({"_type": "image-file", "path": said}, folder, notes.append)
    assert isinstance(found, dict)
    assert 1 == len(notes)


@pytest.mark.parametrize("importer", [import_csv, import_mlflow, import_tf_events, import_wandb])
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"SQLite format 3\0" + b"\xff" * 200, b"a,b\n\xff,1\n"]
)
def test_what_is_no_run_of_another_tracker_is_an_error_of_ours(
    tmp_path: Path, importer: Callable[..., object], data: bytes
) -> None:
    """Whatever the bytes."""
    path = tmp_path / "run-x.wandb"
    path.write_bytes(data)
    more = {"project": "p"} if importer in (import_csv, import_tf_events) else {}
    try:
        importer(path, store=tmp_path / "store", **more)
    except TrackioError:
        return
