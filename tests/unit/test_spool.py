"""The spool: files that wait on this machine until this process's own put of them was OK."""

import logging
import threading

import pytest
from making import PROJECT, RUN_ID, WRITER_ID, calls

from trackio import shard
from trackio.errors import StoreMissing, StoreRefused, StoreUnavailable
from trackio.keys import MetaKey, ShardKey
from trackio.model import SeqRange
from trackio.settings import Patience
from trackio.spool import URL_FILE, Spool, SpoolThread, outage, spool_folder
from trackio.store.faulty import Fault, Faulty
from trackio.store.memory import MemoryStore

META = str(MetaKey(PROJECT, RUN_ID))
RUN_PREFIX = f"{PROJECT}/runs/{RUN_ID}/"
LONG = Patience(silence_s=30, cap_s=30)
NOW = Patience(silence_s=0, cap_s=0)


class Gate:
    """Says what goes wrong with each put: nothing, until told otherwise."""

    def __init__(self):
        self.fault = Fault.NONE
        self.puts = []

    def __call__(self, op, keys):
        if op == "put":
            self.puts.append(sorted(keys))
        return self.fault if op == "put" else Fault.NONE


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch):
    """No outage of another test is remembered."""
    monkeypatch.setattr(outage, "_silent", set())


@pytest.fixture
def truth():
    return MemoryStore()


@pytest.fixture
def spool(tmp_path, truth, gate):
    return Spool(tmp_path / "spool", Faulty(truth, gate), jitter=lambda low, high: 0.0)


def _shard_key(first):
    return str(ShardKey(PROJECT, RUN_ID, WRITER_ID, first, first))


def _put(spool, *firsts):
    """Shards in the spool's folder, as the publisher puts them there."""
    for first in firsts:
        data = shard.encode(calls(first, first), RUN_ID, WRITER_ID, SeqRange(first, first))
        spool.files.put({_shard_key(first): data})
    return [_shard_key(first) for first in firsts]


def _keys(store):
    return sorted(entry.key for entry in store.list())


def test_what_is_offered_is_sent_as_it_is_and_then_removed(spool, truth):
    """The same keys, the same bytes."""
    names = _put(spool, 0, 1)
    data = spool.files.get(names[0])
    spool.offer(names)
    assert names == spool.waiting(names)
    assert spool.send()
    assert names == _keys(truth)
    assert data == truth.get(names[0])
    assert [] == _keys(spool.files) == spool.waiting(names)


def test_what_was_not_offered_stays(spool, truth):
    """Another process's files in the same folder are its own business."""
    _put(spool, 0)
    assert spool.send()
    assert [] == _keys(truth)
    assert [_shard_key(0)] == _keys(spool.files)


def test_all_that_waits_goes_in_one_batch_what_shards_need_before_them(spool, gate):
    """One request budget for many writers; a reader never meets a shard without its run."""
    names = _put(spool, 0, 1, 2)
    spool.files.put({META: b"{}"})
    spool.offer([*names, META])
    assert spool.send()
    assert [[META], names] == gate.puts


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.FAILED, Fault.LOST, Fault.TORN])
def test_what_failed_stays_and_is_sent_again(spool, truth, gate, fault, caplog):
    """A put whose answer was lost too: only OK is OK. One warning for a long outage."""
    names = _put(spool, 0, 1, 2)
    spool.offer(names)
    gate.fault = fault
    for _ in range(3):
        assert not spool.send()
    assert names == spool.waiting(names) == _keys(spool.files)
    assert spool.last_error is not None
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 == len(warnings)
    gate.fault = Fault.NONE
    assert spool.send()
    assert spool.last_error is None
    assert names == _keys(truth)
    assert [] == _keys(spool.files)
    for name in names:
        shard.decode(truth.get(name))


def test_if_what_shards_need_fails_no_shard_is_sent(spool, truth, gate):
    """The order holds over failures."""
    spool.files.put({META: b"{}"})
    spool.offer([*_put(spool, 0), META])
    gate.fault = Fault.FAILED
    spool.send()
    assert [[META]] == gate.puts
    gate.fault = Fault.NONE
    assert spool.send()
    assert sorted([META, _shard_key(0)]) == _keys(truth)


def test_a_file_that_another_process_has_sent_is_done_with(spool, truth):
    """It took it for left behind."""
    names = _put(spool, 0, 1)
    spool.offer(names)
    spool.files.delete(names[:1])
    assert spool.send()
    assert names[1:] == _keys(truth)
    assert [] == spool.waiting(names)


def test_a_file_that_vanishes_while_it_is_sent_is_no_crash(spool, truth, gate, monkeypatch):
    """The other process was faster by a moment."""
    names = _put(spool, 0, 1)
    spool.offer(names)
    real = Faulty.put

    def put(self, files):
        spool.files.delete(names[:1])
        real(self, files)

    with monkeypatch.context() as patch:
        patch.setattr(Faulty, "put", put)
        assert not spool.send()
    assert spool.send()
    assert names[1:] == _keys(truth)


def test_other_processes_learn_where_the_files_belong(spool, truth):
    """A note in the folder, whole from the first moment, and no key of the store."""
    spool.offer(_put(spool, 0))
    assert truth.url == (spool.folder / URL_FILE).read_text()
    spool.send()
    assert [_shard_key(0)] == _keys(truth)
    assert [URL_FILE] == [p.name for p in spool.folder.iterdir() if p.is_file()]


def test_the_note_is_left_even_if_there_is_nothing_new(spool, truth):
    """The files of a process that died before it wrote the note are found by it."""
    _put(spool, 0)
    spool.offer([])
    assert truth.url == (spool.folder / URL_FILE).read_text()


def test_what_is_offered_waits_even_if_the_note_cannot_be_written(spool, monkeypatch):
    """Nobody is told that a file was sent which was not."""
    names = _put(spool, 0)

    def fail():
        raise OSError("disk full")

    monkeypatch.setattr(spool, "_leave_note", fail)
    with pytest.raises(OSError, match="disk full"):
        spool.offer(names)
    assert names == spool.waiting(names)
    assert not spool.wait_sent(RUN_PREFIX, NOW)


def test_stores_have_folders_of_their_own(tmp_path):
    """Even those whose names look alike once they are file names."""
    urls = ["s3://a/b", "s3://a-b", "s3://a/b/", "s3://A/b", "s3://" + "x" * 300]
    folders = [spool_folder(tmp_path, url) for url in urls]
    assert len(set(folders)) == len(urls)
    for folder in folders:
        folder.mkdir()
        assert "/" not in folder.name


# Waiting


def test_waiting_ends_when_nothing_below_the_prefix_is_left(spool):
    """Files of other runs are not waited for."""
    assert spool.wait_sent(RUN_PREFIX, NOW)
    spool.offer(_put(spool, 0))
    assert not spool.wait_sent(RUN_PREFIX, NOW)
    assert spool.wait_sent("p/runs/another/", NOW)
    spool.send()
    assert spool.wait_sent(RUN_PREFIX, NOW)


def test_a_merged_file_is_waited_for_like_those_it_replaces(spool, truth):
    """`finish()` is not OK while it lies here."""
    names = _put(spool, 0, 1)
    spool.offer(names)
    assert spool.hold(names)
    merged = str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 1))
    spool.files.put({merged: b"merged"})
    spool.replace(names, merged)
    assert not spool.wait_sent(RUN_PREFIX, NOW)
    assert spool.send()
    assert spool.wait_sent(RUN_PREFIX, NOW)
    assert [merged] == _keys(truth)


def test_held_files_are_not_sent(spool, truth):
    """A merge is reading them."""
    names = _put(spool, 0, 1)
    spool.offer(names)
    assert spool.hold(names[:1])
    assert not spool.hold(names)
    assert spool.send()
    assert names[1:] == _keys(truth)
    spool.release(names[:1])
    assert spool.send()
    assert names == _keys(truth)


def test_files_on_their_way_are_not_held(spool, gate):
    """Or a merged file would be sent beside one that it holds already."""
    names = _put(spool, 0)
    spool.offer(names)
    held = []
    store = spool.store
    spool.store = Faulty(store, before=lambda op, key: held.append(spool.hold(names)))
    spool.send()
    assert held == [False]
    assert not spool.hold(names)


# The thread


@pytest.fixture
def thread(spool):
    SpoolThread(spool).start()
    return spool


def test_the_thread_sends_what_is_offered(thread, truth):
    """At once, and again and again."""
    for first in range(3):
        thread.offer(_put(thread, first))
        assert thread.wait_sent(RUN_PREFIX, LONG)
    assert [_shard_key(first) for first in range(3)] == _keys(truth)


def test_the_thread_sends_what_was_held_and_what_was_merged(thread, truth):
    """Nothing has to be offered for it to wake up."""
    names = _put(thread, 0, 1, 2)
    with thread._changed:
        thread._held.update(names)  # held from the beginning, as by a merge that is quick
        thread._waiting.update(dict.fromkeys(names))
    thread.release(names[:1])
    merged = str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 1, 2))
    thread.files.put({merged: b"merged"})
    thread.replace(names[1:], merged)
    assert thread.wait_sent(RUN_PREFIX, LONG)
    assert sorted([names[0], merged]) == _keys(truth)


def test_the_thread_goes_on_after_an_outage_and_keeps_the_order(thread, truth, gate):
    """However long it took; nobody has to offer anything again."""
    gate.fault = Fault.FAILED
    for first in range(3):
        thread.offer(_put(thread, first))
    assert not thread.wait_sent(RUN_PREFIX, NOW)
    gate.fault = Fault.NONE
    assert thread.wait_sent(RUN_PREFIX, LONG)
    assert [_shard_key(first) for first in range(3)] == _keys(truth)


def test_the_thread_survives_an_error_that_is_none_of_the_stores(
    thread, truth, monkeypatch, caplog
):
    """It is logged with its traceback, and the next attempt comes."""
    calls_made = []
    real = Faulty.put

    def put(self, files):
        calls_made.append(files)
        if len(calls_made) == 1:
            raise ZeroDivisionError
        real(self, files)

    monkeypatch.setattr(Faulty, "put", put)
    thread.offer(_put(thread, 0))
    assert thread.wait_sent(RUN_PREFIX, LONG)
    assert [_shard_key(0)] == _keys(truth)
    assert any(record.exc_info for record in caplog.records)


def test_who_waits_does_not_wait_for_a_pause_to_end(tmp_path, truth, gate):
    """A minute's pause after failures is cut short by `flush` and `finish`."""
    asked = threading.Event()

    def the_longest(_low, high):
        return high

    def choose(op, keys):
        fault = gate(op, keys)
        if op == "put" and len(gate.puts) == 4:
            asked.set()
        return fault

    spool = Spool(tmp_path / "spool", Faulty(truth, choose), jitter=the_longest)
    gate.fault = Fault.FAILED
    spool.offer(_put(spool, 0))
    for _ in range(8):  # the next pause is a minute
        spool.send()
    assert asked.is_set()
    SpoolThread(spool).start()
    gate.fault = Fault.NONE
    assert spool.wait_sent(RUN_PREFIX, LONG)


# What a store says of a batch


def test_of_a_batch_that_partly_failed_only_what_is_named_is_sent_again(spool, truth, gate):
    """The rest has landed: this process's own put said so."""
    names = _put(spool, *range(20))
    spool.offer(names)
    gate.fault = Fault.PARTIAL
    assert not spool.send()
    landed = _keys(truth)
    assert sorted(set(names) - set(landed)) == sorted(spool.waiting(names)) == _keys(spool.files)
    gate.fault = Fault.NONE
    assert spool.send()
    assert sorted(set(names) - set(landed)) == gate.puts[-1]
    assert names == _keys(truth)


def test_a_run_whose_meta_does_not_land_does_not_hold_up_others(spool, truth):
    """Its own shards wait for it."""
    other = str(MetaKey(PROJECT, "another"))
    spool.files.put({META: b"{}", other: b"{}"})
    (name,) = _put(spool, 0)
    spool.offer([META, other, name])
    spool.store, real = truth, truth.put
    truth.put = lambda files: (
        _partly(real, files, META) if META in files and len(files) > 1 else real(files)
    )
    assert not spool.send()
    assert [other] == _keys(truth)
    truth.put = real
    assert spool.send()
    assert sorted([META, other, name]) == _keys(truth)


def _partly(put, files, named):
    put({name: data for name, data in files.items() if name != named})
    raise StoreUnavailable("partly", keys=[named])


def test_a_bucket_that_is_missing_is_made_once(tmp_path):
    """By the first rows, never by who only reads."""
    store = _Bucket()
    spool = Spool(tmp_path / "spool", store)
    spool.offer(_put(spool, 0))
    assert spool.send()
    spool.offer(_put(spool, 1))
    assert spool.send()
    assert 1 == store.made
    assert [_shard_key(0), _shard_key(1)] == _keys(store)


def test_a_bucket_that_may_not_be_made_is_an_outage(tmp_path, caplog):
    """The rows stay, and the warning says why."""
    store = _Bucket(refuses="the token may not do this")
    spool = Spool(tmp_path / "spool", store)
    names = _put(spool, 0)
    spool.offer(names)
    assert not spool.send()
    assert names == _keys(spool.files)
    assert "the token may not do this" in caplog.text


class _Bucket(MemoryStore):
    """A bucket that is not there until somebody makes it."""

    def __init__(self, refuses=None):
        super().__init__()
        self.made = 0
        self._refuses = refuses

    def create(self):
        if self._refuses:
            raise StoreRefused(self._refuses)
        self.made += 1
        return True

    def put(self, files):
        if not self.made:
            raise StoreMissing("there is none")
        super().put(files)


def test_many_files_travel_in_batches_each_of_which_is_a_step(spool, gate):
    """`finish` waits on as long as there are steps."""
    names = [f"{RUN_PREFIX}{WRITER_ID}/media/{number:064x}.txt" for number in range(2500)]
    spool.files.put(dict.fromkeys(names, b""))
    spool.offer(names)
    assert spool.send()
    assert [1000, 1000, 500] == [len(keys) for keys in gate.puts]
    assert 2500 == spool.sent_files


def test_a_spool_that_does_not_send_is_not_waited_for(tmp_path, truth):
    """Mode "offline": `finish` knows at once."""
    spool = Spool(tmp_path / "spool", truth, is_sending=False)
    spool.offer(_put(spool, 0))
    assert not spool.wait_sent(RUN_PREFIX, LONG)
    assert [] == _keys(truth)


def test_once_the_store_says_no_nobody_waits_any_longer(spool, gate):
    """A wrong token is not cured by patience; whoever waits later sees one more attempt."""
    spool.offer(_put(spool, 0))
    gate.fault = Fault.REFUSED
    SpoolThread(spool).start()
    assert not spool.wait_sent(RUN_PREFIX, Patience(silence_s=3600, cap_s=3600))
    gate.fault = Fault.NONE
    assert spool.wait_sent(RUN_PREFIX, LONG)
