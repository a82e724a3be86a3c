"""Compaction: what is packed and when, and that whatever fails leaves the store readable."""

from contextlib import suppress

import pytest

from trackio import keys
from trackio.catalog import list_project
from trackio.errors import StoreUnavailable
from trackio.ids import make_id
from trackio.model import PackId, SeqRange, TombstoneId
from trackio.pack import open_parquet, read_meta
from trackio.store.faulty import Fault, Faulty, tear
from trackio.store.memory import MemoryStore
from trackio.store.wrapper import Wrapper
from trackio.testing import Crash, ManualClock
from trackio.testing.handmade import START_S, HandWriter
from trackio.testing.reading import points_in
from trackio.upkeep import delete
from trackio.upkeep.compact.job import Job, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects, PackDiffers
from trackio.upkeep.stopping import Stopped

GRACE_S = 120.0
SETTLE_S = 600.0


@pytest.fixture
def clock():
    return ManualClock(START_S)


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock)


def _writer(store, run="run", calls=12, shards=4, *, finish=True, start_s=START_S):
    writer = HandWriter(store, "p", run, start_s=start_s)
    writer.put_meta(run)
    for i in range(calls - 3 if finish else calls - 1):
        writer.log({"a": float(i), "b": -float(i)})
    if finish:
        writer.finish()
    each = calls // shards
    for n in range(shards):
        writer.put(n * each, calls - 1 if n == shards - 1 else (n + 1) * each - 1)
    return writer


def _job(store, clock, **policy):
    return Job(
        store=store,
        policy=CompactPolicy(**policy),
        grace_s=GRACE_S,
        make_id=lambda: make_id(clock),
    )


def _run(store, clock, *, job=None, **policy):
    effects = Effects(make_id=lambda: make_id(clock), limit_rows=30)
    return (job or _job(store, clock, **policy)).run("p", run_here(store, effects))


def _entries(store):
    return sorted(
        f"{key.first}-{key.last}{'→' if key.is_pointer else ''}"
        for run in list_project(store, "p").runs.values()
        for writer in run.writers.values()
        for key in writer.ranges
    )


def _packs(store):
    return sorted(list_project(store, "p").packs)


def _metas(store):
    return {
        pack: read_meta(open_parquet(store.get(entry.key)))
        for pack, entry in list_project(store, "p").packs.items()
    }


def test_a_finished_run_becomes_one_pointer(store, clock):
    """And its shards go once grace is over, never before."""
    _writer(store)
    before = points_in(store, "p")
    assert 1 == len(_run(store, clock).packed)
    assert ["0-11→", "0-2", "3-5", "6-8", "9-11"] == _entries(store)
    clock.advance(GRACE_S + 1)
    report = _run(store, clock)
    assert (0, 4) == (len(report.packed), report.deletes)
    assert ["0-11→"] == _entries(store)
    assert before == points_in(store, "p")


def test_a_run_that_did_not_finish_is_packed_once_it_is_silent(store, clock):
    """Until then it waits, and the plan says why."""
    writer = _writer(store, finish=False)
    report = _run(store, clock)
    assert [] == report.packed
    assert [f"run/{writer.writer_id}"] == [subject for subject, _ in report.plan.waiting]
    clock.advance(SETTLE_S + 1)
    assert 1 == len(_run(store, clock).packed)


def test_a_late_gap_keeps_a_run_and_a_missing_one_splits_its_pointer(store, clock):
    """A pointer never spans a seq that nobody holds."""
    writer = HandWriter(store, "p", "run")
    for i in range(29):
        writer.log({"a": float(i)})
    writer.put(0, 9)
    clock.advance(SETTLE_S + 1)
    writer.put(20, 29)
    clock.advance(SETTLE_S + 1)
    assert 1 == len(_run(store, clock).packed)
    assert {"0-9→", "20-29→"} <= set(_entries(store))


def test_calls_that_may_still_arrive_are_waited_for(store, clock):
    """A gap younger than settle is late."""
    writer = HandWriter(store, "p", "run")
    for i in range(29):
        writer.log({"a": float(i)})
    writer.put(0, 9)
    clock.advance(SETTLE_S - 10)
    writer.put(20, 29)
    clock.advance(20)
    assert [] == _run(store, clock).packed


def test_overlapping_copies_are_packed_once(store, clock):
    """A file that counts only in part goes with the one before it."""
    writer = HandWriter(store, "p", "run")
    for i in range(29):
        writer.log({"a": float(i)})
    for first, last in ((0, 12), (8, 20), (15, 29), (3, 5)):
        writer.put(first, last)
    clock.advance(SETTLE_S + 1)
    before = points_in(store, "p")
    (packed,) = _run(store, clock).packed
    assert 30 == packed.rows
    clock.advance(GRACE_S + 1)
    _run(store, clock)
    assert ["0-29→"] == _entries(store)
    assert before == points_in(store, "p")


def test_late_calls_behind_a_pointer_take_it_along(store, clock):
    """A shard that reaches back into packed rows would otherwise never be packed."""
    writer = HandWriter(store, "p", "run")
    for i in range(29):
        writer.log({"a": float(i)})
    writer.put(0, 12)
    clock.advance(SETTLE_S + 1)
    _run(store, clock)
    writer.put(8, 29)
    for _ in range(4):
        clock.advance(SETTLE_S + 1)
        _run(store, clock)
    assert ["0-29→"] == _entries(store)
    assert 1 == len(_packs(store))


def test_small_packs_are_merged_with_their_like(store, clock):
    """So that a project of many short runs keeps few files."""
    for number in range(4):
        _writer(store, f"run-{number}", start_s=START_S + number)
        _run(store, clock)
        clock.advance(1)
    before = points_in(store, "p")
    assert 4 == len(_packs(store))
    for _ in range(4):
        clock.advance(SETTLE_S + 1)
        _run(store, clock)
    assert 1 == len(_packs(store))
    assert before == points_in(store, "p")


def test_a_pack_of_which_a_fifth_is_dead_is_written_anew(store, clock):
    """Deleted rows vanish at once for readers, and then for good."""
    for number in range(3):
        _writer(store, f"run-{number}", start_s=START_S + number)
    _run(store, clock)
    delete.delete_run(store, "p", "run-1")
    before = points_in(store, "p")
    assert {"run-0", "run-1", "run-2"} == _runs_in(store)
    for _ in range(4):
        clock.advance(SETTLE_S + 1)
        _run(store, clock)
    assert {"run-0", "run-2"} == _runs_in(store)
    assert before == points_in(store, "p")


def test_deleted_rows_go_after_the_retention_time(store, clock):
    """However few they are."""
    for number in range(9):
        _writer(store, f"run-{number}", start_s=START_S + number)
    _run(store, clock)
    delete.delete_run(store, "p", "run-1")
    clock.advance(GRACE_S + 1)
    assert [] == _run(store, clock).packed
    for _ in range(4):
        clock.advance(40 * 24 * 3600.0)
        _run(store, clock)
    assert "run-1" not in _runs_in(store)


def _runs_in(store):
    return {s.run_id for meta in _metas(store).values() for s in meta.stretches}


def test_a_condemned_pack_with_a_pointer_is_packed_anew_and_only_then_goes(store, clock):
    """A compactor that stalls between pack and pointer may find its pack condemned."""
    _writer(store)
    _run(store, clock)
    (pack,) = _packs(store)
    clock.advance(GRACE_S + 1)
    _run(store, clock)
    store.put({str(keys.CondemnedKey("p", PackId(pack))): b""})
    before = points_in(store, "p")
    for _ in range(5):
        clock.advance(GRACE_S + 1)
        _run(store, clock)
        assert before == points_in(store, "p")
    (fresh,) = _packs(store)
    assert fresh > pack
    assert ["0-11→"] == _entries(store)
    assert pack in list_project(store, "p").condemned


def test_a_pack_nobody_points_to_goes_in_two_passes(store, clock):
    """Marked after grace, deleted a grace later; the mark stays for ever."""
    _writer(store)
    _run(store, clock)
    (pack,) = _packs(store)
    for entry in list(store.list(keys.runs_prefix("p"))):
        if entry.key.endswith(pack):
            store.delete([entry.key])
    clock.advance(GRACE_S + 1)
    assert 1 == _run(store, clock, settle_s=1e9).condemns
    clock.advance(GRACE_S / 2)
    _run(store, clock, settle_s=1e9)
    assert pack in _packs(store)
    clock.advance(GRACE_S / 2 + 1)
    _run(store, clock, settle_s=1e9)
    assert pack in list_project(store, "p").condemned
    assert pack not in _packs(store)
    assert str(keys.OverviewKey("p", PackId(pack))) not in {e.key for e in store.list()}


def test_a_file_that_cannot_be_read_is_left_out_and_named(store, clock):
    """What lies around it is packed."""
    writer = _writer(store)
    tear(store, writer.key(3, 5), 0.5)
    clock.advance(SETTLE_S + 1)
    report = _run(store, clock)
    assert [writer.key(3, 5)] == [lost.key for lost in report.lost]
    assert {"0-2→", "6-11→", "3-5"} <= set(_entries(store))


def test_a_pack_that_reads_back_otherwise_stops_the_job(store, clock):
    """Nothing points to it and nothing is deleted."""

    class Forger(Wrapper):
        def get(self, key):
            data = self._inner.get(key)
            return self.other if "/packs/" in key else data

    _writer(store)
    forger = Forger(store)
    other = MemoryStore(clock=clock)
    _writer(other, "else", calls=20)
    _run(other, clock)
    forger.other = other.get(next(e.key for e in other.list("p/packs/") if "over" not in e.key))
    with pytest.raises(PackDiffers, match="does not read back"):
        _run(forger, clock)
    assert ["0-2", "3-5", "6-8", "9-11"] == _entries(store)


def test_a_new_pack_sorts_above_all_that_are_listed(store, clock):
    """Even where the clocks of two jobs disagree by a year."""
    ahead = ManualClock(START_S + 3e7)
    _writer(store, "run-0")
    _run(store, clock, job=_job(store, ahead))
    effects = Effects(make_id=lambda: make_id(ahead))
    _writer(store, "run-1")
    _job(store, ahead).run("p", run_here(store, effects))
    listed = set(_packs(store))
    _writer(store, "run-2")
    _run(store, clock)
    (fresh,) = set(_packs(store)) - listed
    assert fresh > max(listed)


def test_two_compactors_at_once_write_two_packs_and_lose_nothing(store, clock):
    """The newer pointer wins; the older pack goes."""
    _writer(store)
    before = points_in(store, "p")
    first, second = _job(store, clock), _job(store, clock)
    plan = second.plan("p")
    _run(store, clock, job=first)
    effects = Effects(make_id=lambda: make_id(clock))
    list(run_here(store, effects)(plan.tasks))
    assert 2 == len(_packs(store))
    for _ in range(4):
        clock.advance(GRACE_S + 1)
        _run(store, clock)
        assert before == points_in(store, "p")
    assert ["0-11→"] == _entries(store)
    assert 1 == len(_packs(store))


@pytest.mark.parametrize("step", range(60))
def test_a_compactor_killed_before_any_io_step_loses_nothing(store, clock, step):
    """And the next one finishes what it began."""
    for number in range(2):
        _writer(store, f"run-{number}", start_s=START_S + number)
    before = points_in(store, "p")
    steps = iter(range(10_000))

    def kill(_op, _key):
        if next(steps) == step:
            raise Crash

    for _ in range(3):
        with suppress(Crash):
            _run(Faulty(store, before=kill, page_keys=3), clock)
        assert before == points_in(store, "p")
        clock.advance(GRACE_S + 1)
    for _ in range(4):
        _run(store, clock)
        clock.advance(GRACE_S + 1)
    assert before == points_in(store, "p")
    assert ["0-11→", "0-11→"] == _entries(store)


def test_a_store_that_fails_stops_a_job_and_the_next_goes_on(store, clock):
    """What was put stays, nothing is done twice that matters."""
    _writer(store)
    puts = []

    def choose(op, names):
        puts.extend([op] if op == "put" else [])
        return Fault.LOST if len(puts) == 2 else Fault.NONE

    with pytest.raises(StoreUnavailable):
        _run(Faulty(store, choose), clock)
    assert 1 == len(_run(store, clock).packed)


def test_files_of_a_writer_that_a_tombstone_hides_are_collected(store, clock):
    """A live writer of a deleted run goes on putting them."""
    writer = _writer(store)
    store.put({str(keys.TombstoneKey("p", writer.run_id, TombstoneId("f" * 24))): b""})
    _run(store, clock)
    assert set() == points_in(store, "p")
    clock.advance(GRACE_S + 1)
    _run(store, clock)
    left = [e.key for e in store.list(keys.writer_prefix("p", writer.run_id, writer.writer_id))]
    assert [] == left


def test_a_plan_can_be_printed_and_changes_nothing(store, clock):
    """But for the job's clock file, which it takes away again."""
    _writer(store)
    before = {entry.key for entry in store.list()}
    plan = _job(store, clock).plan("p")
    assert "p: pack 4 files of 1 writers in 1 runs" in str(plan)
    assert before == {entry.key for entry in store.list()}
    assert [SeqRange(0, 11)] == [span for task in plan.tasks for _, _, span in task.stretches()]


def test_a_pack_knows_the_names_of_its_runs(store, clock):
    """So that a list of runs asks for no `meta.json`."""
    _writer(store)
    _run(store, clock)
    (meta,) = _metas(store).values()
    entry = list_project(store, "p").runs["run"].meta
    assert store.get(entry.key).decode() == meta.metas["run"].data
    assert (entry.version, entry.size_bytes) == (
        meta.metas["run"].version,
        meta.metas["run"].size_bytes,
    )


def test_a_job_is_stopped_between_two_steps(store, clock):
    """Whatever it did until then is whole."""
    _writer(store)
    before = points_in(store, "p")

    def stop(_rows):
        raise Stopped

    effects = Effects(make_id=lambda: make_id(clock), tick=stop)
    with pytest.raises(Stopped):
        _job(store, clock).run("p", run_here(store, effects))
    assert before == points_in(store, "p")
    assert [] == _packs(store)
