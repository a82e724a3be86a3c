"""Long series, section by section: where they are told apart, and files that cannot be read."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trackio.query.buckets import read_buckets
from trackio.query.digests import LongPolicy
from trackio.query.lines import lines_of_runs
from trackio.query.longs import find_long
from trackio.query.project import Project
from trackio.query.sections import Index, Name
from trackio.store.base import Store
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import HandWriter

POLICY = LongPolicy(large_rows=30, long_rows=16, indexed_rows=0, fine_buckets=4)


def logged(store: Store, points: int = 60) -> HandWriter:
    """A run with two metrics, of which nothing is put yet."""
    writer = HandWriter(store, "p", "run")
    for i in range(points):
        writer.log({"a": float(i), "b": -float(i)})
    return writer


def put_grouped(writer: HandWriter, rows: int, first: int = 0, last: int | None = None) -> str:
    """Put a shard in row groups of so many rows."""
    key = writer.put(first, last)
    file = pq.ParquetFile(pa.BufferReader(writer.store.get(key)))
    sink = io.BytesIO()
    pq.write_table(file.read(), sink, row_group_size=rows)
    writer.store.put({key: sink.getvalue()})
    return key


def found(store: Store, **asked: float) -> list[tuple[int, float, float]]:
    """Where the buckets of `a` are, and their extremes."""
    view = Project(store, "p", long_policy=POLICY, held_file_rows=0).view()
    (bucketed,) = read_buckets(view, ["run"], ["a"], width=16, **asked)
    columns = (bucketed.index, bucketed.min, bucketed.max)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_series_is_found_in_groups_of_its_own_and_in_those_it_shares(tmp_path: Path):
    """By seq, whole, and none of the neighbour's rows."""
    writer = logged(Directory(tmp_path))
    key = put_grouped(writer, 8)
    index = Index.of([str(tmp_path / key)])
    for metric in "ab":
        name = Name("metric", metric, "run", writer.writer_id)
        sections = index.find(name)
        seqs = [seq for s in sections for seq in range(s.seqs[0], s.seqs[1] + 1)]
        assert list(range(1, 61)) == seqs
        assert all(section.is_plain for section in sections)
        assert len(index.own[name]) < len(sections)
    assert [] == index.find(Name("metric", "c", "run", writer.writer_id))
    assert [] == index.find(Name("system", "a", "run", writer.writer_id))


@pytest.mark.parametrize(("points", "is_long"), [(10, False), (60, True)])
def test_a_run_is_long_by_what_its_large_files_hold(points: int, is_long: bool):
    """Whatever small ones hold is as soon read."""
    writer = logged(MemoryStore(), points)
    put_grouped(writer, 8)
    view = Project(writer.store, "p", long_policy=POLICY).view()
    run_ids = find_long(view, lines_of_runs(view, ["run"]), ["a"], "metric")
    assert is_long == ("run" in run_ids)


def test_a_window_keeps_what_lies_inside_to_the_point():
    """At both ends only some rows of a section count."""
    writer = logged(MemoryStore())
    put_grouped(writer, 8)
    assert [(0, 13.0, 15.0), (1, 16.0, 31.0), (2, 32.0, 33.0)] == found(writer.store, lo=13, hi=33)


@pytest.mark.parametrize("where", ["local", "remote"])
def test_a_damaged_file_is_taken_out_and_the_files_under_it_serve(tmp_path: Path, where: str):
    """Damage in the middle shows only when those rows are read."""
    store = Directory(tmp_path) if where == "local" else MemoryStore()
    writer = logged(store)
    for first, last in ((0, 30), (31, 60)):
        put_grouped(writer, 8, first, last)
    expected = found(store)
    wide = put_grouped(writer, 8)
    data = bytearray(store.get(wide))
    places = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata
    value = places.row_group(4).column(places.num_columns - 2)
    for place in range(value.data_page_offset, value.data_page_offset + 60):
        data[place] ^= 0xFF
    store.put({wide: bytes(data)})
    view = Project(store, "p", long_policy=POLICY, held_file_rows=0).view()
    (bucketed,) = read_buckets(view, ["run"], ["a"], width=16)
    assert [index for index, _, _ in expected] == bucketed.index.tolist()
    assert [low for _, low, _ in expected] == bucketed.min.tolist()
    assert [wide] == list(view.unreadable)


def test_a_file_that_vanished_makes_the_view_list_again(tmp_path: Path):
    """Its rows are elsewhere by then."""
    writer = logged(Directory(tmp_path))
    parts = [put_grouped(writer, 8, first, last) for first, last in ((0, 30), (31, 60))]
    expected = found(writer.store)
    view = Project(writer.store, "p", long_policy=POLICY, held_file_rows=0).view()
    assert read_buckets(view, ["run"], ["a"], width=16)
    put_grouped(writer, 8)
    writer.store.delete(parts)
    (bucketed,) = read_buckets(view, ["run"], ["a"], width=16, lo=1)
    assert expected[-1][2] == bucketed.max[-1]
    assert 1.0 == bucketed.min[0]
