"""What went wrong with a command, as one line on stderr and an exit code. Handles nothing."""

import os
import sys
import traceback
from typing import Final

import click

from trackio.cli.text import one_line
from trackio.errors import (
    InvalidInput,
    LimitExceeded,
    NotFound,
    StoreRefused,
    StoreUnavailable,
    TrackioError,
)

NOT_FOUND: Final = 1
WRONG_CALL: Final = 2
STORE: Final = 3
LIMIT: Final = 4
BUG: Final = 70
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

REPORT_TO: Final = "https://github.com/gradio-app/trackio/issues"

_CODES: Final[dict[type[Exception], int]] = {
    NotFound: NOT_FOUND,
    InvalidInput: WRONG_CALL,
    StoreUnavailable: STORE,
    StoreRefused: STORE,
    LimitExceeded: LIMIT,
    TrackioError: NOT_FOUND,  # an unreadable file, a newer format: it cannot be had
}


def report(exc: Exception) -> int:
    """Say what went wrong; the exit code."""
    if os.environ.get("TRACKIO_DEBUG"):
        traceback.print_exception(exc, file=sys.stderr)
    if isinstance(exc, click.Abort):
        return INTERRUPTED
    if isinstance(exc, click.exceptions.NoArgsIsHelpError):
        exc.show()
        return WRONG_CALL
    message, code = describe(exc)
    print(f"Error: {message}", file=sys.stderr)
    return code


def describe(exc: Exception) -> tuple[str, int]:
    """What went wrong in one line, and the exit code."""
    match exc:
        case click.ClickException():
            return one_line(_usage_message(exc)), WRONG_CALL
        case TrackioError():
            codes = (code for kind, code in _CODES.items() if isinstance(exc, kind))
            return one_line(str(exc)), next(codes)
    message = (
        f"{type(exc).__name__}: {exc}. This should not happen; please report it at {REPORT_TO} "
        "with what TRACKIO_DEBUG=1 shows"
    )
    return one_line(message), BUG


def _usage_message(exc: click.ClickException) -> str:
    context = getattr(exc, "ctx", None)
    hint = f" (see `{context.command_path} --help`)" if context is not None else ""
    return exc.format_message().rstrip(".") + hint
