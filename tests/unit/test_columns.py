"""The shortcut from journal lines to Arrow: taken for numbers, never for anything else."""

import math

import pyarrow as pa
import pytest
from making import call, line_of, no_warning

from trackio import journal
from trackio.columns import is_dense, read_numbers
from trackio.model import CONFIG, METRIC, SYSTEM, Json
from trackio.values.plain import encode_data


def _read(said):
    lines = [line_of(one) for one in said]
    return read_numbers(b"".join(lines), max(map(len, lines)))


def test_numbers_become_columns_with_nulls_where_a_call_had_none():
    """Doubles and integers below 2^53, whatever each call holds."""
    found = _read([call(0, a=1.5), call(1, b=2, a=-0.0), call(2), call(3, step=9, a=3)])
    assert [0, 1, 2, 3] == found.seq.to_pylist()
    assert [0, 1, 2, 9] == found.step.to_pylist()
    assert [True, True, True, False] == found.auto.to_pylist()
    assert [10**15, 10**15 + 1, 10**15 + 2, 10**15 + 3] == found.time_us.to_pylist()
    assert [1.5, 0.0, None, 3.0] == found.values["a"].to_pylist()
    assert -1 == math.copysign(1, found.values["a"][1].as_py())
    assert [None, 2, None, None] == found.values["b"].to_pylist()


@pytest.mark.parametrize(
    "value", [True, "text", "2026-01-01", None, math.nan, math.inf, 2**53, 10**30, Json("[1]")]
)
@pytest.mark.parametrize("others", [0, 3])
def test_anything_that_is_no_plain_number_is_left_to_the_other_way(value, others):
    """One such value among numbers of the same key, or of others, is enough."""
    said = [call(seq, x=1.5, y=2) for seq in range(others)]
    assert _read([*said, call(others, x=value)]) is None


def test_calls_without_values_have_no_columns():
    """Nothing to write, but the calls were made."""
    found = _read([call(0), call(1)])
    assert {} == found.values
    assert [0, 1] == found.seq.to_pylist()


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        'quo"te',
        "back\\slash",
        "new\nline",
        "nul\0",
        "null",
        "{brace}",
        "[bracket]",
        "loss/träin",
        "損失",
        "\N{GRINNING FACE}",
        "seq",
        "data",
        ',"kind":"metric",',
    ],
)
def test_any_key_is_read_as_it_was_written(key):
    """Escapes and every script; journal words are only words."""
    found = _read([call(0, **{key: 1.5}), call(1, **{key: 2.5})])
    assert {key: [1.5, 2.5]} == {k: column.to_pylist() for k, column in found.values.items()}


def test_lines_longer_than_a_block_are_read():
    """A call of many thousand metrics is longer than Arrow's usual block."""
    many = {f"{'long' * 1500}{number}": number / 7 for number in range(300)}
    found = _read([call(0, **many), call(1, **many)])
    assert many == {key: column[0].as_py() for key, column in found.values.items()}


def test_types_that_change_from_block_to_block_are_one_column():
    """Integers for a long while, then a double."""
    said = [call(seq, x=seq if seq < 29_999 else 0.5) for seq in range(30_000)]
    found = _read(said)
    assert [29_998.0, 0.5] == found.values["x"].cast(pa.float64()).to_pylist()[-2:]


# Which lines are log calls


def test_log_lines_are_told_from_others():
    """Whatever a user calls a metric, and whatever another line says."""
    hostile = {"a": 1, "kind": "metric", "b": 2}
    said = [
        call(0, a=1.0),
        call(1, SYSTEM, **hostile),
        call(2, **hostile),
        call(3, CONFIG, **hostile),
        call(4, b=2.0),
    ]
    lines = [line_of(one) for one in said]
    logs, others = journal.split_logs(lines)
    assert [lines[0], lines[2], lines[4]] == logs.splitlines(keepends=True)
    assert [lines[1], lines[3]] == others


def test_the_largest_numbers_do_not_push_the_kind_out_of_sight():
    """A log line is known by its beginning, however long its numbers are."""
    data = encode_data({"a": 1, "kind": "metric", "b": 2}, no_warning)
    line = journal.encode_log(10**18, 10**18, 2**62, b"false", data)
    assert (line, []) == journal.split_logs([line])


def test_other_lines_are_never_taken_for_logs_though_the_count_fits():
    """As many lines as matches, but none of them a `log` call: their strings tell."""
    lines = [line_of(call(0, SYSTEM, a=1, kind="metric", b=2))]
    logs, _ = journal.split_logs(lines)
    assert not logs or read_numbers(logs, len(lines[0])) is None


# Whether a table of them is worth while


def _dense(shapes):
    lines = [line_of(call(seq, **dict.fromkeys(keys, 1.0))) for seq, keys in shapes]
    return is_dense(lines, max(lines, key=len))


def test_calls_that_share_their_keys_are_dense():
    """The usual case, with an evaluation now and then."""
    assert _dense((seq, ["loss", "lr"]) for seq in range(50_000))
    assert _dense((0, [f"m{n}"]) for n in range(100))
    often = [*"abcde", *(f"eval/{n}" for n in range(20))]
    assert _dense((seq, often if seq % 100 == 0 else "abcde") for seq in range(10_000))


def test_calls_with_keys_of_their_own_are_not():
    """A table of 20,000 calls with 20,000 keys would take 3 GB; the lines are 2 MB."""
    assert not _dense((seq, [f"sample/{seq}"]) for seq in range(20_000))


def test_a_few_huge_calls_among_many_small_ones_are_not():
    """100 calls of 2,000 keys among 50,000 of one."""
    many = [f"layer/{n}" for n in range(2_000)]
    assert not _dense((seq, many if seq % 500 == 1 else "a") for seq in range(50_000))


def test_kinds_do_not_matter_for_density():
    """Every line has data; one without any is dense."""
    lines = [line_of(call(0, METRIC)), line_of(call(1, CONFIG, lr=1))]
    assert is_dense(lines, lines[1])
