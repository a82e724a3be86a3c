"""Merging shards: all rows that count, in order, checked while they are read."""

import pytest
from making import RUN_ID, WRITER_ID, call, calls

from trackio import rows, shard
from trackio.errors import UnreadableFile
from trackio.merge import Source, Stopped, check, merge
from trackio.model import CONFIG, RUN, Json, SeqRange

START = call(0, RUN, start=Json("{}"))


def _source(said, first, last, take=None):
    span = SeqRange(first, last)
    data = shard.encode(said, RUN_ID, WRITER_ID, span)
    return Source(name=f"{first}-{last}", data=data, take=take or span)


def _merged(sources, span, folder):
    sink = folder / "merged.parquet"
    meta = merge(sources, span, sink)
    found, table = shard.decode(sink)
    assert meta == found
    return table


def _table(said):
    return rows.table_of([said], RUN_ID, WRITER_ID).cast(rows.SCHEMA)


def test_neighbours_become_one_file_in_the_order_of_a_file(tmp_path):
    """As if one shard had been written from the beginning."""
    parts = [[START, *calls(1, 3)], calls(4, 4), [call(5, CONFIG, lr=0.1), *calls(6, 9)]]
    sources = [_source(parts[0], 0, 3), _source(parts[1], 4, 4), _source(parts[2], 5, 9)]
    expected = _table([one for part in parts for one in part])
    for order in (sources, sources[::-1]):
        assert expected.equals(_merged(order, SeqRange(0, 9), tmp_path))


def test_of_files_that_overlap_only_what_counts_is_taken(tmp_path):
    """Each row once, as the cover says."""
    said = calls(0, 9)
    sources = [
        _source(said[:7], 0, 6),
        _source(said[4:], 4, 9, take=SeqRange(7, 9)),
    ]
    assert _table(said).equals(_merged(sources, SeqRange(0, 9), tmp_path))


def test_many_row_groups_are_merged_batch_by_batch(tmp_path):
    """Series that begin in one batch and end in another stay whole."""
    said = calls(0, 19_999)
    sources = [_source(said[:9_000], 0, 8_999), _source(said[9_000:], 9_000, 19_999)]
    assert _table(said).equals(_merged(sources, SeqRange(0, 19_999), tmp_path))


def test_files_without_rows_are_merged_too(tmp_path):
    """Their seqs are covered by the result."""
    sources = [_source([], 0, 3), _source(calls(4, 5), 4, 5), _source([], 6, 6)]
    assert _table(calls(4, 5)).equals(_merged(sources, SeqRange(0, 6), tmp_path))
    assert 0 == _merged([_source([], 0, 3)], SeqRange(0, 3), tmp_path).num_rows


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_source_that_cannot_be_read_stops_the_merge_and_is_named(tmp_path, place):
    """Nothing is made from a file that is not whole."""
    sources = [_source(calls(n * 5, n * 5 + 4), n * 5, n * 5 + 4) for n in range(3)]
    bad = sources[place]
    sources[place] = Source(name="the bad one", data=bad.data[:-9], take=bad.take)
    with pytest.raises(UnreadableFile, match="the bad one"):
        merge(sources, SeqRange(0, 14), tmp_path / "x")


def test_a_source_with_other_rows_than_it_promises_stops_the_merge(tmp_path):
    """Its fingerprint is compared after its last row, before the merge is done."""
    honest = shard.encode(calls(0, 4), RUN_ID, WRITER_ID, SeqRange(0, 4))
    at = honest.rindex(b"trackio.fingerprint") + 20
    place = next(n for n in range(at, len(honest)) if honest[n] in b"0123456789abcdef")
    liar = bytearray(honest)
    liar[place] = ord("0") if liar[place] != ord("0") else ord("1")
    source = Source(name="liar", data=bytes(liar), take=SeqRange(0, 4))
    with pytest.raises(UnreadableFile, match="liar: holds other rows"):
        merge([source], SeqRange(0, 4), tmp_path / "x")
    with pytest.raises(UnreadableFile, match="holds other rows"):
        check(bytes(liar))


def test_a_merge_can_be_stopped(tmp_path):
    """When somebody waits for the writer's thread."""
    with pytest.raises(Stopped):
        merge(
            [_source(calls(0, 4), 0, 4)], SeqRange(0, 4), tmp_path / "x", should_stop=lambda: True
        )


def test_a_check_reads_to_the_end_and_tells_what_the_file_holds(tmp_path):
    """From bytes and from disk."""
    data = shard.encode(calls(0, 4), RUN_ID, WRITER_ID, SeqRange(0, 4))
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    assert shard.decode(data)[0] == check(data) == check(path)
    with pytest.raises(UnreadableFile):
        check(data[:-1])
