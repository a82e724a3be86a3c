"""The same data here and in Trackio 0.43, in one browser: `python -m benchmarks.dashboard_peer`.

40 metrics × 10 runs × 1,500 points, logged by each through its own `init` and `log`, served by
its own `show`. The other one runs in an environment of its own, `.venv-peer`. A chart counts as
drawn there once its canvas stands.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from playwright.sync_api import Browser, Request

from benchmarks.dashboard import METRICS, RUNS, SECTIONS, STEPS, heap_mb, look, served, write
from tests.edge.browser import chromium
from tests.edge.served import free_port

PEER: Final = Path(__file__).parents[1] / ".venv-peer" / "bin" / "python"
IDLE_MS: Final = 5000
LONGEST_S: Final = 120

LOG: Final = f"""
import math, random, trackio
rng = random.Random(1)
for number in range({RUNS}):
    run = trackio.init(project="bench", name=f"run-{{number}}")
    floors = [rng.random() for _ in range({METRICS})]
    for step in range({STEPS}):
        decay = math.exp(-4 * step / {STEPS})
        run.log({{f"{{{SECTIONS!r}[i % 4]}}/metric_{{i:02}}": floor + decay + rng.gauss(0, 0.05)
                  for i, floor in enumerate(floors)}})
    run.finish()
"""
SHOW: Final = """
import sys, trackio
trackio.show(project="bench", server_port=int(sys.argv[1]), open_browser=False, block_thread=True)
"""
WATCH: Final = """
window.seen = {};
const look = () => {
  const all = [...document.querySelectorAll(".plot-container")];
  const near = all.filter((plot) => plot.getBoundingClientRect().top < innerHeight);
  const drawn = near.filter((plot) => plot.querySelector(".plot canvas")?.height);
  if (drawn.length) window.seen.first ??= performance.now();
  if (near.length && drawn.length === near.length) window.seen.all ??= performance.now();
  window.seen.charts = near.length;
  if (!window.seen.all) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@contextmanager
def peer(folder: str) -> Iterator[str]:
    """The address of the other dashboard over data of its own."""
    env = {**os.environ, "TRACKIO_DIR": folder, "HF_HUB_OFFLINE": "1"}
    subprocess.run([PEER, "-c", LOG], env=env, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    server = subprocess.Popen(
        [PEER, "-c", SHOW, str(port)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Until somebody answers."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"nobody answers at {url}")


def look_at_peer(browser: Browser, url: str) -> dict[str, float]:
    """One visit: until the charts on screen are drawn, and then some seconds of nothing new."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    requests: list[Request] = []
    page.on("requestfinished", requests.append)
    page.goto(f"{url}/?project=bench")
    page.wait_for_function("window.seen.all", timeout=LONGEST_S * 1000)
    loaded = len(requests)
    page.wait_for_timeout(IDLE_MS)
    bytes_of = [request.sizes()["responseBodySize"] for request in requests]
    figures = {
        "first chart, s": page.evaluate("window.seen.first") / 1000,
        "all on screen, s": page.evaluate("window.seen.all") / 1000,
        "charts on screen": page.evaluate("window.seen.charts"),
        "received until then, KB": sum(bytes_of[:loaded]) / 1000,
        "received per idle second, KB": sum(bytes_of[loaded:]) / IDLE_MS,
        "heap, MB": heap_mb(page),
    }
    context.close()
    return figures


def measure(rounds: int = 3) -> dict[str, dict[str, float]]:
    """The middle of the rounds, of each."""
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        write(ours)
        with chromium() as browser:
            with served(ours) as url:
                look(browser, url)
                here = [look(browser, url) for _ in range(rounds)]
            with peer(theirs) as url:
                look_at_peer(browser, url)
                there = [look_at_peer(browser, url) for _ in range(rounds)]
    return {"here": _middle(here), "Trackio 0.43": _middle(there)}


def _middle(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(one[name] for one in found) for name in found[0]}


def main() -> None:
    """Print the figures of both."""
    if not PEER.exists():
        sys.exit("the other Trackio is not here: python -m venv .venv-peer and install it there")
    for name, figures in measure().items():
        print(name)
        for what, value in figures.items():
            print(f"  {what:32} {value:10,.2f}")


if __name__ == "__main__":
    main()
