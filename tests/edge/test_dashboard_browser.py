"""The dashboard in a real Chromium: what a person sees and does. Slow parts run once a module."""

import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.edge.browser import Visit, chromium
from tests.edge.served import serve
from tests.edge.visits import query, run_module, visitor
from tests.edge.written import WrittenRun
from trackio.dashboard.app import PAGES
from trackio.dashboard.routes import PREFIX
from trackio.dashboard.static_files import files, version
from trackio.store.base import Store
from trackio.store.directory import Directory

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{constructor}}</script><script>alert(3)</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Projects that no test changes."""
    store = Directory(tmp_path_factory.mktemp("store"))
    write_vision(store)
    write_hostile(store)
    write_many(store)
    return store


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """A new visitor, whose page must not complain and must ask nobody but the server."""
    yield from visitor(browser, site)


def write_vision(store: Store) -> None:
    """Three runs: long and noisy, short, and one with values that are no numbers."""
    now = time.time()
    long = WrittenRun(store, "vision", "long", at_s=now - 9000, config={"lr": 0.1, "depth": 3})
    long.log([{"train/loss": 5 / (1 + i), "train/acc": i / 4000} for i in range(4000)])
    long.log([{"eval/loss": 0.5}])
    long.finish(after_s=4001)
    short = WrittenRun(store, "vision", "short", at_s=now - 600, config={"lr": 0.01, "depth": 3})
    short.log([{"train/loss": 3.0 - i / 100, "eval/loss": 1.0 / (i + 1)} for i in range(200)])
    short.finish(after_s=300, state="failed")
    odd = WrittenRun(store, "vision", "odd", at_s=now - 300, config={"lr": 0.2, "depth": 3})
    odd.log([{"train/loss": value} for value in (1.0, math.nan, -2.0, math.inf, 0.5)])


def write_hostile(store: Store) -> None:
    run = WrittenRun(store, HOSTILE, HOSTILE, at_s=time.time() - 60, config={HOSTILE: HOSTILE})
    run.log([{HOSTILE: float(i), f"{HOSTILE}/b": 1.0} for i in range(5)])


def write_many(store: Store) -> None:
    now = time.time()
    for i in range(300):
        run = WrittenRun(store, "sweep", f"run-{i:03}", at_s=now - 3000 + i, config={"seed": i})
        run.log([{"loss": float(i % 7)}])


def test_the_charts_show_what_was_logged(visit: Visit) -> None:
    """Every value of every run of a short chart, as the table beside the drawing tells."""
    visit.open(project="vision")
    shown = visit.table("eval/loss")
    assert {"long", "short"} == set(shown)
    assert {str(i): 1.0 / (i + 1) for i in range(200)} == shown["short"]
    expect(visit.card("eval/loss").locator(".card-note")).to_have_text("201 of 201 points")
    expect(visit.card("train/loss").locator(".card-note")).to_contain_text("mean of 16 steps")


def test_a_line_is_painted_where_the_values_are(visit: Visit) -> None:
    """The canvas is not blank: it has pixels in the colour of each run."""
    visit.open(project="vision")
    card = visit.drawn("train/acc")
    color = (
        visit.page.locator(".run", has_text="long")
        .locator(".run-box")
        .evaluate("(box) => getComputedStyle(box).getPropertyValue('--color')")
    )
    painted = card.locator("canvas.lines").first.evaluate(
        """(canvas, color) => {
          const [r, g, b] = color.match(/\\w\\w/g).map((hex) => parseInt(hex, 16));
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let found = 0;
          for (let i = 0; i < data.length; i += 4) {
            found += data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255;
          }
          return found;
        }""",
        color.strip(),
    )
    assert 100 < painted


def test_what_is_no_number_is_told(visit: Visit) -> None:
    """NaN and infinity are in the note and in the table, and the log axis tells what it hides."""
    visit.open(project="vision", runs="", find="train/loss")
    expect(visit.card("train/loss")).to_have_attribute("data-state", "empty")
    visit.page.get_by_label("Show odd").check()
    note = visit.card("train/loss").locator(".card-note")
    expect(note).to_have_text("5 of 5 points · 2 not a number")
    visit.page.keyboard.press("l")
    expect(note).to_have_text("5 of 5 points · 2 not a number · 1 ≤ 0 hidden")
    assert "log=1" in visit.page.url or visit.page.wait_for_url("**log=1**") is None


def test_new_points_appear_by_themselves(browser: Browser, tmp_path: Path) -> None:
    """A shard that is put while the page is open is drawn by the next tick, as a delta."""
    run = WrittenRun(Directory(tmp_path), "live", "it", at_s=time.time() - 30)
    run.log([{"loss": float(i)} for i in range(20)])
    with serve(run.store) as url:
        for visit in visitor(browser, url):
            visit.open(project="live")
            assert 20 == len(visit.table("loss")["it"])
            expect(visit.page.locator(".freshness")).to_contain_text("1 live")
            run.log([{"loss": 99.5}], first_step=20)
            run.log([{"loss": -1.5, "fresh/metric": 1.0}], first_step=-3)
            expect(visit.card("loss")).to_have_attribute("data-points", "22")
            shown = visit.table("loss")["it"]
            assert (99.5, -1.5) == (shown["20"], shown["−3"])
            visit.drawn("fresh/metric")


def test_an_idle_tick_moves_no_data(visit: Visit) -> None:
    """Nothing new: 204, no body, and fewer than 300 bytes of answer."""
    visit.open(project="vision")
    visit.drawn("train/loss")
    with visit.page.expect_response(lambda response: "rev=" in response.url) as waiting:
        visit.tick()
    sizes = waiting.value.request.sizes()
    assert 204 == waiting.value.status
    assert 0 == sizes["responseBodySize"]
    assert 300 >= sizes["responseHeadersSize"]


def test_an_empty_store_shows_the_lines_to_run_and_then_the_run(
    browser: Browser, tmp_path: Path
) -> None:
    """The first page anybody sees tells what to do, and follows when it is done."""
    store = Directory(tmp_path)
    with serve(store) as url:
        for visit in visitor(browser, url):
            visit.open()
            code = visit.page.locator(".empty pre")
            expect(code).to_contain_text("import trackio as wandb")
            expect(code).to_contain_text('wandb.init(project="demo")')
            expect(code).to_contain_text('wandb.log({"loss": 0.1})')
            WrittenRun(store, "demo", "first", at_s=time.time()).log([{"loss": 0.1}])
            visit.drawn("loss")


def test_a_zoom_asks_for_finer_data_and_is_left_again(visit: Visit) -> None:
    """Dragging over a tenth of a chart brings exact points of that tenth, on all charts."""
    visit.open(project="vision", find="train")
    card = visit.drawn("train/loss")
    note, other = card.locator(".card-note"), visit.drawn("train/acc").locator(".card-note")
    expect(note).to_contain_text("mean of 16 steps")
    box = card.locator(".u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    visit.page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] * 0.52, middle, steps=3)
    visit.page.mouse.move(box["x"] + box["width"] * 0.55, middle, steps=3)
    visit.page.mouse.up()
    expect(note).to_contain_text("of 4\u2009205 points")
    expect(other).to_contain_text("of 4\u2009000 points")
    low, high = map(float, query(visit)["zoom"][0].split("~"))
    assert (1900 < low < 2100, 2100 < high < 2300) == (True, True)
    shown = visit.table("train/loss")["long"]
    assert {i: 5 / (1 + i) for i in range(math.ceil(low), math.floor(high) + 1)} == {
        int(step.replace("\u2009", "")): value for step, value in shown.items()
    }
    visit.page.get_by_title("Show everything again").click()
    expect(note).to_contain_text("mean of 16 steps")


def test_a_link_reproduces_the_view(visit: Visit, browser: Browser, site: str) -> None:
    """What is chosen is in the address, and a fresh browser shows the same from it."""
    visit.open(project="vision")
    page = visit.page
    visit.drawn("train/loss")
    page.get_by_label("Show long").uncheck()
    page.get_by_label("Smoothing as a number").fill("0.8")
    page.get_by_role("radio", name="Relative").click()
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Logarithmic y").check()
    page.keyboard.press("Escape")
    page.get_by_label("Search metrics").fill("loss$")
    expect(visit.card("train/acc")).to_have_count(0)
    page.get_by_role("button", name="eval").click()
    page.wait_for_url("**find=loss**fold=eval**")
    for other in visitor(browser, site):
        other.page.goto(page.url)
        other.drawn("train/loss")
        expect(other.page.get_by_label("Show long")).not_to_be_checked()
        expect(other.page.get_by_label("Show short")).to_be_checked()
        expect(other.page.get_by_label("Smoothing as a number")).to_have_value("0.8")
        expect(other.page.get_by_role("radio", name="Relative")).to_have_attribute(
            "aria-checked", "true"
        )
        other.page.get_by_role("button", name="Display").click()
        expect(other.page.get_by_label("Logarithmic y")).to_be_checked()
        expect(other.card("train/acc")).to_have_count(0)
        expect(other.card("eval/loss")).to_have_count(0)
        assert page.url == other.page.url


def test_the_crosshair_is_linked_and_the_nearest_run_comes_forward(visit: Visit) -> None:
    """Over one chart, the others show the place too, and all runs' values are listed."""
    visit.open(project="vision", find="loss")
    visit.drawn("eval/loss")
    visit.drawn("train/loss").locator(".u-over").hover()
    tip = visit.page.locator(".tip")
    expect(tip).to_be_visible()
    expect(tip.locator(".tip-head")).to_have_text("steps 1\u2009984–1\u2009999 · mean")
    expect(tip.locator(".tip-name")).to_have_text(["long"])
    expect(visit.card("eval/loss").locator(".u-cursor-x")).to_be_visible()
    expect(visit.page.locator(".value-name")).to_have_text("loss at cursor")
    visit.page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_hovering_a_run_marks_it_and_its_box_hides_it(visit: Visit) -> None:
    """The list of runs is the legend: it brings forward, it hides, it tells the status."""
    visit.open(project="vision", find="eval")
    visit.drawn("eval/loss")
    row = visit.page.locator(".run", has_text="short")
    expect(row.locator(".status")).to_have_text("failed")
    row.get_by_role("checkbox").uncheck()
    expect(visit.card("eval/loss").locator(".card-note")).to_have_text("1 of 1 point")
    visit.page.get_by_role("button", name="Invert").click()
    expect(visit.card("eval/loss").locator(".card-note")).to_have_text("200 of 200 points")


def test_hostile_names_are_shown_and_run_nothing(visit: Visit) -> None:
    """Project, run, metric and config names that are code stay text on both pages."""
    visit.open(project=HOSTILE)
    visit.page.locator(".card[data-state=drawn]").first.wait_for()
    assert HOSTILE in visit.page.locator(".run-name").all_text_contents()
    assert HOSTILE in visit.page.locator(".card-title").first.text_content()
    visit.page.locator(".card .u-over").first.hover()
    expect(visit.page.locator(".tip-name")).to_have_text(HOSTILE)
    visit.page.keyboard.press("r")
    assert HOSTILE == visit.page.locator(".run-link").text_content()
    assert HOSTILE in visit.page.locator(".column-name").all_text_contents()
    assert 0 == visit.page.locator("img").count()


def test_the_table_sorts_filters_and_leads_to_one_run(visit: Visit) -> None:
    """Any column sorts, expressions filter; a name opens the run; going back leads back."""
    visit.open("/runs", project="vision")
    page = visit.page
    names = page.locator(".run-link")
    expect(names).to_have_text(["odd", "short", "long"])
    page.get_by_role("columnheader", name="lr").get_by_role("button").click()
    expect(names).to_have_text(["odd", "long", "short"])
    page.get_by_role("columnheader", name="lr").get_by_role("button").click()
    expect(names).to_have_text(["short", "long", "odd"])
    expect(page.get_by_role("columnheader", name="depth")).to_have_count(0)
    page.get_by_label("Filter runs").fill("lr=0.1$")
    expect(names).to_have_text(["long"])
    page.get_by_label("Filter runs").fill("lr > 0.05 and not status = crashed")
    expect(names).to_have_text(["long", "odd"])
    page.get_by_label("Filter runs").fill("status = failed or max.train/loss > 4")
    expect(names).to_have_text(["short", "long"])
    page.locator(".run-link", has_text="long").click()
    expect(page.get_by_role("heading", name="long")).to_be_visible()
    page.go_back()
    expect(page.locator(".run-link")).to_have_text(["short", "long"])


def test_both_pages_survive_a_reload(visit: Visit) -> None:
    """Each page has an address of its own that the server knows."""
    visit.open(project="vision")
    visit.drawn("train/loss")
    visit.page.get_by_role("link", name="Runs", exact=True).click()
    expect(visit.page.locator(".run-link")).to_have_count(3)
    assert "/runs?project=vision" in visit.page.url
    visit.page.reload()
    expect(visit.page.locator(".run-link")).to_have_count(3)


def test_three_hundred_runs_make_a_short_list(visit: Visit) -> None:
    """Only rows in view exist, the newest ten are selected, and all can be."""
    visit.open(project="sweep")
    visit.drawn("loss")
    expect(visit.page.locator(".runs .count")).to_have_text("10 of 300")
    assert 60 > visit.page.locator(".run").count()
    visit.page.get_by_label("Filter runs by name").fill("run-00.")
    expect(visit.page.locator(".run")).to_have_count(10)
    visit.page.get_by_label("Filter runs by name").fill("")
    visit.page.get_by_role("button", name="All").click()
    expect(visit.card("loss")).to_have_attribute("data-points", "300")
    visit.page.wait_for_url("**runs=all**")


def test_light_and_dark_follow_the_system_the_address_and_the_button(
    browser: Browser, site: str
) -> None:
    """The system decides until a person does; a choice is kept; the address wins."""
    context = browser.new_context(color_scheme="dark")
    visit = Visit(context.new_page(), site).watch()
    app = visit.page.locator(".trackio-host > .app")
    visit.open(project="vision")
    visit.drawn("train/loss")
    expect(app).to_have_class("app is-dark")
    visit.page.get_by_role("button", name="Light colours").click()
    expect(app).to_have_class("app")
    visit.page.reload()
    visit.drawn("train/loss")
    expect(app).to_have_class("app")
    visit.open(project="vision", __theme="dark")
    visit.drawn("train/loss")
    expect(app).to_have_class("app is-dark")
    context.close()
    assert [] == visit.complaints


def test_keys_reach_everything(visit: Visit) -> None:
    """Search, full screen, crosshair, help and closing without a pointer."""
    visit.open(project="vision")
    page = visit.page
    visit.drawn("train/loss")
    page.keyboard.press("/")
    page.keyboard.type("acc")
    expect(page.locator(".cards > .card")).to_have_count(1)
    page.keyboard.press("Escape")
    visit.drawn("train/acc").locator(".plot").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sr[aria-live]")).to_contain_text("long")
    page.keyboard.press("f")
    large = page.get_by_role("dialog", name="Chart")
    expect(large.locator(".card")).to_have_attribute("data-state", "drawn")
    expect(large.locator(".card-note")).to_contain_text("mean of 4 steps")
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and pointer")).to_be_visible()


@pytest.mark.parametrize("path", ["/", *(path for _, path in PAGES)])
def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Browser, site: str, path: str
) -> None:
    """At 390 pixels nothing reaches beyond the screen but the table in its own box."""
    for visit in visitor(browser, site, 390, 844):
        visit.open(path, project="vision")
        shown = ".card[data-state=drawn], .run-link, .empty, .figures, .overview, .plain"
        visit.page.locator(shown).first.wait_for()
        assert 390 == visit.page.evaluate("document.documentElement.scrollWidth")
        assert 390 >= visit.page.locator(".trackio-host > .app").evaluate(
            "(app) => app.scrollWidth"
        )


def test_smoothing_is_the_debiased_moving_average_of_all_points(visit: Visit) -> None:
    """Where points lie one apart it is the one everybody knows; NaN is passed over."""
    visit.open(project="vision")
    rng = random.Random(3)
    values = [rng.gauss(2, 1) for _ in range(1001)]
    values[500] = math.nan
    smooth = """({ smooth }, y) => Array.from(smooth(
      { x: Float64Array.from(y, (_, i) => i), y: y.map((v) => v ?? NaN), count: y.map(() => 1) },
      "ema", -1 / Math.log(0.9)))"""
    shown = run_module(visit, "smooth.js", smooth, [None if v != v else v for v in values])  # noqa: PLR0124
    total = weight = 0.0
    last = 0
    for i, value in enumerate(values):
        if not math.isnan(value):
            kept = 0.9 ** (i - last)
            total, weight, last = total * kept + value, weight * kept + 1, i
        assert math.isclose(total / weight, shown[i], rel_tol=1e-9)
    assert values[0] == shown[0]


def test_numbers_are_written_alike_everywhere(visit: Visit) -> None:
    """Four digits that matter, real minus signs, exponents only where they are shorter."""
    visit.open(project="vision")
    said = {
        0: "0",
        1500: "1\u2009500",
        -0.5: "−0.5",
        0.123456: "0.1235",
        123.456: "123.5",
        0.00001234: "1.234e−5",
        123456789.5: "1.235e8",
        -1e-300: "−1e−300",
    }
    write = "({ formatValue }, values) => values.map((value) => formatValue(value))"
    assert list(said.values()) == run_module(visit, "format.js", write, list(said))


def test_ten_runs_in_a_row_differ_in_colour_and_keep_it(visit: Visit) -> None:
    """A new run takes no colour away from an older one."""
    visit.open(project="vision")
    ids = [f"run {i}" for i in range(60)]
    assign = "({ assignColors }, ids) => assignColors(ids)"
    colors = run_module(visit, "colors.js", assign, ids)
    assert all(10 == len(set(colors[i : i + 10])) for i in range(50))
    assert colors[:40] == run_module(visit, "colors.js", assign, ids[:40])


def test_a_project_that_is_not_there_says_so(visit: Visit) -> None:
    """A link to nothing names what there is, and the picker still works."""
    visit.open(project="visoin")
    expect(visit.page.get_by_role("alert")).to_contain_text("did you mean 'vision'")
    visit.page.get_by_label("Project").select_option("vision")
    visit.drawn("train/loss")
    assert [
        "error: Failed to load resource: the server responded with a status of 404 (Not Found)"
    ] == (visit.complaints)
    visit.complaints.clear()


def test_one_file_holds_what_the_modules_export(visit: Visit) -> None:
    """The file that browsers load gives for each module what the module itself gives."""
    visit.open(project="vision")
    names = [
        line.split('"')[1]
        for line in files()["all.js"].decode().splitlines()
        if line.startswith('  "') and line.endswith('": () => {')
    ]
    assert {"main.js", "app.js", "page_runs.js", "page_metrics.js"} <= set(names)
    differ = """async ({ need }, names) => {
      const found = [];
      for (const name of names) {
        const own = Object.keys(await import(BASE + name)).sort().join();
        if (own !== Object.keys(need(name)).sort().join()) found.push(name);
      }
      return found; }""".replace("BASE", f'"{visit.url}{PREFIX}/static/{version()}/"')
    assert [] == run_module(visit, "all.js", differ, names)


def test_a_page_is_loaded_with_one_file_of_code(visit: Visit) -> None:
    """Of ours a visit asks for one script, the charts' library and one style sheet."""
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.open(project="vision")
    visit.drawn("train/loss")
    visit.page.get_by_role("link", name="Runs", exact=True).click()
    expect(visit.page.locator(".run-link")).to_have_count(3)
    ours = {url.rpartition("/")[2] for url in asked if "/static/" in url and PREFIX in url}
    assert {"all.js", "all.css", "uPlot.iife.min.js"} == ours
