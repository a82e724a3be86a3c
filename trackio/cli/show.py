"""`trackio show`: open the dashboard."""

from contextlib import suppress

import click

from trackio.cli.options import STORE_HELP, Count, open_for_reading, store_url
from trackio.errors import InvalidInput
from trackio.settings import Settings


@click.command
@click.option("--store", metavar="URL", help=STORE_HELP)
@click.option("-p", "--project", metavar="NAME", help="The project to open.  [default: the newest]")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at; 0.0.0.0 lets other machines in.",
)
@click.option("--port", type=Count(1, 65535), help="The port.  [default: the first free from 7860]")
@click.option("--share", is_flag=True, help="Make a public link through Gradio's servers.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def show(
    *,
    store: str | None,
    project: str | None,
    host: str,
    port: int | None,
    share: bool,
    no_browser: bool,
) -> None:
    """Open the dashboard and serve it until Ctrl-C.

    It only reads. What killed runs left on this machine is published first, in the background.
    """
    from trackio.dashboard.show import show as show_now
    from trackio.upkeep.background import recover_in_background

    opened = open_for_reading(store_url(store))
    recover_in_background(Settings.from_env())
    try:
        with suppress(KeyboardInterrupt):  # here it is no interruption but the usual end
            show_now(
                project,
                store=opened,
                host=host,
                port=port,
                share=share or None,
                open_browser=not no_browser,
            )
    except OSError as exc:
        raise InvalidInput(
            f"cannot listen at {host}, port {port or 'any'}: {exc}; choose another --port"
        ) from exc
