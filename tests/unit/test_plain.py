"""What a user logs as plain values: everything that can be stored, and one warning for the rest."""

import datetime
import decimal
import enum
import fractions
import math
import uuid
import warnings
from collections import ChainMap, OrderedDict, UserDict, namedtuple
from types import MappingProxyType

import numpy as np
import orjson
import pytest

from trackio.model import Json
from trackio.values.plain import UnstorableError, decode_data, dump_text, encode_data

NAN = float("nan")


def _stored(data):
    """What comes back, and what was said about it."""
    said = []
    body = encode_data(data, lambda key, problem: said.append((key, problem)))
    assert b"\n" not in body
    return decode_data(orjson.loads(body)), said


def _value(value):
    found, said = _stored({"x": value})
    assert [] == said
    return found["x"]


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Tensor:
    """As torch's: one number, its shape, and `item`."""

    def __init__(self, *values):
        self.values, self.shape = values, (len(values),)

    def item(self):
        if len(self.values) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.values[0]


class Broken:
    """Whatever is asked of it fails."""

    def __str__(self):
        raise KeyError("str")

    __repr__ = __float__ = __str__

    def item(self):
        raise KeyError("item")

    def __hash__(self):
        return 1


class BrokenMapping(UserDict):
    """A dict that cannot be read."""

    def items(self):
        raise OSError("the file behind it is gone")

    __iter__ = items


class Unsayable(Exception):
    def __repr__(self):
        raise RuntimeError


class Worse:
    def item(self):
        raise Unsayable

    __str__ = item


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (1, 1),
        (1.5, 1.5),
        (True, True),
        ("t", "t"),
        ("", ""),
        (None, Json("null")),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
        (2**53 - 1, 2**53 - 1),
        (2**53, 2**53),
        (-(2**63) - 1, -(2**63) - 1),
        (10**30, 10**30),
        ("null", "null"),
        ("{[null", "{[null"),
        ("\N{GRINNING FACE}\0\n", "\N{GRINNING FACE}\0\n"),
        ("lone \ud800", "lone \\ud800"),
        ([1, "a", None], Json('[1,"a",null]')),
        ((1, 2), Json("[1,2]")),
        (Point(1, 2), Json("[1,2]")),
        ({3, 1, 2}, Json("[1,2,3]")),
        (frozenset(), Json("[]")),
        ([], Json("[]")),
        ({}, Json("{}")),
        ([math.inf, NAN, -math.inf], Json('["Infinity","NaN","-Infinity"]')),
        ([2**70, [{"a": {1: 2}}]], Json(f'[{2**70},[{{"a":{{"1":2}}}}]]')),
        ([np.float64(1.5), np.int8(2), np.bool_(True)], Json("[1.5,2,true]")),
        (Colour.RED, "red"),
        (Colour.PAIR, Json("[1,2]")),
        (Level.HIGH, 3),
        (decimal.Decimal("1.5"), 1.5),
        (fractions.Fraction(1, 4), 0.25),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
        (datetime.time(1, 2), "01:02:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Tensor(2.5), 2.5),
        (Tensor(7), 7),
        (Tensor(True), True),
        (Tensor(NAN), NAN),
        (Json('{"a":1}'), Json('{"a":1}')),
    ],
    ids=repr,
)
@pytest.mark.parametrize("beside", [{}, {"nothing": None}], ids=["alone", "beside a null"])
def test_a_value_is_stored_as_what_it_is(value, stored, beside):
    """In one pass, and the same where another value of the call needs care."""
    found, said = _stored({"x": value, **beside})
    assert [] == said
    assert repr(stored) == repr(found["x"])
    assert type(stored) is type(found["x"])


@pytest.mark.parametrize("beside", [{}, {"nothing": None}], ids=["alone", "beside a null"])
@pytest.mark.parametrize(
    "kind",
    sorted({*np.sctypeDict.values()} - {np.object_}, key=lambda kind: kind.__name__),
    ids=lambda kind: kind.__name__,
)
def test_a_numpy_scalar_of_any_type_is_stored_or_named(kind, beside):
    """Numbers, bools and text are; complex numbers, bytes and time spans have no row."""
    made = kind(1, "s") if kind in (np.datetime64, np.timedelta64) else kind(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, said = _stored({"x": made, **beside})
    if issubclass(kind, np.complexfloating | np.bytes_ | np.void | np.timedelta64 | np.datetime64):
        assert ["x"] == [key for key, _ in said]
        assert "x" not in found
    else:
        assert [] == said
        assert str(made.item()) == str(found["x"]) or float(made) == found["x"]


def test_numpy_and_torch_arrays_of_one_element_are_a_number():
    """A loss often is one."""
    assert 2.5 == _value(np.array(2.5))
    assert 2.5 == _value(np.array([[2.5]]))
    assert 2.5 == _value(Tensor(2.5))


@pytest.mark.parametrize("value", [np.zeros((2, 3)), np.zeros(0), Tensor(1, 2)])
def test_arrays_of_more_or_fewer_are_named_with_their_shape(value):
    """So people see at once what they forgot to reduce."""
    found, ((key, problem),) = _stored({"x": value, "y": 1})
    assert {"y": 1} == found
    assert "x" == key
    assert "is not one number" in problem
    assert "×".join(map(str, value.shape)) in problem


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        int,
        b"bytes",
        1j,
        Broken(),
        Worse(),
        [1, object()],
        {"a": [Broken()]},
        decimal.Decimal("sNaN"),
        (n for n in "ab"),
        Exception("x"),
        BrokenMapping(a=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_stored_is_skipped_with_a_warning_and_the_rest_is_kept(value):
    """Never an exception: training goes on."""
    found, said = _stored({"before": 1, "bad": value, "after": 2.5})
    assert {"before": 1, "after": 2.5} == {k: v for k, v in found.items() if "/" not in k}
    assert [True] == [key.startswith("bad") for key, _ in said]


def test_nested_dicts_are_flattened_with_slashes():
    """Of any mapping type, and to any sensible depth."""
    data = {
        "a": {"b": {"c": 1}, "d": 2},
        "o": OrderedDict(x=UserDict(y=3)),
        "m": MappingProxyType({"n": ChainMap({"z": 4})}),
        "e": {},
    }
    found, said = _stored(data)
    assert [] == said
    assert {"a/b/c": 1, "a/d": 2, "o/x/y": 3, "m/n/z": 4, "e": Json("{}")} == found


@pytest.mark.parametrize("kind", [UserDict, MappingProxyType, ChainMap, OrderedDict])
def test_the_call_itself_may_be_any_mapping(kind):
    """Flat or nested."""
    assert ({"a": 1, "b/c": 2.0}, []) == _stored(kind({"a": 1, "b": {"c": 2.0}}))


def test_keys_that_are_no_strings_become_strings():
    """Epoch numbers, enums, None."""
    found, said = _stored({1: 1, None: 2, 2.5: 3, ("a", 1): 4, "in": {7: 5}})
    assert [] == said
    assert {"1": 1, "None": 2, "2.5": 3, "('a', 1)": 4, "in/7": 5} == found


def test_keys_that_meet_keep_the_later_value_with_a_warning():
    """By flattening, and by becoming strings."""
    found, said = _stored({"a/b": 1, "a": {"b": 2}, 1: 3, "1": 4})
    assert {"a/b": 2, "1": 4} == found
    assert ["a/b", "1"] == [key for key, _ in said]


@pytest.mark.parametrize(
    "key", ["", " ", "null", "{", "[", '"', "\\", "\0", "ключ", "a/", "/a", "lone \ud800"]
)
@pytest.mark.parametrize("value", [1.5, None, NAN])
def test_any_string_is_a_key(key, value):
    """On the fast way and on the careful one."""
    found, said = _stored({key: value})
    assert [] == said
    assert [key.encode("utf-8", "backslashreplace").decode()] == list(found)


def test_a_key_that_cannot_be_text_is_named_by_its_type():
    """The rest of the call is kept, at the top and inside."""
    found, said = _stored({Broken(): 1, "ok": 2, "in": {Broken(): 3}})
    assert {"ok": 2} == found
    assert ["test_plain.Broken", "in"] == [key for key, _ in said]


def test_a_dict_that_contains_itself_is_named_and_the_rest_is_kept():
    """At the top, further in, and through a list."""
    top = {"loss": 1.0}
    top["self"] = top
    inner = {"x": 1}
    inner["back"] = {"to": inner}
    ring = [1]
    ring.append(ring)
    for data, bad in ((top, "self"), ({"loss": 1.0, "in": inner}, "in")):
        found, said = _stored(data)
        assert {"loss": 1.0} == found
        assert [bad] == [key for key, _ in said]
    found, said = _stored({"loss": 1.0, "ring": ring})
    assert {"loss": 1.0} == found
    assert ["ring"] == [key for key, _ in said]


def test_a_dict_with_two_ways_back_to_itself_does_not_take_for_ever():
    """Each level would double the work."""
    both = {}
    both["a"] = both["b"] = both
    assert ({"x": 1}, ["both"]) == (
        (answer := _stored({"both": both, "x": 1}))[0],
        [key for key, _ in answer[1]],
    )


def test_a_mapping_that_cannot_be_read_gives_nothing_and_is_named():
    """The call is kept, without values."""
    found, ((key, problem),) = _stored(BrokenMapping(a=1))
    assert {} == found
    assert "log()" == key
    assert "the file behind it is gone" in problem


def test_the_users_dict_is_not_changed():
    """It is theirs, and may be used again at once."""
    inner = {"b": NAN}
    data = {"a": inner, "n": None, 1: 2}
    _stored(data)
    assert {"a": inner, "n": None, 1: 2} == data
    assert ["b"] == list(inner)


def test_json_text_has_no_numbers_that_json_lacks():
    """Non-finite numbers are strings there; integers have all their digits."""
    text = dump_text({"a": [NAN, 2**100, {"b": -math.inf}], 5: np.float32(0.5)})
    assert f'{{"a":["NaN",{2**100},{{"b":"-Infinity"}}],"5":0.5}}' == text


@pytest.mark.parametrize("value", [object(), [object()], {"a": b""}])
def test_json_text_of_anything_else_is_refused(value):
    """With the type in the message."""
    with pytest.raises(UnstorableError, match="cannot be stored"):
        dump_text(value)
