"""Laws of the cover, against brute force over every seq."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from trackio.cover import added, cover, in_walk_order, merge_ranges, subtract
from trackio.keys import PointerKey, RangeKey, ShardKey
from trackio.model import PackId, RunId, SeqRange, WriterId

OWNER = ("p", RunId("r"), WriterId("0" * 24))
PACKS = [PackId(digit * 24) for digit in "123"]
MOST = 24


@st.composite
def ranges(draw) -> SeqRange:
    return SeqRange(*sorted(draw(st.tuples(st.integers(0, MOST), st.integers(0, MOST)))))


@st.composite
def files(draw) -> RangeKey:
    """A shard, or a pointer into one of three packs."""
    span, pack = draw(ranges()), draw(st.sampled_from([None, *PACKS]))
    return ShardKey(*OWNER, *span) if pack is None else PointerKey(*OWNER, *span, pack)


FOLDERS = st.lists(files(), max_size=12, unique=True)
LISTED = st.sets(st.sampled_from(PACKS))


def _holds(key: RangeKey, packs) -> bool:
    return not key.is_pointer or key.pack_id in packs


def _seqs(spans) -> list[int]:
    return [seq for first, last in spans for seq in range(first, last + 1)]


@given(FOLDERS, LISTED)
def test_the_cover_holds_each_row_once(folder, packs):
    """Each seq that any readable file holds is taken from exactly one of them."""
    found = cover(folder, packs)
    held = {seq for key in folder if _holds(key, packs) for seq in range(key.first, key.last + 1)}
    taken = _seqs((t.first, t.last) for t in found.taken)
    assert sorted(held) == taken
    assert all(t.key.first <= t.first <= t.last == t.key.last for t in found.taken)
    assert all(_holds(t.key, packs) for t in found.taken)


@given(FOLDERS, LISTED)
def test_gaps_are_what_nobody_holds_below_the_end(folder, packs):
    """And the end is one past the last seq held."""
    found = cover(folder, packs)
    held = set(_seqs(found.ranges))
    assert max(held, default=-1) + 1 == found.end
    assert sorted(set(range(found.end)) - held) == _seqs(found.gaps)


@given(FOLDERS, LISTED, st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(folder, packs, random):
    """Stores list in any order."""
    shuffled = list(folder)
    random.shuffle(shuffled)
    assert cover(folder, packs) == cover(shuffled, packs)


@given(FOLDERS, LISTED)
def test_each_file_is_taken_or_superseded_or_points_nowhere(folder, packs):
    """The three groups are all there is, and no file is in two of them."""
    found = cover(folder, packs)
    lost = [key for key in folder if not _holds(key, packs)]
    parts = [*(t.key for t in found.taken), *found.superseded, *lost]
    assert sorted(map(str, folder)) == sorted(map(str, parts))


@given(FOLDERS, LISTED)
def test_superseded_files_are_held_by_those_before_them(folder, packs):
    """The rule by which the collector deletes: only on account of earlier entries."""
    found = cover(folder, packs)
    order = in_walk_order(folder)
    for key in found.superseded:
        before = [k for k in order[: order.index(key)] if _holds(k, packs)]
        held = merge_ranges(SeqRange(k.first, k.last) for k in before)
        assert () == subtract([SeqRange(key.first, key.last)], held)


@given(FOLDERS, LISTED)
def test_deleting_the_superseded_changes_nothing(folder, packs):
    """The cover of what is left is the same."""
    found = cover(folder, packs)
    left = cover([key for key in folder if key not in found.superseded], packs)
    assert (found.taken, found.gaps, found.end) == (left.taken, left.gaps, left.end)


@given(FOLDERS, FOLDERS, LISTED)
def test_what_is_added_is_what_only_the_new_cover_holds(old, new, packs):
    """Seq by seq."""
    before, after = cover(old, packs), cover(new, packs)
    expected = sorted(set(_seqs(after.ranges)) - set(_seqs(before.ranges)))
    assert expected == _seqs(added(after, before))


@given(st.lists(ranges()))
def test_merged_ranges_hold_the_same_seqs_ascending_and_apart(spans):
    """No two of them touch."""
    merged = merge_ranges(spans)
    assert sorted(set(_seqs(spans))) == _seqs(merged)
    assert all(b.first > a.last + 1 for a, b in itertools.pairwise(merged))


@given(st.lists(ranges()), st.lists(ranges()))
def test_subtracting_leaves_what_is_in_no_hole(spans, holes):
    """Seq by seq; ascending and apart again."""
    left = subtract(merge_ranges(spans), merge_ranges(holes))
    assert sorted(set(_seqs(spans)) - set(_seqs(holes))) == _seqs(left)
