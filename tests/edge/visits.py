"""Visitors of a dashboard: a page that must not complain and must ask nobody but the server."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser

from tests.edge.browser import Visit
from trackio.dashboard.routes import PREFIX
from trackio.dashboard.static_files import version


def visitor(browser: Browser, url: str, width: int = 1440, height: int = 900) -> Iterator[Visit]:
    """One visitor, who complained of nothing in the end."""
    context = browser.new_context(viewport={"width": width, "height": height})
    visit = Visit(context.new_page(), url).watch()
    visit.page.set_default_timeout(10_000)
    yield visit
    context.close()
    assert [] == visit.complaints


def query(visit: Visit) -> dict[str, list[str]]:
    """The query of the address."""
    return parse_qs(urlsplit(visit.page.url).query)


def run_module(visit: Visit, module: str, script: str, argument: object = None) -> Any:
    """What `script`, a function of the module and the argument, returns in the browser."""
    return visit.page.evaluate(
        f"async ([url, argument]) => ({script})(await import(url), argument)",
        [f"{visit.url}{PREFIX}/static/{version()}/{module}", argument],
    )
