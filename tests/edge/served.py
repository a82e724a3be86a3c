"""A dashboard that serves a store while a test needs it. Asserts nothing."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from trackio.dashboard.app import build_app, launch_options
from trackio.store.base import Store

T = TypeVar("T")


@contextmanager
def serve(store: Store, **options: Any) -> Iterator[str]:
    """The address of a dashboard that serves `store`."""
    app = in_loop(build_app)
    _, url, _ = in_loop(
        lambda: app.launch(
            server_name="127.0.0.1",
            server_port=free_port(),
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            **{**launch_options(store), **options},
        )
    )
    yield url.rstrip("/")
    app.close(verbose=False)


def in_loop(act: Callable[[], T]) -> T:
    """What `act` returns, called while an event loop runs.

    Gradio makes one that nobody closes where none runs, and warnings are errors here.
    """

    async def call() -> T:
        return act()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(call())
    return act()


def free_port() -> int:
    """A port nobody uses; Gradio's own search leaves a socket open for each that is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
