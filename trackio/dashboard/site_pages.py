"""The pages of an exported site: one `index.html` and the front end, as it is served live.

Nothing of a project is in them but its name.
"""

from html import escape
from typing import Final

from trackio.dashboard.bundle import bundle
from trackio.dashboard.static_files import files

_CHARTS: Final = "vendor/uplot/uPlot.iife.min.js"
_PARQUET: Final = "vendor/hyparquet/hyparquet.min.js"
_INDEX: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="content-security-policy" content="default-src 'self'; img-src 'self' data: blob:;
 style-src 'self' 'unsafe-inline'; media-src 'self' blob:; frame-src 'self'; object-src 'none'">
<link rel="icon" href="app/icon.svg">
<link rel="preload" as="style" href="app/all.css">
<link rel="preload" as="script" href="app/{charts}">
<link rel="modulepreload" href="app/{parquet}">
<title>{title}</title>
<style>html, body {{ margin: 0 }} .trackio-host {{ min-height: 100dvh }}</style>
<body>
<div class="trackio-host"></div>
<noscript>This page draws charts with JavaScript.</noscript>
<script type="module" src="app/all.js"></script>
</body>
</html>
"""


def pages(title: str) -> dict[str, bytes]:
    """Every file of the pages by its name."""
    front = files()
    modules = {
        name: content.decode()
        for name, content in front.items()
        if name.endswith(".js") and "/" not in name and name != "all.js"
    }
    index = _INDEX.format(title=escape(title), charts=_CHARTS, parquet=_PARQUET)
    return {
        "index.html": index.encode(),
        "app/all.js": bundle(modules, "site.js").encode(),
        "app/all.css": front["all.css"],
        **{f"app/{name}": content for name, content in front.items() if _stays(name)},
    }


def _stays(name: str) -> bool:
    """Whether a file is not in one of those that are made of many."""
    return "/" in name or not name.endswith((".js", ".css"))
