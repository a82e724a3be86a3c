"""A real Chromium before a real dashboard, for tests. Asserts only what holds on every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser_setup import HELP, SETTING, find_browser

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A browser that draws in software and talks to nobody but the page it is shown."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        FileNotFoundError: there is none; the message tells how to get one.
    """
    found = find_browser()
    if found is None:
        raise FileNotFoundError(
            f"the browser tests need a Chromium: run `make test`, which installs one, "
            f"or set {SETTING} to the path of one\n{HELP}"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One page, and what went wrong on it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self) -> "Visit":
        """Note every error, every message of the console and every request to elsewhere."""
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error.message}"))
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self._check(request.url))
        return self

    def _check(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {url}")

    def open(self, path: str = "/", **params: str) -> "Visit":
        """Go to a page."""
        self.page.goto(f"{self.url}{path}{'?' + urlencode(params) if params else ''}")
        return self

    def card(self, key: str) -> Locator:
        """The card of a metric."""
        return self.page.locator(f'.cards > .card[aria-label="{key}"]')

    def drawn(self, key: str) -> Locator:
        """The card of a metric, once it is drawn."""
        card = self.page.locator(f'.cards > .card[aria-label="{key}"][data-state="drawn"]')
        card.wait_for()
        return card

    def table(self, key: str) -> dict[str, dict[str, float]]:
        """What a chart draws: for each run its values by step, read from its table."""
        card = self.drawn(key)
        card.hover()
        shown = card.locator(".value-table")
        if not shown.count():
            card.get_by_role("button", name="Show as a table").click()
        rows: list[list[str]] = shown.evaluate(
            """(box) => [...box.querySelectorAll("tr")].map((row) =>
                 [...row.children].map((cell) => cell.title || cell.textContent))"""
        )
        names = rows[0][1:]
        found: dict[str, dict[str, float]] = {name: {} for name in names}
        for step, *cells in rows[1:]:
            for name, cell in zip(names, cells, strict=True):
                if cell:
                    found[name][step] = float(cell)
        return found

    def tick(self) -> None:
        """Ask what is new, now."""
        self.page.evaluate("document.querySelector('.trackio-host').trackio.live.now()")
