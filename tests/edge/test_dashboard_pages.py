"""Every page beside the charts in a real Chromium, over what a real run logged."""

import json
import math
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

import trackio
from tests.edge.browser import Visit, chromium
from tests.edge.served import serve
from tests.edge.visits import query, run_module, visitor
from tests.edge.written import WrittenRun
from trackio.cli import main
from trackio.model import SYSTEM
from trackio.store.base import Store
from trackio.store.directory import Directory

pytestmark = pytest.mark.browser

REPORT = """# Findings

Loss fell to **0.17**, see [the paper](https://example.org) and `lr`.

- one
  - nested
1. first

- [x] done

> quoted

| metric | value |
|:--|--:|
| loss | 0.17 |

```python
print("hi")
```

<script>alert(1)</script> ![pixel](https://example.org/a.png) [bad](javascript:alert(2))
"""
PAGE = "<p>drawn</p><script>document.body.append('ran'); top.stolen = 1</script>"
SPANS = [
    {"id": "a", "name": "agent", "duration_ms": 900},
    {"id": "b", "parent_id": "a", "name": "plan", "kind": "generation", "output": "call it"},
    {"id": "c", "parent_id": "b", "name": "weather", "kind": "tool", "error": "timeout"},
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("rich")
    write_rich(folder)
    store = Directory(folder)
    write_sweep(store)
    write_machines(store)
    write_defined(folder)
    write_wide(store)
    return store


def write_rich(folder: Path) -> None:
    """What people log that is not a number, through the API they use."""
    run = trackio.init(
        project="rich", name="painter", config={"lr": 0.1, "net": {"depth": 2}}, store=str(folder)
    )
    rng = np.random.default_rng(0)
    for step in range(6):
        pixels = np.full((24, 32, 3), 40 * step, np.uint8)
        run.log({"loss": 1.0 / (step + 1), "sample": trackio.Image(pixels, caption=f"s{step}")})
    rows = [[f"question {i}", float(i % 7), i % 2 == 0] for i in range(64)]
    run.log(
        {
            "scores": trackio.Table(columns=["prompt", "reward", "ok"], data=rows),
            "weights": trackio.Histogram(rng.normal(size=200)),
            "page": trackio.Html(PAGE),
            "notes": trackio.Markdown(REPORT),
            "chat": trackio.Trace(
                messages=[
                    {"role": "user", "content": "Weather in Basel?"},
                    {"role": "assistant", "content": "It is **12 °C**."},
                ],
                spans=SPANS,
            ),
        }
    )
    run.alert("Loss spiked", "from 0.2 to 4", level="WARN")
    run.alert("Not a number", "<img src=x onerror=alert(1)>", level="ERROR")
    run.finish()


def write_sweep(store: Store) -> None:
    """Nine runs of three learning rates, which differ by known amounts at every step."""
    now = time.time()
    for i in range(9):
        lr = (0.1, 0.01, 0.001)[i % 3]
        config = {"lr": lr, "seed": i // 3, "shared": "same", **{f"k{j}": j for j in range(40)}}
        run = WrittenRun(store, "sweep", f"run-{i}", at_s=now - 9000 + 60 * i, config=config)
        run.log([{"loss": lr * 10 + step / 10 + i // 3, "epoch": step / 4} for step in range(40)])
        run.finish(after_s=50)


def write_machines(store: Store) -> None:
    """One run on a machine with two cards."""
    run = WrittenRun(store, "machines", "busy", at_s=time.time() - 600)
    run.log([{"loss": 1.0}])
    run._put(
        (SYSTEM, None, {"gpu/0/power": 100.0 + i, "gpu/1/power": 200.0, "memory/used": 3.0}, at)
        for i, at in enumerate(run.at_s + 15 * n for n in range(20))
    )


def write_defined(folder: Path) -> None:
    """One run that says how its metrics are to be read."""
    run = trackio.init(project="defined", name="it", store=str(folder))
    run.define_metric("epoch")
    run.define_metric("eval/*", step_metric="epoch", summary="best", goal="minimize")
    run.define_metric("inner", hidden=True, summary="none")
    for step in range(50):
        run.log({"loss": 1.0, "inner": 2.0})
        if step % 10 == 9:
            run.log({"epoch": step // 10, "eval/loss": abs(step - 19) / 10 + 0.5}, step=step)
    run.finish()


def write_wide(store: Store) -> None:
    """More runs and more columns than a screen has room for."""
    now = time.time()
    for number in range(180):
        config = {f"key_{i:02}": (number * (i + 1)) % 97 for i in range(90)}
        run = WrittenRun(store, "wide", f"run-{number}", at_s=now - 9000 + number, config=config)
        run.log([{"loss": 1.0}])
        run.finish(after_s=1)


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    yield from visitor(browser, site)


def test_groups_are_means_with_bands_of_one_deviation(visit: Visit) -> None:
    """Mean and sample deviation over the runs of a group, at every step; min and max on request."""
    visit.open(project="sweep", by="config/lr", find="loss")
    shown = visit.table("loss")
    assert {"lr = 0.1 (3 runs)", "lr = 0.01 (3 runs)", "lr = 0.001 (3 runs)"} == set(shown)
    for step, value in shown["lr = 0.1 (3 runs)"].items():
        assert math.isclose(1 + int(step) / 10 + 1, value, rel_tol=1e-12)
    bands = """({ aggregate }, band) => { const series = (values) => ({
        index: Float64Array.of(0, 1), mean: Float64Array.from(values),
        min: Float64Array.from(values), max: Float64Array.from(values),
        bad: [], x_first: 0, x_last: 1, points: 2 });
      const { mean, min, max, count } = aggregate([[1, 5], [2, NaN], [6, 7]].map(series), band);
      return [mean, min, max, count].map((one) => Array.from(one)); }"""
    mean, low, high, count = run_module(visit, "grouped.js", bands, "std")
    deviation = float(np.std([1, 2, 6], ddof=1))
    assert [3.0, 6.0] == mean
    assert [3, 2] == count
    assert math.isclose(3 - deviation, low[0])
    assert math.isclose(3 + deviation, high[0])
    _, low, high, _ = run_module(visit, "grouped.js", bands, "range")
    assert ([1, 5], [6, 7]) == (low, high)


def test_another_metric_is_the_x_axis(visit: Visit) -> None:
    """Every metric may be x, and the address says which; the crosshair names it."""
    visit.open(project="sweep", find="loss")
    visit.drawn("loss")
    visit.page.get_by_label("X axis: another metric").select_option("epoch")
    visit.page.wait_for_url("**x=metric:epoch**")
    expect(visit.card("loss").locator(".card-note")).to_have_text("360 of 360 points")
    visit.drawn("loss").locator(".u-over").hover()
    expect(visit.page.locator(".tip-head")).to_contain_text("epoch ")
    expect(visit.page.locator(".tip-name")).to_have_count(9)


def test_a_metric_is_drawn_along_what_was_defined_for_it(visit: Visit) -> None:
    """`step_metric` is the axis unless one is chosen for all; a zoom is into charts along it."""
    visit.open(project="defined")
    note = visit.drawn("eval/loss").locator(".card-note")
    expect(note).to_have_text("5 of 5 points · along epoch")
    expect(visit.drawn("loss").locator(".card-note")).to_have_text("50 of 50 points")
    assert {"0", "1", "2", "3", "4"} == set(visit.table("eval/loss")["it"])
    box = visit.card("eval/loss").get_by_role("button", name="Show as a table")
    box.click()
    over = visit.card("eval/loss").locator(".u-over").bounding_box()
    assert over is not None
    y = over["y"] + over["height"] / 2
    visit.page.mouse.move(over["x"] + over["width"] * 0.4, y)
    visit.page.mouse.down()
    visit.page.mouse.move(over["x"] + over["width"] * 0.5, y, steps=3)
    visit.page.mouse.move(over["x"] + over["width"] * 0.9, y, steps=3)
    visit.page.mouse.up()
    expect(note).to_have_text("3 of 5 points · along epoch")  # a zoom begins and ends at points
    assert query(visit)["zoom"][0].endswith("~metric:epoch")
    expect(visit.card("loss").locator(".card-note")).to_have_text("50 of 50 points")
    visit.page.get_by_role("radio", name="Step", exact=True).click()
    expect(note).to_have_text("5 of 5 points")
    visit.page.wait_for_url("**x=step**")


def test_a_hidden_metric_is_found_but_not_shown(visit: Visit) -> None:
    """`define_metric(…, hidden=True)` leaves it out until somebody searches for it."""
    visit.open(project="defined")
    visit.drawn("loss")
    expect(visit.card("inner")).to_have_count(0)
    visit.page.get_by_label("Search metrics").fill("inner")
    visit.drawn("inner")


def test_the_table_shows_what_sums_a_metric_up(visit: Visit) -> None:
    """`summary` and `goal` decide which statistic is shown, and which value is the best."""
    visit.open("/runs", project="defined")
    head = visit.page.locator(".table-head .table-cell")
    head.filter(has_text="eval/loss").wait_for()
    told = [" ".join(text.split("\n")) for text in head.all_inner_texts()]
    assert {"best eval/loss", "last loss"} <= set(told)
    assert "last inner" not in told
    cells = visit.page.locator(".rows .table-row").first.locator(".table-cell")
    assert "0.5" == cells.nth(told.index("best eval/loss")).inner_text()


def test_the_table_of_runs_is_grouped_with_means_and_deviations(visit: Visit) -> None:
    """Count, mean ± sample deviation of results, few values of config; opened, the runs follow."""
    visit.open("/runs", project="sweep", by="config/lr", col="config/seed")
    page = visit.page
    page.goto(f"{page.url}&col=last/loss&col=status&sort=-last/loss")
    names = page.locator(".fold-name")
    expect(names).to_have_text(["lr = 0.1", "lr = 0.01", "lr = 0.001"])
    expect(page.locator(".run-link")).to_have_count(0)
    row = page.locator(".table-row.is-group").first
    expect(row.locator(".count")).to_have_text("3")
    cells = row.locator(".table-cell")
    expect(cells.nth(1)).to_have_text("0, 1, 2")
    expect(cells.nth(2)).to_have_text("5.9 ± 1")
    expect(cells.nth(3)).to_have_text("3 finished")
    cells.nth(2).hover()
    expect(cells.nth(2)).to_have_attribute(
        "title", "Mean 5.9 of 3 runs\nstandard deviation 1\nlowest 4.9, highest 6.9"
    )
    row.get_by_role("button", name="lr = 0.1").click()
    expect(page.locator(".run-link")).to_have_text(["run-6", "run-3", "run-0"])
    page.get_by_label("Show of a group").select_option("range")
    expect(cells.nth(2)).to_have_text("4.9 – 6.9")
    page.wait_for_url("**unfold=**")
    page.reload()
    expect(page.locator(".run-link")).to_have_text(["run-6", "run-3", "run-0"])
    page.get_by_role("button", name="Fold all").click()
    expect(page.locator(".run-link")).to_have_count(0)
    page.get_by_label("Group by").select_option("")
    expect(page.locator(".run-link")).to_have_count(9)


def test_a_group_is_shown_on_the_charts_by_one_box(visit: Visit) -> None:
    """The box of a group shows or hides all its runs; it is half filled where some are shown."""
    visit.open("/runs", project="sweep", by="config/lr", runs="run-0")
    box = visit.page.get_by_label("Show all runs of lr = 0.1 on the charts")
    assert visit.page.evaluate("(box) => box.indeterminate", box.element_handle())
    box.check()
    visit.page.get_by_role("link", name="Metrics", exact=True).click()
    expect(visit.page.locator(".runs .count").first).to_have_text("3 of 9")


def test_what_a_group_says_is_exact(visit: Visit) -> None:
    """Mean, sample deviation, lowest and highest over the numbers there are, and no other."""
    visit.open(project="sweep")
    rng = np.random.default_rng(3)
    values = (1e6 + rng.normal(size=500)).tolist()
    measure = "({ measure }, values) => measure([...values.keys()], [...values, NaN, null, 'a'])"
    found = run_module(visit, "rungroups.js", measure, values)
    assert 500 == found["n"]
    assert math.isclose(float(np.mean(values)), found["mean"], rel_tol=1e-12)
    assert math.isclose(float(np.std(values, ddof=1)), found["std"], rel_tol=1e-9)
    assert (min(values), max(values)) == (found["low"], found["high"])


def test_only_cells_in_view_exist_and_they_say_what_their_place_says(visit: Visit) -> None:
    """Scrolled anywhere, rows and cells that were used again hold what belongs there, in order."""
    visit.open("/runs", project="wide")
    page = visit.page
    page.locator(".run-link").first.wait_for()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="All", exact=True).click()
    page.keyboard.press("Escape")
    box = page.locator(".table-scroll").element_handle()
    for down, right in ((2400, 3000), (700, 8000), (5000, 0), (0, 1200)):
        page.evaluate("([box, top, left]) => box.scrollTo({ top, left })", [box, down, right])
        page.wait_for_function(SETTLED, arg=box)
        titles, rows = page.evaluate(READ, box)
        assert 60 > len(rows)
        for name, cells in rows:
            number = int(name.removeprefix("run-"))
            for column, text in cells:
                _, _, key = titles[str(column)].partition("key_")
                if key:
                    assert str(number * (int(key) + 1) % 97) == text


SETTLED = """(box) => {
  const rows = [...box.querySelectorAll(".rows > .table-row")];
  const heads = [...box.querySelectorAll(".table-head .table-cell:not(.is-name)")];
  const places = rows.map((row) => Number(row.getAttribute("aria-rowindex")));
  const columns = heads.map((cell) => Number(cell.getAttribute("aria-colindex")));
  const isUp = (list) => list.every((one, i) => i === 0 || list[i - 1] < one);
  const middle = box.scrollLeft + box.clientWidth / 2;
  const isThere = heads.some(({ offsetLeft: left, offsetWidth: width }) =>
    left <= middle && middle < left + width) &&
    places.some((place) => (place - 2) * 34 <= box.scrollTop && box.scrollTop < (place - 1) * 34);
  return isThere && isUp(places) && isUp(columns) && !box.querySelector("[aria-busy]"); }"""
READ = """(box) => [
  Object.fromEntries([...box.querySelectorAll(".table-head .table-cell")].map((cell) =>
    [cell.getAttribute("aria-colindex"), cell.title])),
  [...box.querySelectorAll(".rows > .table-row")].map((row) => [
    row.querySelector(".run-link").textContent,
    [...row.querySelectorAll(".table-cell:not(.is-name)")].map((cell) =>
      [Number(cell.getAttribute("aria-colindex")), cell.textContent])])]"""


def test_outliers_are_clipped_and_counted(visit: Visit) -> None:
    """The axis may leave out what lies far from the rest, and the card says how much that is."""
    visit.open(project="sweep", find="loss")
    visit.drawn("loss")
    fit = """({ bounds }) => { const y = Float64Array.from({ length: 500 }, (_, i) => i % 10);
      y[77] = 1e6; const x = y.map((_, i) => i);
      const line = { x, y, low: y, high: y, from: 0, to: 499 };
      const whole = bounds([line], null, {}); const clipped = bounds([line], null, { clip: true });
      return [whole.yHigh, clipped.yHigh, clipped.yLow]; }"""
    whole, high, low = run_module(visit, "measures.js", fit)
    assert 1e6 == whole
    assert (9 <= high < 20, low) == (True, 0)
    visit.page.keyboard.press("c")
    visit.page.wait_for_url("**clip=1**")


def test_a_chart_is_saved_as_picture_drawing_and_points(visit: Visit) -> None:
    """PNG and SVG of what is seen, CSV of every point as it was logged."""
    visit.open(project="sweep", find="loss", runs="run-0")
    card = visit.drawn("loss")

    def save(name: str) -> bytes:
        card.hover()
        card.get_by_role("button", name="Save or move").click()
        with visit.page.expect_download() as waiting:
            card.get_by_role("button", name=name).click()
        return Path(waiting.value.path()).read_bytes()

    assert b"\x89PNG\r\n" == save("Picture (PNG)")[:6]
    drawing = save("Drawing (SVG)").decode()
    assert drawing.startswith("<svg")
    assert "run-0" in drawing
    lines = save("All points (CSV)").decode().splitlines()
    assert 41 == len(lines)
    assert lines[40].endswith(repr(0.1 * 10 + 39 / 10 + 0))


def test_cards_are_moved_and_resized_and_the_address_knows(visit: Visit) -> None:
    """Order and size of charts are part of the view."""
    visit.open(project="sweep")
    visit.drawn("epoch")
    titles = visit.page.locator(".cards .card-title")
    assert ["epoch", "loss"] == sorted(titles.all_text_contents())
    first = titles.first.text_content()
    last = visit.card("loss" if first == "epoch" else "epoch")
    last.hover()
    last.get_by_role("button", name="Save or move").click()
    last.get_by_role("button", name="Move to the front").click()
    expect(titles.first).not_to_have_text(str(first))
    visit.page.get_by_role("button", name="Display").click()
    visit.page.get_by_label("Charts in a row").select_option("1")
    visit.page.get_by_label("Height").select_option("l")
    visit.page.wait_for_url("**size=l**")
    assert {"order", "cols", "size"} <= set(query(visit))
    visit.page.reload()
    expect(visit.page.locator(".cards .card-title").first).not_to_have_text(str(first))
    assert 300 == visit.drawn("loss").locator(".plot").bounding_box()["height"]


def test_pins_baseline_and_colours_are_in_the_address(visit: Visit, browser: Browser) -> None:
    """A pinned run stays on top and drawn; the baseline and a chosen colour are shared by link."""
    visit.open(project="sweep", runs="run-8", find="loss")
    visit.drawn("loss")
    row = visit.page.locator(".run", has_text="run-2")
    for item in ("Pin to the top", "Make it the baseline"):
        row.hover()
        row.get_by_role("button").click()
        visit.page.get_by_role("button", name=item, exact=True).click()
    row.hover()
    row.get_by_role("button").click()
    visit.page.locator(".color[aria-pressed=false]").first.click()
    expect(visit.page.locator(".run-name").first).to_have_text("run-2")
    expect(visit.card("loss").locator(".card-note")).to_have_text("80 of 80 points")
    visit.page.wait_for_url("**paint=**")
    for other in visitor(browser, visit.url):
        other.page.goto(visit.page.url)
        other.drawn("loss")
        expect(other.page.locator(".run-name").first).to_have_text("run-2")
        other.page.get_by_role("link", name="Runs", exact=True).click()
        expect(other.page.locator(".table-row.is-base")).to_contain_text("run-2")
        expect(other.page.locator(".change").first).to_contain_text("%")


def test_the_parameters_of_the_released_trackio_work(visit: Visit) -> None:
    """Links that were made elsewhere show what they showed there; tokens leave the address."""
    visit.open(
        "/",
        selected_project="sweep",
        metric_filter="^loss$",
        x_axis="epoch",
        smoothing="10",
        plots_per_row="2",
        xmin="1",
        xmax="5",
        navbar="hidden",
        sidebar="hidden",
        accordion="hidden",
        write_token="secret",
    )
    card = visit.drawn("loss")
    expect(card.locator(".card-note")).to_contain_text("of 360 points")
    expect(visit.page.locator(".cards > .card")).to_have_count(1)
    expect(visit.page.locator(".top")).to_be_hidden()
    expect(visit.page.locator(".runs")).to_be_hidden()
    expect(visit.page.locator(".section-head").first).to_be_hidden()
    assert "secret" not in visit.page.url
    said = query(visit)
    assert (["metric:epoch"], ["mean"], ["1~5"]) == (said["x"], said["how"], said["zoom"])


def test_a_page_around_this_one_learns_what_is_shown(visit: Visit, site: str) -> None:
    """The protocol `trackio-view`: a question by message is answered with the view."""
    visit.open(project="sweep", find="loss")
    visit.drawn("loss")
    ask = """() => new Promise((resolve) => {
      window.addEventListener("message", ({ data }) => {
        if (data.type === "state") resolve(data.state); });
      window.postMessage({ protocol: "trackio-view", type: "getState" }, "*"); })"""
    state = visit.page.evaluate(ask)
    assert ("metrics", "sweep", "step", ["loss"]) == tuple(
        state[name] for name in ("page", "project", "x_axis", "metrics")
    )
    assert 39 == state["latest_x"]
    assert state["view_url"].startswith(site)
    assert state == visit.page.evaluate("window.trackio.getViewState()")


def test_the_table_shows_what_differs_and_exports_it(visit: Visit) -> None:
    """Columns are chosen, statistics too; the export has the rows in the order of the table."""
    visit.open("/runs", project="sweep", sort="-config/lr", col=["config/lr", "min/loss"][0])
    page = visit.page
    expect(page.locator(".table-head .column-name")).to_have_text(["Name", "lr"])
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Find a column").fill("loss")
    page.get_by_label("Of metrics").select_option("mean")
    page.locator(".picker-item", has_text="loss").click()
    page.keyboard.press("Escape")
    expect(page.locator(".table-head .column-name")).to_have_text(["Name", "lr", "loss"])
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    rows = [line.split(",") for line in Path(waiting.value.path()).read_text().splitlines()]
    assert ["name", "lr", "mean/loss"] == rows[0]
    assert [0.1] * 3 + [0.01] * 3 + [0.001] * 3 == [float(row[1]) for row in rows[1:]]
    assert ["run-6", "run-3", "run-0"] == [row[0] for row in rows[1:4]]
    assert math.isclose(1 + 1.95 + 2, float(rows[1][2]))


EXPRESSIONS = {
    "lr > 0.05": "ab",
    "config.lr = 0.1": "a",
    "lr < 0.2 and not status = failed": "",
    "status = failed or min.loss < 0": "ac",
    "(name ~ ^b or name = c) and loss >= 2": "bc",
    "net.depth = 2": "b",
    "tags = good": "b",
    "group != sweep": "bc",
    "missing": "",
    "flag": "b",
    "flag = true": "b",
    "note = 'two words'": "c",
}


def test_expressions_choose_runs_as_they_read(visit: Visit) -> None:
    """Names of config and metrics, statistics, comparison, brackets, and, or, not."""
    visit.open(project="sweep")
    choose = """({ parse, passes, resolve, namesIn }, texts) => {
      const columns = ["name", "status", "group", "tags", "config/lr", "config/net/depth",
        "config/flag", "config/note", "last/loss"].map((id) => ({ id }));
      const runs = {
        a: { name: "a", status: "failed", group: "sweep", "config/lr": 0.1, "last/loss": 1,
          "min/loss": 0.5, tags: [] },
        b: { name: "b", status: "running", group: null, "config/lr": 0.3, "config/net/depth": 2,
          "config/flag": true, "last/loss": 2, "min/loss": 1, tags: ["good", "old"] },
        c: { name: "c", status: "running", group: null, "config/note": "two words", "last/loss": 3,
          "min/loss": -1, tags: [] },
      };
      return texts.map((text) => {
        const tree = parse(text);
        const of = (run) => (name) => run[resolve(name, columns)] ?? null;
        return Object.keys(runs).filter((name) => passes(tree, of(runs[name]))).join("");
      });
    }"""
    assert list(EXPRESSIONS.values()) == run_module(visit, "where.js", choose, list(EXPRESSIONS))


@pytest.mark.parametrize(
    ("text", "said"),
    [("lr >", "needs a value"), ("(lr > 1", ") is missing"), ("lr > 1 2", "not expected")],
)
def test_an_expression_that_makes_no_sense_is_told(visit: Visit, text: str, said: str) -> None:
    """The message says what is missing, beside the number of runs that are left."""
    visit.open("/runs", project="sweep", runfind=text)
    expect(visit.page.locator(".toolbar .count")).to_contain_text(said)
    fail = "({ parse }, text) => { try { parse(text); } catch (error) { return error.message; } }"
    assert said in run_module(visit, "where.js", fail, text)


def test_differences_scatter_and_parallel_coordinates(visit: Visit) -> None:
    """Config against result in three pictures, each with an address."""
    visit.open("/runs", project="sweep")
    page = visit.page
    page.get_by_role("radio", name="Differences").click()
    expect(page.locator(".diff-table tbody th")).to_have_text(["lr", "seed"])
    page.get_by_label("Also what all share").check()
    expect(page.locator(".diff-table tbody th")).to_have_count(43)
    page.get_by_role("radio", name="Scatter").click()
    expect(page.locator(".view-bar .count")).to_have_text("9 of 9 runs have both")
    page.get_by_label("Up", exact=True).select_option("min/loss")
    page.wait_for_url("**min/loss**")
    page.get_by_role("radio", name="Parallel").click()
    expect(page.locator(".view-bar .count").first).to_contain_text("9 of 9 runs")


def test_the_page_of_a_run_tells_what_it_was(visit: Visit) -> None:
    """State, config and results at a glance; charts of this run alone one click away."""
    visit.open("/run", project="rich")
    page = visit.page
    expect(page.get_by_role("heading", name="painter")).to_be_visible()
    expect(page.get_by_label("State")).to_contain_text("finished")
    expect(page.get_by_role("region", name="Config")).to_contain_text("net/depth")
    expect(page.get_by_role("region", name="Results")).to_contain_text("loss")
    page.get_by_role("link", name="Charts").click()
    visit.drawn("loss")
    page.wait_for_url("**part=charts**")
    page.get_by_role("link", name="Overview").click()
    page.get_by_label("Search config").fill("lr")
    expect(page.get_by_role("region", name="Config").locator("dt")).to_have_text(["lr"])


def test_devices_of_a_kind_share_a_chart(visit: Visit) -> None:
    """Two cards are two lines over time since the run began, on the page and of the run alone."""
    visit.open("/system", project="machines")
    shown = visit.table("gpu/#/power")
    assert {"busy · gpu 0", "busy · gpu 1"} == set(shown)
    assert [100.0 + i for i in range(20)] == list(shown["busy · gpu 0"].values())
    expect(visit.card("memory/used").locator(".card-note")).to_have_text("20 of 20 points")
    visit.open("/run", project="machines", part="system")
    visit.drawn("gpu/#/power")
    expect(visit.card("gpu/#/power").locator(".card-note")).to_have_text("40 of 40 points")


def test_media_follow_the_slider_and_tables_sort_filter_and_turn_pages(visit: Visit) -> None:
    """One picture a step, large on a click; a table by the page; a distribution as bars."""
    visit.open("/media", project="rich", find="sample|scores|weights")
    page = visit.page
    sample = page.get_by_role("region", name="sample")
    expect(sample.locator("figcaption")).to_have_text(["s5"])
    page.get_by_role("slider", name="Step").fill("2")
    expect(sample.locator("figcaption")).to_have_text(["s2"])
    page.wait_for_url("**step=2**")
    sample.locator("img").click()
    box = page.get_by_role("dialog", name="Picture")
    expect(box).to_contain_text("3 of 6")
    page.keyboard.press("ArrowRight")
    expect(box).to_contain_text("4 of 6 · s3")
    page.keyboard.press("Escape")
    page.get_by_role("slider", name="Step").fill("6")
    table = page.get_by_role("region", name="scores")
    expect(table.locator("tbody tr")).to_have_count(25)
    table.get_by_role("button", name="reward").click()
    table.get_by_role("button", name="reward").click()
    expect(table.locator("tbody tr").first).to_contain_text("6")
    table.get_by_role("button", name="Next page").click()
    expect(table).to_contain_text("2 / 3")
    table.get_by_label("Filter rows").fill("question 1[0-4]$")
    expect(table.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_role("region", name="weights").locator("svg rect")).to_have_count(64)


def test_a_logged_page_runs_in_a_box_without_a_way_out(visit: Visit) -> None:
    """Its own code runs, the page around it stays untouched."""
    visit.open("/media", project="rich", find="page")
    frame = visit.page.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("ran")
    assert visit.page.evaluate("window.stolen === undefined")
    visit.complaints = [said for said in visit.complaints if "stolen" not in said]
    assert all("Blocked a frame" in said or "sandbox" in said for said in visit.complaints)
    visit.complaints.clear()


def test_a_trace_shows_its_spans_and_its_conversation(visit: Visit) -> None:
    """What was done as a tree, errors marked; the words as they were said; all in the address."""
    visit.open("/traces", project="rich")
    page = visit.page
    page.get_by_role("button", name="Weather in Basel?").click()
    tree = page.get_by_role("tree", name="Spans")
    expect(tree.get_by_role("treeitem")).to_have_count(3)
    levels = tree.get_by_role("treeitem").evaluate_all("(all) => all.map((one) => one.ariaLevel)")
    assert ["1", "2", "3"] == levels
    tree.get_by_role("treeitem", name="weather").click()
    expect(page.locator(".span-details")).to_contain_text("timeout")
    expect(page.get_by_role("region", name="Conversation").locator("strong")).to_have_text("12 °C")
    page.reload()
    expect(page.get_by_role("tree", name="Spans")).to_be_visible()
    page.get_by_label("Search in traces").fill("nowhere")
    expect(page.locator(".empty")).to_contain_text("No trace")


def test_alerts_are_listed_and_filtered(visit: Visit) -> None:
    """Newest first, by level and by text; text stays text."""
    visit.open("/alerts", project="rich")
    page = visit.page
    expect(page.locator(".alert strong")).to_have_text(["Not a number", "Loss spiked"])
    assert "<img src=x onerror=alert(1)>" in page.locator(".alert").first.text_content()
    page.get_by_label("error").uncheck()
    expect(page.locator(".alert strong")).to_have_text(["Loss spiked"])
    page.get_by_label("Search alerts").fill("nothing")
    expect(page.locator(".empty")).to_be_visible()


def test_reports_are_markdown_and_nothing_in_them_runs(visit: Visit) -> None:
    """Lists, tables, code, links; a script is text, a picture from elsewhere a link."""
    visit.open("/reports", project="rich")
    text = visit.page.locator(".markdown")
    expect(text.locator("h1")).to_have_text("Findings")
    expect(text.locator("li li")).to_have_text("nested")
    expect(text.locator("ol li")).to_have_text("first")
    expect(text.locator("td")).to_have_text(["loss", "0.17"])
    expect(text.locator("blockquote")).to_have_text("quoted")
    expect(text.locator("pre")).to_have_text('print("hi")')
    expect(text.locator("input[type=checkbox]")).to_be_checked()
    assert "<script>alert(1)</script>" in text.text_content()
    assert 0 == text.locator("img, script").count()
    links = text.locator("a").evaluate_all("(all) => all.map((one) => one.href)")
    assert ["https://example.org/", "https://example.org/a.png"] == links


def test_store_health_reads_every_file_on_request(visit: Visit) -> None:
    """`verify` as a page."""
    visit.open("/health", project="sweep")
    page = visit.page
    expect(page.locator(".figure", has_text="Shards")).to_contain_text("36")
    page.get_by_role("button", name="Read every file").click()
    expect(page.get_by_role("region", name="What verify found")).to_contain_text("no error")


def test_files_of_the_store_can_be_taken(visit: Visit) -> None:
    """What lies in the store is plain files, to keep."""
    visit.open("/files", project="rich")
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("link", name="meta.json").click()
    assert "painter" == json.loads(Path(waiting.value.path()).read_text())["name"]


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_people_need(visit: Visit, *, dark: bool) -> None:
    """WCAG AA: 4.5 to 1 for every piece of text on these pages, in light and dark."""
    for path, ready in (
        ("/", ".card[data-state=drawn]"),
        ("/runs", ".run-link"),
        ("/alerts", ".alert"),
    ):
        visit.open(path, project="rich", __theme="dark" if dark else "light")
        visit.page.locator(ready).first.wait_for()
        weak = visit.page.evaluate(CONTRAST)
        assert [] == weak, path


CONTRAST = """() => {
  const root = document.querySelector(".trackio-host").shadowRoot;
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color[3] > 250) return color;
    }
    return rgb("white");
  };
  const weak = new Set();
  for (const element of root.querySelectorAll(".app *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest("svg, .sr, .skip") || !element.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.add(`${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...weak];
}"""


def test_a_frame_scrolls_inside_itself(browser: Browser, site: str) -> None:
    """In a frame of a fixed height the charts scroll and the bar stays."""
    for visit in visitor(browser, site, 900, 500):
        visit.page.set_content(
            f'<iframe src="{site}/?project=sweep" style="width:100%;height:460px"></iframe>'
        )
        frame = visit.page.frame_locator("iframe")
        frame.locator(".card[data-state=drawn]").first.wait_for()
        inner = frame.locator(".scroller")
        assert inner.evaluate("(box) => getComputedStyle(box).overflowY") == "auto"
        assert frame.locator(".trackio-host > .app").evaluate("(app) => app.offsetHeight <= 460")


def test_a_hidden_tab_asks_for_nothing_and_catches_up(visit: Visit) -> None:
    """While nobody looks there is no request; the first look afterwards asks at once."""
    visit.open(project="sweep")
    visit.drawn("loss")
    hide = """(isHidden) => {
      Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
      const { live } = document.querySelector(".trackio-host").trackio;
      return isHidden ? live.now() : document.dispatchEvent(new Event("visibilitychange")); }"""
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.evaluate(hide, True)
    assert [] == [url for url in asked if "rev=" in url]
    with visit.page.expect_response(lambda answer: "rev=" in answer.url):
        visit.page.evaluate(hide, False)


def test_a_server_that_is_away_makes_the_page_stale_and_says_why(visit: Visit) -> None:
    """Since when, why, and when it is tried again; and all is well once it answers."""
    visit.open(project="sweep")
    visit.drawn("loss")
    said = visit.page.locator(".freshness")
    expect(said).to_contain_text("data as of")
    away = "**/gradio_api/trackio/series*"
    visit.page.route(away, lambda route: route.fulfill(status=503, json={"error": "on holiday"}))
    visit.tick()
    expect(said).to_contain_text("Stale since")
    assert "on holiday" == said.get_attribute("title")
    visit.page.unroute(away)
    visit.tick()
    expect(said).to_contain_text("data as of")
    assert all("503" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


@pytest.fixture(scope="module")
def exported(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both projects as files, behind a web server that knows nothing of them."""
    folder = tmp_path_factory.mktemp("site")
    for project in ("sweep", "rich"):
        target = ["--project", project, "--to", str(folder / project)]
        assert 0 == main(["--store", store.url, "export-site", *target])
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args: object) -> None:
        pass


def test_an_exported_site_draws_what_the_live_one_does(
    browser: Browser, exported: str, visit: Visit
) -> None:
    """Same values, same groups, same zoom, without any server of ours."""
    view = {"by": "config/lr", "find": "loss"}
    visit.open(project="sweep", **view)
    live = visit.table("loss")
    for files in visitor(browser, exported):
        files.open("/sweep/", **view)
        assert live == files.table("loss")
        files.open("/sweep/", find="loss", runs="run-3", zoom="10~20", x="step")
        expect(files.card("loss").locator(".card-note")).to_have_text("11 of 40 points")
        files.open("/sweep/", find="loss", x="metric:epoch")
        expect(files.card("loss").locator(".card-note")).to_have_text("360 of 360 points")
        files.page.get_by_role("link", name="Runs", exact=True).click()
        expect(files.page.locator(".run-link")).to_have_count(9)
        files.page.get_by_label("Filter runs").fill("lr = 0.1 and min.loss > 1.5")
        expect(files.page.locator(".run-link")).to_have_text(["run-6", "run-3"])


@pytest.mark.parametrize(
    ("page", "ready"),
    [
        ("run", ".overview"),
        ("media", ".media-run img"),
        ("traces", ".traces .run-link"),
        ("alerts", ".alert"),
        ("reports", ".markdown h1"),
        ("files", ".plain"),
        ("health", ".figures"),
        ("system", ".page"),
    ],
)
def test_every_page_is_exported(browser: Browser, exported: str, page: str, ready: str) -> None:
    """All pages read files alone."""
    for files in visitor(browser, exported):
        files.open("/rich/", page=page, find="sample" if page == "media" else "")
        files.page.locator(ready).first.wait_for()


def test_a_trace_of_an_exported_site_opens(browser: Browser, exported: str) -> None:
    """What the server would be asked for one by one lies in files, too."""
    for files in visitor(browser, exported):
        files.open("/rich/", page="traces")
        files.page.locator(".traces .run-link").first.click()
        expect(files.page.get_by_role("treeitem")).to_have_count(3)


@pytest.mark.parametrize("x", ["step", "relative", "time"])
def test_files_make_the_buckets_that_the_server_makes(
    visit: Visit, browser: Browser, exported: str, x: str
) -> None:
    """The browser's own buckets of points are those of the server, on every axis."""
    view = {"find": "epoch", "runs": "run-1", "x": x}
    visit.open(project="sweep", **view)
    live = visit.table("epoch")
    for files in visitor(browser, exported):
        files.open("/sweep/", **view)
        assert live == files.table("epoch")
