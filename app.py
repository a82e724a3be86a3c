"""The dashboard as a program: `python app.py` here, and what a Space runs. Read-only.

The store is that of `TRACKIO_STORE` or `TRACKIO_DIR`; Gradio's own variables
(`GRADIO_SERVER_NAME`, `GRADIO_SERVER_PORT`) say where it listens. With `TRACKIO_JOBS=1` and a
write token in `TRACKIO_JOBS_TOKEN` a child process looks after the store; it alone holds that
token (`docs/operations.md`).
"""

import os

from trackio.upkeep.child import TOKEN, begin_again, start_jobs


def main() -> None:
    """Serve the dashboard until it is stopped."""
    has_token = TOKEN in os.environ
    child = start_jobs(os.environ)  # before anything else: it takes the write token out of here
    if has_token:
        begin_again(os.environ, child)
    from trackio.dashboard.show import show

    on_space = "SPACE_ID" in os.environ
    everywhere = "0.0.0.0"  # noqa: S104 - a Space is reached through its proxy only
    host = os.environ.get("GRADIO_SERVER_NAME") or (everywhere if on_space else None)
    show(host=host, share=False, open_browser=False)


if __name__ == "__main__":
    main()
