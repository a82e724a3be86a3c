"""Time the dashboard on the shapes people have: `python -m benchmarks.dashboard_shapes`.

Many runs, many metrics, wide configs, ten million points, thousands of pictures. Each shape is
written as real shards, served by a process of its own, and looked at by a headless Chromium.
"""

import argparse
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from playwright.sync_api import Browser, Page

from benchmarks.dashboard import WATCH, heap_mb, served
from tests.edge.browser import chromium
from tests.edge.written import WrittenRun
from trackio import keys, shard
from trackio.keys import MediaKey
from trackio.model import MEDIA, Json, SeqRange
from trackio.rows import SCHEMA
from trackio.store.base import Store
from trackio.store.directory import Directory

Figures = dict[str, float]
TABLE = "document.querySelector('.trackio-host')?.shadowRoot?.querySelector('.table-row .run-link')"
MEDIA_READY = (
    "[...(document.querySelector('.trackio-host')?.shadowRoot?.querySelectorAll('.media-run img')"
    " ?? [])].some((image) => image.complete && image.naturalWidth)"
)


def write_many(store: Store, runs: int, metrics: int, steps: int, config: int = 3) -> None:
    """Runs whose config differs in a few keys and has many."""
    now, rng = time.time(), np.random.default_rng(1)
    for number in range(runs):
        given: dict[str, Any] = {f"key_{i:03}": (number * (i + 1)) % 97 for i in range(config)}
        run = WrittenRun(store, "bench", f"run-{number}", at_s=now - 90_000 + number, config=given)
        values = rng.normal(size=(steps, metrics))
        run.log([{f"m/{i:04}": float(v) for i, v in enumerate(row)} for row in values])
        run.finish(after_s=steps)


def write_long(store: Store, points: int) -> None:
    """One series of many points with one outlier in the middle."""
    run = WrittenRun(store, "bench", "long", at_s=time.time() - 2 * points)
    values = np.random.default_rng(2).normal(size=points)
    values[points // 2 + 7] = 1e6
    at_once = 1_000_000
    for first in range(0, points, at_once):
        n = min(at_once, points - first)
        seq = np.arange(first, first + n) + 1
        table = pa.table(
            {
                "run_id": pa.array([run.run_id]).take(pa.array(np.zeros(n, np.int64))),
                "writer_id": pa.array([run.writer_id]).take(pa.array(np.zeros(n, np.int64))),
                "seq": seq,
                "time": pa.array(((run.at_s + seq) * 1e6).astype(np.int64)).cast(
                    SCHEMA.field("time").type
                ),
                "step": seq - 1,
                "auto": pa.array(np.zeros(n, np.bool_)),
                "kind": pa.array(["metric"]).take(pa.array(np.zeros(n, np.int64))),
                "key": pa.array(["loss"]).take(pa.array(np.zeros(n, np.int64))),
                "value": values[first : first + n],
                "text": pa.nulls(n, pa.string()),
            },
            schema=SCHEMA,
        )
        span = SeqRange(int(seq[0]), int(seq[-1]))
        key = keys.ShardKey("bench", run.run_id, run.writer_id, span.first, span.last)
        store.put({str(key): shard.encode_table(table, span)})


def write_media(store: Store, pictures: int) -> None:
    """One run with many pictures under ten keys; each is a few hundred bytes."""
    from io import BytesIO

    from PIL import Image

    run = WrittenRun(store, "bench", "pictures", at_s=time.time() - 90_000)
    out = BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(out, "PNG")
    sha = "ab" * 32
    key = MediaKey("bench", run.run_id, run.writer_id, sha, "png")
    store.put({str(key): out.getvalue()})
    said = {"_type": "trackio.image", "sha256": sha, "extension": "png", "width": 32, "height": 32}
    text = orjson.dumps(said).decode()
    run._put(  # one shard for all
        (MEDIA, step, {f"sample/{step % 10}": Json(text)}, run.at_s + step)
        for step in range(pictures)
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
    longest = page.evaluate(SCROLL)
    figures = {"table, s": first, "scrolling, worst frame, ms": longest, "heap, MB": heap_mb(page)}
    page.context.close()
    return figures


SCROLL = """async () => {
  const box = document.querySelector(".trackio-host").shadowRoot.querySelector(".table-scroll");
  let [last, worst] = [performance.now(), 0];
  for (let i = 0; i < 60; i++) {
    box.scrollTop += 400;
    box.scrollLeft = (i % 20) * 300;
    await new Promise(requestAnimationFrame);
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }
  return worst;
}"""


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


def pictures(browser: Browser, url: str) -> Figures:
    """Until a picture stands, and what that took over the wire."""
    watched(browser, url, "/media", MEDIA_READY)[0].context.close()
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    received: list[int] = []
    page.on(
        "requestfinished",
        lambda it: received.append(it.sizes()["responseBodySize"]),
    )
    page.goto(f"{url}/media?project=bench", wait_until="commit")
    page.wait_for_function(MEDIA_READY, polling="raf")
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


def write_live(store: Store) -> list[WrittenRun]:
    """Ten runs that go on, with 40 metrics and 1,500 points each."""
    now, rng = time.time(), np.random.default_rng(1)
    runs = [WrittenRun(store, "bench", f"run-{n}", at_s=now - 2000 + n) for n in range(10)]
    for run in runs:
        values = rng.normal(size=(1500, 40))
        run.log([{f"m/{i:04}": float(v) for i, v in enumerate(row)} for row in values])
    return runs


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
        lambda browser, url, _: pictures(browser, url),
    ),
}


def main() -> None:
    """Print the figures of the shapes that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard_shapes")
    parser.add_argument("only", nargs="*", help="parts of the names of shapes")
    args = parser.parse_args()
    for name, figures in measured(args.only):
        print(name)
        for what, value in figures.items():
            print(f"  {what:36} {value:10,.2f}")


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
