"""Exported sites draw from Parquet, read in the browser, what the live dashboard draws.

The same questions are put to a dashboard and to the files, in one Chromium, and the decoded
answers compared number for number.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.edge.browser import chromium
from tests.edge.plain_server import PlainSite, plain_server
from tests.edge.served import serve
from tests.edge.written import WrittenRun
from trackio.cli import main
from trackio.model import METRIC, SYSTEM
from trackio.store.base import Store
from trackio.store.directory import Directory

pytestmark = pytest.mark.browser
LONG = 23_000
AT_S = 1_790_000_000.0

BOTH = """async ([live, files, asked]) => {
  const { createApi } = await import(files + "/modules/api.js");
  const { createFileApi } = await import(files + "/modules/fileapi.js");
  const say = (value) => JSON.stringify(value, (name, one) =>
    ArrayBuffer.isView(one) ? [one.constructor.name, ...[...one].map(String)] :
    typeof one === "number" ? String(one) : one);
  const plain = (frame) => frame.metrics.map((one) => ({ ...one, series: one.series.map((s) => ({
      run: s.run, label: s.label, n: s.n, points: s.points, bad: s.bad, cut: s.cut,
      is_single: s.is_single, is_wide: s.is_wide, final: s.final ?? null, x_first: s.x_first,
      x_last: s.x_last, index: s.index, offset: s.offset ?? null, mean: s.mean, count: s.count,
      min: s.min, max: s.max })) }));
  const api = { live: createApi(live), files: createFileApi(files + "/site/data/") };
  const meta = await api.live.json("meta.json", { project: "nasty" });
  const code = (key) => meta.metrics.find((one) => one.key === key).code;
  const system = (await api.live.json("system.json", { project: "nasty" })).metrics;
  const answers = { live: [], files: [] };
  for (const { m, width, names, path, ...rest } of asked) {
    const of = rest.kind ? system.find((one) => one.key === m).code : code(m);
    const runs = meta.runs.filter((run) => names === null || names.includes(run.name));
    const params = { project: "nasty", m: width ? `${of}.${width}` : of,
      r: runs.map((run) => run.code).join(), kind: null, x: null, lo: null, hi: null, n: null,
      rev: null, ...rest };
    for (const from of ["live", "files"])
      answers[from].push(say(plain(await api[from].frame(params, undefined, path ?? "series"))));
  }
  return answers;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Directory(tmp_path_factory.mktemp("store"))
    write_nasty(store)
    return store


def write_nasty(store: Store) -> None:
    """Long and short series, gaps, repeats, disorder, no steps, numbers that are none."""
    rng = np.random.default_rng(4)
    for i in range(3):
        run = WrittenRun(store, "nasty", f"long-{i}", at_s=AT_S + i)
        values = rng.normal(size=LONG) * 10.0**i
        values[LONG // 2] = 1e9
        values[[5, 77, LONG - 1]] = [math.nan, math.inf, -math.inf]
        run.log([{"loss": float(v), "t": k / 7} for k, v in enumerate(values)], every_s=0.37)
        run.finish(after_s=LONG)
    short = WrittenRun(store, "nasty", "short", at_s=AT_S + 10)
    short.log([{"loss": math.sin(k), "t": float(k % 9)} for k in range(50)], first_step=700)
    odd = WrittenRun(store, "nasty", "odd", at_s=AT_S + 20)
    steps = rng.integers(-3_000, 40_000, size=6_000)
    calls = [
        (METRIC, None if k % 50 == 0 else int(step), {"loss": float(k)}, odd.at_s + 0.01 * (k ^ 5))
        for k, step in enumerate(steps)
    ]
    odd._put(calls)
    odd._put((SYSTEM, None, {"gpu/0/power": 100 + i % 7}, odd.at_s + 2.5 * i) for i in range(5_000))
    again = WrittenRun(store, "nasty", "again", at_s=AT_S + 30)
    again.log([{"loss": float(k)} for k in range(300)])
    again.resume(at_s=AT_S + 4000)
    again.log([{"loss": -float(k)} for k in range(100)], first_step=200)


@pytest.fixture(scope="module")
def folder(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported site, and the modules of the front end one by one beside it."""
    from trackio.dashboard.static_files import files

    folder = tmp_path_factory.mktemp("web")
    for name, content in files().items():
        path = folder / "modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    target = ["--project", "nasty", "--to", str(folder / "site")]
    assert 0 == main(["--store", store.url, "export-site", *target])
    return folder


@pytest.fixture(scope="module")
def live(store: Store) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture(scope="module", params=[True, False], ids=["ranges", "whole files"])
def files(folder: Path, request: pytest.FixtureRequest) -> Iterator[PlainSite]:
    with plain_server(folder, has_ranges=request.param) as site:
        yield site


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def both(page: Page, live: str, files: PlainSite, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """What the dashboard answers, and what is made of the files, which seem to lie beside it."""

    def send_on(route: Any) -> None:
        route.fulfill(
            response=route.fetch(url=route.request.url.replace(f"{live}/plain", files.url))
        )

    page.route(f"{live}/plain/**", send_on)
    page.goto(f"{live}/plain/modules/vendor/uplot/README.md")
    found: dict[str, Any] = page.evaluate(BOTH, [live, f"{live}/plain", asked])
    return found


WINDOWS: dict[str, list[tuple[float | None, float | None]]] = {
    "step": [
        (None, None),
        (0, 22_999),
        (1_000.5, 21_000),
        (5_000, 5_100),
        (-5_000, 300),
        (12_345, None),
        (90_000, 99_000),
    ],
    "relative": [(None, None), (100.0, 8_000.0), (1_000.0, 1_010.5), (3_999.5, None)],
    "time": [(None, None), (AT_S + 100, AT_S + 8_000.25), (AT_S, AT_S + 12)],
}
"""Ranges of each axis: all, beyond the ends, wide, narrow, empty."""


@pytest.mark.parametrize("x", list(WINDOWS))
def test_files_give_the_numbers_that_the_server_gives(
    page: Page, live: str, files: PlainSite, x: str
) -> None:
    """For every range and detail, to the last bit: equal requests have equal answers."""
    asked = [
        {"m": "loss", "names": names, "x": x, "lo": lo, "hi": hi, "n": n}
        for lo, hi in WINDOWS[x]
        for n in (300, 37)
        for names in (None, ["long-1"], ["short", "again"], ["odd"])
    ]
    found = both(page, live, files, asked)
    for question, one, other in zip(asked, found["live"], found["files"], strict=True):
        assert json.loads(one) == json.loads(other), question


@pytest.mark.parametrize("x", ["step", "relative", "metric:t"])
def test_a_known_width_and_another_axis_give_the_same_too(
    page: Page, live: str, files: PlainSite, x: str
) -> None:
    """A width that the browser has is kept until it is outgrown; x may be another metric."""
    asked = [
        {"m": "loss", "names": None, "x": x, "lo": lo, "hi": hi, "width": width}
        for lo, hi in [(None, None), (50.0, 900.0)]
        for width in (None, 1, 64, 4096, 65_536)
    ]
    found = both(page, live, files, asked)
    for question, one, other in zip(asked, found["live"], found["files"], strict=True):
        assert json.loads(one) == json.loads(other), question


def test_system_metrics_are_points_like_others(page: Page, live: str, files: PlainSite) -> None:
    """On the axes of time, which are all that they have."""
    asked = [
        {"m": "gpu/0/power", "names": None, "kind": "system", "x": x, "lo": lo, "hi": hi}
        for x in ("relative", "time")
        for lo, hi in [(None, None), (WINDOWS[x][1])]
    ]
    found = both(page, live, files, asked)
    assert found["live"] == found["files"]


@pytest.mark.parametrize("how", ["ema~40", "mean~25", "gaussian~30"])
def test_smoothed_lines_are_those_of_the_server(
    page: Page, live: str, files: PlainSite, how: str
) -> None:
    """Over every point; to nine digits, because the order of additions differs."""
    asked = [{"m": "t", "names": ["long-0", "short"], "path": "smooth", "s": how, "width": 64}]
    found = both(page, live, files, asked)
    live_series = json.loads(found["live"][0])[0]["series"]
    own_series = json.loads(found["files"][0])[0]["series"]
    assert [one["index"] for one in live_series] == [one["index"] for one in own_series]
    for one, other in zip(live_series, own_series, strict=True):
        mine, theirs = (np.array(line["mean"][1:], float) for line in (other, one))
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_little_is_read_of_a_long_series(
    page: Page, live: str, files: PlainSite, folder: Path
) -> None:
    """The whole of it needs no point, a part of it a few pages; without ranges, files."""
    asked = [{"m": "loss", "names": ["long-0"], "x": "step"}]
    files.sent.answers.clear()
    both(page, live, files, asked)
    assert 0 == files.sent.bytes_of("/points/")
    asked = [{"m": "loss", "names": ["long-0"], "x": "step", "lo": 2_000.0, "hi": 22_000.0}]
    files.sent.answers.clear()
    both(page, live, files, asked)
    size = sum(path.stat().st_size for path in (folder / "site/data/points/metric").iterdir())
    ranged = [asked for path, asked, _ in files.sent.answers if "/points/" in path]
    assert ranged
    if all(ranged):
        assert size / 3 > files.sent.bytes_of("/points/")


def test_anybody_can_query_an_export(folder: Path) -> None:
    """Plain Parquet: a row a point, names and not numbers, one file of runs."""
    data = folder / "site/data"
    points = duckdb.read_parquet(f"{data}/points/metric/*.parquet")
    found = points.filter("run = 'long-2' and metric = 'loss'")
    told = found.aggregate("count(*), max(value) filter (isfinite(value))").fetchall()
    assert [(LONG, 1e9)] == told
    runs = duckdb.read_parquet(f"{data}/runs.parquet").filter("name = 'long-0'")
    assert [("finished",)] == runs.project("status").fetchall()
    buckets = duckdb.read_parquet(f"{data}/buckets/metric/step/*.parquet")
    series = duckdb.read_parquet(f"{data}/series/metric.parquet")
    long = buckets.join(series, "series").project("run").distinct().order("run").fetchall()
    assert [("long-0",), ("long-1",), ("long-2",), ("odd",)] == long
