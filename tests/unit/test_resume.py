"""Finding the run to go on with: by name, newest first, not those that were deleted."""

import os
import threading
from dataclasses import replace

import pytest
from making import PROJECT, header, line_of
from making import calls as some_calls

from trackio import journal
from trackio.asked import ask
from trackio.errors import (
    InvalidInput,
    NotFound,
    StoreMissing,
    StoreRefused,
    StoreUnavailable,
)
from trackio.keys import MetaKey, NameKey, ShardKey, TombstoneKey
from trackio.meta import encode_meta
from trackio.model import RunId, RunMeta, TombstoneId, WriterId
from trackio.resume import find_resumable
from trackio.settings import Settings
from trackio.spool import outage, spool_folder
from trackio.store import open_store
from trackio.store.directory import Directory
from trackio.store.faulty import Fault, Faulty
from trackio.store.memory import MemoryStore

OLD, NEW = RunId("0" * 23 + "1"), RunId("0" * 23 + "2")
FIRST, SECOND = WriterId("0" * 23 + "a"), WriterId("0" * 23 + "c")


@pytest.fixture
def settings(tmp_path):
    return Settings(dir=tmp_path, journal_dir=tmp_path / ".journal", store_url=str(tmp_path))


@pytest.fixture
def store(settings):
    return open_store(settings.store_url)


def _meta(name="n"):
    return RunMeta(name=name, created="then", group="g", tags=("t",))


def _put_run(store, run_id, *writers, name="n", indexed="n"):
    store.put({str(MetaKey(PROJECT, run_id)): encode_meta(_meta(name))})
    store.put({str(NameKey(PROJECT, indexed, run_id)): b""})
    for writer in writers:
        store.put({str(ShardKey(PROJECT, run_id, writer, 0, 0)): b""})


def _find(settings, store, policy="must", name="n"):
    return find_resumable(settings, store, PROJECT, name, policy)


def test_never_looks_nothing_up(settings, store):
    """`init` asks no store unless it must."""
    down = Faulty(store, lambda op, keys: Fault.FAILED)
    assert _find(settings, down, "never") is None
    assert _find(settings, down, "allow", None) is None


def test_the_newest_run_of_the_name_is_found_with_its_writers(settings, store):
    """The attempts before this one, oldest first."""
    _put_run(store, OLD, FIRST)
    _put_run(store, NEW, SECOND, FIRST)
    found = _find(settings, store)
    assert (NEW, (FIRST, SECOND), _meta()) == (found.run_id, found.writers, found.meta)


def test_without_such_a_run_allow_begins_one_and_must_raises(settings, store):
    """And says where it looked."""
    assert _find(settings, store, "allow") is None
    with pytest.raises(NotFound, match=r"'p'.*no run 'n' to resume"):
        _find(settings, store, "must")


@pytest.mark.parametrize(
    ("policy", "name", "why"),
    [("must", None, "needs the name"), ("maybe", "n", "none of never, allow, must")],
)
def test_a_policy_that_cannot_be_meant_is_refused(policy, name, why):
    """Before anything is looked up."""
    with pytest.raises(InvalidInput, match=why):
        ask("p", name, None, policy)


@pytest.mark.parametrize(("policy", "name"), [("must", "n"), ("allow", None), ("never", None)])
def test_a_policy_that_can_be_meant_is_accepted(policy, name):
    """A name is only needed where a run must be found."""
    assert ask("p", name, None, policy).policy == policy


def test_a_run_that_is_called_otherwise_now_is_not_meant(settings, store):
    """`meta.json` decides; the index keeps every name a run ever had."""
    _put_run(store, OLD, FIRST)
    _put_run(store, NEW, SECOND, name="renamed", indexed="n")
    assert OLD == _find(settings, store).run_id


def test_a_name_left_without_its_run_is_passed_over(settings, store):
    """Its process died between the two, or it was deleted."""
    _put_run(store, OLD, FIRST)
    store.put({str(NameKey(PROJECT, "n", NEW)): b""})
    assert OLD == _find(settings, store).run_id


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"not json", b'{"name":"n"}'])
def test_a_meta_that_cannot_be_read_is_passed_over(settings, store, data):
    """A run nobody can tell anything of is not gone on with."""
    _put_run(store, OLD, FIRST)
    _put_run(store, NEW, SECOND)
    store.put({str(MetaKey(PROJECT, NEW)): data})
    assert OLD == _find(settings, store).run_id


def test_a_deleted_run_is_passed_over(settings, store):
    """All its writers are hidden."""
    _put_run(store, OLD, FIRST)
    _put_run(store, NEW, SECOND)
    store.put({str(TombstoneKey(PROJECT, NEW, TombstoneId("0" * 23 + "d"))): b""})
    assert OLD == _find(settings, store).run_id


def test_of_a_run_that_was_deleted_and_resumed_only_the_later_writers_count(settings, store):
    """The tombstone hides the others for ever."""
    _put_run(store, NEW, FIRST, SECOND)
    store.put({str(TombstoneKey(PROJECT, NEW, TombstoneId("0" * 23 + "b"))): b""})
    assert (SECOND,) == _find(settings, store).writers


def test_what_a_crashed_process_left_is_published_first(settings, store):
    """The run of yesterday that never came to put anything."""
    settings.journal_dir.mkdir()
    head = header(store_url=store.url, meta=_meta())
    path = settings.journal_dir / f"{head.writer_id}.0.journal"
    lines = b"".join(map(line_of, some_calls(0, 3)))
    path.write_bytes(journal.encode_header(head) + lines)
    os.utime(path, (0, 0))
    found = _find(settings, store)
    assert (head.run_id, (head.writer_id,)) == (found.run_id, found.writers)


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.REFUSED])
def test_a_directory_that_cannot_be_asked_is_an_error_only_where_it_must_be(
    settings, store, caplog, fault
):
    """Otherwise training begins, as a new run, and a warning says so."""
    _put_run(store, OLD, FIRST)
    down = Faulty(store, lambda op, keys: fault)
    with pytest.raises((StoreUnavailable, StoreRefused)):
        _find(settings, down, "must")
    assert _find(settings, down, "allow") is None
    assert "whether it has a run 'n' is not known, so a new one begins" in caplog.text


def test_a_directory_that_hangs_is_waited_for_in_bounds(settings, store, caplog):
    """A file system of the network whose server is gone."""
    over = threading.Event()

    def hang(op, keys):
        over.wait()

    impatient = replace(settings, resume_s=0.05, finish_s=0.05)
    assert _find(impatient, Faulty(store, hang), "allow") is None
    with pytest.raises(StoreUnavailable, match="TRACKIO_RESUME_S"):
        _find(impatient, Faulty(store, hang), "must")
    over.set()
    assert "a new one begins" in caplog.text


# A store elsewhere


@pytest.fixture
def far():
    """It fails, does not exist, or never answers, if a test says so."""
    return MemoryStore()


@pytest.fixture
def spool(settings, far):
    """What waits for it on this machine."""
    return Directory(spool_folder(settings.spool_dir, far.url))


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch):
    """No outage of another test is remembered."""
    monkeypatch.setattr(outage, "_silent", set())


def _leave_journal(settings, store, **changes):
    settings.journal_dir.mkdir(exist_ok=True)
    head = header(store_url=store.url, meta=_meta(), **changes)
    path = settings.journal_dir / f"{head.writer_id}.0.journal"
    path.write_bytes(journal.encode_header(head))
    return head


def test_what_the_store_has_and_what_waits_here_of_a_run_is_one_run(settings, far, spool):
    """The machine died before it had sent all."""
    _put_run(far, NEW, FIRST)
    _put_run(spool, NEW, SECOND)
    found = _find(settings, far)
    assert (NEW, (FIRST, SECOND), True) == (found.run_id, found.writers, found.is_sent)


@pytest.mark.parametrize(("there", "here"), [(OLD, NEW), (NEW, OLD)])
def test_the_later_of_two_runs_is_meant_wherever_it_is(settings, far, spool, there, here):
    """In the store, or waiting on this machine."""
    _put_run(far, there, FIRST)
    _put_run(spool, here, SECOND)
    found = _find(settings, far, "allow")
    assert (NEW, there is NEW) == (found.run_id, found.is_sent)


def test_a_run_of_which_there_is_only_a_journal_is_found(settings, far):
    """It was killed before its first shard; a journal for another store is not meant."""
    head = _leave_journal(settings, far)
    found = _find(settings, far)
    assert (head.run_id, (head.writer_id,), False) == (found.run_id, found.writers, found.is_sent)
    assert _find(settings, MemoryStore(), "allow") is None


class _Down(MemoryStore):
    def __init__(self, exc):
        super().__init__()
        self._exc = exc

    def list(self, prefix="", *, recursive=True):
        raise self._exc


def test_where_the_store_does_not_answer_what_waits_here_decides(settings, caplog):
    """Without anything here a new run begins, and is told; the outage is told once."""
    down = _Down(StoreUnavailable("no answer"))
    assert _find(settings, down, "allow") is None
    assert _find(settings, down, "allow") is None
    assert 2 == caplog.text.count("whether it has a run 'n' is not known, so a new one begins")
    assert 1 == caplog.text.count("rows wait on this machine")
    _leave_journal(settings, down)
    assert _find(settings, down, "allow") is not None
    assert _find(settings, down, "must") is not None


@pytest.mark.parametrize("exc", [StoreUnavailable("no answer"), StoreRefused("no token")])
def test_where_it_must_be_found_a_store_that_cannot_be_asked_is_an_error(settings, exc):
    """And nothing of it is here."""
    with pytest.raises(type(exc), match=str(exc)):
        _find(settings, _Down(exc), "must")


def test_a_store_that_never_answers_is_given_up(settings):
    """Training does not wait for a network that swallows everything."""
    released = threading.Event()

    class Silent(MemoryStore):
        def list(self, prefix="", *, recursive=True):
            released.wait(60)
            return iter(())

    silent = Silent()
    assert _find(replace(settings, resume_s=0.05), silent, "allow") is None
    with pytest.raises(StoreUnavailable, match="TRACKIO_RESUME_S"):
        _find(replace(settings, resume_s=0.05), silent, "must")
    released.set()


def test_a_bucket_that_nobody_made_has_no_runs(settings, caplog):
    """The first rows make it; nothing is wrong with that."""
    missing = _Down(StoreMissing("there is none"))
    assert _find(settings, missing, "allow") is None
    with pytest.raises(NotFound, match="no run 'n'"):
        _find(settings, missing, "must")
    assert [] == caplog.records


def test_offline_only_what_waits_here_is_looked_at(settings, far, spool, caplog):
    """The store is not asked, even if it would answer."""
    offline = replace(settings, mode="offline")
    _put_run(far, NEW, FIRST)
    assert _find(offline, far, "allow") is None
    assert "mode is offline" in caplog.text
    with pytest.raises(NotFound):
        _find(offline, far, "must")
    _put_run(spool, OLD, SECOND)
    assert OLD == _find(offline, far, "must").run_id


def test_disabled_resumes_nothing(settings, store):
    """Not even what must be there."""
    assert _find(replace(settings, mode="disabled"), store, "must") is None
