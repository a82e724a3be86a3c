"""Which writers continue each other, where they count on from, and what they abandon."""

from trackio.model import WriterId
from trackio.query.attempts import Extent, Life, arrange, continue_line, name_lines


def life(name: str, start_s: float, end_s: float, label: str | None = None, *resumed: str) -> Life:
    return Life(
        writer_id=WriterId(name),
        label=label,
        start_s=start_s,
        end_s=end_s,
        resumed_from=tuple(map(WriterId, resumed)),
    )


def arranged(*lives: Life) -> list[list[str]]:
    return [[life.writer_id for life in line] for line in arrange(lives)]


def test_a_writer_that_starts_after_another_ended_continues_it():
    """A run that is resumed is one line."""
    assert [["a", "b", "c"]] == arranged(life("c", 20, 30), life("a", 0, 10), life("b", 10, 20))


def test_writers_that_overlap_in_time_are_lines_of_their_own():
    """Two processes that log into one run at once are not attempts."""
    assert [["a"], ["b"]] == arranged(life("a", 0, 10), life("b", 9, 20))


def test_writers_with_other_labels_are_lines_of_their_own():
    """Rank 1 does not continue rank 0, whenever it starts."""
    assert [["a"], ["b"]] == arranged(life("a", 0, 10, "rank 0"), life("b", 20, 30, "rank 1"))


def test_of_two_ended_lines_a_writer_follows_the_one_it_resumed():
    """`resumed_from` tells which; without it the first is taken."""
    side_by_side = life("a", 0, 10), life("b", 5, 15)
    assert [["a"], ["b", "c"]] == arranged(*side_by_side, life("c", 20, 30, None, "b"))
    assert [["a", "c"], ["b"]] == arranged(*side_by_side, life("c", 20, 30))


def test_what_was_resumed_comes_first_even_if_its_id_sorts_later():
    """Clocks of two hosts may disagree; what a writer says that it resumed does not lie."""
    assert [["z", "a"]] == arranged(life("a", 5, 9, None, "z"), life("z", 0, 5))


def test_writers_that_claim_to_resume_each_other_are_arranged_all_the_same():
    """Nonsense in, but every writer out, once."""
    found = arranged(life("a", 0, 1, None, "b"), life("b", 2, 3, None, "a"))
    assert ["a", "b"] == sorted(writer for line in found for writer in line)


def test_a_line_has_a_name_only_beside_others():
    """The label where it tells them apart, else their place."""
    assert [""] == name_lines(["rank 0"])
    assert ["rank 0", "rank 1"] == name_lines(["rank 0", "rank 1"])
    assert ["writer 1", "writer 2"] == name_lines([None, None])
    assert ["a (writer 1)", "a (writer 2)", "b"] == name_lines(["a", "a", "b"])


def extent(name: str, first: int, largest: int, *, given: bool = True) -> Extent:
    return Extent(
        writer_id=WriterId(name),
        max_step=largest,
        has_given=given,
        first_steps={"loss": first},
    )


def test_given_steps_abandon_what_lies_at_and_beyond_the_first():
    """Resumed from the checkpoint at step 80: the points from 80 on are abandoned."""
    first, second = continue_line([extent("a", 0, 99), extent("b", 80, 150)])
    assert ({"loss": 80}, 0) == (first.cuts, first.offset)
    assert ({}, 0) == (second.cuts, second.offset)


def test_the_earliest_of_later_attempts_counts():
    """A third attempt that goes back further abandons more of the first."""
    line = continue_line([extent("a", 0, 99), extent("b", 80, 150), extent("c", 50, 60)])
    assert [{"loss": 50}, {"loss": 50}, {}] == [attempt.cuts for attempt in line]


def test_counted_steps_go_on_where_the_attempts_before_ended():
    """Nobody gave a step, so nobody went back."""
    counted = [extent(name, 0, 9, given=False) for name in "abc"]
    assert [0, 10, 20] == [attempt.offset for attempt in continue_line(counted)]


def test_an_attempt_that_gave_a_step_is_taken_at_its_word():
    """Its counted steps follow the given ones already."""
    line = continue_line([extent("a", 0, 9, given=False), extent("b", 5, 20, given=True)])
    assert [0, 0] == [attempt.offset for attempt in line]
    assert {"loss": 5} == line[0].cuts


def test_an_attempt_without_points_changes_nothing():
    """It crashed before it logged anything."""
    nothing = Extent(writer_id=WriterId("b"))
    counted = extent("a", 0, 9, given=False), nothing, extent("c", 0, 4, given=False)
    line = continue_line(counted)
    assert [0, 10, 10] == [attempt.offset for attempt in line]
