"""The buffer: lines in, batches out, and when a shard is due."""

from trackio.buffer import Batch, Buffer
from trackio.settings import FlushPolicy

POLICY = FlushPolicy(max_calls=3, max_bytes=100)


def test_lines_come_out_once_and_in_order():
    """With the range of seqs they stand for."""
    buffer = Buffer(POLICY)
    for line in (b"a", b"b"):
        buffer.add(line)
    assert [b"a", b"b"] == buffer.lines()
    assert (2, 2) == (len(buffer), buffer.size_bytes)
    assert Batch(0, 1, [b"a", b"b"]) == buffer.take(2)
    assert (0, 0, []) == (len(buffer), buffer.size_bytes, buffer.lines())
    buffer.add(b"c")
    assert Batch(2, 2, [b"c"]) == buffer.take(3)


def test_a_seq_without_a_line_is_inside_the_batch():
    """A call that was interrupted took its seq and never returned."""
    buffer = Buffer(POLICY)
    buffer.add(b"a")
    assert Batch(0, 4, [b"a"]) == buffer.take(5)
    assert Batch(5, 5, []) == buffer.take(6)


def test_a_shard_is_due_when_there_are_enough_calls():
    """And again with each further one, until somebody takes them."""
    buffer = Buffer(POLICY)
    assert [False, False, True, True] == [buffer.add(b"x") for _ in range(4)]
    buffer.take(4)
    assert not buffer.add(b"x")


def test_a_shard_is_due_when_there_are_enough_bytes():
    """A few calls of a thousand metrics are a shard too."""
    buffer = Buffer(POLICY)
    assert [False, True] == [buffer.add(b"x" * 50) for _ in range(2)]


def test_the_copy_of_the_lines_is_a_copy():
    """It is written to a new journal while calls go on."""
    buffer = Buffer(POLICY)
    buffer.add(b"a")
    lines = buffer.lines()
    buffer.add(b"b")
    assert [b"a"] == lines
