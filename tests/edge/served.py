"""A dashboard that serves a store while a test needs it. Asserts nothing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trackio.dashboard.app import build_app, launch_options
from trackio.store.base import Store


@contextmanager
def serve(store: Store, **options: Any) -> Iterator[str]:
    """The address of a dashboard that serves `store`."""
    app = build_app()
    _, url, _ = app.launch(
        server_name="127.0.0.1",
        server_port=free_port(),
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        **{**launch_options(store), **options},
    )
    yield url.rstrip("/")
    app.close(verbose=False)


def free_port() -> int:
    """A port nobody uses; Gradio's own search leaves a socket open for each that is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
