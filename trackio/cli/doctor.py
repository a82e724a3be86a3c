"""`trackio doctor`: look at this machine's side of logging."""

import sys
import time
from typing import TYPE_CHECKING

import click

from trackio.cli.failures import NOT_FOUND
from trackio.cli.options import json_option
from trackio.cli.output import Answer, Column, print_answer, write
from trackio.cli.text import printable
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.upkeep.doctor import Sign

_FIELDS = ("level", "subject", "message", "command")
_COLUMNS = [
    Column("level", lambda sign: sign.level),
    Column("subject", lambda sign: sign.subject),
    Column("message", lambda sign: sign.message),
    Column("what helps", lambda sign: sign.command),
]


@click.command
@json_option
def doctor(as_json: bool) -> int:
    """Tell what waits on this machine, and whether it can log: journals, spools, credentials.

    It changes nothing and shows no secret. The exit code is 1 if something is wrong.
    """
    from trackio.upkeep.doctor import examine

    as_of_s = time.time()
    signs = examine(Settings.from_env())
    if as_json or not sys.stdout.isatty():
        answer = Answer(kind="signs", items=signs, total=len(signs), as_of_s=as_of_s)
        print_answer(answer, _COLUMNS, as_json=as_json, as_object=_object)
    else:
        write("".join(map(_line, signs)))
    return NOT_FOUND if any(sign.level == "error" for sign in signs) else 0


def _object(sign: "Sign") -> dict[str, str | None]:
    return {name: getattr(sign, name) for name in _FIELDS}


def _line(sign: "Sign") -> str:
    helps = f"\n    what helps: {sign.command}" if sign.command else ""
    return printable(f"{sign.level}: {sign.subject}: {sign.message}") + helps + "\n"
