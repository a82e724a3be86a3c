"""Time the dashboard in a real Chromium: `python -m benchmarks.dashboard`.

40 metrics × 10 runs × 1,500 points, logged by the real writer, served by a process of its own,
looked at by a headless Chromium that draws in software. Each round is a new browser profile with
nothing cached. Times count from the navigation, in the page's own clock.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, Request

import trackio
from tests.edge.browser import chromium
from tests.edge.served import free_port

RUNS, METRICS, STEPS = 10, 40, 1500
SECTIONS = ("train", "eval", "throughput", "system")

# Notes when a card is first drawn and when all cards on screen are.
WATCH = """
window.seen = {};
const look = () => {
  const root = document.querySelector(".trackio-host")?.shadowRoot;
  const cards = [...(root?.querySelectorAll(".card") ?? [])];
  const near = cards.filter((card) => card.getBoundingClientRect().top < innerHeight);
  const drawn = near.filter((card) => card.dataset.state === "drawn");
  if (drawn.length) window.seen.first ??= performance.now();
  if (near.length && drawn.length === near.length) window.seen.all ??= performance.now();
  window.seen.charts = near.length;
  if (!window.seen.all) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def measure(rounds: int = 5) -> dict[str, float]:
    """The middle of the rounds: seconds, bytes and requests."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder)
        with served(folder) as url, chromium() as browser:
            look(browser, url)  # the first visit opens the files and starts the server's threads
            found = [look(browser, url) for _ in range(rounds)]
    return {name: median(each[name] for each in found) for name in found[0]}


def write(folder: str) -> None:
    """Log the runs, as a training would."""
    rng = random.Random(1)
    for number in range(RUNS):
        run = trackio.init(project="bench", name=f"run-{number}", store=folder)
        floors = [rng.random() for _ in range(METRICS)]
        for step in range(STEPS):
            decay = math.exp(-4 * step / STEPS)
            run.log(
                {
                    f"{SECTIONS[i % 4]}/metric_{i:02}": floor + decay + rng.gauss(0, 0.05)
                    for i, floor in enumerate(floors)
                }
            )
        run.finish()


@contextmanager
def served(folder: str) -> Iterator[str]:
    """The address of a dashboard that a process of its own serves."""
    port = free_port()
    code = f"import trackio; trackio.show(store={folder!r}, port={port}, open_browser=False)"
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()  # it says where it is once it answers
        url = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(url).close()
        yield url
    finally:
        server.terminate()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def look(browser: Browser, url: str) -> dict[str, float]:
    """One visit: until everything on screen is drawn, and then until two ticks have passed."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    requests: list[Request] = []
    page.on("requestfinished", lambda it: requests.append(it))  # noqa: PLW0108 - takes no builtin
    page.goto(f"{url}/?project=bench")
    page.wait_for_function("window.seen.all")
    page.wait_for_timeout(300)
    sizes = [request.sizes() for request in requests]
    ours = [request.sizes() for request in requests if "/series?" in request.url]
    with page.expect_response(lambda answer: "rev=" in answer.url) as tick:
        pass
    idle = tick.value.request.sizes()
    figures = {
        "first chart, s": page.evaluate("window.seen.first") / 1000,
        "all on screen, s": page.evaluate("window.seen.all") / 1000,
        "charts on screen": page.evaluate("window.seen.charts"),
        "requests": len(sizes),
        "received, KB": sum(map(received, sizes)) / 1000,
        "received as series, KB": sum(map(received, ours)) / 1000,
        "idle tick, answer, bytes": received(idle),
        "idle tick, request, bytes": idle["requestHeadersSize"],
        "heap, MB": heap_mb(page),
    }
    context.close()
    return figures


def received(sizes: Any) -> int:
    """What came over the wire for one request."""
    return int(sizes["responseHeadersSize"] + sizes["responseBodySize"])


def heap_mb(page: Page) -> float:
    """What JavaScript holds after a collection."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")) / 1e6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = measure(args.rounds)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value:10,.2f}")


if __name__ == "__main__":
    main()
