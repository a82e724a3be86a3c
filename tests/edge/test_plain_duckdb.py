"""A store can be read with DuckDB and `docs/format.md` alone."""

import re
from pathlib import Path

import duckdb
import pytest

from trackio.model import RunId
from trackio.query.project import Project
from trackio.query.sandbox import run_sql
from trackio.store.directory import Directory
from trackio.testing.handmade import HandWriter, put_pack
from trackio.upkeep import delete
from trackio.upkeep.compact.job import Job, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects

FORMAT = Path(__file__).parents[2] / "docs" / "format.md"
SETUP = re.findall(r"```sql\n(SET VARIABLE.*?)```", FORMAT.read_text(), re.DOTALL)
SUMS = """
    SELECT run_id, key, count(*), sum(value) FILTER (WHERE isfinite(value)), max(seq)
    FROM {rows} GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture
def store(tmp_path):
    """One run in shards, one half in a pack beside its shards, one deleted, one packed for real."""
    store = Directory(tmp_path / "store")
    writers = [HandWriter(store, "p", f"{number:024x}") for number in range(4)]
    for number, writer in enumerate(writers):
        for step in range(40):
            writer.log({"loss": float("nan") if step == 7 else step + number, "ok": True})
        writer.put_meta(f"run {number}")
    live, half, deleted, packed = writers
    live.put(0, 19)
    live.put(20, 40)
    for first in range(0, 40, 10):
        half.put(first, first + 9)
    half.put(0, 19)
    half.put(40, 40)
    put_pack("a" * 24, [(half, 0, 29)])
    deleted.put()
    delete.apply(delete.plan(store, "p", RunId(deleted.run_id)), store)
    deleted.put(0, 10)  # what a stalled writer puts afterwards stays hidden
    packed.finish()
    packed.put()
    return store


def test_a_live_half_compacted_store_is_read_by_the_statements_of_the_document(store):
    """Each row once, nothing of what was deleted: as the query layer counts."""
    assert 1 == len(SETUP)
    folder = store.path("p").as_posix()
    view = Project(store, "p").view()
    ours = run_sql(view, SUMS.format(rows="metrics"))
    with duckdb.connect() as db:
        db.execute(SETUP[0].replace("PROJECT", folder))
        wanted = "(FROM rows WHERE kind = 'metric')"
        theirs = db.sql(SUMS.format(rows=wanted)).to_arrow_table()
    assert ours.to_pylist() == theirs.to_pylist()
    assert 3 * 2 == ours.num_rows


def test_it_says_the_same_after_a_real_compaction(store):
    """Packs, their overviews and pointers come; the rows stay."""
    before = _read(store)
    policy = CompactPolicy(settle_s=0.0)
    Job(store=store, policy=policy, grace_s=0.0).run("p", run_here(store, Effects()))
    assert list(Path(store.path("p/packs")).glob("*.parquet"))
    assert before == _read(store)


def _read(store):
    with duckdb.connect() as db:
        db.execute(SETUP[0].replace("PROJECT", store.path("p").as_posix()))
        return repr(db.sql("SELECT * FROM rows ORDER BY ALL").fetchall())  # NaN is no equal
