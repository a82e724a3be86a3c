"""Shards: plain Parquet with metadata, and a clear error for whatever is not one."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import RUN_ID, WRITER_ID, call, calls, count_open_files, needs_proc

from trackio import rows, shard
from trackio.errors import FormatTooNew, UnreadableFile
from trackio.model import METRIC, RUN, Call, Json, SeqRange

SPAN = SeqRange(0, 9)
CALLS = [call(0, RUN, start=Json("{}")), *calls(1, 8), call(9, loss=None)]


@pytest.fixture(scope="module")
def good():
    return shard.encode(CALLS, RUN_ID, WRITER_ID, SPAN)


def _file(data):
    return pq.ParquetFile(pa.BufferReader(data))


def _rewritten(data, change=lambda table: table, **metadata):
    """The same file as another program might write it."""
    file = _file(data)
    said = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    table = change(file.read()).replace_schema_metadata({**said, **metadata})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_a_shard_from_bytes_and_from_disk_is_the_same(good, tmp_path):
    """A cache reads paths, a remote store gives bytes."""
    path = tmp_path / "a.parquet"
    path.write_bytes(good)
    assert shard.decode(good)[0] == shard.decode(path)[0]
    assert shard.decode(good)[1].equals(shard.decode(path)[1])


def test_the_metadata_says_range_rows_and_fingerprint(good):
    """As text, so that any Parquet tool shows it."""
    expected = rows.table_of([CALLS], RUN_ID, WRITER_ID)
    said = _file(good).metadata.metadata
    assert {
        b"trackio.format": b"1",
        b"trackio.first": b"0",
        b"trackio.last": b"9",
        b"trackio.rows": str(expected.num_rows).encode(),
        b"trackio.fingerprint": b"%016x" % rows.fingerprint(expected),
    } == {key: value for key, value in said.items() if key.startswith(b"trackio.")}


def test_any_parquet_reader_sees_the_schema_of_the_format(good):
    """Plain strings, doubles and UTC microseconds; nothing of Arrow's own."""
    found = pq.read_table(pa.BufferReader(good)).schema
    assert rows.SCHEMA.names == found.names
    assert rows.SCHEMA.types == found.types
    assert [field.nullable for field in rows.SCHEMA] == [field.nullable for field in found]


def test_what_is_no_series_has_row_groups_of_its_own(good):
    """A list of runs reads one small row group a file."""
    file = _file(good)
    kinds = [set(file.read_row_group(n)["kind"].to_pylist()) for n in range(file.num_row_groups)]
    assert [{RUN}, {METRIC}] == kinds


def test_large_shards_have_row_groups_of_limited_size():
    """So that a reader can skip, and a merge works in bounded memory."""
    said = [call(seq, **{f"m{n}": float(n) for n in range(10)}) for seq in range(10_000)]
    data = shard.encode(said, RUN_ID, WRITER_ID, SeqRange(0, 9_999))
    groups = [_file(data).metadata.row_group(n).num_rows for n in range(4)]
    assert [shard.ROW_GROUP_ROWS] * 3 + [100_000 - 3 * shard.ROW_GROUP_ROWS] == groups
    assert 100_000 == shard.decode(data)[0].rows


def test_strings_that_repeat_are_dictionaries_however_many_series_there_are():
    """A thousand metrics share one kind, one run and one writer."""
    said = [call(seq, **{f"m{n}": n / 7 for n in range(1000)}) for seq in range(9)]
    group = _file(shard.encode(said, RUN_ID, WRITER_ID, SeqRange(0, 8))).metadata.row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    sizes = {column.path_in_schema: column.total_uncompressed_size for column in columns}
    assert max(sizes[name] for name in ("run_id", "writer_id", "kind")) < 200


def test_a_shard_is_the_same_bytes_each_time(good):
    """Nothing of the moment gets into it."""
    assert {good} == {shard.encode(CALLS, RUN_ID, WRITER_ID, SPAN) for _ in range(5)}


def test_a_shard_without_rows_claims_its_seqs():
    """Calls without values, or that never returned, are covered all the same."""
    meta, table = shard.decode(shard.encode([], RUN_ID, WRITER_ID, SeqRange(3, 7)))
    assert (3, 7, 0, 0) == (meta.first, meta.last, meta.rows, meta.fingerprint)
    assert rows.SCHEMA.equals(table.schema)


def test_columns_of_a_later_version_are_ignored(good):
    """A minor version may add one."""
    more = _rewritten(
        good, lambda table: table.append_column("mood", pa.array(["fine"] * table.num_rows))
    )
    assert shard.decode(good)[1].equals(shard.decode(more)[1])


def test_a_newer_format_names_the_version_to_install(good):
    """Rather than guessing at what it says."""
    with pytest.raises(FormatTooNew, match=r"install trackio >= 2\.0"):
        shard.decode(_rewritten(good, **{"trackio.format": "2"}))


def _drop(name):
    return lambda table: table.drop_columns(name)


def _as_text(table):
    place = table.schema.get_field_index("value")
    return table.set_column(place, "value", table["value"].cast(pa.string()))


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        (lambda table: table.slice(1), {}),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), {}),
        (lambda table: table.take(pa.array([0] * table.num_rows)), {}),
        (_drop("text"), {}),
        (_drop("run_id"), {}),
        (_as_text, {}),
        (lambda table: table, {"trackio.rows": "1"}),
        (lambda table: table, {"trackio.fingerprint": "0"}),
        (lambda table: table, {"trackio.fingerprint": "no number"}),
        (lambda table: table, {"trackio.format": "one"}),
        (lambda table: table, {"trackio.last": ""}),
    ],
)
def test_other_rows_than_the_metadata_says_are_not_believed(good, change, metadata):
    """Neither more, nor fewer, nor others, nor of other types."""
    with pytest.raises(UnreadableFile):
        shard.decode(_rewritten(good, change, **metadata))


def test_metadata_that_is_no_text_is_unreadable(good):
    """A flipped bit may leave something that is no UTF-8."""
    with pytest.raises(UnreadableFile):
        shard.decode(good.replace(b"trackio.rows", b"trackio.ro\xffs"))


@pytest.mark.parametrize(
    "data",
    [b"", b"PAR1", b"PAR1PAR1", b"not parquet at all" * 100, b"\0" * 5000, b'{"seq":0}\n'],
)
def test_what_is_no_parquet_file_is_unreadable(data):
    """Whatever somebody put under the name of a shard."""
    with pytest.raises(UnreadableFile):
        shard.decode(data)


def test_somebody_elses_parquet_file_is_unreadable():
    """Good Parquet, but not ours."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), sink)
    with pytest.raises(UnreadableFile):
        shard.decode(sink.getvalue())


def test_a_file_that_is_missing_or_a_folder_is_unreadable(tmp_path):
    """Between the listing and the reading it may have gone."""
    for path in (tmp_path / "gone.parquet", tmp_path):
        with pytest.raises(UnreadableFile):
            shard.decode(path)


def test_a_shard_cut_short_anywhere_is_unreadable(good):
    """A torn write never passes for a shorter file."""
    for size in range(0, len(good), 7):
        with pytest.raises(UnreadableFile):
            shard.decode(good[:size])


@needs_proc
def test_an_open_file_is_let_go_once_it_is_read(good, tmp_path):
    """Thousands of shards are read in one process."""
    path = tmp_path / "a.parquet"
    path.write_bytes(good)
    before = count_open_files()
    for _ in range(50):
        shard.decode(path)
    assert before == count_open_files()


def test_rows_can_be_written_piece_by_piece():
    """As a merge does; the pieces follow each other in the order of a file."""
    whole = rows.table_of([CALLS], RUN_ID, WRITER_ID)
    sink = io.BytesIO()
    with shard.ShardWriter(sink, SPAN) as out:
        for _, piece in rows.cut_by_series(whole):
            out.write(piece)
        meta = out.close()
    found, table = shard.decode(sink.getvalue())
    assert meta == found
    assert whole.cast(rows.SCHEMA).equals(table)


def test_extreme_times_and_steps_are_kept():
    """Far past, far future, and steps of any sign."""
    said = [
        Call(0, 0, METRIC, -(2**62), False, {"x": 1.0}),
        Call(1, 253402300799999999, METRIC, 2**62, False, {"x": 2.0}),
        Call(2, 1, METRIC, 0, True, {"x": 3.0}),
    ]
    _, table = shard.decode(shard.encode(said, RUN_ID, WRITER_ID, SeqRange(0, 2)))
    assert [-(2**62), 2**62, 0] == table["step"].to_pylist()
    assert [0, 253402300799999999, 1] == table["time"].cast(pa.int64()).to_pylist()
