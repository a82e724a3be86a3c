"""Roll-up: sixteen neighbours become one, nothing is lost on the way, nothing goes too soon."""

import pytest
from making import PROJECT, RUN_ID, WRITER_ID, calls

from trackio import shard
from trackio.catalog import list_writer
from trackio.errors import StoreUnavailable
from trackio.keys import ShardKey
from trackio.model import SeqRange
from trackio.settings import UpkeepPolicy
from trackio.spool import Spool
from trackio.store.directory import Directory
from trackio.store.faulty import Fault, Faulty, tear
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.writer.rollup import Put, RollUp

GRACE_S = 120.0


class Yard:
    """A roll-up and the store in which its shards are."""

    def __init__(self, folder, *, fan_in=3, store=None, unsent=None, **policy):
        self.clock = ManualClock()
        self.truth = store or MemoryStore(clock=self.clock)
        self.store = self.truth
        self.scratch = folder / "scratch"
        self.policy = UpkeepPolicy(grace_s=GRACE_S, fan_in=fan_in, **policy)
        self.unsent = unsent
        self.rollup = self._make()

    def _make(self):
        return RollUp(
            self.store,
            unsent=self.unsent,
            scratch=self.scratch,
            policy=self.policy,
            clock=self.clock,
        )

    def through(self, store):
        """Go on through a store that fails."""
        self.store = store
        self.rollup = self._make()

    def put(self, first, last):
        """A shard, as the publisher puts it."""
        key = ShardKey(PROJECT, RUN_ID, WRITER_ID, first, last)
        data = shard.encode(calls(first, last), RUN_ID, WRITER_ID, SeqRange(first, last))
        self.truth.put({str(key): data})
        self.rollup.add([Put(key, len(data), data)])
        return str(key)

    @property
    def spans(self):
        return sorted((k.first, k.last) for k in self._files().ranges)

    @property
    def cover(self):
        return [(taken.key.first, taken.key.last) for taken in self._files().cover.taken]

    def seqs(self):
        """The seqs of all rows that the cover takes, as often as it takes them."""
        found = []
        for taken in self._files().cover.taken:
            _, table = shard.decode(self.truth.get(str(taken.key)))
            seqs = [s for s in table["seq"].to_pylist() if taken.first <= s <= taken.last]
            found += seqs
        return sorted(found)

    def _files(self):
        return list_writer(self.truth, PROJECT, RUN_ID, WRITER_ID)


@pytest.fixture
def yard(tmp_path):
    return Yard(tmp_path)


def test_too_few_neighbours_stay_as_they_are(yard):
    """A merge for each new shard would write everything again and again."""
    yard.put(0, 1)
    yard.put(2, 3)
    yard.rollup.step()
    assert [(0, 1), (2, 3)] == yard.spans


def test_enough_neighbours_become_one_and_the_old_ones_stay_for_now(yard):
    """A reader that listed before the merge finds what it listed."""
    for first in (0, 2, 4):
        yard.put(first, first + 1)
    yard.rollup.step()
    assert [(0, 1), (0, 5), (2, 3), (4, 5)] == yard.spans
    assert [(0, 5)] == yard.cover
    assert sorted([*range(6)] * 2) == yard.seqs()
    assert not yard.scratch.exists()


def test_merged_files_are_merged_again(yard):
    """27 shards are one: a run of any length has few files that count."""
    for first in range(27):
        yard.put(first, first)
        yard.rollup.step()
    assert [(0, 26)] == yard.cover
    assert sorted([*range(27)] * 2) == yard.seqs()


def test_files_that_would_become_too_large_are_left(tmp_path):
    """Up to 128 MB; what is beyond that is compaction's."""
    yard = Yard(tmp_path, max_merged_bytes=100)
    for first in range(7):
        yard.put(first, first)
        yard.rollup.step()
    assert [(n, n) for n in range(7)] == yard.cover


def test_files_with_a_hole_between_them_are_not_joined(yard):
    """A merged file never spans a seq that none of its sources holds."""
    yard.put(0, 1)
    yard.put(3, 4)
    yard.put(5, 6)
    yard.rollup.step()
    assert [(0, 1), (3, 4), (5, 6)] == yard.spans


def test_an_unreadable_source_is_left_to_verify_and_its_neighbours_stay(yard):
    """And the files after them are merged all the same."""
    keys = [yard.put(first, first) for first in range(3)]
    tear(yard.truth, keys[1], 0.5)
    yard.rollup.step()
    for first in (3, 4, 5):
        yard.put(first, first)
    yard.rollup.step()
    assert (3, 5) in yard.spans
    assert (0, 2) not in yard.spans


def test_a_source_that_is_gone_is_left_alone_too(yard):
    """Somebody deleted the run while it was written."""
    keys = [yard.put(first, first) for first in range(3)]
    yard.truth.delete(keys[:1])
    yard.rollup.step()
    assert [(1, 1), (2, 2)] == yard.spans


def test_a_merge_that_fails_is_tried_again(yard):
    """The store was down for a moment."""
    faults = [Fault.FAILED]
    yard.through(
        Faulty(yard.truth, lambda op, _: faults.pop() if op == "put" and faults else Fault.NONE)
    )
    for first in range(3):
        yard.put(first, first)
    with pytest.raises(StoreUnavailable):
        yard.rollup.step()
    assert not yard.scratch.exists()
    yard.rollup.step()
    assert [(0, 2)] == yard.cover


def test_a_merge_stops_when_somebody_waits_and_is_done_later(yard):
    """`finish()` does not wait for housekeeping."""
    for first in range(3):
        yard.put(first, first)
    yard.rollup.step(lambda: True)
    assert [(0, 0), (1, 1), (2, 2)] == yard.cover
    yard.rollup.step()
    assert [(0, 2)] == yard.cover


# What was merged away


def test_what_was_merged_away_goes_after_grace(yard):
    """Not before, and only on account of a file that was read to its end."""
    for first in range(3):
        yard.put(first, first)
    yard.rollup.step()
    yard.clock.advance(GRACE_S - 1)
    yard.rollup.collect()
    assert 4 == len(yard.spans)
    yard.clock.advance(2)
    yard.rollup.collect()
    assert [(0, 2)] == yard.spans
    assert sorted([*range(3)] * 2) == yard.seqs()


def test_what_was_merged_away_stays_if_the_merged_file_is_damaged(yard):
    """Doubt keeps a file."""
    for first in range(3):
        yard.put(first, first)
    yard.rollup.step()
    merged = str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 2))
    tear(yard.truth, merged, 0.5)
    yard.clock.advance(10 * GRACE_S)
    yard.rollup.collect()
    assert [(0, 0), (0, 2), (1, 1), (2, 2)] == yard.spans


def test_collecting_waits_for_later_merges_too(yard):
    """Each merge has a grace of its own."""
    for first in range(3):
        yard.put(first, first)
    yard.rollup.step()
    yard.clock.advance(GRACE_S + 1)
    for first in (3, 4, 5):
        yard.put(first, first)
    yard.rollup.step()
    yard.rollup.collect()
    assert (3, 3) in yard.spans
    for _ in range(3):
        yard.clock.advance(GRACE_S + 1)
        yard.rollup.collect()
    assert [(0, 2), (3, 5)] == yard.spans


def test_nothing_is_collected_where_nothing_was_merged(yard):
    """No listing, no clock in the store."""
    yard.put(0, 0)
    yard.clock.advance(1000)
    yard.rollup.collect()
    assert [] == [entry.key for entry in yard.truth.list() if "/state/" in entry.key]


# The end


def test_at_the_end_the_small_files_become_one(tmp_path):
    """If there are several: a finished run is read fast without a job."""
    yard = Yard(tmp_path, fan_in=16)
    for first in range(5):
        yard.put(first, first)
    yard.rollup.finish()
    assert [(0, 4)] == yard.cover
    assert sorted([*range(5)] * 2) == yard.seqs()


def test_at_the_end_a_few_files_stay(tmp_path):
    """Merging them would cost more than it gives."""
    yard = Yard(tmp_path, fan_in=16)
    for first in range(3):
        yard.put(first, first)
    yard.rollup.finish()
    assert 3 == len(yard.cover)


def test_at_the_end_large_files_stay(tmp_path):
    """Only the tail of small ones is joined."""
    yard = Yard(tmp_path, fan_in=16, small_bytes=15_000)
    yard.put(0, 2_000)
    for first in range(2_001, 2_005):
        yard.put(first, first)
    yard.rollup.finish()
    assert [(0, 2_000), (2_001, 2_004)] == yard.cover


# In the spool


@pytest.fixture
def spooled(tmp_path):
    spool = Spool(tmp_path / "spool", MemoryStore())
    return Yard(tmp_path, store=spool.files, unsent=spool)


def test_what_waits_in_the_spool_is_merged_and_the_sources_go_at_once(spooled):
    """Nobody has seen them: a long outage does not become a thousand uploads."""
    spooled.unsent.offer([spooled.put(first, first) for first in range(3)])
    spooled.rollup.step()
    assert [(0, 2)] == spooled.spans
    assert spooled.unsent.send()
    sent = [entry.key for entry in spooled.unsent.store.list()]
    assert [str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 2))] == sent


def test_what_was_sent_in_part_is_not_merged(spooled):
    """What was sent is left to compaction."""
    spooled.unsent.offer([spooled.put(0, 0)])
    spooled.unsent.send()
    spooled.unsent.offer([spooled.put(first, first) for first in (1, 2)])
    spooled.rollup.step()
    assert [(1, 1), (2, 2)] == spooled.spans
    spooled.unsent.send()
    assert 3 == len(list(spooled.unsent.store.list()))


def test_a_merge_in_the_spool_that_stops_lets_its_files_go(spooled):
    """They are sent one by one then."""
    spooled.unsent.offer([spooled.put(first, first) for first in range(3)])
    spooled.rollup.step(lambda: True)
    assert spooled.unsent.send()
    assert 3 == len(list(spooled.unsent.store.list()))
    assert isinstance(spooled.truth, Directory)
    assert [] == spooled.spans


def test_a_small_run_ends_as_one_shard_wherever_its_parts_are(spooled):
    """Sent, waiting, merged before: a reader needs one file, and compaction takes the rest."""
    for first in range(2):
        spooled.unsent.offer([spooled.put(first, first)])
        spooled.unsent.send()
    spooled.unsent.offer([spooled.put(first, first) for first in range(2, 7)])
    spooled.rollup.step()
    spooled.unsent.offer([spooled.put(7, 7)])
    spooled.rollup.finish()
    assert [(0, 7)] == spooled.spans
    assert spooled.unsent.send()
    sent = list_writer(spooled.unsent.store, PROJECT, RUN_ID, WRITER_ID)
    assert [(0, 7)] == [(taken.key.first, taken.key.last) for taken in sent.cover.taken]
    data = spooled.unsent.store.get(str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 7)))
    assert list(range(8)) == sorted(set(shard.decode(data)[1]["seq"].to_pylist()))


def test_of_a_large_run_only_what_waits_is_merged_at_the_end(tmp_path):
    """What was sent is not read back from the store."""
    spool = Spool(tmp_path / "spool", MemoryStore())
    yard = Yard(tmp_path, store=spool.files, unsent=spool, fan_in=8, small_bytes=12_000)
    spool.offer([yard.put(0, 2_000)])
    spool.send()
    spool.offer([yard.put(first, first) for first in range(2_001, 2_004)])
    yard.rollup.finish()
    assert [(2_001, 2_003)] == yard.spans


def test_a_run_of_one_shard_ends_as_it_is(spooled):
    """There is nothing to merge."""
    spooled.unsent.offer([spooled.put(0, 5)])
    spooled.rollup.finish()
    assert spooled.unsent.send()
    assert 1 == len(list(spooled.unsent.store.list()))
