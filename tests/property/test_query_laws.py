"""What must hold for any points, any files and any zoom; compared with brute force in Python."""

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trackio.cover import cover
from trackio.keys import PackKey, PointerKey, ShardKey
from trackio.model import PackId, RunId, WriterId
from trackio.query.buckets import Bucketed, read_buckets
from trackio.query.metrics import list_metrics
from trackio.query.project import Project
from trackio.query.runs import list_runs
from trackio.query.series import Series, read_series
from trackio.query.view import View
from trackio.sampling import choose_points
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import START_S, HandWriter, put_pack

law = settings(deadline=None, max_examples=60)  # each example opens a project
WIDTHS = [1, 2, 8, 64, 2**20]

values = st.one_of(
    st.floats(width=32),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e308, -1e308]),
    st.floats(),
)
steps = st.one_of(st.none(), st.integers(-50, 50), st.integers(-(2**40), 2**40))
logged = st.lists(st.tuples(steps, st.dictionaries(st.sampled_from("ab"), values)), max_size=60)


def written(calls: Sequence[tuple[int | None, dict[str, float]]]) -> HandWriter:
    writer = HandWriter(MemoryStore(), "p", "run")
    for step, data in calls:
        writer.log(data, step)
    writer.put()
    return writer


def points_of(writer: HandWriter, key: str) -> list[tuple[int, float]]:
    """The points of a metric by step, then as they were logged."""
    found = [
        (call.step, float(call.data[key]))  # type: ignore[arg-type]
        for call in writer.calls
        if call.kind == "metric" and key in call.data
    ]
    return sorted(found, key=lambda point: point[0] or 0)  # type: ignore[return-value, arg-type]


def same(expected: float, actual: float) -> bool:
    return expected == actual or (math.isnan(expected) and math.isnan(actual))


def check_buckets(expected: list[tuple[int, float]], found: Bucketed) -> None:
    groups: dict[int, list[tuple[int, float]]] = {}
    for x, value in expected:
        groups.setdefault(x // found.width, []).append((x, value))
    assert list(groups) == found.index.tolist()
    for i, group in enumerate(groups.values()):
        finite = [value for _, value in group if math.isfinite(value)]
        assert len(finite) == found.finite[i]
        assert len(group) - len(finite) == found.nonfinite[i]
        assert (group[0][0], group[-1][0]) == (found.x_first[i], found.x_last[i])
        assert same(min(finite, default=math.nan), found.min[i])
        assert same(max(finite, default=math.nan), found.max[i])
        assert same(finite[0] if finite else math.nan, found.first[i])
        assert same(finite[-1] if finite else math.nan, found.last[i])
        if finite:
            assert found.min[i] <= found.mean[i] <= found.max[i]
            mean = float(sum(map(Fraction, finite)) / len(finite))
            tolerance = 1e-9 * max(map(abs, finite)) + 1e-320
            assert math.isclose(mean, found.mean[i], rel_tol=1e-9, abs_tol=tolerance)
        else:
            assert math.isnan(found.mean[i])


@law
@given(logged, st.sampled_from(WIDTHS), st.sampled_from([0, 4096]))
def test_buckets_tell_the_truth_at_every_width(
    calls: list[tuple[int | None, dict[str, float]]], width: int, held_file_rows: int
):
    """Smallest, largest, first, last, mean and counts are those of the points, at every zoom."""
    writer = written(calls)
    view = Project(writer.store, "p", held_file_rows=held_file_rows).view()
    found = {b.key: b for b in read_buckets(view, ["run"], ["a", "b"], width=width)}
    for key in "ab":
        expected = points_of(writer, key)
        assert bool(expected) == (key in found)
        if expected:
            check_buckets(expected, found[key])


@law
@given(logged, st.integers(1, 50), st.integers(-60, 60), st.integers(-60, 60))
def test_a_window_is_cut_before_it_is_sampled(
    calls: list[tuple[int | None, dict[str, float]]], target: int, lo: int, hi: int
):
    """What lies outside changes nothing inside, and few buckets are needed."""
    writer = written(calls)
    view = Project(writer.store, "p").view()
    expected = [point for point in points_of(writer, "a") if lo <= point[0] <= hi]
    found = read_buckets(view, ["run"], ["a"], target=target, lo=lo, hi=hi)
    assert bool(expected) == bool(found)
    for buckets in found:
        check_buckets(expected, buckets)
        span = expected[-1][0] - expected[0][0] + 1
        assert span / buckets.width <= target
        assert buckets.width == 1 or span / (buckets.width // 2) > target


@law
@given(logged)
def test_the_same_question_has_the_same_answer_to_the_bit(
    calls: list[tuple[int | None, dict[str, float]]],
):
    """Asked of one view twice, and of another that reads the same files otherwise."""
    writer = written(calls)
    held, from_files = (
        Project(writer.store, "p", held_file_rows=rows).view() for rows in (4096, 0)
    )
    answers = [
        pickle.dumps(read_buckets(view, ["run"], ["a", "b"], target=5))
        for view in (held, held, from_files)
    ]
    assert answers[0] == answers[1] == answers[2]


@law
@given(st.lists(st.tuples(st.integers(-20, 20), values), max_size=80), st.integers(0, 4))
def test_the_points_that_stand_for_all_hold_every_extreme(
    points: list[tuple[int, float]], shift: int
):
    """Of each bucket the first, the last, a smallest and a largest point are kept."""
    points.sort(key=lambda point: point[0])
    x = np.array([x for x, _ in points], np.int64)
    value = np.array([value for _, value in points])
    kept = choose_points(x >> shift, value).tolist()
    assert sorted(set(kept)) == kept
    for bucket in {number >> shift for number, _ in points}:
        inside = [i for i, (number, _) in enumerate(points) if number >> shift == bucket]
        mine = [i for i in kept if i in set(inside)]
        assert {inside[0], inside[-1]} <= set(mine)
        assert len(mine) <= 4
        finite = [points[i][1] for i in inside if math.isfinite(points[i][1])]
        kept_values = [points[i][1] for i in mine]
        assert not finite or {min(finite), max(finite)} <= set(kept_values)


ranges = st.lists(
    st.tuples(st.integers(0, 14), st.integers(0, 14)).map(lambda pair: (min(pair), max(pair))),
    max_size=6,
)


@law
@given(ranges, ranges, ranges, ranges, st.sampled_from([0, 4096]))
def test_every_row_that_any_file_holds_is_read_once(
    shards: list[tuple[int, int]],
    other_shards: list[tuple[int, int]],
    packed: list[tuple[int, int]],
    other_packed: list[tuple[int, int]],
    held_file_rows: int,
):
    """Whatever shards and packs overlap, the rows are the distinct rows of all of them."""
    store = MemoryStore()
    writers = [HandWriter(store, "p", run_id) for run_id in ("one", "two")]
    for writer in writers:
        for i in range(14):
            writer.log({"x": float(i)})
    for writer, listed in zip(writers, (shards, other_shards), strict=True):
        for first, last in listed:
            writer.put(first, last)
    for number, (mine, others) in enumerate(zip_longest(packed, other_packed)):
        both = zip(writers, (mine, others), strict=True)
        put_pack(f"{number:024x}", [(writer, *span) for writer, span in both if span])
    view = Project(store, "p", held_file_rows=held_file_rows).view()
    for writer, mine in zip(writers, (shards + packed, other_shards + other_packed), strict=True):
        held = {seq for first, last in mine for seq in range(first, last + 1)}
        expected = [float(seq - 1) for seq in sorted(held) if seq]
        found = read_series(view, [writer.run_id], ["x"])
        assert expected == [value for series in found for value in series.values.tolist()]


@dataclass
class Plan:
    """What one attempt logs: steps, or None to have them counted."""

    steps: list[int | None]
    keys: list[str]


attempts = st.lists(
    st.builds(
        Plan,
        steps=st.one_of(
            st.lists(st.none(), max_size=8),
            st.lists(st.integers(-3, 20), max_size=8),
            st.lists(st.one_of(st.none(), st.integers(-3, 20)), max_size=8),
        ),
        keys=st.lists(st.sampled_from("ab"), min_size=8, max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def straight_line(writers: list[HandWriter], key: str) -> list[tuple[int, float]]:
    """The rules of the format for attempts, word by word."""
    kept: list[tuple[int, float]] = []
    end = 0
    for writer in writers:
        calls = [call for call in writer.calls if call.kind == "metric"]
        gave = any(not call.auto for call in calls)
        moved = [(call.step + (0 if gave else end), call) for call in calls]  # type: ignore[operator]
        mine = [(step, float(call.data[key])) for step, call in moved if key in call.data]  # type: ignore[arg-type]
        if mine:
            kept = [point for point in kept if point[0] < mine[0][0]] + mine
        end = max([end, *(step + 1 for step, _ in moved)])
    return sorted(kept, key=lambda point: point[0])


def points(series: Sequence[Series]) -> list[tuple[int, float]]:
    return [
        point
        for one in series
        for point in zip(one.steps.tolist(), one.values.tolist(), strict=True)
    ]


@law
@given(attempts, st.sampled_from([0, 4096]), st.booleans())
def test_attempts_make_one_line(plans: list[Plan], held_file_rows: int, is_finished: bool):
    """A later attempt takes over from its first step on, series by series."""
    store = MemoryStore()
    writers: list[HandWriter] = []
    number = 0.0
    for attempt, plan in enumerate(plans):
        writer = HandWriter(
            store, "p", "run", start_s=START_S + 1000 * attempt, resumed_from=writers
        )
        for step, key in zip(plan.steps, plan.keys, strict=False):
            writer.log({key: (number := number + 1)}, step)
        if is_finished:
            writer.finish()
        middle = len(writer.calls) // 2
        writer.put(0, middle)
        if middle < len(writer.calls) - 1:
            writer.put(middle, len(writer.calls) - 1)
        writers.append(writer)
    view = Project(store, "p", held_file_rows=held_file_rows).view()
    (row,) = list_runs(view, START_S)
    for key in "ab":
        expected = straight_line(writers, key)
        assert expected == points(read_series(view, ["run"], [key]))
        stats = row.summary.get(key)
        if len(writers) > 1 or stats is not None:
            numbers = [value for _, value in expected]
            assert (stats is None) == (not numbers)
            if stats is not None:
                assert (min(numbers), max(numbers), len(numbers)) == (
                    stats.min,
                    stats.max,
                    stats.count,
                )
                assert max(numbers) == stats.last


@law
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["shard", "0", "1"])),
        max_size=12,
    )
)
def test_pieces_are_the_cover(listed: list[tuple[int, int, str]]):
    """The pieces of a view are what the walk takes, no matter what else is listed."""
    store = MemoryStore()
    run_id, writer_id = RunId("run"), WriterId("0" * 24)
    packs = {PackId(f"{number:024x}") for number in range(2)}
    store.put({str(PackKey("p", pack_id)): b"" for pack_id in packs})
    found = set()
    for one, other, where in listed:
        first, last = min(one, other), max(one, other)
        if where == "shard":
            found.add(ShardKey("p", run_id, writer_id, first, last))
        else:
            pack_id = PackId(f"{int(where):024x}")
            found.add(PointerKey("p", run_id, writer_id, first, last, pack_id))
    store.put({str(key): b"" for key in found})
    taken = cover(found, packs).taken
    pieces = Project(store, "p").view().pieces()
    assert [(t.first, t.last) for t in taken] == [(p.first, p.last) for p in pieces]
    assert [t.is_whole and not t.key.is_pointer for t in taken] == [p.is_whole for p in pieces]


happenings = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["log", "log", "put", "finish", "resume", "rename", "merge", "delete"]),
    ),
    max_size=25,
)


@law
@given(happenings, st.lists(st.booleans(), min_size=25, max_size=25))
def test_a_project_that_is_followed_shows_what_one_just_opened_does(
    happened: list[tuple[int, str]], looks: list[bool]
):
    """Whatever is kept of what did not change; whenever somebody looked."""
    store = MemoryStore()
    followed = Project(store, "p")
    writers = [HandWriter(store, "p", f"run-{n}", start_s=START_S + n) for n in range(3)]
    held = [0, 0, 0]
    for (which, what), look in zip(happened, looks, strict=False):
        writer = writers[which]
        if what == "resume":
            start_s = START_S + 1000.0 * (len(writer.calls) + 1)
            writers[which] = HandWriter(
                store, "p", writer.run_id, start_s=start_s, resumed_from=[writer]
            )
            held[which] = 0
        elif what == "rename":
            writer.put_meta(f"name {len(writer.calls)}")
        elif what == "delete":
            store.delete([entry.key for entry in store.list(f"p/runs/{writer.run_id}/")])
        elif what == "merge":
            writer.put()
            held[which] = len(writer.calls)
        else:
            if what == "finish":
                writer.finish()
            elif what == "log":
                writer.log({"a": float(len(writer.calls)), "b": 1.0})
            if held[which] < len(writer.calls):
                writer.put(held[which])
                held[which] = len(writer.calls)
        if look:
            assert_same_project(followed.follow(), Project(store, "p").view())
    assert_same_project(followed.follow(), Project(store, "p").view())


def assert_same_project(followed: View, opened: View) -> None:
    """Listing, table of runs, metrics and points are alike."""
    assert opened.revision == followed.revision
    assert opened.snapshot.runs == followed.snapshot.runs
    assert opened.pieces() == followed.pieces()
    assert list_runs(opened, START_S) == list_runs(followed, START_S)
    assert list_metrics(opened) == list_metrics(followed)
    run_ids = sorted(opened.snapshot.runs)
    series = (read_series(view, run_ids, ["a"]) for view in (opened, followed))
    assert len(set(map(pickle.dumps, series))) == 1
