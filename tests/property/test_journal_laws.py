"""Laws of a journal: what is whole is read, what is damaged is left out, nothing is made up."""

from hypothesis import example, given
from hypothesis import strategies as st

from trackio import journal
from trackio.errors import FormatTooNew, UnreadableFile
from trackio.hosts import ProcessIdentity
from trackio.model import Call, Json, RunId, RunMeta, WriterId
from trackio.values.plain import encode_data

TEXT = st.text(max_size=20)
IDS = st.text("0123456789abcdef", min_size=24, max_size=24)
OWNERS = st.builds(ProcessIdentity, host=TEXT, pid=st.integers(1, 2**31), boot_id=TEXT)
METAS = st.builds(
    RunMeta,
    name=TEXT,
    created=TEXT,
    group=st.none() | TEXT,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    notes=st.none() | TEXT,
)
HEADERS = st.builds(
    journal.Header,
    project=TEXT,
    run_id=IDS.map(RunId),
    writer_id=IDS.map(WriterId),
    store_url=TEXT,
    meta=METAS,
    is_new_run=st.booleans(),
    owner=OWNERS,
    config=st.dictionaries(TEXT, st.integers(-9, 9) | TEXT, max_size=3),
)
VALUES = st.one_of(
    st.floats(allow_nan=False),
    st.integers(-(10**30), 10**30),
    st.booleans(),
    TEXT,
    st.sampled_from([Json("null"), Json("[1]")]),
)
KINDS = st.sampled_from(["metric", "system", "config", "run", "later-kind"])
STEPS = st.none() | st.integers(-(2**62), 2**62)
DATA = st.dictionaries(TEXT, VALUES, max_size=3)


@st.composite
def journals(draw) -> tuple[journal.Header, list[Call], list[bytes]]:
    """A header, calls with ascending seqs, and all of it as lines."""
    head = draw(HEADERS)
    seqs = sorted(draw(st.sets(st.integers(0, 30), max_size=6)))
    calls = [_call(draw, seq) for seq in seqs]
    return head, calls, [journal.encode_header(head), *map(_line, calls)]


def _call(draw, seq) -> Call:
    kind, step, data = draw(KINDS), draw(STEPS), draw(DATA)
    is_log = kind == "metric"
    where = step or 0 if is_log else step
    return Call(seq, 10**15 + seq, kind, where, is_log and draw(st.booleans()), data)


def _line(call: Call) -> bytes:
    data = encode_data(call.data, lambda key, problem: None)
    if call.kind == "metric":
        auto = b"true" if call.auto else b"false"
        return journal.encode_log(call.seq, call.time_us, call.step or 0, auto, data)
    return journal.encode_call(call.seq, call.time_us, call.kind, call.step, data)


@given(journals())
def test_a_journal_decodes_to_what_was_encoded(said):
    """Header and calls, whatever they say."""
    head, calls, lines = said
    found = journal.decode(b"".join(lines))
    assert (head, calls, 0) == (found.header, list(found.calls), found.torn)


@given(journals(), st.data())
def test_a_journal_cut_short_holds_the_calls_before_the_cut(said, data):
    """A prefix of the file is a prefix of the calls."""
    _, calls, lines = said
    whole = b"".join(lines)
    cut = data.draw(st.integers(len(lines[0]), len(whole)))
    ends = [sum(map(len, lines[: n + 1])) - 1 for n in range(len(lines))]
    kept = sum(end <= cut for end in ends[1:])
    assert calls[:kept] == list(journal.decode(whole[:cut]).calls)


@given(journals(), st.data())
def test_damage_takes_calls_out_and_never_makes_one_up(said, data):
    """Any bytes at all in place of any stretch of the lines."""
    _, calls, lines = said
    body = b"".join(lines[1:])
    first = data.draw(st.integers(0, len(body)))
    last = data.draw(st.integers(first, min(len(body), first + 40)))
    damaged = body[:first] + data.draw(st.binary(max_size=20)) + body[last:]
    found = journal.decode(lines[0] + damaged)
    assert [call for call in calls if call in found.calls] == list(found.calls)


@given(journals(), st.data())
def test_one_damaged_byte_costs_at_most_its_own_call(said, data):
    """Unless it joins two lines, by taking the newline between them."""
    _, calls, lines = said
    if not calls:
        return
    which = data.draw(st.integers(1, len(calls)))
    line = bytearray(lines[which])
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] ^= data.draw(st.integers(1, 255))
    found = journal.decode(b"".join([*lines[:which], bytes(line), *lines[which + 1 :]]))
    assert calls[: which - 1] + calls[which:] == list(found.calls)


@given(st.binary())
@example(b',"crc":0}\n')
@example(b'{"crc":0}\n')
def test_any_bytes_at_all_are_a_journal_or_an_error_of_ours(data):
    """Nothing else stops a recovery half-way."""
    for bytes_ in (data, journal.encode_header(_HEADER) + data):
        try:
            journal.decode(bytes_)
        except (UnreadableFile, FormatTooNew):
            assert bytes_ is data


_HEADER = journal.Header(
    project="p",
    run_id=RunId("r"),
    writer_id=WriterId("w"),
    store_url="",
    meta=RunMeta(name="n", created=""),
    is_new_run=True,
    owner=ProcessIdentity(host="h", pid=1),
)


@given(journals())
def test_splitting_off_the_logs_loses_no_line(said):
    """And the logs are exactly the lines of `log` calls."""
    _, calls, lines = said
    logs, others = journal.split_logs(lines[1:])
    if not (logs and not others):
        expected = [
            line for call, line in zip(calls, lines[1:], strict=True) if call[2] == "metric"
        ]
        assert b"".join(expected) == logs
    assert sorted(lines[1:]) == sorted([*logs.splitlines(keepends=True), *others])
