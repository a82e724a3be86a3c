"""Ids sort by time and never meet; names can be said aloud."""

import random

import pytest
from making import PROJECT

from trackio import ids, keys
from trackio.testing.clock import ManualClock


def test_an_id_is_24_hex_digits_of_time_and_chance():
    """48 bits of milliseconds, then 48 random ones."""
    made = ids.make_id(ManualClock(1_700_000_000.0), lambda bits: (1 << bits) - 1)
    assert f"{1_700_000_000_000:012x}ffffffffffff" == made
    assert ids.is_id(made)
    assert 1_700_000_000_000 == ids.id_time_ms(made)


def test_ids_sort_by_when_they_were_made():
    """So a listing shows writers in the order in which they started."""
    clock = ManualClock()
    made = []
    for _ in range(50):
        made.append(ids.make_id(clock))
        clock.advance(0.001)
    assert sorted(made) == made


def test_ids_of_one_moment_do_not_meet():
    """64 ranks start in the same millisecond."""
    clock = ManualClock()
    assert 10_000 == len({ids.make_id(clock) for _ in range(10_000)})


@pytest.mark.parametrize(
    "text", ["", "0" * 23, "0" * 25, "0" * 23 + "A", "0" * 23 + "g", " " * 24, "0" * 23 + "٣"]
)
def test_anything_else_is_no_id(text):
    """Folders of other programs are told apart."""
    assert not ids.is_id(text)


def test_the_id_after_another_is_the_next_one():
    """A tombstone hides every writer up to the largest, and no later one."""
    one = "0" * 22 + "ff"
    assert "0" * 21 + "100" == ids.id_after(one)
    assert one < ids.id_after(one)


def test_a_name_is_two_words_and_a_few_digits():
    """And is its own encoding, on every store."""
    rng = random.Random(0)
    for _ in range(1000):
        name = ids.make_name(rng.getrandbits)
        adjective, noun, digits = name.split("-")
        assert adjective in ids._ADJECTIVES
        assert noun in ids._NOUNS
        assert set(digits) <= set(ids._NAME_DIGITS)
        assert name == keys.encode_name(name)
        assert keys.name_prefix(PROJECT, name) == f"{PROJECT}/names/{name}/"


def test_a_hundred_thousand_names_hardly_meet():
    """39 bits and more: a few pairs at most, where 25 bits alone would give 150."""
    rng = random.Random(0)
    made = [ids.make_name(rng.getrandbits) for _ in range(100_000)]
    assert len(made) - len(set(made)) < 3


def test_no_word_stands_twice():
    """Or names would be less random than they look."""
    assert len(set(ids._ADJECTIVES)) == len(ids._ADJECTIVES)
    assert len(set(ids._NOUNS)) == len(ids._NOUNS)
