"""Open the dashboard: in a script until Ctrl-C, in a notebook beside the cell. Parses nothing."""

import os
import sys
import webbrowser
from typing import Any, NamedTuple
from urllib.parse import urlencode

from trackio.dashboard.access import Access, choose_access, is_loopback
from trackio.dashboard.gate import HERE
from trackio.errors import InvalidInput
from trackio.query.cache import Cache
from trackio.settings import Settings
from trackio.store import Store, open_for_reading
from trackio.upkeep.migrate.hint import tell_once

DEFAULT_HOST = "127.0.0.1"
_FRAME_HEIGHT = 800


class Shown(NamedTuple):
    """An open dashboard. `full_url` names the project and is the public one if it is shared."""

    app: Any
    local_url: str
    share_url: str | None
    full_url: str


def show(
    project: str | None = None,
    *,
    store: Store | str | None = None,
    host: str | None = None,
    port: int | None = None,
    server_port: int | None = None,
    share: bool | None = None,
    open_browser: bool = True,
    block_thread: bool | None = None,
    theme: Any = None,
    auth: Any = None,
) -> Shown:
    """Open the dashboard of a store, read-only.

    Args:
        project: the project to open; by default the one in which a run began last.
        store: a store or its address; by default that of `TRACKIO_STORE` or `TRACKIO_DIR`.
        host: the address to listen at, by default only this machine; "0.0.0.0" is everywhere.
        port: the port; by default the first free one of 100, from `GRADIO_SERVER_PORT` or 7860.
        server_port: the same as `port`, as Gradio calls it.
        share: make a public link through Gradio's servers; by default only where a hosted
            notebook needs one.
        open_browser: open the page in a browser; in a notebook it is shown below the cell.
        block_thread: wait for Ctrl-C; by default in a script, and not in a notebook.
        theme: a Gradio theme.
        auth: who may look: a (user, password) pair, a list of them, or a function. Without it
            everybody may who can reach this machine alone, and elsewhere who knows the password
            of TRACKIO_PASSWORD or the one that is made and printed.

    Returns:
        The Gradio app (its `close()` ends it) and the addresses.

    Raises:
        InvalidInput: `port` and `server_port` differ, or the store's address cannot be used.
        OSError: no port is free.
    """
    if port is not None and server_port is not None and port != server_port:
        raise InvalidInput(f"port={port} and server_port={server_port} differ: give one of them")
    from trackio.dashboard.app import build_app, launch_options

    settings = Settings.from_env()
    opened = _store(store, settings)
    tell_once(settings.dir, opened.url)
    in_notebook = is_notebook()
    access = choose_access(
        host=host or DEFAULT_HOST,
        is_shared=will_share(share),
        auth=auth,
        environ=os.environ,
        is_private_space=_is_private_space(),
    )
    app = build_app(has_sign_in=access.readers is not None)
    _, local_url, share_url = app.launch(
        server_name=host or DEFAULT_HOST,
        server_port=port if port is not None else server_port,
        share=share,
        auth=access.auth,
        inline=False,
        inbrowser=False,
        prevent_thread_lock=True,
        quiet=True,
        **launch_options(
            opened,
            theme,
            cache=Cache.of(opened, settings.cache_home, settings.cache_bytes),
            readers=access.readers,
            hosts=_hosts(host or DEFAULT_HOST, access),
        ),
    )
    full_url = (share_url or local_url).rstrip("/") + "/"
    if project is not None:
        full_url += "?" + urlencode({"project": project})
    shown = Shown(app, local_url, share_url, full_url)
    if access.told:
        sys.stdout.write(f"{access.told}\n")
    _present(shown, in_notebook=in_notebook, open_browser=open_browser)
    if block_thread if block_thread is not None else not in_notebook:
        app.block_thread()
    return shown


def will_share(share: bool | None) -> bool:
    """Whether Gradio is going to make a public link; in a hosted notebook it does so unasked."""
    if share is not None:
        return share
    from gradio import utils

    is_hosted = bool(utils.colab_check() or utils.is_hosted_notebook())
    return is_hosted or os.environ.get("GRADIO_SHARE", "").lower() == "true"


def _hosts(host: str, access: Access) -> frozenset[str] | None:
    """Under which names to answer where nobody has to log in: those of this machine alone."""
    is_open = access.auth is None and access.readers is None
    return HERE | {host} if is_open and is_loopback(host) and not access.is_public else None


def is_notebook() -> bool:
    """Whether this is an IPython kernel, which shows what a cell displays."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def _is_private_space() -> bool:
    """Whether this runs in a Space that the Hub shows to some people only."""
    space = os.environ.get("SPACE_ID")
    if not space:
        return False
    from httpx2 import TransportError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return bool(HfApi().space_info(space).private)
    except (HfHubHTTPError, TransportError, OSError):
        return False  # then it asks for a password, which is safe


def _store(store: Store | str | None, settings: Settings) -> Store:
    """The store, opened for reading."""
    if store is None or isinstance(store, str):
        return open_for_reading(store or settings.store_url)
    return store


def _present(shown: Shown, *, in_notebook: bool, open_browser: bool) -> None:
    """Show the page where the user is, and say where it is."""
    if in_notebook:
        from IPython.display import IFrame, display  # type: ignore[import-not-found]

        display(IFrame(shown.full_url, width="100%", height=_FRAME_HEIGHT))
        return
    sys.stdout.write(f"Trackio dashboard: {shown.full_url}\n")
    sys.stdout.flush()
    if open_browser:
        _open(shown.full_url)


def _open(url: str) -> None:
    """Open a browser, unless it would be one that takes over this terminal."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(url)
