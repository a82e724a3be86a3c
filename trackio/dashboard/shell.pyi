"""The one Gradio component of the dashboard: an empty element into which the front end mounts.

Its template holds no value: what users log must never pass through a template of Gradio, which
would run it. Everything is built in the browser from text (`static/dom.js`).
"""

from typing import Final

import gradio as gr

from trackio.dashboard.static_files import version

_TEMPLATE: Final = '<div class="trackio-host"></div>'

_LOAD: Final = """
const root = String(window.gradio_config?.root ?? "").replace(/\\/+$/, "");
const host = element.querySelector(".trackio-host");
import(`${root}/gradio_api/trackio/static/VERSION/main.js`)
  .then((main) => main.mount(host, root))
  .catch((error) => { host.textContent = `The dashboard could not be loaded: ${error.message}`; });
"""

STYLE: Final = """
html, body { margin: 0; background: #f5f6f8; }
body.dark { background: #0e1116; }
body .gradio-container, body .gradio-container > .main, body .gradio-container .wrap {
  padding: 0 !important; margin: 0 !important; max-width: none !important; gap: 0 !important;
}
footer { display: none !important; }
.trackio-host { min-height: 100dvh; }
"""
"""Takes away what Gradio puts around its components."""

from gradio.events import Dependency

class Dashboard(gr.HTML):
    """Mounts `static/main.js`. Takes no value, has no event and no server function."""

    def __init__(self) -> None:
        super().__init__(
            html_template=_TEMPLATE,
            js_on_load=_LOAD.replace("VERSION", version()).replace("MODULES", _modules()),
            apply_default_css=False,
            padding=False,
            container=False,
        )
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component