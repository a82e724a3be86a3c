"""The cover of a writer's files, by example; its laws are in `property/test_cover_laws.py`."""

from making import PROJECT, RUN_ID, WRITER_ID

from trackio.cover import Taken, added, cover, in_walk_order, merge_ranges, subtract
from trackio.keys import PointerKey, ShardKey
from trackio.model import PackId, SeqRange

OLD, NEW = PackId("1" * 24), PackId("2" * 24)


def _shard(first, last):
    return ShardKey(PROJECT, RUN_ID, WRITER_ID, first, last)


def _pointer(first, last, pack=OLD):
    return PointerKey(PROJECT, RUN_ID, WRITER_ID, first, last, pack)


def test_no_files_cover_nothing():
    """A writer that has put nothing ends at 0."""
    found = cover([])
    assert ((), (), (), 0) == (found.taken, found.gaps, found.superseded, found.end)


def test_neighbours_are_taken_in_order():
    """However the store lists them."""
    a, b = _shard(0, 4), _shard(5, 9)
    found = cover([b, a])
    assert (Taken(a, 0, 4), Taken(b, 5, 9)) == found.taken
    assert (SeqRange(0, 9),) == found.ranges
    assert 10 == found.end


def test_a_shard_and_those_it_was_merged_from_count_once():
    """They may lie side by side for ever."""
    wide, narrow = _shard(0, 9), (_shard(0, 4), _shard(5, 9))
    found = cover([*narrow, wide])
    assert (Taken(wide, 0, 9),) == found.taken
    assert set(narrow) == set(found.superseded)


def test_of_files_that_overlap_the_later_gives_what_lies_beyond():
    """Two recoverers may have published different stretches of one journal."""
    a, b = _shard(0, 6), _shard(4, 9)
    found = cover([a, b])
    assert (Taken(a, 0, 6), Taken(b, 7, 9)) == found.taken
    assert [True, False] == [taken.is_whole for taken in found.taken]


def test_a_hole_is_a_gap_and_what_lies_beyond_is_shown():
    """Nothing is hidden because something else is missing."""
    found = cover([_shard(3, 4), _shard(8, 9)])
    assert (SeqRange(0, 2), SeqRange(5, 7)) == found.gaps
    assert (SeqRange(3, 4), SeqRange(8, 9)) == found.ranges


def test_a_pointer_comes_before_a_shard_of_its_range():
    """So that a shard may go once its rows are packed."""
    pointer, shard = _pointer(0, 9), _shard(0, 9)
    found = cover([shard, pointer], {OLD})
    assert (Taken(pointer, 0, 9),) == found.taken
    assert (shard,) == found.superseded


def test_a_pointer_to_a_pack_that_is_not_listed_holds_nothing():
    """The shard under it serves, and the pointer is no superseded file either."""
    pointer, shard = _pointer(0, 9), _shard(0, 9)
    found = cover([shard, pointer], frozenset())
    assert (Taken(shard, 0, 9),) == found.taken
    assert () == found.superseded


def test_of_two_packs_the_newer_holds_the_rows():
    """Two compactors at once write two packs."""
    old, new = _pointer(0, 9, OLD), _pointer(0, 9, NEW)
    assert (Taken(new, 0, 9),) == cover([old, new], {OLD, NEW}).taken
    assert (Taken(old, 0, 9),) == cover([old, new], {OLD}).taken


def test_the_walk_goes_by_first_then_width_then_kind_then_age():
    """The order on which the collector's rule rests."""
    order = [_shard(0, 9), _pointer(0, 4, NEW), _pointer(0, 4, OLD), _shard(0, 4), _shard(1, 99)]
    assert order == in_walk_order(reversed(order))


def test_what_a_new_cover_adds_includes_late_ranges():
    """A live view asks for exactly these."""
    old = cover([_shard(0, 4), _shard(10, 14)])
    new = cover([_shard(0, 4), _shard(5, 6), _shard(10, 19)])
    assert (SeqRange(5, 6), SeqRange(15, 19)) == added(new, old)
    assert () == added(old, new)


def test_ranges_that_touch_or_overlap_are_joined():
    """Watermarks become one number once they have no holes."""
    ranges = [SeqRange(7, 9), SeqRange(0, 3), SeqRange(4, 5), SeqRange(2, 4)]
    assert (SeqRange(0, 5), SeqRange(7, 9)) == merge_ranges(ranges)


def test_holes_are_cut_out_of_ranges():
    """At their edges, in their middle, and wholly."""
    holes = (SeqRange(0, 1), SeqRange(4, 5), SeqRange(9, 30))
    ranges = (SeqRange(0, 10), SeqRange(20, 25), SeqRange(31, 32))
    assert (SeqRange(2, 3), SeqRange(6, 8), SeqRange(31, 32)) == subtract(ranges, holes)
