"""Laws of plain values: nothing raises, whatever is logged; the two ways agree."""

import math

import orjson
from hypothesis import given
from hypothesis import strategies as st

from trackio.model import Json
from trackio.values.plain import decode_data, encode_data, flatten

SCALARS = st.one_of(
    st.floats(),
    st.integers(-(10**30), 10**30),
    st.booleans(),
    st.none(),
    st.text(st.characters(codec=None), max_size=6),
)
LEAVES = st.one_of(SCALARS, st.binary(max_size=3), st.complex_numbers(), st.builds(object))
KEYS = st.one_of(st.text(st.characters(codec=None), max_size=5), st.integers(), st.none())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner), st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=10,
)


def _stored(data):
    said = []
    body = encode_data(data, lambda key, problem: said.append(key))
    return decode_data(orjson.loads(body)), said


@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_every_value_is_stored_or_warned_about(data):
    """Nothing raises, nothing is dropped in silence, and every line is one line."""
    found, said = _stored(data)
    assert set(flatten(data, lambda key, problem: None)) == set(found) | set(said)
    assert b"\n" not in encode_data(data, lambda key, problem: None)


@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_what_is_stored_is_what_a_row_can_hold(data):
    """A double, an integer, a bool, a string or JSON text."""
    found, _ = _stored(data)
    assert all(type(value) in (float, int, bool, str, Json) for value in found.values())
    for value in found.values():
        if type(value) is Json:
            orjson.loads(str(value))


@given(st.dictionaries(st.text(max_size=5), SCALARS, max_size=5))
def test_a_value_does_not_depend_on_what_stands_beside_it(data):
    """One that needs care sends the whole call the careful way; the others stay the same."""
    beside, _ = _stored({**data, "\0beside": math.nan})
    alone, _ = _stored(data)
    assert repr({**alone, "\0beside": math.nan}) == repr(beside)


@given(st.dictionaries(st.text(max_size=3), SCALARS, max_size=3), st.text(max_size=3))
def test_nesting_is_a_prefix(data, name):
    """`{"a": {"b": 1}}` is `{"a/b": 1}`."""
    nested, _ = _stored({name: data} if data else {})
    flat, _ = _stored({f"{name}/{key}": value for key, value in data.items()})
    assert repr(flat) == repr(nested)
