"""From lines to shards: what is put, in which order, and what the last calls say."""

import math

import orjson
import pytest
from making import HEADER, PROJECT, RUN_ID, WRITER_ID, header

from trackio import keys, shard
from trackio.catalog import list_project
from trackio.errors import StoreRefused, StoreUnavailable
from trackio.keys import MetaKey, NameKey, ShardKey, TombstoneKey
from trackio.meta import decode_meta, encode_meta
from trackio.model import CONFIG, METRIC, RUN, RunMeta, TombstoneId
from trackio.settings import FlushPolicy
from trackio.store.faulty import Fault, Faulty
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.writer import Writer
from trackio.writer.publisher import Publisher

POLICY = FlushPolicy(max_calls=100, max_bytes=1 << 20)
FINISHED = {"state": "finished", "reason": None}


class Path:
    """One write path into a store in memory, published by hand."""

    def __init__(self, folder, said=HEADER, *, store=None, policy=POLICY):
        self.truth = MemoryStore()
        self.store = store or self.truth
        self.offered = []
        self.writer = Writer(said, folder, policy=policy, clock=ManualClock())
        self.publisher = Publisher(
            self.writer, self.store, target=self.store, policy=policy, on_put=self.offered.extend
        )

    def log(self, *values):
        for value in values:
            self.writer.log({"x": value})

    def shards(self):
        """The parsed keys of all shards, in order."""
        found = (keys.parse(entry.key) for entry in self.truth.list())
        return sorted((k for k in found if isinstance(k, ShardKey)), key=lambda k: k.first)

    def rows(self):
        """Seq, kind, key, value and text of every row there is, in the order of seqs."""
        names = ("seq", "kind", "key", "value", "text")
        found = []
        for key in self.shards():
            _, table = shard.decode(self.truth.get(str(key)))
            found += zip(*(table[name].to_pylist() for name in names), strict=True)
        return sorted(found, key=lambda row: row[:3])


@pytest.fixture
def make(tmp_path):
    made = []

    def make_one(*args, **kwargs):
        made.append(Path(tmp_path / f"journal-{len(made)}", *args, **kwargs))
        return made[-1]

    yield make_one
    for path in made:
        path.writer.close(keep=True)


@pytest.fixture
def path(make):
    return make()


def _spans(path):
    return [(key.first, key.last) for key in path.shards()]


def test_calls_become_one_shard_named_by_their_seqs(path):
    """And are safe from then on."""
    path.log(1.0, 2.0)
    path.writer.append(CONFIG, {"lr": 0.1})
    path.log("three")
    (put,) = path.publisher.publish()
    assert ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 3) == put.key
    assert len(path.truth.get(str(put.key))) == put.size_bytes
    assert [
        (0, METRIC, "x", 1.0, None),
        (1, METRIC, "x", 2.0, None),
        (2, CONFIG, "lr", 0.1, None),
        (3, METRIC, "x", None, '"three"'),
    ] == path.rows()
    assert path.writer.is_all_safe


def test_nothing_new_puts_nothing(path):
    """A quiet run touches no store."""
    assert [] == path.publisher.publish()
    path.log(1.0)
    path.publisher.publish()
    before = set(path.truth.list())
    assert [] == path.publisher.publish()
    assert before == set(path.truth.list())


def test_what_is_said_of_the_run_is_put_before_its_first_shard(make):
    """So a reader never meets a run without a name."""
    truth, order = MemoryStore(), []
    store = Faulty(truth, before=lambda op, key: order.append(key) if op == "put" else None)
    path = make(store=store)
    path.log(1.0)
    path.publisher.publish()
    meta, name = str(MetaKey(PROJECT, RUN_ID)), str(NameKey(PROJECT, "a run", RUN_ID))
    assert {meta, name} == set(order[:2])
    assert [str(ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 0))] == order[2:]
    assert HEADER.meta == decode_meta(truth.get(meta))
    assert set(order) == set(path.offered)


def test_what_is_said_of_the_run_is_put_once_and_never_over_an_edited_one(make):
    """A second writer of the run finds it there."""
    edited = RunMeta(name="better", created="then", edited_at="now")
    path = make(header(is_new_run=False))
    path.truth.put({str(MetaKey(PROJECT, RUN_ID)): encode_meta(edited)})
    path.log(1.0)
    path.publisher.publish()
    path.log(2.0)
    path.publisher.publish()
    assert edited == decode_meta(path.truth.get(str(MetaKey(PROJECT, RUN_ID))))


def test_a_writer_of_an_older_run_says_what_is_missing(make):
    """The first writer died before it could."""
    path = make(header(is_new_run=False))
    path.log(1.0)
    path.publisher.publish()
    assert HEADER.meta == decode_meta(path.truth.get(str(MetaKey(PROJECT, RUN_ID))))


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.FAILED, Fault.LOST, Fault.TORN])
def test_a_put_that_fails_is_repeated_with_what_came_meanwhile(make, fault):
    """Under a name of its own; a shard that landed unknown to us is covered by it."""
    faults = [Fault.NONE, fault, Fault.NONE]
    truth = MemoryStore()
    store = Faulty(truth, lambda op, _: faults.pop(0) if op == "put" and faults else Fault.NONE)
    path = make(store=store)
    path.truth = truth
    path.log(1.0)
    with pytest.raises((StoreRefused, StoreUnavailable)):
        path.publisher.publish()
    assert not path.writer.is_all_safe
    path.log(2.0)
    path.publisher.publish()
    assert path.writer.is_all_safe
    (run,) = list_project(truth, PROJECT).without(_unreadable(truth)).runs.values()
    cover = run.writers[WRITER_ID].cover
    assert ([(0, 1)], ()) == ([(r.first, r.last) for r in cover.ranges], cover.gaps)


def _unreadable(store):
    bad = []
    for entry in store.list():
        if entry.key.endswith(".parquet"):
            try:
                shard.decode(store.get(entry.key))
            except shard.UnreadableFile:
                bad.append(entry.key)
    return bad


def test_many_calls_after_an_outage_are_put_in_shards_of_limited_size(make):
    """By calls, and by bytes; no call is put twice."""
    for policy in (
        FlushPolicy(max_calls=5, max_bytes=1 << 20),
        FlushPolicy(max_calls=1 << 20, max_bytes=500),
    ):
        path = make(policy=policy)
        for value in range(30):
            path.log(float(value))
            if value % 3 == 2:
                path.writer.take()
        path.publisher.publish()
        spans = _spans(path)
        assert 3 < len(spans) <= 10
        assert [0, *(last + 1 for _, last in spans)] == [*(first for first, _ in spans), 30]
        assert [float(value) for value in range(30)] == [row[3] for row in path.rows()]


def test_calls_with_keys_of_their_own_are_put_as_well(make):
    """The way for those that would make a table of holes."""
    path = make(policy=FlushPolicy(max_calls=1 << 20))
    for number in range(3000):
        path.writer.log({f"sample/{number}": 1.0 * number, "text": "t"} if number else {"a": 1})
    path.publisher.publish()
    assert 1 + 2 * 2999 == len(path.rows())


# Finishing


def test_the_last_calls_are_the_summary_and_then_the_finish_row(path):
    """All in one shard with what was left; nothing comes after them."""
    path.writer.append(RUN, {"start": None})
    path.log(1.0, 3.0, math.nan)
    path.publisher.finish(FINISHED)
    *_, summary, finish = path.rows()
    assert (4, "summary", "x") == summary[:3]
    assert {"last": "NaN", "min": 1.0, "max": 3.0, "mean": 2.0, "count": 3, "step": 2} == (
        orjson.loads(summary[4])
    )
    assert (5, RUN, "finish") == finish[:3]
    assert {"state": "finished", "reason": None, "last_seq": 5} == orjson.loads(finish[4])
    assert [(0, 5)] == _spans(path)
    assert path.writer.is_all_safe


def test_a_failed_run_says_why(path):
    """The reader shows it."""
    path.log(1.0)
    path.publisher.finish({"state": "failed", "reason": "ValueError"})
    said = orjson.loads(path.rows()[-1][4])
    assert ("failed", "ValueError") == (said["state"], said["reason"])


def test_the_summary_counts_each_call_once_wherever_the_shards_end(path):
    """Also those that were put before, and those that failed in between."""
    for value in range(10):
        path.log(float(value))
        if value in (3, 4, 8):
            path.publisher.publish()
    path.publisher.finish(FINISHED)
    (summary,) = [orjson.loads(row[4]) for row in path.rows() if row[1] == "summary"]
    assert (10, 4.5, 9.0) == tuple(summary[name] for name in ("count", "mean", "last"))


def test_a_run_that_logged_no_metric_has_no_summary(path):
    """Only its finish row."""
    path.publisher.finish(FINISHED)
    assert [(0, RUN, "finish")] == [row[:3] for row in path.rows()]


def test_finishing_twice_finishes_once(path):
    """The thread tries again after each failure."""
    path.log(1.0)
    path.publisher.finish(FINISHED)
    assert [] == path.publisher.finish(FINISHED)
    assert 1 == sum(row[2] == "finish" for row in path.rows())


@pytest.mark.parametrize("failing", range(4))
def test_finishing_goes_on_where_a_put_failed(make, failing):
    """One finish row, one summary, no call lost or counted twice."""
    truth, puts = MemoryStore(), []

    def choose(op, keys_):
        if op == "put":
            puts.append(keys_)
        return Fault.FAILED if op == "put" and len(puts) == failing + 1 else Fault.NONE

    path = make(store=Faulty(truth, choose), policy=FlushPolicy(max_calls=2))
    path.truth = truth
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        path.log(value)
        path.writer.take()
    for _ in range(2):
        try:
            path.publisher.finish(FINISHED)
        except StoreUnavailable:
            continue
    assert path.writer.is_all_safe
    (summary,) = [orjson.loads(row[4]) for row in path.rows() if row[1] == "summary"]
    assert (5, 3.0) == (summary["count"], summary["mean"])
    finish = orjson.loads(path.rows()[-1][4])
    assert path.writer.next_seq - 1 == finish["last_seq"] == path.rows()[-1][0]
    assert 5 == sum(row[1] == METRIC for row in path.rows())


def test_seqs_without_a_line_are_inside_a_range_at_the_end_too(path, monkeypatch):
    """An interrupted call is the last thing before finish: no gap is left for readers."""
    path.log(1.0)
    path.publisher.publish()

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("trackio.writer.writer.encode_log", interrupt)
        with pytest.raises(KeyboardInterrupt):
            path.log(2.0)
    path.publisher.finish(FINISHED)
    assert [(0, 0), (1, 3)] == _spans(path)


# Runs that were deleted


def _tombstone(identifier):
    return {str(TombstoneKey(PROJECT, RUN_ID, TombstoneId(identifier))): b""}


def test_a_writer_of_a_deleted_run_takes_an_id_the_tombstone_does_not_hide(make):
    """And says anew what the run is, as it was deleted too."""
    path = make(header(is_new_run=False))
    path.truth.put(_tombstone("f" * 23 + "0"))
    path.log(1.0)
    path.publisher.publish()
    fresh = path.writer.header.writer_id
    assert fresh > "f" * 23 + "0"
    assert [fresh] == [key.writer_id for key in path.shards()]
    (run,) = list_project(path.truth, PROJECT).runs.values()
    assert [fresh] == list(run.writers)
    assert run.meta is not None


def test_an_older_tombstone_does_not_touch_a_later_writer(make):
    """The run was deleted, then resumed."""
    path = make(header(is_new_run=False))
    path.truth.put(_tombstone("0" * 24))
    path.log(1.0)
    path.publisher.publish()
    assert [WRITER_ID] == [key.writer_id for key in path.shards()]


def test_nothing_is_put_before_the_tombstones_were_read(make):
    """A listing that fails decides nothing."""
    truth = MemoryStore()
    store = Faulty(truth, lambda op, _: Fault.FAILED if op == "list" else Fault.NONE)
    path = make(header(is_new_run=False), store=store)
    path.log(1.0)
    with pytest.raises(StoreUnavailable):
        path.publisher.publish()
    assert [] == list(truth.list())
    assert not path.writer.is_all_safe
