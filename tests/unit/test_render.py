"""Whatever is rendered is valid JSON, and says what the value says."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackio.model import Entry, Json
from trackio.render import iso_time, to_json


@dataclass(frozen=True, slots=True)
class Point:
    step: int
    value: float


class Color(Enum):
    RED = "red"


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _loaded(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def _said(value):
    """What JSON says of `value`."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, list):
        return [_said(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items()}
    return value


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(VALUES)
def test_any_json_value_comes_back(value):
    """Integers of any size and texts of any script; non-finite numbers as strings."""
    assert _said(value) == _loaded(to_json(value)) == _loaded(to_json(value, pretty=True))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([1.0, math.nan, -math.inf]), [1.0, "NaN", "-Infinity"]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        ((1.0, 2.0), [1.0, 2.0]),
        ({"b", "a"}, ["a", "b"]),
        (Point(1, math.inf), {"step": 1, "value": "Infinity"}),
        (Entry("a", 1, 2.0, "v"), {"key": "a", "size_bytes": 1, "time_s": 2.0, "version": "v"}),
        (Color.RED, "red"),
        (Json('{"a": [1, 2]}'), {"a": [1, 2]}),
        (1 << 80, 1 << 80),
        ({1: "a"}, {"1": "a"}),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2026-01-02T02:00:00Z"),
        (Decimal("1.50"), "1.50"),
        (b"\x01\xff", "01ff"),
        (PurePosixPath("/a"), "/a"),
        ("lone \udc80", "lone \\udc80"),
    ],
    ids=str,
)
def test_what_json_does_not_know_has_a_form(value, said):
    """Arrays, dataclasses, times and the rest."""
    assert said == _loaded(to_json(value))


def test_times_are_utc_to_the_millisecond():
    """So that they sort as texts do."""
    assert "2001-09-09T01:46:40.125Z" == iso_time(1_000_000_000.125)
