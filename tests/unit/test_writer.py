"""The caller's side: seqs, steps, the journal beside them, and what happens when that fails."""

import errno
import logging
import os
import threading

import pytest
from making import HEADER, WRITER_ID, count_open_files, needs_proc

from trackio import journal
from trackio.model import CONFIG, METRIC, RUN, SYSTEM, Json, WriterId
from trackio.settings import FlushPolicy
from trackio.testing import ManualClock
from trackio.writer import Sealed, Writer, journal_file

POLICY = FlushPolicy(max_calls=4, max_bytes=1 << 20, rotate_bytes=1 << 20)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def make(folder):
    """Makes writers, and closes them after the test."""
    made = []

    def make_one(**policy):
        settings = FlushPolicy(**{"max_calls": 4, "rotate_bytes": 1 << 20, **policy})
        made.append(Writer(HEADER, folder, policy=settings, clock=ManualClock()))
        return made[-1]

    yield make_one
    for writer in made:
        writer.close(keep=True)


@pytest.fixture
def writer(make):
    return make()


def _journals(folder):
    return sorted(path.name for path in folder.glob("*"))


def _journaled(folder):
    """The seqs of the calls that the journals hold, joined."""
    parts = [journal.decode(path.read_bytes()).calls for path in folder.glob("*.journal")]
    return [call.seq for call in journal.join_calls(parts)]


def _taken(writer):
    """The calls that the background would publish."""
    lines = [line for batch in writer.take() for line in batch.lines]
    return journal.decode_calls(lines)


def test_each_call_takes_the_next_seq_and_its_own_time(writer):
    """Whatever its kind, and even without values."""
    writer.log({"a": 1})
    assert 1 == writer.append(CONFIG, {"lr": 0.1})
    writer.log({})
    assert 3 == writer.append(RUN, {"heartbeat": None})
    calls = _taken(writer)
    assert [(0, METRIC), (1, CONFIG), (2, METRIC), (3, RUN)] == [(c.seq, c.kind) for c in calls]
    assert 4 == len({call.time_us for call in calls})
    assert [{"a": 1}, {"lr": 0.1}, {}, {"heartbeat": Json("null")}] == [c.data for c in calls]


def test_steps_are_counted_past_any_larger_one_given(writer):
    """Given ones are kept in any order; counted ones say so."""
    for step in (None, None, 10, None, 3, None, -5, None):
        writer.log({"a": 1}, step)
    calls = _taken(writer)
    assert [0, 1, 10, 11, 3, 12, -5, 13] == [call.step for call in calls]
    auto = [True, True, False, True, False, True, False, True]
    assert auto == [call.auto for call in calls]


def test_only_log_calls_count_steps(writer):
    """Machine values have a time and no step."""
    writer.append(SYSTEM, {"cpu": 0.5})
    writer.append(CONFIG, {"lr": 1}, 7)
    writer.log({"a": 1})
    assert [None, 7, 0] == [call.step for call in _taken(writer)]


def test_a_call_is_in_the_journal_before_it_returns(writer, folder):
    """And the journal says whose it is."""
    for seq in range(3):
        writer.log({"a": seq})
        assert list(range(seq + 1)) == _journaled(folder)
    (path,) = folder.glob("*")
    assert HEADER == journal.decode_header(path.read_bytes())
    assert f"{WRITER_ID}.0.journal" == path.name


def test_what_the_journal_holds_is_what_is_published(writer, folder):
    """A recoverer that has only the lines makes the same rows."""
    writer.log({"a": float("nan"), "b": 10**30, "c": [1], "d": {"e": "x"}})
    writer.append(SYSTEM, {"cpu": 1})
    (path,) = folder.glob("*")
    assert repr(_taken(writer)) == repr(list(journal.decode(path.read_bytes()).calls))


def test_the_caller_may_change_its_dict_at_once(writer):
    """It was read before the call returned."""
    data = {"a": 1, "in": {"b": 2}}
    writer.log(data)
    data["a"] = data["in"]["b"] = 9
    assert [{"a": 1, "in/b": 2}] == [call.data for call in _taken(writer)]


def test_a_full_buffer_wakes_the_thread_while_no_lock_is_held(writer):
    """The one who is woken may take the calls at once."""
    woken = []
    writer.wake = lambda: woken.append([call.seq for call in _taken(writer)])
    for _ in range(5):
        writer.log({"a": 1})
    assert [[0, 1, 2, 3]] == woken


def test_calls_wait_until_they_are_safe(writer):
    """What failed to be put is taken again, with what came meanwhile, and never a second time."""
    writer.log({"a": 0})
    assert [0] == [batch.first for batch in writer.take()]
    writer.log({"a": 1})
    assert [(0, 0), (1, 1)] == [(batch.first, batch.last) for batch in writer.take()]
    writer.mark_safe(0)
    assert [(1, 1)] == [(batch.first, batch.last) for batch in writer.take()]
    assert not writer.is_all_safe
    writer.mark_safe(1)
    assert writer.is_all_safe
    assert [] == writer.take()


def test_a_call_that_is_interrupted_leaves_a_seq_without_a_row(writer, monkeypatch):
    """Ctrl-C inside `log`: its seq is never given to another call."""
    writer.log({"a": 0})

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("trackio.writer.writer.encode_log", interrupt)
        with pytest.raises(KeyboardInterrupt):
            writer.log({"a": 1})
    writer.log({"a": 2})
    assert [0, 2] == [call.seq for call in _taken(writer)]
    assert [(0, 2)] == [(batch.first, batch.last) for batch in writer.take()]


def test_calls_from_many_threads_have_each_their_seq(make):
    """And stand in the journal in that order."""
    writer = make(max_calls=1 << 20)

    def work(thread):
        for number in range(200):
            writer.log({f"t{thread}": number})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = _taken(writer)
    assert list(range(1600)) == [call.seq for call in calls] == [call.step for call in calls]
    for thread in range(8):
        mine = [call.data[f"t{thread}"] for call in calls if f"t{thread}" in call.data]
        assert list(range(200)) == mine


# The end of a writer


def test_a_sealed_writer_takes_only_its_own_last_calls(writer):
    """The finish row is the last call, whoever logs meanwhile."""
    writer.log({"a": 0})
    writer.seal()
    with pytest.raises(Sealed):
        writer.log({"a": 1})
    with pytest.raises(Sealed):
        writer.append(CONFIG, {"lr": 1})
    assert 1 == writer.append_last(RUN, {"finish": Json("{}")})
    assert [0, 1] == [call.seq for call in _taken(writer)]


def test_the_journal_goes_when_every_call_is_safe(writer, folder):
    """And stays where one is not, or where somebody wants to keep it."""
    writer.log({"a": 0})
    writer.take()
    writer.mark_safe(0)
    writer.close()
    assert [] == _journals(folder)


@pytest.mark.parametrize(("safe", "keep"), [(False, False), (True, True)])
def test_the_journal_stays_otherwise(writer, folder, safe, keep):
    """For whoever recovers it."""
    writer.log({"a": 0})
    if safe:
        writer.take()
        writer.mark_safe(0)
    writer.close(keep=keep)
    assert [0] == _journaled(folder)


# Long journals


def test_a_full_journal_is_followed_by_another_and_goes_when_it_is_safe(make, folder):
    """Only those whose every call is in a shard are removed."""
    writer = make(rotate_bytes=400)
    for seq in range(12):
        writer.log({"a": seq})
        writer.tend_journal()
    names = _journals(folder)
    assert len(names) > 3
    assert list(range(12)) == _journaled(folder)
    writer.take()
    writer.mark_safe(7)
    assert set(range(8, 12)) <= set(_journaled(folder))
    assert len(_journals(folder)) < len(names)
    writer.mark_safe(11)
    assert 1 == len(_journals(folder))
    writer.close()
    assert [] == _journals(folder)


def test_a_full_journal_is_kept_until_its_last_call_is_safe(make, folder):
    """A call that is not in a shard is in a journal, always."""
    writer = make(rotate_bytes=300)
    for seq in range(20):
        writer.log({"a": seq})
        writer.tend_journal()
        if seq % 3 == 2:
            writer.take()
            writer.mark_safe(seq - 1)
        assert {*range(writer.safe_seq + 1, seq + 1)} <= {*_journaled(folder)}


# When the journal fails


def test_a_journal_that_was_deleted_is_replaced_with_every_call_that_is_not_safe(writer, folder):
    """Those that wait in the buffer and those that were taken."""
    for seq in range(6):
        writer.log({"a": seq})
        if seq in (1, 3):
            writer.take()
    writer.mark_safe(1)
    for path in folder.glob("*"):
        path.unlink()
    writer.tend_journal()
    assert [2, 3, 4, 5] == _journaled(folder)
    writer.log({"a": 6})
    assert [2, 3, 4, 5, 6] == _journaled(folder)


def test_a_journal_whose_folder_was_deleted_is_made_anew(writer, folder):
    """Somebody cleaned up too well."""
    writer.log({"a": 0})
    for path in folder.glob("*"):
        path.unlink()
    folder.rmdir()
    writer.tend_journal()
    assert [0] == _journaled(folder)


def test_a_file_that_took_the_journals_place_is_not_touched(writer, folder):
    """Another inode under the name is another's file."""
    writer.log({"a": 0})
    (path,) = folder.glob("*")
    path.unlink()
    path.write_bytes(b"somebody else's")
    writer.tend_journal()
    assert b"somebody else's" == path.read_bytes()
    path.unlink()
    assert [0] == _journaled(folder)


def test_tending_a_journal_that_is_well_changes_nothing(writer, folder):
    """Once a second, for days."""
    writer.log({"a": 0})
    before = _journals(folder)
    for _ in range(3):
        writer.tend_journal()
    assert before == _journals(folder)


def _warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_without_a_journal_calls_are_kept_counted_and_warned_about_once(make, folder, caplog):
    """A file stands where the folder should be; later it is gone."""
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"in the way")
    writer = make()
    for seq in range(3):
        writer.log({"a": seq})
        writer.tend_journal()
    assert 3 == writer.unjournaled
    (said,) = _warnings(caplog)
    assert str(folder) in said
    assert "TRACKIO_JOURNAL_DIR" in said
    assert [0, 1, 2] == [call.seq for call in _taken(writer)]
    folder.unlink()
    writer.tend_journal()
    assert 0 == writer.unjournaled
    assert [0, 1, 2] == _journaled(folder)


def _full_disk(monkeypatch, room):
    """A disk that takes so many more bytes of a journal, and says how many it took."""

    def write(descriptor, data):
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        took = os.write(descriptor, data[: room[0]])
        room[0] -= took
        if not room[0]:
            room.clear()
        return took

    monkeypatch.setattr(journal_file, "write", write)


@pytest.mark.parametrize("room", range(1, 200, 13))
def test_a_line_torn_by_a_full_disk_harms_no_other(writer, folder, monkeypatch, caplog, room):
    """When there is room again the next line is whole; the call itself was kept in memory."""
    writer.log({"a": 0})
    with monkeypatch.context() as patch:
        _full_disk(patch, [room])
        for seq in (1, 2):
            writer.log({"a": seq})
    writer.log({"a": 3})
    assert {0, 3} <= set(_journaled(folder))
    assert [0, 1, 2, 3] == [call.seq for call in _taken(writer)]
    assert 1 == len(_warnings(caplog))
    assert {0, 1, 2, 3} - set(_journaled(folder)) <= {1, 2}
    assert writer.unjournaled >= 1


def test_a_write_that_takes_only_some_bytes_is_gone_on_with(writer, folder, monkeypatch):
    """As the system may do; no line is torn by it."""
    monkeypatch.setattr(journal_file, "write", lambda fd, data: os.write(fd, data[:7]))
    for seq in range(3):
        writer.log({"a": seq})
    assert [0, 1, 2] == _journaled(folder)
    assert 0 == writer.unjournaled


def test_a_disk_that_is_full_while_the_journal_is_rotated_stops_nothing(
    make, folder, monkeypatch, caplog
):
    """Publishing goes on; the calls so far are in the journal that was full."""
    writer = make(rotate_bytes=1)
    writer.log({"a": 0})
    with monkeypatch.context() as patch:
        _full_disk(patch, [])
        writer.tend_journal()
    assert [0] == _journaled(folder)
    assert 1 == len(_warnings(caplog))
    writer.tend_journal()
    assert 2 == len(_journals(folder))


def test_a_sync_that_fails_stops_nothing(writer, monkeypatch, caplog):
    """The disk is failing; the calls still go to the store."""
    writer.log({"a": 0})

    def fail(_descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(journal_file.os, "fsync", fail)
    writer.tend_journal()
    assert 1 == len(_warnings(caplog))
    assert [0] == [call.seq for call in _taken(writer)]


@needs_proc
def test_a_journal_that_cannot_be_made_again_leaks_no_file(make, folder, monkeypatch):
    """It is tried once a second for as long as the disk is full."""
    writer = make()
    for seq in range(3):
        writer.log({"a": seq})
    for path in folder.glob("*"):
        path.unlink()
    size = len(journal.encode_header(HEADER))
    before = count_open_files()
    for _ in range(5):
        with monkeypatch.context() as patch:
            _full_disk(patch, [size + 10])  # room for the header and a little
            writer.tend_journal()
    assert before == count_open_files()
    assert [] == _journals(folder)
    writer.tend_journal()
    assert [0, 1, 2] == _journaled(folder)


def test_another_id_takes_every_call_along(writer, folder):
    """The run was deleted before anything of it was put."""
    writer.log({"a": 0})
    writer.take()
    writer.log({"a": 1})
    writer.rename(WriterId("f" * 24))
    assert "f" * 24 == writer.header.writer_id
    (path,) = folder.glob("*")
    assert "f" * 24 == journal.decode_header(path.read_bytes()).writer_id
    assert [0, 1] == _journaled(folder)
    assert [0, 1] == [call.seq for call in _taken(writer)]


def test_a_warning_names_its_key_once(writer, caplog):
    """A thousand calls with the same mistake are one line."""
    for _ in range(3):
        writer.log({"bad": object(), "worse": len, "good": 1})
    said = _warnings(caplog)
    assert 2 == len(said)
    assert "'bad'" in said[0]
    assert "'worse'" in said[1]
    assert [{"good": 1}] * 3 == [call.data for call in _taken(writer)]
