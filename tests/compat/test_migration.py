"""How migration behaves: dry, interrupted, repeated, beside native runs, on odd sources."""

import json
import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks import migrating
from tests.compat.legacy_database import (
    CONFIGS_L,
    ERA_C,
    ERA_E,
    ERA_L,
    TIME,
    add_rows,
    make_database,
    write_era_l,
)
from tests.compat.migrated import (
    NAMES,
    MigratedRun,
    contents_of,
    read_lines,
    read_store,
    state_of,
    unpack,
)
from trackio import keys
from trackio.cli import main
from trackio.model import RunId, TombstoneId
from trackio.store.directory import Directory
from trackio.store.faulty import Faulty
from trackio.store.memory import MemoryStore
from trackio.upkeep.migrate.hint import hint
from trackio.upkeep.migrate.migrate import migrate
from trackio.upkeep.migrate.report import Report


class StoppedError(Exception):
    """The migration was killed."""


def run_of(store: Any, project: str, name: str = "one") -> MigratedRun:
    """The only run of this name."""
    found = [r for (p, _), r in read_store(store).items() if (p, r.meta["name"]) == (project, name)]
    assert 1 == len(found)
    return found[0]


def total(report: Report, name: str, table: str = "metrics") -> int:
    """One count over all tables of this name."""
    return sum(getattr(each, name) for each in report.tables if each.table == table)


@pytest.mark.parametrize("name", ["0.28.1", "special-corrupt"])
def test_a_dry_run_says_what_would_happen_and_writes_nothing(name: str, tmp_path: Path) -> None:
    """The same account, and no file anywhere."""
    source = unpack(name, tmp_path / "old")
    before = state_of(tmp_path)
    dry = migrate(source, Directory(tmp_path / "new"), zone=UTC, dry_run=True)
    assert before == state_of(tmp_path)
    real = migrate(source, MemoryStore(), zone=UTC)
    assert real.files == dry.files
    assert real.tables == dry.tables
    assert [(r.run_id, r.calls, r.series) for r in real.runs] == [
        (r.run_id, r.calls, r.series) for r in dry.runs
    ]
    assert real.exit_code == dry.exit_code


def test_an_interrupted_migration_goes_on_from_wherever_it_was_killed(tmp_path: Path) -> None:
    """After a kill before any put, doing it again gives exactly what an undisturbed one gives."""
    source = unpack("special-mixed-0.5.3+0.18.0+0.28.1", tmp_path / "old")
    whole = MemoryStore()
    puts = migrate(source, whole, zone=UTC).put_files
    assert puts > 10
    for survived in range(puts):
        inner = MemoryStore()
        left = iter(range(survived))

        def before(op: str, key: str, left: Any = left) -> None:
            if op == "put" and next(left, None) is None:
                raise StoppedError

        with pytest.raises(StoppedError):
            migrate(source, Faulty(inner, before=before), zone=UTC)
        assert survived == len(contents_of(inner))
        report = migrate(source, inner, zone=UTC)
        assert puts - survived <= report.put_files <= puts - survived + 1
        assert contents_of(whole) == contents_of(inner)


def test_a_torn_shard_is_put_again(tmp_path: Path) -> None:
    """A listed name proves nothing: what cannot be read is not there."""
    source = unpack("0.2.8", tmp_path / "old")
    store = MemoryStore()
    migrate(source, store, zone=UTC)
    before = contents_of(store)
    shard_key = next(key for key in before if key.endswith(".parquet") and "/runs/" in key)
    store.put({shard_key: store.get(shard_key)[:100]})
    report = migrate(source, store, zone=UTC)
    assert (0, 1) == (report.exit_code, report.put_files)
    assert before == contents_of(store)


def test_a_store_in_the_same_folder_is_not_taken_for_legacy_files(tmp_path: Path) -> None:
    """By default the new store is where the old files are."""
    source = unpack("0.16.1", tmp_path)
    files = set(state_of(source))
    assert 0 == migrate(source, Directory(source), zone=UTC).exit_code
    again = migrate(source, Directory(source), zone=UTC)
    assert (0, 0) == (again.exit_code, again.put_files)
    assert files == {file.path for file in again.files}


def test_only_the_project_that_was_asked_for_comes_over(tmp_path: Path) -> None:
    """By its name or by that of its file; the rows of others are counted as left out."""
    source = unpack("0.0.8", tmp_path / "old")
    store = MemoryStore()
    report = migrate(source, store, project="same-name", zone=UTC)
    assert {"same-name"} == {project for project, _ in read_store(store)}
    assert [] == report.uncounted
    assert total(report, "left_out") > 0


def test_a_run_that_was_deleted_in_the_new_store_stays_deleted(tmp_path: Path) -> None:
    """Migrating again brings nothing back that somebody has deleted."""
    source = tmp_path / "old"
    image = b'{"a": {"_type": "trackio.image", "file_path": "p\\\\run\\\\0\\\\a.png"}}'
    write_era_l(source / "p.db", [b'{"a": 1}', image])
    (source / "media/p/run/0").mkdir(parents=True)
    (source / "media/p/run/0/a.png").write_bytes(b"a picture")
    store = MemoryStore()
    first = migrate(source, store, zone=UTC).runs[0]
    assert 1 == sum("/media/" in entry.key for entry in store.list())
    tombstone = keys.TombstoneKey(first.project, RunId(first.run_id), TombstoneId("f" * 24))
    folder = keys.run_prefix(first.project, RunId(first.run_id))
    store.delete([entry.key for entry in store.list(folder)])
    store.put({str(tombstone): b""})
    again = migrate(source, store, zone=UTC)
    assert (0, 0) == (again.exit_code, again.put_files)
    assert "deleted there" in {run.outcome for run in again.runs}
    fates = {file.path: file.disposition for file in again.files}
    assert "derived" == fates["media/p/run/0/a.png"]


def test_a_source_that_has_grown_since_is_not_mixed_with_what_came_over_before(
    tmp_path: Path,
) -> None:
    """Nothing is doubled and nothing is silently left behind: the report says what to do."""
    path = tmp_path / "old" / "p.db"
    write_era_l(path, [b'{"a": 1}'])
    store = MemoryStore()
    migrate(path.parent, store)
    before = contents_of(store)
    db = make_database(path)
    row = {"run_id": "one", "run_name": "one", "timestamp": TIME, "step": 1, "metrics": b"{}"}
    add_rows(db, "metrics", [row])
    db.close()
    report = migrate(path.parent, store)
    assert 1 == report.exit_code
    assert "delete the run" in report.differences[0]
    assert {key for key in before if "/runs/" in key} == {
        key for key in contents_of(store) if "/runs/" in key
    }


def test_naive_times_get_the_zone_of_the_machine_that_wrote_them(tmp_path: Path) -> None:
    """The config has the time of the machine and that of the world: their difference tells."""
    store = MemoryStore()
    migrate(unpack("0.16.1", tmp_path), store, zone=UTC)
    run = run_of(store, "my-project", "baseline")
    start = next(row for row in run.rows if row["key"] == "start")
    created = datetime.fromisoformat(json.loads(start["text"])["legacy"]["_Created"])
    first = next(row["time"] for row in run.of("metric"))
    assert abs((first - created).total_seconds()) < 60


def test_a_zone_that_is_only_assumed_is_said_to_be(tmp_path: Path) -> None:
    """The text of the time is kept, and that its zone is a guess."""
    db = make_database(tmp_path / "old" / "p.db", ERA_E)
    row = {"run_name": "one", "timestamp": "2025-07-01T10:00:00", "step": 0, "metrics": '{"a": 1}'}
    add_rows(db, "metrics", [row])
    db.close()
    store = Directory(tmp_path / "new")
    migrate(tmp_path / "old", store, zone=UTC)
    assert datetime(2025, 7, 1, 10, tzinfo=UTC) == run_of(store, "p").of("metric")[0]["time"]
    import pyarrow.parquet as pq

    notes = pq.read_table(tmp_path / "new/p/legacy/tables/p.db/metrics.parquet").to_pylist()
    assert [("2025-07-01T10:00:00", True)] == [
        (note["timestamp"], note["zone_is_assumed"]) for note in notes
    ]


@pytest.mark.parametrize("name", ["0.18.0", "0.25.1", "0.28.1", "0.36.0", "0.43.0"])
def test_steps_of_any_storage_class_are_decoded(name: str, tmp_path: Path) -> None:
    """Floats, and numpy scalars that SQLite kept as raw bytes."""
    store = MemoryStore()
    migrate(unpack(name, tmp_path), store)
    steps = {row["seq"]: row["step"] for row in run_of(store, "odd-steps", "np-steps").of("metric")}
    assert {0, 5, 300, 7, 1, 2, -3, 1 << 40} <= set(steps.values())


def test_a_metric_called_step_of_the_time_before_steps_stays_a_metric(tmp_path: Path) -> None:
    """Rows without a step are counted; what users logged under that name is theirs."""
    store = MemoryStore()
    migrate(unpack("0.0.8", tmp_path), store)
    rows = [r for r in run_of(store, "my-project", "user-step").of("metric") if r["key"] == "step"]
    assert rows
    assert all(row["auto"] for row in rows)
    assert [row["step"] for row in rows] != [row["value"] for row in rows]


def test_projects_that_share_a_file_are_told_apart(tmp_path: Path) -> None:
    """`exp.1` and `exp1` had one file; both may have a run of the same name."""
    db = make_database(tmp_path / "exp1.db", ERA_C)
    rows = [("exp.1", 1.0), ("exp1", 2.0), ("exp.1", 3.0)]
    add_rows(
        db,
        "metrics",
        (
            {"project_name": project, "run_name": "one", "metrics": json.dumps({"a": value})}
            for project, value in rows
        ),
    )
    db.close()
    store = MemoryStore()
    assert 0 == migrate(tmp_path, store).exit_code
    assert [1.0, 3.0] == run_of(store, "exp.1").values("metric", "a")
    assert [2.0] == run_of(store, "exp1").values("metric", "a")


def test_the_raw_name_of_a_project_is_found_wherever_it_survived(tmp_path: Path) -> None:
    """Here in the names of lock files and of folders with media."""
    store = MemoryStore()
    migrate(unpack("0.16.1", tmp_path), store)
    assert "my project/é ☕" in {project for project, _ in read_store(store)}


def test_of_rows_with_one_id_the_first_counts(tmp_path: Path) -> None:
    """Replayed fragments add nothing, and what differed is kept beside."""
    store = MemoryStore()
    report = migrate(unpack("special-duplicate-log-ids", tmp_path), store)
    assert 0 == report.exit_code
    dups = [t for t in report.tables if t.source != "clean.db" and t.table == "metrics"]
    assert 47 == sum(table.written for table in dups)
    assert {"dups.db": 8} == {t.source: t.duplicates for t in dups if t.source == "dups.db"}
    assert 8 == sum(
        line["table"] == "metrics"
        for line in read_lines(store, "dups", "dups.db", "duplicates.jsonl")
    )


def test_rows_that_are_only_in_the_write_ahead_log_come_over(tmp_path: Path) -> None:
    """A killed process left most rows there; the log is applied to a copy."""
    report = migrate(unpack("special-wal-killed-0.43.0", tmp_path), MemoryStore())
    assert 251 == total(report, "written")


def test_damaged_databases_give_all_rows_that_can_be_read(tmp_path: Path) -> None:
    """A bad page costs its own rows, a truncated file what is beyond its end."""
    store = MemoryStore()
    report = migrate(unpack("special-corrupt", tmp_path), store)
    written = {t.source: t.written for t in report.tables if t.table == "metrics"}
    assert (779, 338, 17) == (written["badpage.db"], written["truncated.db"], written["badjson.db"])
    said = " ".join(f"{q.source} {q.place}" for q in report.quarantined)
    for name in ("notadb.db", "text.db", "badpage.db", "truncated.db", "orphan.db-wal"):
        assert name in said
    kept = read_lines(store, "badjson", "badjson.db", "quarantined.jsonl")
    assert 5 == len(kept)
    assert {"hex": "fffe7b2278223a317d"} in [line["metrics"] for line in kept]
    fates = {file.path: file.disposition for file in report.files}
    assert ("foreign", "foreign") == (fates["foreign.db"], fates["good.db.bak"])


def test_parquet_exports_serve_where_the_database_is_gone(tmp_path: Path) -> None:
    """A clone of a dataset has nothing else; a null is a metric that the row did not have."""
    store = MemoryStore()
    report = migrate(unpack("special-parquet-only-0.16.1", tmp_path), store)
    assert 44 == total(report, "written")
    one = run_of(store, "pq alpha")
    # One was NaN, for which the export had no word.
    assert (30.0, 9) == (sum(one.values("metric", "loss")), len(one.values("metric", "loss")))
    assert 5 == len(one.values("metric", "sparse"))
    assert {"trackio.image", "trackio.histogram"} == {
        said["_type"] for _, said in one.texts("media")
    }


def test_the_very_first_format_comes_over_too(tmp_path: Path) -> None:
    """CSV files: an empty cell is no value."""
    store = MemoryStore()
    assert 0 == migrate(unpack("special-0.0.3-csv-cwd", tmp_path), store).exit_code
    run = run_of(store, "my-project", "baseline")
    assert [1.0, 0.5, 1 / 3, 0.25, 0.2] == run.values("metric", "loss")
    assert [7.0] == run.values("metric", "late")


BODIES = [
    (b'{"a": 1, "b": "NaN", "c": "-Infinity"}', {"a": 1.0, "b": "nan", "c": "-inf"}),
    ('{"a": NaN, "b": Infinity}', {"a": "nan", "b": "inf"}),
    (b'{"big": 36893488147419103232, "u64": 18446744073709551615}',
     {"big": 1 << 65, "u64": (1 << 64) - 1}),
    (b'{"a": {"b": {"c": 1.5}, "d": []}}', {"a/b/c": 1.5, "a/d": []}),
    (b'{"a": {"b": 1}, "a/b": 2}', {"a": {"b": 1}, "a/b": 2.0}),
    (b'{"x": {"": 1}, "": 2, "e": {}}', {"x/": 1.0, "": 2.0, "e": {}}),
    ('{"n": {"x": "NaN"}}', {"n/x": "NaN"}),
    (b'{"n": {"x": "NaN"}}', {"n/x": "nan"}),
    ('{"s": "\\ud800", "\\ud800": 1}', {"s": "\\ud800", "\\ud800": 1.0}),
    (b'{"t": true, "n": null, "z": -0.0}', {"t": True, "n": None, "z": -0.0}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "wanted"), BODIES)
def test_a_row_becomes_what_was_logged(body: Any, wanted: dict[str, Any], tmp_path: Path) -> None:
    """Every encoding of every kind of value, and no value under another's name."""
    write_era_l(tmp_path / "p.db", [body])
    store = MemoryStore()
    assert 0 == migrate(tmp_path, store).exit_code
    rows = run_of(store, "p").of("metric")
    got = {row["key"]: _comparable(row) for row in rows}
    assert wanted == got
    assert len(rows) == len(wanted)


def _comparable(row: dict[str, Any]) -> Any:
    if row["text"] is not None:
        return json.loads(row["text"])
    value = row["value"]
    return value if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124


def test_traces_in_rows_become_traces_and_the_rest_of_the_row_stays(tmp_path: Path) -> None:
    """Alone or in a list beside something else, with media in their messages."""
    image = tmp_path / "old/media/p/one/0/11-22.png"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"an image")
    said = {"_type": "trackio.image", "file_path": "p\\one\\0\\11-22.png", "caption": None}
    trace = {"_type": "trackio.trace", "messages": [{"content": said}], "metadata": {}}
    long = {"_type": "trackio.trace", "messages": ["x" * 100_000], "metadata": {}}
    body = {"t": trace, "l": [trace, 5, trace], "long": long, "loss": 1.0}
    write_era_l(tmp_path / "old/p.db", [orjson.dumps(body), orjson.dumps({"only": trace})])
    store = MemoryStore()
    report = migrate(tmp_path / "old", store)
    assert 0 == report.exit_code
    run = run_of(store, "p")
    traces = run.texts("trace")
    assert [("t", None), ("l", 0), ("l", 2), ("long", None), ("only", None)] == [
        (key, said["index"]) for key, said in traces
    ]
    assert {"sha256", "extension"} <= set(traces[0][1]["messages"][0]["content"])
    assert ("json", [1.0]) == (traces[3][1]["extension"], run.values("metric", "loss"))
    assert [[5]] == run.values("metric", "l")
    assert (2, 2) == (total(report, "read"), total(report, "written"))


def test_columns_and_tables_nobody_knows_are_kept(tmp_path: Path) -> None:
    """An unreleased version had more of them; not one value is dropped."""
    more = ERA_L.replace("space_id TEXT)", "space_id TEXT, epoch INTEGER)")
    db = make_database(tmp_path / "old/p.db", more, "CREATE TABLE odd (a, b BLOB)", CONFIGS_L)
    row = {"run_id": "one", "run_name": "one", "timestamp": TIME, "step": 0, "metrics": b'{"a":1}'}
    add_rows(db, "metrics", [{**row, "epoch": 7}])
    add_rows(db, "odd", [{"a": 1, "b": b"\xff"}])
    config = {"run_id": "gone", "run_name": "gone", "config": b'{"k": 1}', "created_at": TIME}
    add_rows(db, "configs", [config])
    db.close()
    store = Directory(tmp_path / "new")
    assert 0 == migrate(tmp_path / "old", store).exit_code
    assert [{"a": 1, "b": {"hex": "ff"}}] == read_lines(store, "p", "p.db", "odd.jsonl")
    import pyarrow.parquet as pq

    notes = pq.read_table(tmp_path / "new/p/legacy/tables/p.db/metrics.parquet").to_pylist()
    assert [{"epoch": 7}] == [json.loads(note["other"]) for note in notes]
    (hidden,) = read_lines(store, "p", "p.db", "configs-not-current.jsonl")
    assert "gone" == hidden["run_id"]


def test_files_that_waited_to_be_uploaded_come_over(tmp_path: Path) -> None:
    """Where the folder holds them; one that is gone or elsewhere is mentioned, its row is kept."""
    waiting, private = tmp_path / "old" / "queue" / "é.bin", tmp_path / "private.key"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(b"waits")
    private.write_bytes(b"secret")
    pending = "CREATE TABLE pending_uploads (id INTEGER PRIMARY KEY, space_id TEXT, file_path TEXT)"
    db = make_database(tmp_path / "old/p.db", ERA_L, pending)
    for path in (str(waiting), "/nowhere/gone.bin", "relative", "a\0b", str(private)):
        add_rows(db, "pending_uploads", [{"space_id": "user/space", "file_path": path}])
    db.close()
    store = MemoryStore()
    report = migrate(tmp_path / "old", store)
    assert 0 == report.exit_code
    assert b"waits" == store.get(str(keys.LegacyKey("p", ("pending_uploads", "1-é.bin"))))
    assert 5 == len(read_lines(store, "p", "p.db", "pending_uploads.jsonl"))
    assert 4 == len(report.notes)
    assert not any(b"secret" == store.get(entry.key) for entry in store.list(""))


def test_init_tells_once_of_legacy_databases(tmp_path: Path) -> None:
    """On stderr, and only the first time; the run goes on as ever."""
    source = unpack("0.2.8", tmp_path)
    code = (
        "import sys, trackio\n"
        "for _ in range(2): trackio.init(project='p').finish()\n"
        "print('trackio.upkeep.migrate.database' in sys.modules)"
    )
    env = {**os.environ, "TRACKIO_DIR": str(source), "TRACKIO_STORE": str(tmp_path / "new")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        env=env,
        text=True,
        timeout=60,
    )
    assert 1 == done.stderr.count("trackio migrate --source")
    assert "False" == done.stdout.split()[-1]


def test_the_seeded_database_of_many_rows_comes_over_exactly(tmp_path: Path) -> None:
    """The generator of the benchmark, smaller: sums as they were logged, several shards a run."""
    rows = 2_000
    migrating.generate(tmp_path / "old", rows)
    store = MemoryStore()
    report = migrate(tmp_path / "old", store)
    assert 0 == report.exit_code
    for run in report.runs:
        logged = list(migrating.logged(int(run.name[-1]), rows))
        found = {series.key: series.figures for series in run.series if series.kind == "metric"}
        for key in ("train/loss", "tokens", "grad_norm", "eval/f1"):
            values = [said[key] for said in logged if key in said]
            assert (len(values), min(values), max(values)) == (
                found[key].count,
                found[key].min,
                found[key].max,
            )
            assert sum(values) == pytest.approx(found[key].sum, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_a_folder_that_several_versions_used_comes_over_whole(seed: int, tmp_path: Path) -> None:
    """Any mixture of fixtures in one folder: as many rows as each of them alone."""
    rng = random.Random(seed)
    chosen = rng.sample([name for name in NAMES if name != "special-corrupt"], 4)
    wanted = 0
    for number, name in enumerate(chosen):
        source = unpack(name, tmp_path / str(number))
        for path in sorted(source.rglob("*")):
            target = tmp_path / "old" / path.relative_to(source)
            if path.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
    report = migrate(tmp_path / "old", MemoryStore(), zone=UTC)
    assert [] == report.uncounted
    assert [] == report.differences
    for path in (tmp_path / "old").glob("*.db"):
        wanted += _count_metrics(path, tmp_path)
    read = sum(t.read for t in report.tables if t.table == "metrics" and t.source.endswith(".db"))
    assert wanted == read


def _count_metrics(path: Path, scratch: Path) -> int:
    import sqlite3

    folder = scratch / f"count-{path.stem}"
    folder.mkdir()
    for suffix in ("", "-wal"):
        if (beside := path.with_name(path.name + suffix)).exists():
            shutil.copy(beside, folder / beside.name)
    db = sqlite3.connect(folder / path.name)
    try:
        (count,) = db.execute("SELECT count(*) FROM metrics NOT INDEXED").fetchone()
        return int(count)
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


def test_the_command_reports_in_json_and_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 if all of it came over, 1 if something was damaged, 2 for a wrong call."""
    good, bad = unpack("0.2.8", tmp_path / "a"), unpack("special-corrupt", tmp_path / "b")
    dest = str(tmp_path / "new")
    assert 0 == main(["migrate", "--source", str(good), "--dest", dest, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["is_whole"]
    assert {"runs", "tables", "files", "quarantined", "differences", "points"} <= set(said)
    assert all(table["holds"] for table in said["tables"])
    assert 1 == main(["migrate", "--source", str(bad), "--dest", dest])
    assert "Quarantined: notadb.db" in capsys.readouterr().err
    assert 2 == main(["migrate", "--source", str(tmp_path / "nowhere"), "--dest", dest])
    assert 2 == main(["migrate", "--nonsense"])


def test_the_job_is_the_command(tmp_path: Path) -> None:
    """`python -m jobs.migrate` does the same."""
    source = unpack("0.2.8", tmp_path / "old")
    command = [sys.executable, "-m", "jobs.migrate", "--source", str(source), "--dry-run", "--json"]
    env = {**os.environ, "TRACKIO_DIR": str(tmp_path / "new")}
    done = subprocess.run(command, check=True, capture_output=True, env=env, timeout=120)
    assert 11 == len(json.loads(done.stdout)["runs"])
    assert not (tmp_path / "new").exists()


def test_a_folder_with_legacy_databases_says_how_to_migrate_until_that_is_done(
    tmp_path: Path,
) -> None:
    """One line with the command; none where there is nothing, and none any more afterwards."""
    assert hint(tmp_path, "x") is None
    source = unpack("0.2.8", tmp_path)
    line = hint(source, "/some where")
    assert line is not None
    assert f"trackio migrate --source {source} --dest '/some where'" in line
    migrate(source, Directory(source))
    assert hint(source, "x") is None
