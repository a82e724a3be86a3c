"""`trackio log`: log from a shell script."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from trackio.cli.conditions import parse_value
from trackio.cli.options import store_url
from trackio.cli.output import note
from trackio.errors import InvalidInput, StoreUnavailable


@click.command
@click.argument("values", nargs=-1, metavar="NAME=VALUE…")
@click.option("--store", metavar="URL", help="As before the command.")
@click.option("-p", "--project", required=True, metavar="NAME", help="The project.")
@click.option("-r", "--run", required=True, metavar="NAME", help="The run; begun if it is new.")
@click.option("--step", type=int, metavar="N", help="At this step.  [default: the next one]")
@click.option(
    "--config", multiple=True, metavar="NAME=VALUE", help="Also put this into its config."
)
@click.option("--system", is_flag=True, help="They are values of the machine.")
@click.option("--alert", metavar="TITLE", help="Also raise an alert.")
@click.option(
    "--level", type=click.Choice(("info", "warn", "error")), default="warn", help="Of the alert."
)
@click.option(
    "--stdin", is_flag=True, help="Log each line of stdin: a JSON object, or NAME=VALUE…."
)
def log(
    *,
    values: Sequence[str],
    store: str | None,
    project: str,
    run: str,
    step: int | None,
    config: Sequence[str],
    system: bool,
    alert: str | None,
    level: str,
    stdin: bool,
) -> int:
    """Log values to a run, as a script in Python would; each call goes on with the same run.

    trackio log -p demo -r nightly loss=0.5 acc=0.9 --step 3
    """
    import trackio

    if not (values or config or alert or stdin):
        raise InvalidInput("say what to log, as in loss=0.5; --config, --alert and --stdin do too")
    given = _pairs(values)
    made = trackio.init(
        project=project, name=run, resume="allow", config=_pairs(config), store=store_url(store)
    )
    send = made.log_system if system else made.log
    if given:
        made.log_system(given) if system else made.log(given, step)
    if alert is not None:
        made.alert(alert, level=level, step=step)
    for line in sys.stdin if stdin else ():
        send(_line(line))
    report = made.finish()
    if not report.is_complete:
        raise StoreUnavailable(f"it is only on this machine yet; `{report.command}` sends it")
    note(f"logged to {made.name} ({made.id})")
    return 0


def _line(text: str) -> dict[str, Any]:
    """What one line of stdin says."""
    import orjson

    if not text.lstrip().startswith("{"):
        return _pairs(text.split())
    try:
        said: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput(f"{text.strip()[:80]!r} is no JSON object") from exc
    return said


def _pairs(texts: Sequence[str]) -> dict[str, Any]:
    """`a=1` as a name and a value."""
    pairs = {}
    for text in texts:
        name, equals, said = text.partition("=")
        if not name or not equals:
            raise InvalidInput(f"{text!r} is no NAME=VALUE, as loss=0.5 is")
        pairs[name] = parse_value(said)
    return pairs
