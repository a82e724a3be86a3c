"""Laws of rows and shards: what was logged is what is read, by whichever way it went."""

import math
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackio import journal, merge, rows, shard
from trackio.columns import read_numbers
from trackio.errors import UnreadableFile
from trackio.model import CONFIG, METRIC, RUN, SYSTEM, Call, Json, RunId, SeqRange, WriterId
from trackio.values.plain import decode_data, encode_data

RUN_ID, WRITER_ID = RunId("r"), WriterId("0" * 24)
EXACT = 2**53 - 1

FINITE = st.floats(allow_nan=False, allow_infinity=False)
EDGES = st.sampled_from(
    [-0.0, 0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e308, -1.7976931348623157e308, 0.1]
)
PLAIN = st.one_of(FINITE, EDGES, st.integers(-EXACT, EXACT))
KEYS = st.one_of(
    st.sampled_from(
        ["loss", "a/b", "null", "{", "}", "[", '"', "\\", '\\"', "\0", "é", ',"kind":"metric",']
    ),
    st.text(max_size=8),
)
ANY = st.one_of(
    PLAIN,
    st.floats(),
    st.integers(-(10**40), 10**40),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
    st.builds(Json, st.sampled_from(["[1]", '{"a":null}', "{}"])),
)
METRICS = st.just(METRIC)
KINDS = st.sampled_from([METRIC, METRIC, METRIC, SYSTEM, CONFIG, RUN, "unknown-kind"])


@st.composite
def histories(draw, values, kinds=METRICS) -> list[Call]:
    """The calls of one writer, in order; some seqs are missing."""
    calls, seq = [], 0
    for data in draw(st.lists(st.dictionaries(KEYS, values, max_size=4), max_size=12)):
        seq += draw(st.sampled_from([1, 1, 1, 2]))
        kind = draw(kinds)
        step = draw(st.integers(-(2**62), 2**62)) if kind == METRIC else None
        auto = kind == METRIC and draw(st.booleans())
        calls.append(Call(seq, 10**15 + seq, kind, step, auto, data))
    return calls


def _warn(key, problem):
    raise AssertionError(f"{key!r} {problem}")


def _line(call: Call) -> bytes:
    data = encode_data(call.data, _warn)
    if call.kind == METRIC:
        auto = b"true" if call.auto else b"false"
        return journal.encode_log(call.seq, call.time_us, call.step, auto, data)
    return journal.encode_call(call.seq, call.time_us, call.kind, call.step, data)


def _slowly(lines: list[bytes]) -> pa.Table:
    return rows.table_of([journal.decode_calls(lines)], RUN_ID, WRITER_ID)


def _same(one: pa.Table, other: pa.Table) -> bool:
    """Equal rows in equal order; NaN equals NaN, and zeros have a sign."""
    one, other = one.cast(rows.SCHEMA), other.cast(rows.SCHEMA)
    bits = [
        np.where(np.isnan(v), math.nan, v).view(np.uint64)
        for v in (t.column("value").fill_null(0.5).to_numpy() for t in (one, other))
    ]
    rest = [name for name in rows.SCHEMA.names if name != "value"]
    return (
        one.select(rest).equals(other.select(rest))
        and one["value"].is_null().equals(other["value"].is_null())
        and np.array_equal(*bits)
    )


def _read(data):
    """Data as a line gives it back: None is JSON text by then."""
    return {key: Json("null") if value is None else value for key, value in data.items()}


@given(histories(PLAIN))
def test_the_shortcut_and_the_way_call_by_call_give_equal_rows(calls):
    """Numbers parsed by Arrow are bit for bit those that orjson reads."""
    lines = [_line(call) for call in calls]
    numbers = read_numbers(b"".join(lines), max(map(len, lines), default=0)) if lines else None
    if numbers is None:
        assert not lines
        return
    fast = rows.Rows(RUN_ID, WRITER_ID)
    fast.add_numbers(numbers)
    slow = _slowly(lines)
    assert _same(slow, fast.table())
    assert rows.fingerprint(slow) == rows.fingerprint(fast.table())


@given(histories(ANY))
def test_the_shortcut_is_taken_only_where_it_loses_nothing(calls):
    """For any values at all it either steps aside or gives equal rows."""
    lines = [_line(call) for call in calls]
    numbers = read_numbers(b"".join(lines), max(map(len, lines))) if lines else None
    if numbers is not None:
        fast = rows.Rows(RUN_ID, WRITER_ID)
        fast.add_numbers(numbers)
        assert _same(_slowly(lines), fast.table())


@given(histories(ANY, KINDS))
def test_a_journal_gives_back_the_calls(calls):
    """Non-finite numbers and integers of any size survive; NaN is compared as text."""
    found = journal.decode_calls([_line(call) for call in calls])
    assert repr([call._replace(data=_read(call.data)) for call in calls]) == repr(found)


@given(histories(ANY, KINDS))
def test_a_shard_decodes_to_what_was_encoded(calls):
    """Every row, in order, with the range, count and fingerprint of its metadata."""
    span = SeqRange(0, calls[-1].seq if calls else 0)
    meta, table = shard.decode(shard.encode(calls, RUN_ID, WRITER_ID, span))
    expected = rows.table_of([calls], RUN_ID, WRITER_ID)
    assert _same(expected, table)
    assert (*span, expected.num_rows) == (meta.first, meta.last, meta.rows)
    assert rows.fingerprint(expected) == meta.fingerprint


@given(histories(ANY, KINDS))
def test_no_two_rows_of_a_shard_share_seq_kind_and_key(calls):
    """`(run_id, writer_id, seq, kind, key)` is unique."""
    table = rows.table_of([calls], RUN_ID, WRITER_ID)
    names = zip(*(table[name].to_pylist() for name in ("seq", "kind", "key")), strict=True)
    found = list(names)
    assert len(set(found)) == len(found)
    assert sum(len(call.data) for call in calls) == len(found)


@given(histories(ANY, KINDS), st.data())
def test_merging_any_cut_of_a_history_gives_the_history(calls, data):
    """Wherever it was cut into shards, and however they overlap, each row is there once."""
    last = calls[-1].seq if calls else 0
    cuts = sorted(data.draw(st.sets(st.integers(1, last or 1), max_size=4)))
    bounds = [0, *(cut for cut in cuts if cut <= last), last + 1]
    sources = []
    for first, end in pairwise(bounds):
        reach = data.draw(st.integers(0, 3))  # the file holds more than is taken from it
        span = SeqRange(max(0, first - reach), end - 1)
        held = [call for call in calls if span.first <= call.seq <= span.last]
        part = shard.encode(held, RUN_ID, WRITER_ID, span)
        sources.append(merge.Source(name="s", data=part, take=SeqRange(first, end - 1)))
    data.draw(st.randoms(use_true_random=False)).shuffle(sources)
    merged = _merge(sources, SeqRange(0, last))
    assert _same(rows.table_of([calls], RUN_ID, WRITER_ID), merged)


def _merge(sources, span) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        sink = Path(folder, "merged.parquet")
        merge.merge(sources, span, sink)
        return shard.decode(sink.read_bytes())[1]


@given(histories(ANY, KINDS), st.data())
def test_a_shard_with_one_bit_flipped_is_unreadable_or_tells_the_same(calls, data):
    """No damage makes other rows of it, and none makes another error than ours."""
    good = shard.encode(calls, RUN_ID, WRITER_ID, SeqRange(0, 99))
    damaged = bytearray(good)
    damaged[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        _, table = shard.decode(bytes(damaged))
    except (UnreadableFile, shard.FormatTooNew):
        return
    assert _same(shard.decode(good)[1], table)


@given(histories(ANY, KINDS), st.data())
def test_a_shard_that_is_cut_short_is_unreadable(calls, data):
    """Wherever it was torn."""
    good = shard.encode(calls, RUN_ID, WRITER_ID, SeqRange(0, 99))
    with pytest.raises(UnreadableFile):
        shard.decode(good[: data.draw(st.integers(0, len(good) - 1))])


@given(st.dictionaries(KEYS, ANY, max_size=6))
def test_data_comes_back_from_a_line_as_it_was(data):
    """`decode_data(encode_data(x)) == x`, NaN included."""
    found = decode_data(orjson.loads(encode_data(data, _warn)))
    assert repr(_read(data)) == repr(found)
    assert list(map(type, _read(data).values())) == list(map(type, found.values()))
