"""A user's SELECT sees the views, and can do nothing else."""

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trackio.errors import InvalidInput, LimitExceeded
from trackio.query.project import Project
from trackio.query.sandbox import parse_size, run_sql
from trackio.query.view import View
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import START_S, HandWriter


@pytest.fixture(params=[0, 4096], ids=["from files", "held"])
def view(request: pytest.FixtureRequest, tmp_path: Path) -> View:
    """Two runs; the first was resumed, and abandoned what it had logged from step 5 on."""
    store = Directory(tmp_path / "store")
    first = HandWriter(store, "p", "one")
    first.configure(lr=0.1, name="adam", layers=2**70)
    first.put_meta("calm-heron", group="g", tags=("a",))
    for step in range(10):
        first.log({"loss": 10.0 + step, "word": "text"}, step=step)
    first.log_system({"cpu": 0.5})
    first.alert("it burns", "somewhere", "error")
    first.put(0, 8)
    first.put(5)
    second = HandWriter(store, "p", "one", start_s=START_S + 100, resumed_from=[first])
    second.log({"loss": 99.0}, step=5)
    second.finish()
    second.put()
    other = HandWriter(store, "p", "two", start_s=START_S + 200)
    other.log({"loss": 7.0})
    other.put()
    return Project(store, "p", held_file_rows=request.param).view()


def asked(view: View, sql: str, **limits: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in run_sql(view, sql, **limits).to_pylist()]


def test_metrics_are_the_visible_points(view: View):
    """After the cover and after the attempts, as on a chart."""
    sql = "SELECT run, step, value FROM metrics WHERE key = 'loss' ORDER BY run_id, step"
    expected = [("calm-heron", step, 10.0 + step) for step in range(5)]
    assert [*expected, ("calm-heron", 5, 99.0), ("two", 0, 7.0)] == asked(view, sql)
    assert [('"text"', None, 10)] == asked(
        view, "SELECT text, value, count(*) FROM metrics WHERE key = 'word' GROUP BY ALL"
    )


def test_system_metrics_have_times_and_no_steps(view: View):
    """They stand in a view of their own."""
    (row,) = asked(view, "SELECT run_id, label, time, key, value FROM system_metrics")
    moment = datetime.fromtimestamp(START_S + 12, UTC)
    assert ("one", "", moment, "cpu", 0.5) == row


def test_configs_and_alerts_are_tables(view: View):
    """A value is a number or a text."""
    configs = asked(view, "SELECT key, value, text FROM configs ORDER BY key")
    assert [("layers", float(2**70), None), ("lr", 0.1, None), ("name", None, "adam")] == configs
    alerts = asked(view, "SELECT run, step, level, title, text FROM alerts")
    assert [("calm-heron", None, "error", "it burns", "somewhere")] == alerts


def test_runs_have_a_line_each(view: View):
    """With the config and the last values as maps."""
    sql = """
        SELECT run_id, name, "group", tags, status, writers, resumed, last_step, host,
            config['name'], config['lr']::DOUBLE, summary['loss'], created
        FROM runs ORDER BY run_id LIMIT 1
    """
    (row,) = asked(view, sql)
    assert ("one", "calm-heron", "g", ["a"], "finished", 2, True, 9, "laptop") == row[:9]
    assert ("adam", 0.1, 99.0, datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)) == row[9:]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM metrics",
        "VALUES (1), (2)",
        "TABLE runs",
        "WITH best AS (SELECT min(value) FROM metrics) SELECT * FROM best",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) FROM t",
        "(SELECT 1) UNION SELECT 2",
        "SELECT (SELECT count(*) FROM metrics), list_sum([1, 2]) -- a comment",
        "SELECT unnest([1, 2]), range FROM range(3)",
        "DESCRIBE metrics",
        "SUMMARIZE metrics",
        "SELECT run, avg(value) OVER (PARTITION BY run) FROM metrics QUALIFY true;",
        "SELECT 'COPY metrics TO x; DROP TABLE runs' AS \"insert\"",
        "FROM metrics PIVOT (avg(value) FOR key IN ('loss'))",
    ],
)
def test_a_select_may_be_written_in_any_way(view: View, sql: str):
    """It is the syntax tree that is looked at, not the text."""
    run_sql(view, sql)


ATTACKS = [
    "DROP VIEW metrics",
    "CREATE TABLE t AS SELECT 1",
    "INSERT INTO runs SELECT * FROM runs",
    "DELETE FROM runs",
    "UPDATE runs SET name = 'x'",
    "COPY metrics TO '{new}'",
    "COPY metrics TO '{shard}' (USE_TMP_FILE false)",
    "EXPORT DATABASE '{folder}'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{new}' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '100GB'",
    "SET allowed_paths = ['/']",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "EXPLAIN ANALYZE SELECT 1",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "USE temp",
    "PREPARE q AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "CREATE SECRET s (TYPE s3)",
    "SELECT 1; DROP VIEW metrics",
    "SELECT 1; SELECT 2",
    "",
    "-- nothing",
    "SELEC 1",
    "SELECT * FROM nowhere",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv_auto('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_parquet('{shard}')",
    "SELECT * FROM parquet_metadata('{shard}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM 'http://localhost/x.parquet'",
    "SELECT * FROM read_csv('https://localhost/x.csv')",
    "SELECT getenv('HOME')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query('WITH x AS (COPY (SELECT 1) TO ''{new}'') SELECT 1')",
    "SELECT * FROM query_table('runs')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM python_scan_all_frames",
    "SELECT * FROM view",
    "SELECT * FROM ATTACKS",
    "WITH x AS (COPY (SELECT 1 AS a) TO '{new}') SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1 AS a) TO '{shard}' (USE_TMP_FILE false)) SELECT * FROM x",
    "WITH x AS (INSERT INTO runs SELECT * FROM runs RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM runs RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE runs SET name = 'x' RETURNING *) SELECT * FROM x",
    "SELECT * FROM (WITH x AS (COPY (SELECT 1) TO '{new}') SELECT * FROM x)",
    "SELECT (WITH x AS (DELETE FROM runs RETURNING *) SELECT count(*) FROM x)",
    "FROM metrics WHERE value IN (FROM read_text('{secret}'))",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_everything_else_is_refused_and_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, attack: str
):
    """One clear error; no file is read, written or made, and the next query works."""
    folder = tmp_path_factory.mktemp("attacked")
    secret = folder / "secret.csv"
    secret.write_text("password\nsesame\n")
    store = Directory(folder / "store")
    writer = HandWriter(store, "p", "run")
    for i in range(10):
        writer.log({"x": float(i)})
    shard = store.path(writer.put())
    view = Project(store, "p", held_file_rows=0).view()
    before = fingerprints(folder)
    sql = attack.format(new=folder / "new", shard=shard, folder=folder, secret=secret)
    with pytest.raises(InvalidInput) as caught:
        run_sql(view, sql)
    assert "sesame" not in str(caught.value)
    assert before == fingerprints(folder)
    assert [(10,)] == asked(view, "SELECT count(*) FROM metrics")


def fingerprints(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_refusal_tells_what_is_allowed(view: View):
    """A program that reads it can do better next time."""
    with pytest.raises(InvalidInput, match=r"read_text is refused.*metrics, system_metrics"):
        run_sql(view, "FROM read_text('x')")
    with pytest.raises(InvalidInput, match="DROP is refused"):
        run_sql(view, "DROP VIEW metrics")
    with pytest.raises(InvalidInput, match="2 statements, not one"):
        run_sql(view, "SELECT 1; SELECT 2")
    with pytest.raises(InvalidInput, match="nowhere"):
        run_sql(view, "FROM nowhere")


def test_a_query_that_never_ends_is_stopped(view: View):
    """A cross join of a cross join, and no thread stays behind."""
    threads = threading.active_count()
    with pytest.raises(LimitExceeded, match=r"stopped after 0\.2 s"):
        run_sql(
            view,
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range < b.range",
            max_seconds=0.2,
        )
    assert threads == threading.active_count()


def test_a_query_that_needs_too_much_memory_is_stopped(view: View):
    """It may not spill to disk either."""
    with pytest.raises(LimitExceeded, match="more than 50MB of memory"):
        run_sql(view, "SELECT list(range) FROM range(50000000)", max_memory="50MB")


def test_an_answer_that_is_too_large_is_an_error_and_not_a_part(view: View):
    """Unless a part was asked for."""
    with pytest.raises(LimitExceeded, match="LIMIT"):
        run_sql(view, "FROM range(10000000)", max_memory="10MB")
    assert 7 == len(asked(view, "FROM range(10000000)", max_memory="10MB", max_rows=7))
    assert 3 == len(asked(view, "FROM range(3)", max_rows=7))


@pytest.mark.parametrize(
    ("text", "size"), [("1GB", 10**9), ("1.5 MiB", 3 << 19), ("64kb", 64_000), ("7", 7)]
)
def test_a_size_is_read_as_people_write_it(text: str, size: int):
    """With and without a space, in either case."""
    assert size == parse_size(text)


def test_a_size_that_is_none_is_refused():
    """With an example of one that is."""
    with pytest.raises(InvalidInput, match="512MB"):
        parse_size("plenty")


def test_a_project_without_rows_can_be_asked():
    """All its views are there, and empty."""
    store = MemoryStore()
    HandWriter(store, "p", "run").put_meta("new")
    view = Project(store, "p").view()
    for sql in ("FROM metrics", "FROM system_metrics", "FROM configs", "FROM alerts"):
        assert [] == asked(view, sql)
    assert [("new",)] == asked(view, "SELECT name FROM runs")
