"""Shards that are whole and say nonsense: every page, every query and every command copes."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.security.hostile import NASTY, anything, damaged, deep, thorough
from trackio.dashboard.desk import Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.errors import TrackioError
from trackio.model import Json
from trackio.query.project import Project
from trackio.query.sandbox import run_sql
from trackio.store.memory import MemoryStore
from trackio.testing.handmade import HandWriter
from trackio.upkeep.verify import verify

MEDIUM = {"_type": "trackio.image", "sha256": "ab" * 32, "extension": "png", "size": 3, "width": 4}
SPAN = {"id": "a", "parent_id": None, "name": "n", "duration_ms": 3, "usage": {"total_tokens": 3}}
TRACE_SAID = {
    "_type": "trackio.trace",
    "messages": [{"role": "user", "content": "hello"}],
    "spans": [SPAN],
    "metadata": {"latency_ms": 3},
}
TOLD: list[tuple[str, str, Any]] = [
    ("run", "start", {"label": "0", "host": "h", "pid": 1, "user": "u", "resumed_from": None}),
    ("run", "environment", {"git": {"commit": "c", "dirty": True}, "command": ["python"]}),
    ("run", "hardware", {"processors": 3, "gpus": [{"name": "x"}]}),
    ("run", "finish", {"state": "finished", "reason": None, "last_seq": 5}),
    ("run", "heartbeat", None),
    ("run", "told", {"log_id": "x"}),
    ("summary", "loss", {"last": 1.0, "min": 1, "max": 1, "mean": 1, "count": 1, "step": 1}),
    ("config", "lr", [0.1]),
    ("alert", "title", {"level": "warn", "text": "text"}),
    ("define", "loss", {"summary": "min", "goal": "minimize", "step_metric": "epoch"}),
    ("media", "image", MEDIUM),
    ("media", "images", [MEDIUM, {**MEDIUM, "caption": "c", "boxes": [{"x": 1}]}]),
    ("media", "table", {"_type": "trackio.table", "columns": ["a"], "data": [[1], [MEDIUM]]}),
    ("media", "weights", {"_type": "trackio.histogram", "bins": [0, 1], "values": [3]}),
    ("report", "notes", {"_type": "trackio.markdown", "_value": "# hi", "text": "# hi"}),
    ("trace", "chat", TRACE_SAID),
    ("artifact", "model", {"name": "m", "type": "t", "version_id": "0" * 24, "used": False}),
    ("file", "code", {"name": "a.py", "sha256": "ab" * 32, "extension": "py", "size": 1}),
    ("metric", "loss", "text"),
    ("system", "gpu", {"a": 1}),
    ("nobody", "knows", {"a": 1}),
]


@st.composite
def said(draw: st.DrawFn) -> tuple[str, str, str]:
    kind, key, whole = draw(st.sampled_from(TOLD))
    key = draw(st.sampled_from([key, key, key, *NASTY, ""])) or "empty"
    value = draw(st.one_of(damaged(whole), damaged(whole), anything))
    text = json.dumps(value)
    if draw(st.integers(0, 20)) == 0:
        text = draw(st.sampled_from(["{", "", "nul", "[" * 50, '"\\ud800"', "1e999", "9" * 400]))
    return kind, key, text


PARAMS: Mapping[str, Any] = {"project": "demo", "c": ["name", "config.lr", "loss"], "find": "a"}


def ask_everything(store: MemoryStore) -> None:
    """Every route, with what it needs; an error is one of ours, and says so in JSON."""
    desk = Desk(store)
    http = TestClient(Starlette(routes=routes(desk)))
    meta = http.get(f"{PREFIX}/meta.json", params={"project": "demo"})
    assert meta.status_code < 500, meta.text
    found = meta.json()
    runs = [run["code"] for run in found["runs"]]
    given = {**PARAMS, "r": ",".join(runs), "run": runs[0] if runs else "x", "name": "model"}
    given["m"] = ",".join(metric["code"] for metric in found["metrics"])
    for route in routes(desk):
        path = getattr(route, "path", "")
        if "/static/" in path:
            continue
        for more in ({}, {"s": "ema~2"}, {"kind": "system"}, {"verify": "1"}):
            answer = http.get(path, params={**given, **more})
            assert answer.status_code < 500, (path, answer.text[:500])
    for item in http.get(f"{PREFIX}/media.json", params=given).json().get("keys", ()):
        for one in item["items"]:
            asked = {**given, **{name: one.get(name) for name in ("writer", "seq", "index")}}
            asked["key"] = item["key"]
            assert http.get(f"{PREFIX}/value.json", params=asked).status_code < 500


@thorough(12)
@given(st.lists(said(), min_size=1, max_size=8))
@example([("trace", "chat", json.dumps({**TRACE_SAID, "metadata": deep(300)}))])
@example([("media", "x", json.dumps({**MEDIUM, "caption": deep(300)}))])
@example([("config", "lr", json.dumps(deep(900)))])
@example([("media", "x", json.dumps({**MEDIUM, "sha256": "../../etc/passwd", "extension": "x"}))])
@example([("run", "finish", '{"state": "finished", "last_seq": "x"}')])
@example([("run", "finish", '{"state": ["x"], "last_seq": 1e400}')])
@example([("summary", "loss", '{"last": {}, "min": [], "count": "x"}')])
@example([("alert", "title", '{"level": {}, "text": []}')])
@example([("run", "start", '{"label": {"a": 1}, "resumed_from": "x"}')])
@example([("define", "loss", '{"summary": 3}')])
def test_nothing_that_a_row_says_breaks_a_page(rows: list[tuple[str, str, str]]) -> None:
    """Wrong types, missing parts, depths, paths: the rest is shown, and nothing is a 500."""
    store = MemoryStore()
    writer = HandWriter(store, "demo", "hostile")
    writer.put_meta(NASTY[0])
    writer.log({"loss": 1.0})
    for kind, key, text in rows:
        writer.call(kind, {key: Json(text)}, step=3)
    writer.put()
    good = HandWriter(store, "demo", "good")
    good.put_meta("good")
    good.log({"loss": 0.5})
    good.put()
    ask_everything(store)
    project = Project(store, "demo")
    run_sql(project.view(), "SELECT * FROM metrics")
    run_sql(project.view(), "SELECT * FROM runs")
    run_sql(project.view(), "SELECT * FROM alerts")
    assert [1.0, 0.5] == sorted(
        (
            row["value"]
            for row in run_sql(
                project.view(), "SELECT value FROM metrics WHERE key = 'loss' AND value < 2"
            ).to_pylist()
        ),
        reverse=True,
    )[-2:]
    try:
        verify(store, "demo", now_s=2e9)
    except TrackioError as exc:
        raise AssertionError("verify reports what it finds") from exc
