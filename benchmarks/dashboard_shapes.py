"""Time the dashboard on the shapes people have: `python -m benchmarks.dashboard_shapes`.

Many runs, many metrics, wide configs, ten million points, thousands of pictures. Each shape is
written as real shards, served by a process of its own, and looked at by a headless Chromium. The
first is the one that Trackio 0.43 can load too, where it is installed; names choose some.
"""

import argparse
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from playwright.sync_api import Browser, Page

from benchmarks import dashboard_peer
from benchmarks.dashboard import WATCH, heap_mb, measure, served
from benchmarks.dashboard_data import (
    write_live,
    write_long,
    write_many,
    write_media,
    write_tables,
)
from tests.edge.browser import chromium
from tests.edge.written import WrittenRun
from trackio.store.base import Store
from trackio.store.directory import Directory

Figures = dict[str, float]
TABLE = "document.querySelector('.trackio-host')?.shadowRoot?.querySelector('.table-row .run-link')"
MEDIA_READY = (
    "[...(document.querySelector('.trackio-host')?.shadowRoot?.querySelectorAll('.media-run img')"
    " ?? [])].some((image) => image.complete && image.naturalWidth)"
)
TABLE_READY = (
    "document.querySelector('.trackio-host')?.shadowRoot?.querySelector('.media-run tbody tr')"
)


def watched(browser: Browser, url: str, path: str, ready: str, **params: str) -> tuple[Page, float]:
    """A new visitor; the seconds until `ready` holds."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    query = urllib.parse.urlencode({"project": "bench", **params})
    page.goto(f"{url}{path}?{query}", wait_until="commit")
    page.wait_for_function(ready, polling="raf")
    return page, float(page.evaluate("performance.now()")) / 1000


def fetch_s(url: str, rounds: int = 5) -> float:
    """The middle of the seconds that the server takes for a request."""
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        urllib.request.urlopen(url).read()
        found.append(time.perf_counter() - begin)
    return median(found)


def charts(browser: Browser, url: str, **params: str) -> Figures:
    """Until the first chart, and until all on screen."""
    watched(browser, url, "/", "window.seen.all", **params)[0].context.close()
    page, _ = watched(browser, url, "/", "window.seen.all", **params)
    figures = {
        "first chart, s": page.evaluate("window.seen.first") / 1000,
        "all on screen, s": page.evaluate("window.seen.all") / 1000,
        "heap, MB": heap_mb(page),
    }
    page.context.close()
    return figures


def table(browser: Browser, url: str) -> Figures:
    """Until the table of runs stands, and how long it takes to sort and to scroll."""
    watched(browser, url, "/runs", TABLE)[0].context.close()
    page, first = watched(browser, url, "/runs", TABLE)
    page.wait_for_timeout(1000)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    before = _busy_s(devtools)
    middle, longest = page.evaluate(SCROLL)
    busy = (_busy_s(devtools) - before) / FRAMES
    figures = {
        "table, s": first,
        "scrolling, middle frame, ms": middle,
        "scrolling, worst frame, ms": longest,
        "scrolling, work a frame, ms": busy * 1000,
        "heap, MB": heap_mb(page),
    }
    page.context.close()
    return figures


FRAMES = 60
SCROLL = """async () => {
  const box = document.querySelector(".trackio-host").shadowRoot.querySelector(".table-scroll");
  const took = [];
  let last = performance.now();
  for (let i = 0; i < FRAMES; i++) {
    box.scrollTop += 400;
    box.scrollLeft = (i % 20) * 300;
    await new Promise(requestAnimationFrame);
    took.push(performance.now() - last);
    last = performance.now();
  }
  took.sort((a, b) => a - b);
  return [took[FRAMES / 2], took.at(-1)];
}""".replace("FRAMES", str(FRAMES))


def _busy_s(devtools: Any) -> float:
    """What scripts, styles and layout took so far, whatever else the machine does."""
    metrics = {m["name"]: m["value"] for m in devtools.send("Performance.getMetrics")["metrics"]}
    names = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
    return float(sum(metrics[name] for name in names))


def select_all(browser: Browser, url: str) -> Figures:
    """With every run selected: how long a click on a run takes until the next frame."""
    page, _ = watched(browser, url, "/", "window.seen.all", runs="all")
    page.wait_for_timeout(4000)
    answer = page.evaluate(
        """async () => {
          const root = document.querySelector(".trackio-host").shadowRoot;
          const begin = performance.now();
          root.querySelector(".run-box").click();
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          return performance.now() - begin; }"""
    )
    figures = {"click with all runs selected, ms": answer, "heap, MB": heap_mb(page)}
    page.context.close()
    return figures


def zooms(url: str) -> Figures:
    """What the server takes for the whole of a long series, and for parts of it."""
    meta = orjson.loads(urllib.request.urlopen(f"{url}{META}").read())
    metric, run = meta["metrics"][0]["code"], meta["runs"][0]["code"]
    base = f"{url}/gradio_api/trackio/series?project=bench&m={metric}&r={run}&n=1200"
    begin = time.perf_counter()
    urllib.request.urlopen(base).read()
    found = {"whole, first time, s": time.perf_counter() - begin}
    for name, (lo, hi) in {"half": (0, 5e6), "1 %": (4e6, 4.1e6), "0.01 %": (4e6, 4.001e6)}.items():
        found[f"zoom to {name}, s"] = fetch_s(f"{base}&lo={lo:.0f}&hi={hi:.0f}", 1)
        found[f"zoom near {name}, s"] = fetch_s(f"{base}&lo={lo + 1000:.0f}&hi={hi + 1000:.0f}", 3)
    return found


META = "/gradio_api/trackio/meta.json?project=bench"


def media(browser: Browser, url: str, ready: str = MEDIA_READY) -> Figures:
    """Until a picture or a table stands, and what that took over the wire."""
    watched(browser, url, "/media", ready)[0].context.close()
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    received: list[int] = []
    page.on(
        "requestfinished",
        lambda it: received.append(it.sizes()["responseBodySize"]),
    )
    page.goto(f"{url}/media?project=bench", wait_until="commit")
    page.wait_for_function(ready, polling="raf")
    seconds = float(page.evaluate("performance.now()")) / 1000
    figures = {"page, s": seconds, "received, MB": sum(received) / 1e6, "heap, MB": heap_mb(page)}
    page.context.close()
    return figures


def live_tick(browser: Browser, url: str, runs: list[WrittenRun]) -> Figures:
    """What ten runs that each log one more step cost in scripts, beside a page that idles."""
    page, _ = watched(browser, url, "/", "window.seen.all")
    page.wait_for_timeout(3000)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def busy_ms(act: Callable[[], object]) -> float:
        before = _script_s(devtools)
        act()
        page.wait_for_timeout(1500)
        return (_script_s(devtools) - before) * 1000

    page.evaluate(f"{LIVE}.close()")
    idle = busy_ms(lambda: None)
    for run in runs:
        run.log([{f"m/{i:04}": 0.5 for i in range(40)}], first_step=1500)
    page.wait_for_timeout(1000)
    received: list[int] = []
    page.on("requestfinished", lambda it: received.append(it.sizes()["responseBodySize"]))
    with_news = busy_ms(
        lambda: page.evaluate(f"{APP}.series.tick((h) => {APP}.project.update(h.meta))")
    )
    page.context.close()
    return {
        "tick with news, script, ms": with_news - idle,
        "received, KB": sum(received) / 1e3,
    }


APP = "document.querySelector('.trackio-host').trackio"
LIVE = f"{APP}.live"


def _script_s(devtools: Any) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "ScriptDuration"))


Write = Callable[[Store], Any]
Look = Callable[[Browser, str, Any], Figures]
SHAPES: dict[str, tuple[Write, Look]] = {
    "live: 10 runs x 40 metrics": (write_live, live_tick),
    "50 runs x 2,000 points x 10 metrics": (
        lambda store: write_many(store, 50, 10, 2000),
        lambda browser, url, _: charts(browser, url),
    ),
    "2,000 metrics": (
        lambda store: write_many(store, 2, 2000, 50),
        lambda browser, url, _: charts(browser, url),
    ),
    "1,000 runs x 10 metrics": (
        lambda store: write_many(store, 1000, 10, 40),
        lambda browser, url, _: {
            **charts(browser, url),
            **table(browser, url),
            **select_all(browser, url),
        },
    ),
    "1,000 runs x 500 columns": (
        lambda store: write_many(store, 1000, 1, 1, config=500),
        lambda browser, url, _: table(browser, url),
    ),
    "10 M points": (
        lambda store: write_long(store, 10_000_000),
        lambda _, url, __: zooms(url),
    ),
    "5,000 pictures": (
        lambda store: write_media(store, 5000),
        lambda browser, url, _: media(browser, url),
    ),
    "200 tables of 64 rows": (
        lambda store: write_tables(store, 200),
        lambda browser, url, _: media(browser, url, TABLE_READY),
    ),
    "10,000 runs x 500 columns": (  # takes minutes to write
        lambda store: write_many(store, 10_000, 1, 1, config=500),
        lambda browser, url, _: table(browser, url),
    ),
}


def main() -> None:
    """Print the figures of the shapes that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard_shapes")
    parser.add_argument("only", nargs="*", help="parts of the names of shapes")
    args = parser.parse_args()
    for name, figures in chain(beside(args.only), measured(args.only)):
        print(name, flush=True)
        for what, value in figures.items():
            print(f"  {what:36} {value:10,.2f}")


def beside(only: list[str]) -> Iterator[tuple[str, Figures]]:
    """The shape that both can load, in each."""
    name = "40 metrics x 10 runs"
    if only and not any(part in name for part in only):
        return
    found = dashboard_peer.measure() if dashboard_peer.PEER.exists() else {"here": measure()}
    for who, figures in found.items():
        yield f"{name}, {who}", figures


def measured(only: list[str]) -> Iterator[tuple[str, Figures]]:
    """Each shape with its figures."""
    for name, (write, look) in SHAPES.items():
        if only and not any(part in name for part in only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            written = write(Directory(Path(folder)))
            with served(folder) as url, chromium() as browser:
                yield name, look(browser, url, written)


if __name__ == "__main__":
    main()
