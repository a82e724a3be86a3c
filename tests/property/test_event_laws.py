"""Event files: what is decoded all at once is what would be decoded one by one."""

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackio.importers.crc32c import crc32c, crc32c_of, masked_one
from trackio.importers.protobuf import MalformedError, fields, signed, varint, zigzag
from trackio.importers.tfevents import find_scalars, parse_event
from trackio.importers.tfrecords import read_pieces

FLOATS = st.floats(width=32, allow_nan=False)
STEPS = st.one_of(st.integers(0, 300), st.integers(-(1 << 63), (1 << 63) - 1))
TAGS = st.sampled_from(["loss", "acc", "a", "val/loss", "größe", "x" * 130])
EVENTS = st.lists(
    st.tuples(st.floats(0, 2e9), STEPS, TAGS, FLOATS, st.booleans()), min_size=1, max_size=60
)


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _event(time_s: float, step: int, tag: str, value: float, is_tensor: bool) -> bytes:
    said = _field(1, tag.encode())
    if is_tensor:
        tensor = b"\x08\x01" + b"\x12\x00" + _field(4, struct.pack("<f", value))
        said += _field(8, tensor) + _field(9, _field(1, _field(1, b"scalars")))
    else:
        said += b"\x15" + struct.pack("<f", value)
    at = b"" if step == 0 else b"\x10" + _varint(step)
    return b"\x09" + struct.pack("<d", time_s) + at + _field(5, _field(1, said))


def _record(data: bytes) -> bytes:
    size = struct.pack("<Q", len(data))
    sums = [struct.pack("<I", masked_one(crc32c_of(part))) for part in (size, data)]
    return size + sums[0] + data + sums[1]


@given(events=EVENTS, repeats=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_events_that_are_alike_are_decoded_as_they_are_alone(tmp_path_factory, events, repeats):
    """Steps of any size and sign, tags of any length, both ways to write a number."""
    path = tmp_path_factory.mktemp("events") / "events.out.tfevents.1"
    written = [_event(*event) for event in events] * repeats
    path.write_bytes(b"".join(map(_record, written)))
    (piece,) = read_pieces(path)
    assert (frozenset(), None, len(written)) == (piece.bad, piece.broken, len(piece.starts))
    found = find_scalars(piece)
    for place, data in enumerate(written):
        alone = parse_event(data)
        (said,) = alone.values
        value = said.simple if said.tensor is None else said.tensor.numbers[0]
        if found.code[place] >= 0:
            assert (alone.time_s, alone.step, said.tag, value) == (
                found.time_s[place],
                found.step[place],
                found.tags[found.code[place]],
                found.value[place],
            )
    if len({len(data) for data in written}) == 1 and len(written) >= 8:
        assert (found.code >= 0).any()


@given(data=st.binary(max_size=4000))
@settings(max_examples=100, deadline=None)
def test_a_long_checksum_is_that_of_its_bytes(data):
    """However it is cut."""
    alone = crc32c(np.frombuffer(data, dtype=np.uint8).reshape(1, -1))
    assert int(alone[0]) == crc32c_of(data)


def test_the_checksum_is_castagnolis():
    """The value that its standard gives."""
    assert 0xE3069283 == crc32c_of(b"123456789")


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_message_or_refused(data):
    """Nothing else is ever raised, so that one damaged record ends no import."""
    with contextlib.suppress(MalformedError):
        list(fields(data))


@given(number=st.integers(-(1 << 63), (1 << 63) - 1))
def test_numbers_read_back(number):
    """Signed ones, and those that zigzag."""
    assert number == signed(varint(_varint(number), 0)[0])
    turned = (number << 1) ^ (number >> 63)
    assert number == zigzag(varint(_varint(turned), 0)[0])


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_file_that_is_cut_anywhere_gives_what_is_whole(tmp_path: Path, cut: int):
    """And says that something is missing."""
    record = _record(_event(1.0, 1, "loss", 0.5, False))
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(record + record[:cut])
    first, second = read_pieces(path)
    assert (1, None) == (len(first.starts), first.broken)
    assert "its last record is cut off" == second.broken
