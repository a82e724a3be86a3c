"""Filters and orders over runs."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from trackio.errors import InvalidInput
from trackio.model import RunId
from trackio.query.filters import compile_filter, sort_rows
from trackio.query.runs import RunRow
from trackio.query.said import Stats


def row(run_id: str, **known: Any) -> RunRow:
    fields: dict[str, Any] = {
        "name": f"name of {run_id}",
        "group": None,
        "tags": (),
        "notes": None,
        "status": "finished",
        "created_s": 1_000_000_000.0,
        "started_s": 0.0,
        "updated_s": 0.0,
        "ended_s": None,
        "last_step": None,
        "writers": 1,
        "host": None,
        "resumed": False,
        "config": {},
        "summary": {},
    }
    return RunRow(run_id=RunId(run_id), **(fields | known))


ROWS = [
    row("a", config={"lr": 0.1, "model/depth": 3, "opt": "adam"}, tags=("x", "y"), last_step=5),
    row("b", config={"lr": 0.2, "on": True}, summary={"loss": Stats(last=0.5)}, group="g"),
    row("c", status="crashed", summary={"loss": Stats(last=math.nan), "word": Stats(text="hi")}),
    row(
        "d",
        config={"lr": None, "one": 1},
        summary={"loss": Stats(last=0.1)},
        created_s=2_000_000_000.0,
    ),
]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, "abcd"),
        ({}, "abcd"),
        ({"config.lr": 0.1}, "a"),
        ({"config.lr": {"$gt": 0.1}}, "b"),
        ({"config.lr": {"$gte": 0.1, "$lt": 0.2}}, "a"),
        ({"config.lr": {"$lte": 0.2}}, "ab"),
        ({"config.lr": {"$ne": 0.1}}, "bcd"),
        ({"config.lr": None}, "cd"),
        ({"config.lr": {"$exists": True}}, "ab"),
        ({"config.lr": {"$exists": False}}, "cd"),
        ({"config.model.depth": 3}, "a"),
        ({"config.model/depth": 3}, "a"),
        ({"config.opt": {"$gt": 3}}, ""),
        ({"config.on": True}, "b"),
        ({"config.one": True}, ""),
        ({"config.on": 1}, ""),
        ({"summary.loss": {"$lt": 0.2}}, "d"),
        ({"summary_metrics.loss": 0.5}, "b"),
        ({"summary.word": "hi"}, "c"),
        ({"state": "crashed"}, "c"),
        ({"status": {"$in": ["crashed", "failed"]}}, "c"),
        ({"status": {"$nin": ["crashed", "failed"]}}, "abd"),
        ({"name": {"$regex": "of [ab]$"}}, "ab"),
        ({"tags": "x"}, "a"),
        ({"tags": {"$in": ["y", "z"]}}, "a"),
        ({"tags": ["x", "y"]}, "a"),
        ({"tags": {"$regex": "^y"}}, "a"),
        ({"group": "g", "state": "finished"}, "b"),
        ({"$or": [{"group": "g"}, {"state": "crashed"}]}, "bc"),
        ({"$and": [{"group": "g"}, {"state": "crashed"}]}, ""),
        ({"$not": {"state": "finished"}}, "c"),
        ({"config.lr": {"$not": {"$gt": 0.1}}}, "acd"),
        ({"config.lr": {"$not": 0.1}}, "bcd"),
        ({"created_at": {"$gt": "2030-01-01"}}, "d"),
        ({"created": {"$lt": datetime(2030, 1, 1, tzinfo=UTC)}}, "abc"),
        ({"created": 2_000_000_000}, "d"),
        ({"last_step": {"$gte": 5}}, "a"),
        ("NAME OF B", "b"),
        ("g", "b"),
        ("x", "a"),
    ],
)
def test_a_filter_chooses_runs(filters: Any, expected: str):
    """As wandb's and MongoDB's do."""
    test = compile_filter(filters)
    assert expected == "".join(each.run_id for each in ROWS if test(each))


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"config": {}}, "unknown field 'config'"),
        ({"config.lr": {"$near": 1}}, r"unknown operator '\$near'"),
        ({"$nor": []}, r"unknown operator '\$nor'"),
        ({"$or": {"a": 1}}, r"\$or needs a list"),
        ({"state": {"$in": "finished"}}, r"\$in needs a list"),
        ({"name": {"$regex": "("}}, "not a regular expression"),
        ({"created": "soon"}, "is not a time"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(filters: Any, message: str):
    """Before any run is read."""
    with pytest.raises(InvalidInput, match=message):
        compile_filter(filters)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("created", "abcd"),
        ("-created", "dcba"),
        ("+name", "abcd"),
        ("-config.lr", "bacd"),
        ("config.lr", "abcd"),
        ("summary.loss", "dbac"),
        ("-summary.loss", "bdac"),
        ("summary.word", "cabd"),
    ],
)
def test_runs_are_sorted_by_any_field_and_those_without_it_come_last(order: str, expected: str):
    """In both directions; NaN is no value to sort by."""
    assert expected == "".join(each.run_id for each in sort_rows(ROWS, order))


def test_an_order_by_an_unknown_field_is_refused():
    """With the fields that there are."""
    with pytest.raises(InvalidInput, match="last_step, config"):
        sort_rows(ROWS, "-colour")
