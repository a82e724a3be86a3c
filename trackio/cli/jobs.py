"""`trackio jobs`, which `python -m jobs.scheduler` is too: the upkeep of a store, on and on."""

import logging
import signal
import threading
from typing import TYPE_CHECKING

import click

from trackio.cli.failures import STORE
from trackio.cli.options import Duration, store_url

if TYPE_CHECKING:
    from trackio.upkeep.schedule import Duty


@click.command
@click.option("--store", metavar="URL", help="As before the command.")
@click.option("-p", "--project", metavar="NAME", help="The project.  [default: all of them]")
@click.option("--every", type=Duration(), default="5m", show_default=True, help="How often.")
@click.option("--once", is_flag=True, help="Only once, for cron or a scheduled Job.")
@click.option("--settle", type=Duration(), default="10m", show_default=True, help="See compact.")
@click.option("--grace", type=Duration(), help="See compact.")
def jobs(
    *,
    store: str | None,
    project: str | None,
    every: float,
    once: bool,
    settle: float,
    grace: float | None,
) -> int:
    """Look after a store: compact and collect every project, until SIGTERM or Ctrl-C.

    Bytes that no version of an artifact holds any more go too, as `trackio artifacts collect` does.
    Where webhooks are configured it also tells them of alerts, twice a minute. One line is logged
    for each project and time. What fails is tried again the next time.
    """
    from trackio.store import existing_url
    from trackio.upkeep.compact.job import open_retrying
    from trackio.upkeep.compact.plan import CompactPolicy
    from trackio.upkeep.schedule import collecting_blobs, compacting, run_every, run_once

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    opened = open_retrying(existing_url(store_url(store)))
    policy = CompactPolicy(settle_s=settle)
    duties = [
        compacting(opened, stop, policy=policy, grace_s=grace, project=project),
        collecting_blobs(opened, stop, grace_s=grace, project=project),
    ]
    duties += _telling(opened.url, project)
    if once:
        return 0 if run_once(duties, stop) else STORE
    run_every(duties, every, stop)
    return 0


def _telling(url: str, project: str | None) -> list["Duty"]:
    """Telling webhooks of alerts, if there are any webhooks."""
    from trackio.settings import Settings
    from trackio.upkeep.alerts.job import load_config, open_alerts, telling

    settings = Settings.from_env()
    if not load_config(settings).webhooks:
        return []
    return [telling(open_alerts(settings, store_url=url, only=project))]
