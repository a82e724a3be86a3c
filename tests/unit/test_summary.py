"""The summary a writer makes of its metrics, however their rows were cut."""

import math

import orjson
import pytest
from making import RUN_ID, WRITER_ID, call

from trackio.model import CONFIG, SYSTEM, Json
from trackio.rows import table_of
from trackio.writer.summary import Summary


def _summary(*slices):
    summary = Summary()
    for said in slices:
        summary.add(table_of([said], RUN_ID, WRITER_ID))
    return {key: orjson.loads(str(text)) for key, text in summary.rows().items()}


def test_a_metric_has_last_min_max_mean_count_and_step():
    """In the order in which it was logged."""
    said = [call(seq, loss=value) for seq, value in enumerate([3.0, 1.0, 2.0])]
    assert {
        "loss": {"last": 2.0, "count": 3, "step": 2, "min": 1.0, "max": 3.0, "mean": 2.0}
    } == _summary(said)


@pytest.mark.parametrize("cut", range(5))
def test_it_does_not_matter_where_the_rows_were_cut(cut):
    """Shard by shard, or all at once."""
    said = [call(seq, a=float(seq), **({"b": -1.0 * seq} if seq % 2 else {})) for seq in range(5)]
    assert _summary(said) == _summary(said[:cut], said[cut:])
    assert _summary(said) == _summary(*[[one] for one in said])


def test_non_finite_values_count_but_are_no_minimum():
    """As last they are spelled out, because JSON has no number for them."""
    said = [call(0, x=math.nan), call(1, x=2.0), call(2, x=math.inf)]
    assert {
        "x": {"last": "Infinity", "count": 3, "step": 2, "min": 2.0, "max": 2.0, "mean": 2.0}
    } == _summary(said)
    assert {"x": {"last": "NaN", "count": 1, "step": 0}} == _summary(said[:1])
    assert "-Infinity" == _summary([call(0, x=-math.inf)])["x"]["last"]


@pytest.mark.parametrize(
    ("value", "last"),
    [
        ("text", '"text"'),
        ("NaN", '"NaN"'),
        (True, "true"),
        (None, "null"),
        (10**30, str(10**30)),
        (Json("[1]"), "[1]"),
    ],
)
def test_of_what_is_no_double_the_last_is_the_text_of_its_row(value, last):
    """JSON in a string, so that the text "NaN" and the number are two things."""
    assert (last, 1, 0) == tuple(
        _summary([call(0, x=value)])["x"][name] for name in ("last", "count", "step")
    )


def test_only_metrics_are_summed_up():
    """Machine values have no place in a table of runs."""
    said = [call(0, CONFIG, lr=0.1), call(1, SYSTEM, cpu=0.5), call(2, loss=1.0)]
    assert {"loss"} == set(_summary(said))
    assert {} == _summary(said[:2]) == _summary([])


def test_the_step_is_that_of_the_last_call_not_the_largest():
    """Steps may come in any order."""
    said = [call(0, step=9, x=1.0), call(1, step=3, x=2.0)]
    assert (2.0, 3) == tuple(_summary(said)["x"][name] for name in ("last", "step"))


def test_a_mean_of_huge_values_is_not_made_up():
    """Their sum may overflow; then the mean says so."""
    said = [call(0, x=1.7e308), call(1, x=1.7e308)]
    assert _summary(said)["x"]["mean"] == "Infinity"
