"""The one Gradio component of the dashboard: an empty element into which the front end mounts.

Its template holds no value: what users log must never pass through a template of Gradio, which
would run it. Everything is built in the browser from text (`static/dom.js`).
"""

import json
from typing import Final

import gradio as gr

from trackio.dashboard.static_files import version

CHARTS: Final = "vendor/uplot/uPlot.iife.min.js"
_TEMPLATE: Final = '<div class="trackio-host"></div>'

# FILES and VERSION are put in below: no name that anybody logged passes through here.
_LOAD: Final = """
const root = String(window.gradio_config?.root ?? "").replace(/\\/+$/, "");
const host = element.querySelector(".trackio-host");
const files = `${root}/gradio_api/trackio/static/VERSION/`;
for (const [href, rel, as] of FILES) {
  const link = document.createElement("link");
  document.head.append(Object.assign(link, { rel, as, href: files + href }));
}
import(`${files}all.js`)
  .then((main) => main.mount(host, root))
  .catch((error) => { host.textContent = `The dashboard could not be loaded: ${error.message}`; });
"""

STYLE: Final = """
html, body { margin: 0; background: #f5f6f8; }
body.dark { background: #0e1116; }
body .gradio-container, body .gradio-container > .main, body .gradio-container .wrap {
  padding: 0 !important; margin: 0 !important; max-width: none !important; gap: 0 !important;
}
body .gradio-container > .nav-holder, body .gradio-container footer { display: none !important; }
body .gradio-container .html-container:has(> * > .trackio-host) { padding: 0 !important; }
.trackio-host { min-height: 100dvh; }
"""
"""Takes away what Gradio puts around its components."""


def add_dashboard() -> gr.HTML:
    """Put the component into the page that is being built: no value, no event, no function.

    Not a subclass of `gr.HTML`, for which Gradio would write a stub file beside this one.
    """
    return gr.HTML(
        html_template=_TEMPLATE,
        js_on_load=_LOAD.replace("VERSION", version()).replace("FILES", _files()),
        apply_default_css=False,
        padding=False,
        container=False,
    )


def _files() -> str:
    """What the browser should fetch at once and not as it meets each: name, how, as what."""
    wanted = [("all.js", "modulepreload", "script"), ("all.css", "preload", "style")]
    return json.dumps([*wanted, (CHARTS, "preload", "script")])
