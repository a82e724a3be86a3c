"""How calls become rows: what stands in which column, in which order, with which fingerprint."""

import math

import numpy as np
import pyarrow as pa
import pytest
from making import RUN_ID, WRITER_ID, call, calls

from trackio import rows
from trackio.model import ALERT, CONFIG, METRIC, RUN, SYSTEM, Call, Json


def _table(said):
    return rows.table_of([said], RUN_ID, WRITER_ID).cast(rows.SCHEMA)


def _cells(value):
    """The value and text columns of one row."""
    (row,) = _table([call(0, x=value)]).select(["value", "text"]).to_pylist()
    return row["value"], row["text"]


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        (1.5, (1.5, None)),
        (-0.0, (-0.0, None)),
        (5e-324, (5e-324, None)),
        (1e308, (1e308, None)),
        (math.inf, (math.inf, None)),
        (-math.inf, (-math.inf, None)),
        (0, (0.0, None)),
        (-(2**53) + 1, (-(2.0**53) + 1, None)),
        (2**53 - 1, (2.0**53 - 1, None)),
        (2**53, (2.0**53, "9007199254740992")),
        (2**53 + 1, (2.0**53, "9007199254740993")),
        (-(2**53), (-(2.0**53), "-9007199254740992")),
        (2**63, (2.0**63, "9223372036854775808")),
        (10**30, (1e30, str(10**30))),
        (10**400, (None, str(10**400))),
        (True, (None, "true")),
        (False, (None, "false")),
        (None, (None, "null")),
        ("text", (None, '"text"')),
        ('a"b\\c\n', (None, '"a\\"b\\\\c\\n"')),
        ("", (None, '""')),
        (Json('{"a":[1,null]}'), (None, '{"a":[1,null]}')),
    ],
)
def test_a_value_is_a_double_or_json_text_or_both(value, cells):
    """Doubles are themselves; what is not a double, or would lose digits, has text."""
    number, text = _cells(value)
    assert cells == (number, text)
    if isinstance(cells[0], float):
        assert math.copysign(1, cells[0]) == math.copysign(1, number)


def test_nan_is_itself():
    """It is a value that was logged, not a missing one."""
    number, text = _cells(math.nan)
    assert math.isnan(number)
    assert text is None


def test_all_rows_of_a_call_share_its_seq_time_step_and_kind():
    """Twice the same key in one call cannot be; two keys are two rows."""
    said = Call(7, 1_700_000_000_123_456, METRIC, -3, False, {"b": 1.0, "a": 2.0})
    table = _table([said])
    assert ["a", "b"] == table.column("key").to_pylist()
    for name, value in (
        ("run_id", RUN_ID),
        ("writer_id", WRITER_ID),
        ("seq", 7),
        ("step", -3),
        ("auto", False),
        ("kind", METRIC),
    ):
        assert [value] * 2 == table.column(name).to_pylist()
    assert [1_700_000_000_123_456] * 2 == table.column("time").cast(pa.int64()).to_pylist()


def test_a_call_without_values_makes_no_row():
    """Its seq is covered all the same, by the range of its shard."""
    assert 0 == _table([call(0)]).num_rows
    assert rows.SCHEMA.equals(_table([]).schema)


def test_rows_are_sorted_with_everything_but_series_first():
    """Then by kind, key and seq, so that a list of runs reads one small row group."""
    said = [
        call(0, RUN, start=Json("{}")),
        call(1, z=1.0, a=2.0),
        call(2, CONFIG, lr=0.1),
        call(3, SYSTEM, cpu=0.5),
        call(4, z=3.0, b=4.0),
        call(5, ALERT, title=Json("{}")),
    ]
    found = _table(said).select(["kind", "key", "seq"]).to_pylist()
    assert [
        (ALERT, "title", 5),
        (CONFIG, "lr", 2),
        (RUN, "start", 0),
        (METRIC, "a", 1),
        (METRIC, "b", 4),
        (METRIC, "z", 1),
        (METRIC, "z", 4),
        (SYSTEM, "cpu", 3),
    ] == [(row["kind"], row["key"], row["seq"]) for row in found]


def test_one_key_may_hold_values_of_every_type():
    """What a user logs under a name is theirs to choose, call by call."""
    values = [1.5, 2, "three", None, True, 2**60, math.inf, Json("[1]")]
    table = _table([call(seq, x=value) for seq, value in enumerate(values)])
    assert list(range(8)) == table.column("seq").to_pylist()
    assert [1.5, 2.0, None, None, None, 2.0**60, math.inf, None] == table["value"].to_pylist()
    texts = [None, None, '"three"', "null", "true", str(2**60), None, "[1]"]
    assert texts == table["text"].to_pylist()


def test_calls_in_slices_are_the_same_rows_as_at_once():
    """The writer decodes a few thousand calls at a time."""
    said = [*calls(0, 9), call(10, loss="nan?"), *calls(11, 20)]
    sliced = rows.table_of([said[:3], said[3:4], [], said[4:]], RUN_ID, WRITER_ID)
    assert _table(said).equals(sliced.cast(rows.SCHEMA))


def test_rows_are_sorted_even_where_shapes_alternate():
    """Calls are taken in by shape; within a series they come out by seq."""
    said = [call(s, x=1.0, **({"y": 1.0} if s % 2 else {})) for s in range(10)]
    table = _table(said)
    assert [*range(10), 1, 3, 5, 7, 9] == table.column("seq").to_pylist()


def test_many_keys_of_their_own_are_all_there():
    """More series than are worth a chunk each."""
    said = [call(seq, **{f"sample/{seq:05d}": float(seq)}) for seq in range(1000)]
    table = _table(said)
    assert [f"sample/{seq:05d}" for seq in range(1000)] == table.column("key").to_pylist()
    assert [float(seq) for seq in range(1000)] == table.column("value").to_pylist()


def test_only_keeps_a_range_of_seqs():
    """Both ends belong to it."""
    table = rows.table_of([calls(0, 9)], RUN_ID, WRITER_ID)
    assert {3, 4, 5} == set(rows.only(table, 3, 5).column("seq").to_pylist())
    assert table.equals(rows.only(table, 0, 9))


def test_sort_restores_the_order_of_a_file():
    """For rows that come from several files."""
    table = _table([call(0, RUN, start=Json("{}")), *calls(1, 5)])
    order = np.random.default_rng(0).permutation(table.num_rows)
    assert table.equals(rows.sort(table.take(pa.array(order))))


def test_cutting_by_series_loses_nothing():
    """Each piece is one key of one kind, in the order of the file."""
    table = rows.table_of([[call(0, CONFIG, a=1), *calls(1, 4)]], RUN_ID, WRITER_ID)
    pieces = list(rows.cut_by_series(table))
    assert [(False, CONFIG, "a"), (True, METRIC, "acc"), (True, METRIC, "loss")] == [
        name[:3] for name, _ in pieces
    ]
    assert table.cast(rows.SCHEMA).equals(
        pa.concat_tables([piece for _, piece in pieces]).cast(rows.SCHEMA)
    )
    assert [] == list(rows.cut_by_series(table.slice(0, 0)))


# The fingerprint


def _mixed():
    return [call(0, RUN, start=Json("{}")), call(1, x=1.5, y="t"), call(2, x=math.nan, y=None)]


def test_the_fingerprint_does_not_depend_on_order_or_chunks_or_dictionaries():
    """Any order of the same rows shares it, however they are laid out."""
    table = _table(_mixed())
    expected = rows.fingerprint(table)
    turned = table.take(pa.array(range(table.num_rows - 1, -1, -1)))
    chunks = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    assert expected == rows.fingerprint(turned)
    assert expected == rows.fingerprint(chunks)
    assert expected == rows.fingerprint(rows.as_written(table))
    assert expected == rows.fingerprint(rows.as_written(turned))


def test_the_fingerprint_of_parts_adds_up():
    """So it can be taken batch by batch."""
    table = _table(_mixed())
    parts = rows.fingerprint(table.slice(0, 2)) + rows.fingerprint(table.slice(2))
    assert rows.fingerprint(table) == parts % (1 << 64)
    assert 0 == rows.fingerprint(table.slice(0, 0))


def test_every_column_counts_in_the_fingerprint():
    """A change of any one of them, and of a null to a zero, is another fingerprint."""
    base = _table([Call(1, 10**15, METRIC, 5, True, {"x": 1.5})])
    other = {
        "run_id": "r2",
        "writer_id": "w2",
        "seq": 2,
        "time": 10**15 + 1,
        "step": 6,
        "auto": False,
        "kind": SYSTEM,
        "key": "y",
        "value": 1.5000000000000002,
        "text": "1.5",
    }
    assert set(rows.SCHEMA.names) == set(other)
    seen = {rows.fingerprint(base)}
    for place, name in enumerate(rows.SCHEMA.names):
        column = pa.array([other[name]], rows.SCHEMA.field(name).type)
        seen.add(rows.fingerprint(base.set_column(place, rows.SCHEMA.field(name), column)))
    for name, zero in (("step", 0), ("value", 0.0), ("text", "")):
        place = rows.SCHEMA.get_field_index(name)
        for value in (None, zero):
            column = pa.array([value], rows.SCHEMA.field(name).type)
            seen.add(rows.fingerprint(base.set_column(place, rows.SCHEMA.field(name), column)))
    assert 1 + len(other) + 5 == len(seen)  # the text of the base is null already


def test_values_that_change_places_change_the_fingerprint():
    """Columns, and rows, are told apart: 1 and 2 are not 2 and 1."""
    one = _table([call(0, x=1.0, y=2.0)])
    other = _table([call(0, x=2.0, y=1.0)])
    assert rows.fingerprint(one) != rows.fingerprint(other)


def test_every_nan_is_one_and_zeros_have_a_sign():
    """The bits of a NaN are nobody's business; -0.0 was logged and is kept."""
    quiet = np.array([0x7FF8000000000000, 0xFFF8000000000001], dtype=np.uint64).view(np.float64)
    first, second = (_table([call(0, x=float(nan))]) for nan in quiet)
    assert rows.fingerprint(first) == rows.fingerprint(second)
    plus, minus = (_table([call(0, x=zero)]) for zero in (0.0, -0.0))
    assert rows.fingerprint(plus) != rows.fingerprint(minus)
