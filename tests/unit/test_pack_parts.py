"""The parts of compaction: streams are woven, blocks are sorted, rows are counted and summed up."""

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackio import overview, rows, shard
from trackio.errors import InvalidInput, StoreRefused, UnreadableFile
from trackio.ledger import Ledger, blocks_of, check_same
from trackio.model import METRIC, Call, RunId, SeqRange, WriterId
from trackio.pack import PackMeta, PackWriter, Stretch, open_parquet, read_meta
from trackio.store.memory import MemoryStore
from trackio.upkeep.compact.gather import gather, sort_blocks
from trackio.upkeep.compact.weave import weave
from trackio.upkeep.durations import parse_duration
from trackio.upkeep.schedule import Duty, run_every, run_once
from trackio.upkeep.stopping import Stopped, Stopping

PARTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=8
)


def _tables(parts):
    """Shards of some writers: one after the other, no seq twice."""
    nexts = {}
    tables = []
    for run, writer, count in parts:
        first = nexts.get((run, writer), 0)
        nexts[run, writer] = first + count + 1  # a call of its own is missing in between
        calls = [
            Call(first + i, (first + i) * 10, "metric" if i % 3 else "config", i, True, _data(i))
            for i in range(count)
        ]
        ids = RunId(f"run-{run}"), WriterId(f"{writer:024x}")
        tables.append(rows.table_of([calls], *ids))
    return tables


def _data(i):
    return {"a": float(i), **({"ünï": 1.0} if i % 2 else {})}


def _listed(table):
    return table.cast(rows.SCHEMA).to_pylist()


@given(parts=PARTS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_sorting_blocks_is_sorting_rows(parts):
    """Only faster."""
    tables = _tables(parts)
    expected = rows.sort(pa.concat_tables([table.cast(rows.SCHEMA) for table in tables]))
    assert _listed(expected) == _listed(sort_blocks(tables))


@given(parts=PARTS, cuts=st.integers(1, 4), batch=st.integers(1, 5))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_weaving_sorted_streams_is_sorting_all_of_their_rows(parts, cuts, batch):
    """Whoever's rows stand between whose, in batches of any size."""
    tables = _tables(parts)
    expected = rows.sort(pa.concat_tables([table.cast(rows.SCHEMA) for table in tables]))
    streams = [sort_blocks(tables[n::cuts]) for n in range(cuts) if tables[n::cuts]]
    woven = list(weave(_batches(stream, batch) for stream in streams))
    assert _listed(expected) == [row for table in woven for row in _listed(table)]


def _batches(table, size):
    for start in range(0, table.num_rows, size):
        yield table.slice(start, size)


def test_what_is_too_much_for_memory_is_spilled_and_read_back(tmp_path):
    """In sorted files of a few rows each, which are gone once they were read."""
    tables = _tables([(0, 0, 5), (0, 1, 5), (1, 0, 5)])
    spills = gather(iter(tables), tmp_path, limit_rows=6)
    assert 3 == len(spills)
    woven = pa.concat_tables(list(weave(spill.tables() for spill in spills)))
    assert _listed(sort_blocks(tables)) == _listed(woven.unify_dictionaries())
    assert [] == list(tmp_path.iterdir())


def _stretch(run, writer, first, last):
    return Stretch(
        run_id=RunId(f"run-{run}"),
        writer_id=WriterId(f"{writer:024x}"),
        first=first,
        last=last,
        rows=0,
        fingerprint=0,
    )


def test_a_ledger_counts_each_stretch_and_gives_only_its_rows():
    """The fingerprints are those of the rows by themselves."""
    table = sort_blocks(_tables([(0, 0, 6), (0, 1, 6)]))
    ledger = Ledger([_stretch(0, 0, 2, 4), _stretch(0, 1, 0, 5)])
    kept = ledger.add(table)
    mine = _only(table, 0, 2, 4), _only(table, 1, 0, 5)
    assert [m.num_rows for m in mine] == [s.rows for s in ledger.stretches()]
    assert [rows.fingerprint(m) for m in mine] == [s.fingerprint for s in ledger.stretches()]
    assert kept.num_rows == sum(m.num_rows for m in mine)
    assert (table.num_rows, rows.fingerprint(table)) == (ledger.all_rows, ledger.fingerprint)
    with pytest.raises(UnreadableFile, match="other rows"):
        check_same([_stretch(0, 0, 2, 4)], ledger.stretches(), "it")
    with pytest.raises(UnreadableFile, match="no rows"):
        check_same([*ledger.stretches(), _stretch(7, 7, 0, 1)], ledger.stretches(), "it")


def _only(table, writer, first, last):
    names = table.column("writer_id").to_pylist()
    mask = pa.array([name == f"{writer:024x}" for name in names])
    return rows.only(table.filter(mask), first, last)


def test_blocks_are_cut_where_the_series_or_its_writer_changes():
    """And cover all rows."""
    table = sort_blocks(_tables([(0, 0, 4), (1, 0, 4)]))
    blocks = blocks_of(table)
    assert [0, *(b.end for b in blocks)] == [*(b.start for b in blocks), table.num_rows]
    assert len({b.name for b in blocks}) == len(blocks)
    assert [] == blocks_of(table.slice(0, 0))


def test_a_pack_is_a_shard_to_whoever_reads_rows(tmp_path):
    """What is no series has row groups of its own, and each group only the names it needs."""
    table = sort_blocks(_tables([(0, n, 40) for n in range(4)]))
    ledger = Ledger([_stretch(0, n, 0, 39) for n in range(4)])
    ledger.add(table)
    meta = PackMeta(stretches=ledger.stretches())
    path = tmp_path / "pack.parquet"
    with PackWriter(path, row_group_rows=16) as out:
        for part in _batches(table, 7):
            out.write(part)
        out.close(meta)
    told, found = shard.decode(path)
    assert _listed(table) == found.to_pylist()
    assert meta.as_shard == told
    file = open_parquet(path)
    assert meta == read_meta(file)
    kinds = [file.read_row_group(n, columns=["kind"]) for n in range(file.num_row_groups)]
    assert all(
        len({row["kind"] for row in group.to_pylist()} & {METRIC, "config"}) == 1 for group in kinds
    )
    with pytest.raises(UnreadableFile, match="not a pack"):
        read_meta(_shard_file(tmp_path, table))


def _shard_file(folder, table):
    path = Path(folder) / "shard.parquet"
    path.write_bytes(shard.encode_table(table, SeqRange(0, 39)))
    return open_parquet(path)


@pytest.mark.parametrize("batch", [13, 300, 10_000])
def test_an_overview_sums_up_each_stretch_whatever_batches_its_rows_come_in(tmp_path, batch):
    """A series may begin in one batch and end in another; a short one has no buckets."""
    table = sort_blocks(_tables([(0, 0, 2000), (0, 1, 1900)]))
    ledger = Ledger([_stretch(0, 0, 0, 1999), _stretch(0, 1, 0, 99), _stretch(0, 1, 100, 1899)])
    ledger.add(table)
    path = tmp_path / "overview.parquet"
    meta = PackMeta(stretches=ledger.stretches())
    with overview.OverviewWriter(path, meta) as out:
        for part in _batches(table, batch):
            out.add(part)
        out.close()
    file = open_parquet(path)
    assert meta == read_meta(file)
    for row in file.read().to_pylist():
        writer = int(row["writer_id"], 16)
        mine = _only(table, writer, row["first"], row["last"]).cast(rows.SCHEMA).to_pylist()
        values = [r["value"] for r in mine if r["kind"] == METRIC and r["key"] == row["key"]]
        assert (len(values), sum(values)) == (row["points"], row["sum"])
        assert (min(values), max(values), values[-1]) == (row["min"], row["max"], row["last_value"])
        if len(values) < overview.MIN_POINTS:
            assert (overview.NO_BUCKETS, []) == (row["shift"], row["bucket"])
            continue
        assert len(values) == sum(row["bucket_finite"]) + sum(row["bucket_nonfinite"])
        weighted = np.dot(row["bucket_mean"], row["bucket_finite"])
        assert weighted == pytest.approx(sum(values))


def test_durations_are_read_as_people_write_them():
    """And nothing else."""
    asked = ["90", "90s", "5m", "1.5h", " 2 d "]
    assert [90.0, 90.0, 300.0, 5400.0, 172_800.0] == list(map(parse_duration, asked))
    for text in ("", "soon", "-5m", "5 minutes", "1e3"):
        with pytest.raises(InvalidInput, match="write it like"):
            parse_duration(text)


def test_a_job_that_fails_keeps_no_other_from_its_turn(caplog):
    """Each is logged, with what went wrong."""
    caplog.set_level("INFO")
    done = []

    def fail():
        yield StoreRefused("no room for p")
        raise StoreRefused("no permission")

    def work():
        done.append(1)
        yield "all well"

    duties = [Duty(name="bad", do=fail), Duty(name="good", do=work)]
    assert run_once(duties, threading.Event()) is False
    assert [1] == done
    said = [record.getMessage().split(" (")[0] for record in caplog.records]
    assert ["bad: no room for p", "bad: failed: no permission", "good: all well"] == said
    assert run_once(duties[1:], threading.Event()) is True


def test_a_scheduler_does_its_duties_at_once_and_ends_when_it_is_told():
    """Between two jobs."""
    stop = threading.Event()
    turns = []

    def work():
        turns.append(1)
        if len(turns) == 2:
            stop.set()
        yield "done"

    run_every([Duty(name="one", do=work), Duty(name="two", do=work)], 3600.0, stop)
    assert 2 == len(turns)


def test_a_store_that_is_to_stop_begins_nothing():
    """Neither reading nor writing."""
    stop = threading.Event()
    store = Stopping(MemoryStore(), stop)
    store.put({"a": b"1"})
    assert b"1" == store.get("a")
    stop.set()
    steps = (
        lambda: store.put({"b": b""}),
        lambda: store.get("a"),
        lambda: store.delete(["a"]),
        lambda: list(store.list()),
    )
    for step in steps:
        with pytest.raises(Stopped):
            step()
