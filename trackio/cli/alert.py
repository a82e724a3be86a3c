"""`trackio alert`: tell webhooks of alerts, and keep the rules that find some."""

import time
from typing import TYPE_CHECKING, Any, get_args

import click

from trackio.cli.failures import STORE
from trackio.cli.groups import LazyGroup
from trackio.cli.options import Duration, json_option, store_url
from trackio.cli.output import Answer, Column, note, print_answer, print_json, write
from trackio.cli.text import one_line
from trackio.errors import InvalidInput
from trackio.render import iso_time
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.upkeep.alerts.config import Rule, Webhook
    from trackio.upkeep.alerts.due import Due
    from trackio.upkeep.alerts.job import Alerts, Looked

_LEVELS = ("info", "warn", "error")
webhook_option = click.option("--webhook", metavar="URL", help="Also tell this webhook.")
private_option = click.option(
    "--allow-private", is_flag=True, help="That webhook may be inside: not on the open internet."
)


@click.group(
    "alert",
    cls=LazyGroup,
    homes={
        "run": "trackio.cli.alert:run",
        "add": "trackio.cli.alert:add",
        "rules": "trackio.cli.alert:rules",
        "test": "trackio.cli.alert:test",
    },
)
def alert() -> None:
    """Tell webhooks of alerts, by what runs say and by rules."""


@click.command
@click.option("--store", metavar="URL", help="As before the command.")
@click.option("-p", "--project", metavar="NAME", help="Only this project.")
@click.option("--once", is_flag=True, help="Look once, for cron or a scheduled Job.")
@click.option("--every", type=Duration(), default="30s", show_default=True, help="How often.")
@webhook_option
@private_option
@click.option("--min-level", type=click.Choice(_LEVELS), default="info", help="Of that webhook.")
@click.option("--name", help="Of this process among those that share the work.  [default: host]")
@click.option("--group", default="alerts", show_default=True, help="Who shares the work.")
@click.option("--wait", type=Duration(), help="Longer than listings lag.  [default: 1s or 20s]")
@click.option("--dry-run", is_flag=True, help="Only say what would be told.")
@json_option
def run(
    *,
    store: str | None,
    project: str | None,
    once: bool,
    every: float,
    webhook: str | None,
    allow_private: bool,
    min_level: str,
    name: str | None,
    group: str,
    wait: float | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Look for new alerts and tell the webhooks, again and again until Ctrl-C.

    Several may run at once: each alert is told by one of them.
    """
    from trackio.upkeep.alerts.job import open_alerts

    as_of_s = time.time()
    opened = open_alerts(
        Settings.from_env(),
        store_url=store_url(store),
        webhook=_webhook(webhook, min_level, allow_private=allow_private),
        name=name,
        group=group,
        only=project,
        wait_s=wait,
    )
    if dry_run:
        return _print_preview(opened, as_of_s, as_json=as_json)
    if once:
        return _print_looked(opened.look(), as_of_s, as_json=as_json)
    while True:
        _print_looked(opened.look(), time.time(), as_json=as_json)
        time.sleep(every)


@click.command
@click.argument("name")
@click.option("--nonfinite", is_flag=True, help="A metric is NaN or infinite.")
@click.option("--above", type=float, metavar="X", help="A metric is above this.")
@click.option("--below", type=float, metavar="X", help="A metric is below this.")
@click.option("--silent", type=Duration(), help="A run goes on and logs nothing for so long.")
@click.option("--crashed", is_flag=True, help="A run crashed.")
@click.option("--failed", is_flag=True, help="A run ended with an error.")
@click.option("-m", "--metric", default="*", metavar="GLOB", help="Only these metrics.")
@click.option("-r", "--run", default="*", metavar="GLOB", help="Only runs with such a name.")
@click.option("-p", "--project", default="*", metavar="GLOB", help="Only these projects.")
@click.option("--level", type=click.Choice(_LEVELS), default="error", help="How bad it is.")
@json_option
def add(*, name: str, as_json: bool, **said: Any) -> None:
    """Add a rule of this NAME to the file of rules; `alert run` and `jobs` then follow it."""
    from trackio.upkeep.alerts.config import add_rule, format_rule

    rule = _rule(name, **said)
    path = Settings.from_env().alerts_file
    add_rule(path, rule)
    if as_json:
        answer = Answer(kind="rules", items=[rule], total=1, as_of_s=time.time())
        print_json(answer, {"file": path, "rules": [rule]})
    else:
        write(format_rule(rule))
        note(f"added to {path}")


@click.command
@json_option
def rules(as_json: bool) -> None:
    """List the rules, and the webhooks without their secrets."""
    from trackio.upkeep.alerts.job import load_config
    from trackio.upkeep.alerts.payload import shown_url

    settings = Settings.from_env()
    config = load_config(settings)
    webhooks = [
        {"url": shown_url(one.url), "min_level": one.min_level, "project": one.project}
        for one in config.webhooks
    ]
    answer = Answer(
        kind="rules",
        items=config.rules,
        total=len(config.rules),
        as_of_s=time.time(),
        about={"file": str(settings.alerts_file), "webhooks": webhooks},
    )
    print_answer(answer, _RULE_COLUMNS, as_json=as_json)
    if not as_json:
        for webhook in webhooks:
            note(f"webhook {webhook['url']}, from {webhook['min_level']} on")
        note(f"from {settings.alerts_file}")


@click.command
@webhook_option
@private_option
@json_option
def test(*, webhook: str | None, allow_private: bool, as_json: bool) -> int:
    """Send a test message to every webhook, or only to the one that is given."""
    from trackio.upkeep.alerts.config import Config
    from trackio.upkeep.alerts.job import load_config
    from trackio.upkeep.alerts.payload import shown_url

    given = _webhook(webhook, "info", allow_private=allow_private)
    config = load_config(Settings.from_env()) if given is None else Config(webhooks=(given,))
    if not config.webhooks:
        raise InvalidInput("there is no webhook to test: give --webhook URL")
    results = [{"webhook": shown_url(one.url), "error": _try(one)} for one in config.webhooks]
    answer = Answer(kind="webhooks", items=results, total=len(results), as_of_s=time.time())
    columns = [
        Column("webhook", lambda one: one["webhook"]),
        Column("result", lambda one: one["error"] or "taken"),
    ]
    print_answer(answer, columns, as_json=as_json)
    return STORE if any(one["error"] for one in results) else 0


def _rule(
    name: str,
    *,
    nonfinite: bool,
    above: float | None,
    below: float | None,
    silent: float | None,
    crashed: bool,
    failed: bool,
    **where: str,
) -> "Rule":
    from trackio.upkeep.alerts.config import Rule, When

    has_bound = above is not None or below is not None
    asked = (nonfinite, has_bound, silent is not None, crashed, failed)
    kinds = [kind for kind, is_asked in zip(get_args(When), asked, strict=True) if is_asked]
    if len(kinds) != 1:
        raise InvalidInput(
            "say what to look for with one of --nonfinite, --above or --below X, --silent TIME, "
            "--crashed and --failed"
        )
    minutes = None if silent is None else silent / 60
    return Rule(name=name, when=kinds[0], above=above, below=below, minutes=minutes, **where)


def _webhook(url: str | None, min_level: str, *, allow_private: bool) -> "Webhook | None":
    from trackio.upkeep.alerts.config import Webhook

    if url is None:
        return None
    return Webhook(url=url, min_level=min_level, allow_private=allow_private)


def _try(webhook: "Webhook") -> str | None:
    """Send a test message; why it was not taken."""
    from trackio.ids import make_id
    from trackio.model import RunId, WriterId
    from trackio.upkeep.alerts.due import Due
    from trackio.upkeep.alerts.evaluator import deliver
    from trackio.upkeep.alerts.payload import encode_payload
    from trackio.upkeep.alerts.post import PostError

    due = Due(
        project="test",
        run_id=RunId("test"),
        run="test",
        writer_id=WriterId(make_id()),
        seq=0,
        time_s=time.time(),
        step=None,
        level="info",
        title="A test message of Trackio",
    )
    try:
        deliver(webhook, encode_payload(webhook.url, due))
    except PostError as exc:
        return str(exc)
    return None


def _print_preview(opened: "Alerts", as_of_s: float, *, as_json: bool) -> int:
    found = opened.preview()
    answer = Answer(kind="alerts", items=found, total=len(found), as_of_s=as_of_s)
    print_answer(answer, _DUE_COLUMNS, as_json=as_json, as_object=_object)
    return 0


def _print_looked(found: "list[Looked]", as_of_s: float, *, as_json: bool) -> int:
    told = [due for looked in found for due in looked.report.told]
    problems = [problem for looked in found for problem in looked.report.problems]
    problems += [f"{looked.project}: {looked.error}" for looked in found if looked.error]
    if as_json:
        answer = Answer(
            kind="told", items=told, total=len(told), as_of_s=as_of_s, warnings=problems
        )
        waiting = [_object(due) for looked in found for due in looked.report.waiting]
        given_up = [_object(due) for looked in found for due in looked.report.given_up]
        content = {"told": list(map(_object, told)), "waiting": waiting, "given_up": given_up}
        print_json(answer, content)
    else:
        for due in told:
            title = one_line(f"{due.title}: {due.text}" if due.text else due.title)
            write(f"{iso_time(due.time_s)}\t{due.level}\t{due.project}\t{due.run}\t{title}\n")
        for problem in problems:
            note(f"Warning: {problem}")
    return STORE if problems else 0


def _object(due: "Due") -> dict[str, Any]:
    return {
        "log_id": due.log_id,
        "time": iso_time(due.time_s),
        "level": due.level,
        "title": due.title,
        "text": due.text,
        "project": due.project,
        "run": due.run,
        "run_id": due.run_id,
        "step": due.step,
        "rule": due.rule,
    }


_DUE_COLUMNS = [
    Column("level", lambda due: due.level),
    Column("title", lambda due: due.title),
    Column("project", lambda due: due.project),
    Column("run", lambda due: due.run),
    Column("rule", lambda due: due.rule),
]
_RULE_COLUMNS = [
    Column("rule", lambda rule: rule.name),
    Column("when", lambda rule: rule.when),
    Column("metric", lambda rule: rule.metric),
    Column("above", lambda rule: rule.above),
    Column("below", lambda rule: rule.below),
    Column("minutes", lambda rule: rule.minutes),
    Column("project", lambda rule: rule.project),
    Column("run", lambda rule: rule.run),
    Column("level", lambda rule: rule.level),
]
