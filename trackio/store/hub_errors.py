"""What the errors of the Hub's clients mean to us, and what to do about each. Raises nothing.

There are four families: an answer with a status (`HfHubHTTPError`), no answer (`httpx2`'s own
errors), hf_xet's builtin `ConnectionError`, `PermissionError` and `FileNotFoundError`, and its
`RuntimeError`. hf_xet tells a status only in its text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from trackio.errors import (
    NotFound,
    StoreMissing,
    StoreRefused,
    StoreUnavailable,
    TrackioError,
)
from trackio.store.base import Budget

LOG_IN: Final = "log in with `hf auth login`, or set HF_TOKEN"
_XET_STATUS: Final = re.compile(r"\((\d{3}) [A-Z]|status(?: code)?:? (\d{3})\b")
_RATE_LIMIT: Final = re.compile(r"\br\s*=\s*(\d+)\s*;\s*t\s*=\s*(\d+)")
_API: Final = '"api"'
_OF_THE_HUB: Final = ("/xet-write-token", "/xet-read-token")
_TOKEN: Final = re.compile(r"\bhf_\w+|Bearer\s+\S+", re.IGNORECASE)
_BUSY: Final = {408, 409, 425, 429}
_NO_ROOM: Final = {402, 413, 507}
_SAID_CHARS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    """What can be known of an error: a status (None: no answer), the Hub's code and words."""

    status: int | None = None
    code: str = ""
    said: str = ""
    retry_after_s: float | None = None


def translate(
    exc: Exception, bucket_id: str, what: str, *, keys: Iterable[str] = ()
) -> TrackioError:
    """Our error for one of theirs, met when doing `what` with `keys`."""
    if isinstance(exc, ImportError):
        return StoreRefused(
            f"cannot {what}: buckets need hf-xet, which this machine has not "
            f"({without_token(str(exc))}); reach the bucket through its S3 gateway as s3://…"
        )
    if type(exc).__name__ == "OfflineModeIsEnabled":
        return StoreRefused(f"cannot {what}: HF_HUB_OFFLINE is set; unset it to reach the Hub")
    if type(exc).__name__ == "LocalTokenNotFoundError":
        return StoreRefused(f"cannot {what}: there is no token; {LOG_IN}")
    problem = _problem_of(exc)
    said = " ".join(filter(None, [str(problem.status or "no answer"), problem.said]))
    message = f"cannot {what} (bucket {bucket_id}): {said}"
    if problem.code == "EntryNotFound":
        return NotFound(message)
    if advice := _advice(problem, bucket_id):
        refused = StoreMissing if problem.status == 404 else StoreRefused
        return refused(f"{message}; {advice}")
    return StoreUnavailable(
        f"{message}; trying again may work", keys=keys, retry_after_s=problem.retry_after_s
    )


def without_token(text: str) -> str:
    """The text without anything that looks like a token of the Hub."""
    return _TOKEN.sub("(token)", text)


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """How long the Hub asks to be left alone; None where it does not say."""
    if (limit := _RATE_LIMIT.search(headers.get("ratelimit", ""))) and limit[1] == "0":
        return float(limit[2]) + 1.0  # the Hub counts whole seconds
    asked = headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    try:
        when = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, when.replace(tzinfo=when.tzinfo or UTC).timestamp() - now_s)


def budget_in(headers: Mapping[str, str]) -> Budget | None:
    """How many requests the Hub still takes; None where it does not say, or means downloads."""
    said = headers.get("ratelimit", "")
    limit = _RATE_LIMIT.search(said) if _API in said else None
    return limit and Budget(remaining=int(limit[1]), resets_s=float(limit[2]) + 1.0)


def _problem_of(exc: Exception) -> _Problem:
    response = getattr(exc, "response", None)
    if response is None:
        return _problem_in(str(exc))
    headers = response.headers
    said = headers.get("x-error-message") or getattr(exc, "server_message", None) or ""
    return _Problem(
        status=response.status_code,
        code=headers.get("x-error-code", ""),
        said=without_token(" ".join(said.split()))[:_SAID_CHARS],
        retry_after_s=retry_after_s(headers, now_s=datetime.now(UTC).timestamp()),
    )


def _problem_in(text: str) -> _Problem:
    """What hf_xet tells in the text of an error.

    A status counts if the Hub gave it. What the storage behind the Hub refuses says nothing of
    the bucket or the user's token: with a new grant it may work.
    """
    found = _XET_STATUS.search(text)
    if found is None:
        return _Problem()
    status = int(found[1] or found[2])
    if any(route in text for route in _OF_THE_HUB):
        return _Problem(status=status)
    return _Problem(said=f"from the storage behind it but {status}")


def _advice(problem: _Problem, bucket_id: str) -> str | None:
    """What somebody has to do before it can work; None where trying again may be enough."""
    status = problem.status
    if status in _NO_ROOM:
        return "the storage of its owner is used up: free some space, or raise the quota"
    if status is None or status in _BUSY or status >= 500:
        return None
    if status == 401:
        return f"the token is missing or not valid: {LOG_IN}"
    if status == 403:
        return f"the token may not do this: use one with write access to {bucket_id}"
    if status == 404:
        return f"it does not exist, or the token may not see it: check the name, or {LOG_IN}"
    return "the Hub does not accept the request: check the bucket's name, and update Trackio"
