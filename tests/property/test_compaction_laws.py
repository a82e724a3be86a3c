"""Compacting changes no answer: what is asked of a project is the same before and after."""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from trackio.ids import make_id
from trackio.query.alerts import list_alerts
from trackio.query.buckets import read_buckets
from trackio.query.history import scan_history
from trackio.query.metrics import list_metrics
from trackio.query.project import Project
from trackio.query.runs import list_runs
from trackio.query.series import read_series
from trackio.store.faulty import tear
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.testing.handmade import START_S, HandWriter
from trackio.upkeep.compact.job import Job, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects

PROJECT = "laws"
KEYS = ["a", "loss/x", "ünï"]
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), 0.0, -0.0]),
)
VALUES = st.one_of(NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.just("text"), st.just(10**400))
LONG = [({"a": float(i % 7), "loss/x": -float(i)}, None) for i in range(1500)]
CALLS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1),
        st.one_of(st.none(), st.none(), st.integers(-5, 3000)),
    ),
    max_size=30,
) | st.just(LONG)
WRITERS = st.lists(
    st.tuples(
        CALLS,
        st.integers(0, 2),  # which run
        st.sampled_from([None, None, "rank 1"]),
        st.booleans(),  # whether it resumes the writer before it
        st.booleans(),  # whether it finishes
        st.integers(1, 4),  # in how many shards
        st.booleans(),  # whether the middle one is missing
        st.booleans(),  # whether it is packed before the others are there
    ),
    min_size=1,
    max_size=5,
)


def _write(store, drawn, clock):
    for place, (calls, run, label, resumes, finishes, shards, gap, early) in enumerate(drawn):
        before = [w for w in _write.made if w.run_id == f"run-{run}"] if resumes else []
        writer = HandWriter(
            store,
            PROJECT,
            f"run-{run}",
            start_s=START_S + 1000 * place,
            label=label,
            resumed_from=before[-1:],
        )
        _write.made.append(writer)
        writer.put_meta(f"name {run}")
        writer.configure(lr=0.5, place=place)
        for data, step in calls:
            writer.log(data, step)
        writer.log_system({"cpu": 0.5})
        writer.alert("hot", level="warn")
        if finishes:
            writer.finish()
        ends = np.linspace(0, len(writer.calls), shards + 1).astype(int).tolist()
        for number, (first, end) in enumerate(pairwise(ends)):
            if first < end and not (gap and number == 1):
                writer.put(first, end - 1)
        if early:
            _compact(store, clock)


def _compact(store, clock, **policy):
    clock.advance(700.0)
    job = Job(
        store=store,
        policy=CompactPolicy(**{"pack_bytes": 30_000, "fan_in": 2, **policy}),
        grace_s=120.0,
        make_id=lambda: make_id(clock),
    )
    report = job.run(
        PROJECT, run_here(store, Effects(make_id=lambda: make_id(clock), limit_rows=50))
    )
    assert [] == report.lost
    return report


def _answers(store, clock):
    view = Project(store, PROJECT, clock=clock).refresh()
    runs = list_runs(view, 0.0)
    ids = sorted(row.run_id for row in runs)
    return {
        "runs": [_plain(row) for row in sorted(runs, key=lambda row: row.run_id)],
        "metrics": [(m.key, m.runs, m.points) for m in list_metrics(view)],
        "system": [(m.key, m.runs, m.points) for m in list_metrics(view, "system")],
        "alerts": [[(a.time_s, a.title, a.step) for a in list_alerts(view, i)] for i in ids],
        "series": [_arrays(s) for s in read_series(view, ids, KEYS)],
        "buckets": [_arrays(s) for s in read_buckets(view, ids, KEYS)],
        "few": [_arrays(s) for s in read_buckets(view, ids, KEYS, target=7)],
        "many": [_arrays(s) for s in read_buckets(view, ids, KEYS, target=2000)],
        "wide": [_arrays(s) for s in read_buckets(view, ids, KEYS, width=64)],
        "history": [list(map(str, scan_history(view, i))) for i in ids],
    }


def _plain(row):
    """A row of the table of runs; when files came is no property of the rows."""
    summary = {
        key: (s.last, s.min, s.max, s.count, s.step, s.text) for key, s in row.summary.items()
    }
    means = {key: s.mean for key, s in row.summary.items()}
    return (
        (row.run_id, row.name, row.created_s, row.started_s, row.last_step, row.writers),
        (row.host, row.resumed, dict(row.config)),
        summary,
        means,
    )


def _arrays(series):
    return {name: getattr(series, name) for name in series.__dataclass_fields__}


def _assert_same(expected, found, where=""):
    if isinstance(expected, dict):
        assert expected.keys() == found.keys(), where
        for key, value in expected.items():
            _assert_same(value, found[key], f"{where}/{key}")
    elif isinstance(expected, list | tuple):
        assert len(expected) == len(found), where
        for place, (mine, theirs) in enumerate(zip(expected, found, strict=True)):
            _assert_same(mine, theirs, f"{where}/{place}")
    elif isinstance(expected, np.ndarray):
        if where.endswith("mean"):  # added up in another order
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=where)
        else:
            np.testing.assert_array_equal(found, expected, err_msg=where)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), where
    else:
        assert expected == found, where


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(drawn=WRITERS)
def test_compacting_changes_no_answer(drawn):
    """Nor does collecting, nor merging packs, nor half of it being packed already."""
    clock = ManualClock(START_S + 100_000)
    store, plain = MemoryStore(clock=clock), MemoryStore(clock=clock)
    for where, early in ((plain, False), (store, True)):
        _write.made = []
        numbered = [(*each[:-1], each[-1] and early) for each in drawn]
        with _same_ids():
            _write(where, numbered, clock)
    expected = _answers(plain, clock)
    _assert_same(expected, _answers(store, clock))
    for _ in range(4):
        _compact(store, clock)
        _assert_same(expected, _answers(store, clock))


class _same_ids:  # noqa: N801 - reads as a word
    """Two writers made in here and in another such block have the same ids."""

    def __enter__(self):
        from trackio.testing import handmade

        self._numbers, handmade._numbers = handmade._numbers, iter(range(1, 1000))

    def __exit__(self, *_):
        from trackio.testing import handmade

        handmade._numbers = self._numbers


@pytest.mark.parametrize("damage", ["torn", "gone", "empty"])
def test_an_overview_that_cannot_be_read_is_done_without(damage):
    """It is derived from rows, and those are there."""
    clock = ManualClock(START_S)
    store = MemoryStore(clock=clock)
    _write.made = []
    calls = [({"a": float(i), "loss/x": 1.0 / (i + 1)}, None) for i in range(500)]
    # The second run resumed, the third fell silent without an end.
    drawn = [(calls, 0, None, False, True), (calls, 1, None, False, False)]
    drawn += [(calls[:40], 1, None, True, True), (calls, 2, None, False, False)]
    _write(store, [(*each, 2, False, False) for each in drawn], clock)
    expected = _answers(store, clock)
    _compact(store, clock)
    for key in [entry.key for entry in store.list() if "overview" in entry.key]:
        if damage == "torn":
            tear(store, key, 0.5)
        elif damage == "gone":
            store.delete([key])
        else:
            store.put({key: b""})
    _assert_same(expected, _answers(store, clock))


def test_a_project_in_a_directory_reads_the_same_packed():
    """Where DuckDB reads the pack itself and nothing is held in memory."""
    clock = ManualClock(START_S)
    with tempfile.TemporaryDirectory() as folder:
        from trackio.store.directory import Directory

        store = Directory(Path(folder))
        _write.made = []
        calls = [({"a": float(i), "loss/x": 1.0 / (i + 1)}, None) for i in range(5000)]
        _write(store, [(calls, r, None, False, True, 3, False, False) for r in range(3)], clock)
        expected = _answers(store, clock)
        job = Job(store=store, policy=CompactPolicy(settle_s=0.0), grace_s=0.0)
        report = job.run(PROJECT, run_here(store, Effects()))
        assert 1 == len(report.packed)
        _assert_same(expected, _answers(store, clock))
