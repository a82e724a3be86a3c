"""The dashboard as a program: `python app.py` here, and what a Space runs. Read-only.

The store is that of `TRACKIO_STORE` or `TRACKIO_DIR`; Gradio's own variables
(`GRADIO_SERVER_NAME`, `GRADIO_SERVER_PORT`) say where it listens.
"""

import os

from trackio.dashboard.show import show


def main() -> None:
    """Serve the dashboard until it is stopped."""
    on_space = "SPACE_ID" in os.environ
    everywhere = "0.0.0.0"  # noqa: S104 - a Space is reached through its proxy only
    host = os.environ.get("GRADIO_SERVER_NAME") or (everywhere if on_space else None)
    show(host=host, share=False, open_browser=False)


if __name__ == "__main__":
    main()
