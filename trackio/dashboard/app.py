"""The Gradio app of the dashboard and how it is launched. Opens no store, starts nothing."""

import os
from typing import Any, Final

# Before Gradio is imported: it calls home when it is, unless told not to.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from starlette.middleware import Middleware

from trackio.dashboard.desk import Desk
from trackio.dashboard.gate import Gate, Rules
from trackio.dashboard.routes import routes
from trackio.dashboard.shell import STYLE, add_dashboard
from trackio.query.cache import Cache
from trackio.store.base import Store

PAGES: Final = tuple(
    (name.title(), f"/{name}")
    for name in (
        *("runs", "run", "system", "media", "traces"),
        *("alerts", "reports", "files", "artifacts", "registry", "health"),
    )
)
"""Pages beside the first, as addresses that survive a reload; `static/state.js` knows them too."""


def build_app(*, has_sign_in: bool = False) -> gr.Blocks:
    """The app. Every page holds the same component, which switches pages by itself.

    `has_sign_in` adds the routes with which people sign in at Hugging Face.
    """
    app: gr.Blocks
    with gr.Blocks(title="Trackio", fill_width=True, analytics_enabled=False) as app:
        add_dashboard()
        if has_sign_in:
            gr.LoginButton(visible=False)
    for name, path in PAGES:
        with app.route(name, path, show_in_navbar=False):
            add_dashboard()
    return app


def launch_options(
    store: Store,
    theme: Any = None,
    *,
    cache: Cache | None = None,
    readers: frozenset[str] | None = None,
    hosts: frozenset[str] | None = None,
) -> dict[str, Any]:
    """What `launch` has to be given to serve `store`, and nothing else.

    With `readers` only they are answered, once they signed in at Hugging Face; with `hosts` only
    who asks for the dashboard under one of these names (`gate.Rules`).

    No server-side rendering, whose front server would hide our routes; no uploads, no history
    of calls, no analytics, no worker that caches the page.
    """
    rules = Rules(pages=frozenset(path for _, path in PAGES), hosts=hosts)
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    return {
        "app_kwargs": {
            "routes": routes(Desk(store, cache=cache), readers),
            "middleware": [Middleware(Gate, rules=rules)],
        },
        "theme": gr.themes.Default(**fonts) if theme is None else theme,  # type: ignore[arg-type]
        "css": STYLE,
        "ssr_mode": False,
        "pwa": False,
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "footer_links": [],
        "max_file_size": 1,
    }
