"""The text of a journal: whole lines are believed, everything else is not."""

import dataclasses

import orjson
import pytest
from making import HEADER, call, calls, header, line_of, no_warning

from trackio import journal
from trackio.errors import FormatTooNew, UnreadableFile
from trackio.model import METRIC, RUN, Call, Json, RunMeta
from trackio.values.plain import encode_data

CALLS = [call(0, RUN, start=Json('{"label":null}')), *calls(1, 3), call(4, x="t", y=10**30)]
LINES = [line_of(one) for one in CALLS]
FIRST = journal.encode_header(HEADER)


def _seqs(data):
    return [one.seq for one in journal.decode(data).calls]


def test_a_journal_gives_back_header_and_calls():
    """All that recovery needs stands in the file."""
    found = journal.decode(FIRST + b"".join(LINES))
    assert HEADER == found.header
    assert CALLS == list(found.calls)
    assert 0 == found.torn
    assert HEADER == journal.decode_header(FIRST + b"whatever follows")


def test_a_header_keeps_all_there_is_to_say_of_a_run():
    """Names in any script, tags, notes, a nested config."""
    meta = RunMeta(
        name="läuft \N{GRINNING FACE}",
        created="2026-01-01T00:00:00+00:00",
        group="g",
        tags=("a", "b\n"),
        notes='"quoted"\n',
    )
    said = header(meta=meta, is_new_run=False, config={"a/b": 1, "x": {"float": "nan"}})
    assert said == journal.decode(journal.encode_header(said)).header


def test_every_line_is_one_json_object_with_its_checksum_last():
    """So that people can read a journal with any tool."""
    for line in (FIRST, *LINES):
        assert line.endswith(b"}\n")
        assert 1 == line.count(b"\n")
        assert "crc" == list(orjson.loads(line))[-1]
    assert ["seq", "time", "kind", "step", "auto", "data", "crc"] == list(orjson.loads(LINES[1]))


@pytest.mark.parametrize("kept", range(len(LINES[-1])))
def test_a_last_line_torn_at_any_byte_is_a_call_that_never_returned(kept):
    """The calls before it are all there; the torn one is counted unless nothing is left of it."""
    found = journal.decode(FIRST + b"".join(LINES[:-1]) + LINES[-1][:kept])
    whole = kept == len(LINES[-1]) - 1  # all but its newline
    assert (CALLS if whole else CALLS[:-1]) == list(found.calls)
    assert (0 if whole or not kept else 1) == found.torn


@pytest.mark.parametrize("kept", range(len(FIRST) - 1))
def test_a_header_torn_at_any_byte_makes_a_journal_unreadable(kept):
    """Nobody knows whose calls these are; they are not guessed at."""
    with pytest.raises(UnreadableFile):
        journal.decode(FIRST[:kept])
    with pytest.raises(UnreadableFile):
        journal.decode(FIRST[:kept] + b"\n" + b"".join(LINES))


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_anywhere_in_a_line_takes_that_line_out(bit):
    """And no other; a flip that makes a newline tears one line into two."""
    line = LINES[2]
    for place in range(len(line) - 1):
        damaged = bytearray(line)
        damaged[place] ^= 1 << bit
        data = FIRST + LINES[1] + bytes(damaged) + LINES[3]
        assert [1, 3] == _seqs(data)
        assert 0 < journal.decode(data).torn


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"\n\n\n",
        b"\0" * 4096 + b"\n",
        b"garbage\n",
        b"\xff\xfe\n",
        b"{}\n",
        b'{"seq":2}\n',
        b'{"seq":2,"crc":0}\n',
        b'"crc":\n',
        b',"crc":0}\n',
        LINES[2][:-5] + b"\n",
        LINES[2][:40] + LINES[2],
        FIRST,
    ],
)
def test_garbage_between_lines_is_skipped(garbage):
    """What a crash, a full disk or an editor leaves there."""
    assert [0, 1, 3] == _seqs(FIRST + LINES[0] + LINES[1] + garbage + LINES[3])


def test_a_whole_line_after_a_torn_one_counts():
    """A writer begins a new line after a failed write."""
    torn = LINES[2][:30]
    assert [1, 3] == _seqs(FIRST + LINES[1] + torn + b"\n" + LINES[3])


def test_a_line_glued_to_a_torn_one_is_torn_with_it():
    """Whoever cannot be told apart is not believed."""
    assert [1, 4] == _seqs(FIRST + LINES[1] + LINES[2][:30] + LINES[3] + LINES[4])


@pytest.mark.parametrize("first", [b"", b"\n", LINES[1], b"{}\n", b"[]\n", b"\0\0\0\n"])
def test_a_file_without_a_header_is_no_journal(first):
    """An empty file is what a crash leaves before the header is written."""
    with pytest.raises(UnreadableFile):
        journal.decode(first + LINES[2])


def _checked(said):
    return journal._checked(orjson.dumps(said)[:-1])


def test_a_newer_journal_says_to_upgrade():
    """It is not touched and not lost."""
    said = orjson.loads(FIRST) | {"trackio.journal": journal.VERSION + 1}
    said.pop("crc")
    with pytest.raises(FormatTooNew, match="upgrade"):
        journal.decode(_checked(said) + LINES[0])


@pytest.mark.parametrize("missing", [field.name for field in dataclasses.fields(journal.Header)])
def test_a_header_that_lacks_something_is_unreadable(missing):
    """Whole, but not ours."""
    said = orjson.loads(FIRST)
    said.pop("crc")
    said.pop(missing)
    with pytest.raises(UnreadableFile):
        journal.decode(_checked(said))


def test_the_calls_of_several_journals_are_joined_by_seq():
    """A long run has one after the other; a new one repeats what was not safe."""
    joined = journal.join_calls([CALLS[2:4], CALLS[0:3], CALLS[3:5]])
    assert CALLS == joined


def test_numbers_of_any_size_stand_in_a_line():
    """Far more calls, and later times, than any run makes."""
    data = encode_data({"a": 1.0}, no_warning)
    line = journal.encode_log(10**15, 2**62, -(2**62), b"false", data)
    expected = Call(10**15, 2**62, METRIC, -(2**62), False, {"a": 1.0})
    assert [expected] == journal.decode_calls([line])
