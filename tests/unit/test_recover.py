"""Recovery: it publishes what the dead left and adds nothing of its own."""

import os

import pytest
from making import HEADER, OWNER, PROJECT, RUN_ID, WRITER_ID, calls, header, line_of

from trackio import journal, shard
from trackio.catalog import list_project
from trackio.errors import StoreUnavailable
from trackio.hosts import own_identity
from trackio.keys import MetaKey, NameKey, ShardKey, TombstoneKey
from trackio.meta import decode_meta, encode_meta
from trackio.model import RunMeta, SeqRange, TombstoneId, WriterId
from trackio.settings import Settings
from trackio.spool import Spool, spool_folder
from trackio.store import open_store
from trackio.store.faulty import Fault, Faulty, tear
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.upkeep import background, recover

NOW_S = 10_000_000.0
GRACE_S = 120.0
DEAD = recover.Policy(is_dead=lambda owner: True, is_alive=lambda owner: False)
UNKNOWN = recover.Policy(is_dead=lambda owner: False, is_alive=lambda owner: False)
ALIVE = recover.Policy(is_dead=lambda owner: False, is_alive=lambda owner: True)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "journal"
    made.mkdir()
    return made


@pytest.fixture
def clock():
    return ManualClock(NOW_S)


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock)


def _journal(folder, *said, head=HEADER, number=0, tail=b"", age_s=0.0):
    path = folder / f"{head.writer_id}.{number}.journal"
    lines = b"".join(line_of(call) for part in said for call in part)
    path.write_bytes(journal.encode_header(head) + lines + tail)
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    return path


def _find(folder, policy=DEAD, **kwargs):
    found, damaged = recover.find_left(folder, policy, now_s=NOW_S, **kwargs)
    assert [] == damaged
    return found


def _put(store, *spans):
    for first, last in spans:
        key = ShardKey(PROJECT, RUN_ID, WRITER_ID, first, last)
        span = SeqRange(first, last)
        store.put({str(key): shard.encode(calls(first, last), RUN_ID, WRITER_ID, span)})


def _plan(folder, store, policy=DEAD, spooled=None):
    (left,) = _find(folder, policy)
    seen = recover.look(left, store, spooled=spooled, grace_s=GRACE_S)
    return recover.plan(left, seen, policy, now_s=NOW_S)


def _publishes(plan):
    return [(part[0].seq, part[-1].seq) for part in plan.publish]


def _rows(store):
    """The seqs of a project's rows as a reader counts them."""
    found = []
    for run in list_project(store, PROJECT).runs.values():
        for files in run.writers.values():
            for taken in files.cover.taken:
                _, table = shard.decode(store.get(str(taken.key)))
                found += [s for s in table["seq"].to_pylist() if taken.first <= s <= taken.last]
    return sorted(found)


# What is left


def test_the_journals_of_one_writer_are_one_thing(folder):
    """Several files, overlapping lines; what is torn is counted."""
    first = _journal(folder, calls(0, 4))
    second = _journal(folder, calls(3, 7), number=1, tail=b'{"seq":8,"ti')
    (left,) = _find(folder)
    assert list(range(8)) == [call.seq for call in left.calls]
    assert ((first, second), 1, True) == (left.paths, left.torn, left.is_dead)
    assert HEADER == left.header


@pytest.mark.parametrize(
    ("policy", "age_s", "found"),
    [
        (DEAD, 0.0, 1),
        (ALIVE, 1e6, 0),
        (UNKNOWN, 599.0, 0),
        (UNKNOWN, 601.0, 1),
        (recover.Policy(everything=True, is_alive=lambda owner: True), 0.0, 1),
    ],
)
def test_only_what_is_worth_while_is_taken_up(folder, policy, age_s, found):
    """Not the living; of those nobody can tell about, the silent; or everything, if asked."""
    _journal(folder, calls(0, 1), age_s=age_s)
    assert found == len(_find(folder, policy))


def test_one_project_can_be_asked_for(folder):
    """Resuming a run by name needs no other."""
    other = header(project="other", writer_id=WriterId("9" * 24))
    _journal(folder, calls(0, 1))
    _journal(folder, calls(0, 1), head=other)
    assert ["other"] == [left.header.project for left in _find(folder, project="other")]
    assert 2 == len(_find(folder))


@pytest.mark.parametrize("data", [b"", b"\0" * 100, journal.encode_header(HEADER)[:-9] + b"\n"])
def test_a_journal_nobody_can_read_is_reported_and_left(folder, data):
    """The others are taken up all the same."""
    bad = folder / "bad.journal"
    bad.write_bytes(data)
    _journal(folder, calls(0, 1))
    found, damaged = recover.find_left(folder, DEAD, now_s=NOW_S)
    assert 1 == len(found)
    assert [bad] == [path for path, _ in damaged]
    assert data == bad.read_bytes()


def test_no_folder_is_nothing_left(tmp_path):
    """Nobody has logged on this machine."""
    assert [] == _find(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("policy", "age_s", "is_live"),
    [
        (DEAD, 0.0, False),
        (ALIVE, 1e6, True),
        (UNKNOWN, 599.0, True),
        (UNKNOWN, 601.0, False),
        (recover.Policy(everything=True, is_alive=lambda owner: True), 0.0, False),
    ],
)
def test_spooled_files_are_taken_up_with_the_journals(folder, policy, age_s, is_live):
    """After a reboot nobody is proven dead; what is silent is sent all the same."""
    _journal(folder, age_s=age_s)
    live = recover.live_writers(folder, policy, now_s=NOW_S)
    assert ({WRITER_ID} if is_live else set()) == live


# What is published


def test_what_the_store_does_not_hold_is_published(folder, store):
    """In stretches of consecutive seqs."""
    _put(store, (0, 3), (6, 7))
    _journal(folder, calls(2, 9))
    assert [(4, 5), (8, 9)] == _publishes(_plan(folder, store))


def test_a_seq_without_a_line_is_never_inside_what_is_published(folder, store):
    """Its call may be in a shard that is not listed yet; only its writer may say it is empty."""
    _journal(folder, calls(0, 2), calls(4, 5), calls(8, 8))
    assert [(0, 2), (4, 5), (8, 8)] == _publishes(_plan(folder, store))


def test_a_shard_that_cannot_be_read_holds_nothing(folder, store):
    """Its rows are published again, under their own name or another."""
    _put(store, (0, 3), (4, 9))
    tear(store, str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 3)), 0.5)
    _journal(folder, calls(0, 9))
    assert [(0, 3)] == _publishes(_plan(folder, store))


def test_a_torn_shard_does_not_hide_the_readable_one_under_it(folder, store):
    """The walk is done again without it."""
    _put(store, (0, 3), (0, 9))
    tear(store, str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 9)), 0.5)
    _journal(folder, calls(0, 9))
    assert [(4, 9)] == _publishes(_plan(folder, store))


def test_what_waits_in_the_spool_counts_as_held(folder, store):
    """It will be sent from there."""
    spooled = MemoryStore()
    _put(spooled, (0, 4))
    _put(store, (5, 6))
    _journal(folder, calls(0, 9))
    assert [(7, 9)] == _publishes(_plan(folder, store, spooled=spooled))


def test_a_deleted_run_is_not_brought_back(folder, store):
    """Its journal may go at once."""
    tombstone = TombstoneKey(PROJECT, RUN_ID, TombstoneId("f" * 24))
    store.put({str(tombstone): b""})
    path = _journal(folder, calls(0, 9))
    plan = _plan(folder, store)
    assert ([], (path,)) == (_publishes(plan), plan.drop)


def test_publishing_puts_what_is_said_of_the_run_too(folder, store):
    """Its process was killed before it put anything."""
    _journal(folder, calls(0, 4))
    keys = recover.apply(_plan(folder, store), store)
    meta = str(MetaKey(PROJECT, RUN_ID))
    name = str(NameKey(PROJECT, HEADER.meta.name, RUN_ID))
    assert {meta, name, str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 4))} == set(keys)
    assert HEADER.meta == decode_meta(store.get(meta))
    assert sorted([*range(5)] * 2) == _rows(store)


def test_what_is_said_of_the_run_is_never_replaced(folder, store):
    """Somebody has renamed it since."""
    edited = RunMeta(name="better", created="then", edited_at="now")
    store.put({str(MetaKey(PROJECT, RUN_ID)): encode_meta(edited)})
    _journal(folder, calls(0, 4))
    recover.apply(_plan(folder, store), store)
    assert edited == decode_meta(store.get(str(MetaKey(PROJECT, RUN_ID))))


def test_recovering_twice_or_from_two_hosts_at_once_is_harmless(folder, store):
    """Both looked before either put; the cover counts each row once."""
    _put(store, (0, 3))
    _journal(folder, calls(2, 9))
    one, other = _plan(folder, store), _plan(folder, store)
    recover.apply(one, store)
    _put(store, (4, 6), (2, 8))  # and the living writer publishes its own stretches
    recover.apply(other, store)
    assert sorted([*range(10)] * 2) == _rows(store)
    assert [] == _publishes(_plan(folder, store))


def test_a_listing_that_fails_decides_nothing(folder, store):
    """Nothing is published on a guess, and no journal goes."""
    path = _journal(folder, calls(0, 4))
    (left,) = _find(folder)
    broken = Faulty(store, lambda op, _: Fault.FAILED if op == "list" else Fault.NONE)
    with pytest.raises(StoreUnavailable):
        recover.look(left, broken, spooled=None, grace_s=GRACE_S)
    assert path.exists()


# What becomes of the journal


def test_a_journal_goes_only_when_its_rows_are_old_and_readable_in_the_store(folder, store, clock):
    """What was just put may not be listed everywhere; the next recovery removes it."""
    path = _journal(folder, calls(0, 4))
    recover.apply(_plan(folder, store), store)
    assert () == _plan(folder, store).drop
    clock.advance(GRACE_S + 1)
    plan = _plan(folder, store)
    assert (path,) == plan.drop
    recover.apply(plan, store)
    assert not path.exists()
    recover.apply(plan, store)  # another recoverer was as far


def test_a_journal_stays_while_a_single_call_is_not_safe(folder, store, clock):
    """All of it or nothing."""
    _put(store, (0, 3))
    clock.advance(GRACE_S + 1)
    _journal(folder, calls(0, 4))
    assert () == _plan(folder, store).drop


def test_the_journal_of_an_unknown_process_stays_for_a_week(folder, store, clock):
    """It may live on another machine that shares the folder."""
    _put(store, (0, 4))
    clock.advance(GRACE_S + 1)
    path = _journal(folder, calls(0, 4), age_s=3600.0)
    assert () == _plan(folder, store, UNKNOWN).drop
    _journal(folder, calls(0, 4), age_s=recover.WEEK_S + 1)
    assert (path,) == _plan(folder, store, UNKNOWN).drop


def test_an_empty_journal_goes_once_its_owner_is_dead(folder, store):
    """A process that was killed right after `init`."""
    path = _journal(folder)
    plan = _plan(folder, store)
    assert ([], (path,)) == (_publishes(plan), plan.drop)


def test_a_plan_says_what_it_would_do(folder, store):
    """For people, and for `--dry-run`."""
    _put(store, (0, 3))
    _journal(folder, calls(0, 9))
    assert "p/a run: publish 6 of 10 calls, remove 0 of 1 journals" == str(_plan(folder, store))


# All of it together, as `init`, `show`, `sync` and `recover` call it


@pytest.fixture
def settings(tmp_path):
    return Settings(
        dir=tmp_path, journal_dir=tmp_path / "journal", store_url=str(tmp_path / "store")
    )


def _dead_header(settings, **changes):
    owner = OWNER  # of a boot that is not this one; silent for long
    return header(**{"store_url": settings.store_url, "owner": owner, **changes})


def test_everything_that_is_left_is_published(settings, folder):
    """Of all projects, into the store of each journal's own header."""
    elsewhere = settings.dir / "elsewhere"
    _journal(folder, calls(0, 4), head=_dead_header(settings), age_s=NOW_S)
    other = _dead_header(
        settings, project="q", writer_id=WriterId("9" * 24), store_url=elsewhere.as_uri()
    )
    _journal(folder, calls(0, 2), head=other, age_s=NOW_S)
    report = background.recover(settings)
    assert (8, [], 2) == (report.calls, report.problems, len(report.plans))
    assert 10 == len(_rows(open_store(settings.store_url)))
    assert ["q"] == [path.name for path in elsewhere.iterdir()]
    assert 0 == background.recover(settings).calls


def test_a_dry_run_changes_nothing(settings, folder):
    """It only says what would be done."""
    _journal(folder, calls(0, 4), head=_dead_header(settings), age_s=NOW_S)
    report = background.recover(settings, dry_run=True)
    assert (0, 1) == (report.calls, len(report.plans))
    assert [] == list(open_store(settings.store_url).list("p/runs/"))


def test_one_store_that_cannot_be_reached_does_not_stop_the_others(settings, folder):
    """Each problem is reported with its run."""
    (settings.dir / "a file").write_bytes(b"")
    bad = _dead_header(
        settings,
        project="bad",
        writer_id=WriterId("9" * 24),
        store_url=(settings.dir / "a file").as_uri(),
    )
    unknown = _dead_header(
        settings, project="new", writer_id=WriterId("8" * 24), store_url="later://store"
    )
    for head in (bad, unknown, _dead_header(settings)):
        _journal(folder, calls(0, 4), head=head, age_s=NOW_S)
    report = background.recover(settings)
    assert 5 == report.calls
    assert 2 == len(report.problems)
    assert any("bad/a run" in problem for problem in report.problems)
    assert any("later" in problem for problem in report.problems)


def test_spooled_files_of_the_dead_are_sent_and_those_of_the_living_are_left(settings, folder):
    """From another process's spool, in the store's own layout."""
    there = MemoryStore("recovered")
    files = Spool(spool_folder(settings.spool_dir, there.url), there)
    living = WriterId("9" * 24)
    _put(files.files, (0, 4))
    key = str(ShardKey(PROJECT, RUN_ID, living, 0, 0))
    files.files.put({key: shard.encode(calls(0, 0), RUN_ID, living, SeqRange(0, 0))})
    files.offer([])
    _journal(folder, head=header(writer_id=living, owner=own_identity(), store_url=there.url))
    report = background.recover(settings)
    assert ([], 1) == (report.problems, report.files_sent)
    assert [str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 4))] == [e.key for e in there.list()]
    assert [key] == [entry.key for entry in files.files.list()]


def test_a_journal_for_a_store_elsewhere_is_published_and_sent(settings, folder):
    """Also where its writer had spooled a part and died before it left a note."""
    there = MemoryStore("elsewhere")
    spool = Spool(spool_folder(settings.spool_dir, there.url), there)
    _put(spool.files, (0, 2))
    _journal(folder, calls(0, 4), head=_dead_header(settings, store_url=there.url), age_s=NOW_S)
    report = background.recover(settings)
    assert [] == report.problems
    assert sorted([*range(5)] * 2) == _rows(there)
    assert [] == list(spool.files.list("p/"))


def test_recovering_beside_a_living_writer_is_harmless_if_asked_for(settings, folder):
    """`everything` publishes what it has not put yet; nothing is removed."""
    path = _journal(folder, calls(0, 4), head=_dead_header(settings, owner=own_identity()))
    assert 0 == background.recover(settings).calls
    assert 5 == background.recover(settings, everything=True).calls
    assert path.exists()


def test_only_files_near_the_journal_are_read(folder, store):
    """A long run leaves a short journal; the rest of it is not fetched from afar."""
    _put(store, (0, 9), (10, 19), (20, 29))
    _journal(folder, calls(25, 34))
    asked = []
    seen = Faulty(store, before=lambda op, key: asked.append(key) if op == "get" else None)
    assert [(30, 34)] == _publishes(_plan(folder, seen))
    assert {str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 20, 29))} == set(asked)


def test_a_sync_asks_no_store_for_its_time(folder, store):
    """That takes a put; without it no journal may go."""
    _put(store, (0, 9))
    _journal(folder, calls(0, 9))
    (left,) = _find(folder)
    before = {entry.key for entry in store.list()}
    seen = recover.look(left, store, spooled=None, grace_s=GRACE_S, may_ask_time=False)
    assert before == {entry.key for entry in store.list()}
    assert () == recover.plan(left, seen, DEAD, now_s=NOW_S).drop
