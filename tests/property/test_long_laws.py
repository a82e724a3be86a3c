"""Series that are read section by section: the same answers as if all their points were read."""

import io
import math
import pickle
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.property.test_query_laws import check_buckets, points_of
from trackio.model import Value
from trackio.query.buckets import Bucketed, read_buckets
from trackio.query.digests import LongPolicy
from trackio.query.lines import lines_of_runs
from trackio.query.longs import find_long
from trackio.query.project import Project
from trackio.rows import REPEATING
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import START_S, HandWriter, put_pack

law = settings(deadline=None, max_examples=60)
NEVER = LongPolicy(large_rows=1 << 60)
Written = tuple[Sequence[tuple[int | None, dict[str, Value], int]], int, bool, bool]
"""What a writer logs and when, in how many files, whether they are packs, and if it resumes."""
EXACT = ("index", "min", "max", "first", "last", "finite", "nonfinite", "x_first", "x_last")
values = st.one_of(
    st.floats(-1e6, 1e6),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e308, True, False, "text", 10**400]),
)
steps = st.one_of(st.none(), st.none(), st.none(), st.integers(-20, 60))
calls = st.lists(
    st.tuples(
        steps, st.dictionaries(st.sampled_from("ab"), values, min_size=1), st.integers(-2, 9)
    ),
    min_size=1,
    max_size=40,
)
rising = st.lists(
    st.tuples(st.none(), st.fixed_dictionaries({"a": values}), st.just(1)), min_size=20, max_size=80
)
histories = st.lists(
    st.tuples(calls | rising, st.integers(1, 4), st.booleans(), st.booleans()),
    min_size=1,
    max_size=3,
)
policies = st.builds(
    LongPolicy,
    large_rows=st.just(0),
    long_rows=st.integers(1, 8),
    indexed_rows=st.sampled_from([0, 10]),
    fine_buckets=st.integers(1, 5),
)
windows = st.one_of(st.none(), st.integers(-10, 70))


def written(
    history: Sequence[Written],
    group_rows: int,
) -> tuple[MemoryStore, list[HandWriter]]:
    """One run of several writers, in shards and packs of small row groups."""
    store = MemoryStore()
    writers: list[HandWriter] = []
    for number, (calls, files, is_packed, resumes) in enumerate(history):
        start_s = START_S + 1000.0 * number
        before = writers[-1:] if resumes else []
        writer = HandWriter(store, "p", "run", start_s=start_s, resumed_from=before)
        now_s = start_s
        for step, data, wait_s in calls:
            now_s = max(start_s, now_s + wait_s)
            writer.at(now_s).log(data, step)
        writer.finish()
        ends = np.linspace(0, len(writer.calls), files + 1).astype(int).tolist()
        for first, end in pairwise(ends):
            if first < end and is_packed:
                put_pack(f"{number * 10 + first:024x}", [(writer, first, end - 1)])
            elif first < end:
                writer.put(first, end - 1)
        writers.append(writer)
    regroup(store, group_rows)
    return store, writers


def regroup(store: MemoryStore, rows: int) -> None:
    """Write each file anew in row groups of so many rows."""
    for entry in list(store.list()):
        if entry.key.endswith(".parquet"):
            source = pa.BufferReader(store.get(entry.key))
            file = pq.ParquetFile(source, read_dictionary=sorted(REPEATING))
            said = {k: v for k, v in file.metadata.metadata.items() if k.startswith(b"trackio.")}
            sink = io.BytesIO()
            table = file.read().replace_schema_metadata(said)
            pq.write_table(table, sink, row_group_size=rows)
            store.put({entry.key: sink.getvalue()})


def check_alike(expected: Sequence[Bucketed], found: Sequence[Bucketed]) -> None:
    """All alike but the last digits of a mean."""
    names = [(one.run_id, one.label, one.key, one.width) for one in expected]
    assert names == [(one.run_id, one.label, one.key, one.width) for one in found]
    for one, other in zip(expected, found, strict=True):
        for field in EXACT:
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), field)
        size = max([1.0, *np.abs(one.min[one.finite > 0]), *np.abs(one.max[one.finite > 0])])
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9, atol=size * 1e-9)


questions = st.fixed_dictionaries(
    {
        "x": st.sampled_from(["step", "time", "relative"]),
        "target": st.integers(1, 40) | st.none(),
        "width": st.sampled_from([None, 1, 4, 64, 4096]),
        "lo": windows,
        "hi": windows,
    }
)


BACKWARDS: Sequence[Written] = [
    ([(None, {"a": 0.0}, wait_s) for wait_s in (1, 0, -1)], 1, False, False)
]
"""A clock that goes back behind two sections before."""
SMALL = LongPolicy(large_rows=0, long_rows=1, indexed_rows=0, fine_buckets=1)


@law
@example(BACKWARDS, 1, SMALL, {"x": "time", "target": None, "width": None, "lo": None, "hi": None})
@given(histories, st.integers(1, 9), policies, questions)
def test_sections_say_what_the_points_say(
    history: Sequence[Written], group_rows: int, policy: LongPolicy, asked: dict[str, Any]
):
    """Attempts, steps in any order, packs, windows, axes: all but a mean's last digits."""
    store, _ = written(history, group_rows)
    if asked["x"] == "time":
        asked |= {end: asked[end] + START_S for end in ("lo", "hi") if asked[end] is not None}
    by_points = Project(store, "p", long_policy=NEVER).view()
    by_sections = Project(store, "p", long_policy=policy).view()
    expected = read_buckets(by_points, ["run"], "ab", **asked)
    check_alike(expected, read_buckets(by_sections, ["run"], "ab", **asked))


@law
@given(rising, st.integers(2, 9), policies, st.sampled_from([1, 2, 8, 64]))
def test_long_series_tell_the_truth_at_every_width(
    calls: Sequence[tuple[None, dict[str, float], int]],
    group_rows: int,
    policy: LongPolicy,
    width: int,
):
    """Smallest, largest, first, last, mean and counts are those of the points themselves."""
    numbers = [
        (step, {key: value for key, value in data.items() if isinstance(value, float)}, wait)
        for step, data, wait in calls
    ]
    store, (writer,) = written([(numbers, 2, False, False)], group_rows)
    view = Project(store, "p", long_policy=policy).view()
    expected = points_of(writer, "a")
    found = read_buckets(view, ["run"], ["a"], width=width)
    assert bool(expected) == bool(found)
    for bucketed in found:
        check_buckets(expected, bucketed)


@law
@given(
    histories,
    st.integers(2, 9),
    policies,
    st.lists(st.tuples(st.integers(1, 20), windows, windows), min_size=1, max_size=4),
)
def test_what_was_asked_before_changes_no_byte(
    history: Sequence[Written],
    group_rows: int,
    policy: LongPolicy,
    zooms: Sequence[tuple[int, int | None, int | None]],
):
    """A view that has answered other zooms says the same, to the bit, as one just opened."""
    store, _ = written(history, group_rows)
    warm = Project(store, "p", long_policy=policy).view()
    for _ in range(2):
        for target, lo, hi in zooms:
            cold = Project(store, "p", long_policy=policy).view()
            said = [
                pickle.dumps(read_buckets(view, ["run"], "ab", target=target, lo=lo, hi=hi))
                for view in (cold, warm)
            ]
            assert said[0] == said[1]


@law
@given(rising, st.integers(2, 9), policies, st.integers(0, 60))
def test_a_bucket_inside_a_window_is_as_it_is_in_the_whole(
    calls: Sequence[tuple[None, dict[str, Value], int]],
    group_rows: int,
    policy: LongPolicy,
    first: int,
):
    """So that what a zoom shows does not flicker, and a tick sends only what is new."""
    store, _ = written([(calls, 2, False, False)], group_rows)
    view = Project(store, "p", long_policy=policy).view()
    lo = first * 4
    whole = read_buckets(view, ["run"], ["a"], width=4)
    cut = read_buckets(view, ["run"], ["a"], width=4, lo=lo)
    for one, other in zip(whole, cut, strict=False):
        inside = one.index * 4 >= lo
        for field in ("mean", *EXACT):
            assert getattr(one, field)[inside].tobytes() == getattr(other, field).tobytes()


def test_many_points_in_one_file_are_read_by_sections():
    """With the numbers that are the default; one point that stands out shows at every zoom."""
    writer = HandWriter(MemoryStore(), "p", "run")
    for i in range(200_000):
        writer.log({"a": 1e6 if i == 123_456 else i % 17})
    writer.put()
    view = Project(writer.store, "p").view()
    assert {"run"} == find_long(view, lines_of_runs(view, ["run"]), ["a"], "metric")
    for span in (400_000, 100_000, 5_000, 300, 10):
        (found,) = read_buckets(
            view, ["run"], ["a"], lo=123_456 - span // 2, hi=123_456 + span // 3
        )
        assert 1e6 == found.max.max()
        assert len(found.index) <= 300
