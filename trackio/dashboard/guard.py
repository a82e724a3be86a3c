"""Who may ask, on which thread it is answered, and what an error looks like. Knows no data.

Gradio's own login does not cover routes that others add, so every route that shows data is
wrapped here.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trackio.dashboard.access import is_reader
from trackio.dashboard.desk import Desk
from trackio.errors import (
    InvalidInput,
    LimitExceeded,
    NotFound,
    StoreRefused,
    StoreUnavailable,
    TrackioError,
)

_STATUS: Final[dict[type[TrackioError], int]] = {
    NotFound: 404,
    InvalidInput: 400,
    StoreRefused: 403,
    StoreUnavailable: 503,
    LimitExceeded: 503,
}

Answer = Callable[[Desk, Request], Response]


def as_json(value: Any) -> Response:
    """The answer that says `value`."""
    return Response(orjson.dumps(value), media_type="application/json")


def guarded(
    desk: Desk, answer: Answer, readers: frozenset[str] | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Answer on a worker thread, to readers only; errors become JSON that says what to do."""

    @wraps(answer)
    async def respond(request: Request) -> Response:
        if readers is not None and not is_reader(request.session, readers, desk.now_s):
            return _sign_in(request)
        await check_user(request)
        try:
            response = await run_in_threadpool(answer, desk, request)
        except TrackioError as exc:
            response = as_json({"error": str(exc)})
            response.status_code = _status(exc)
        response.headers.setdefault("cache-control", "no-store")
        return response

    return respond


def _sign_in(request: Request) -> Response:
    """What to do for somebody whom Hugging Face has not told of, or who may not read."""
    is_known = "oauth_info" in request.session
    said = "This account may not read here" if is_known else "Sign in to read this"
    response = as_json({"error": said, "login": "login/huggingface"})
    response.status_code = 403 if is_known else 401
    return response


def _status(exc: TrackioError) -> int:
    return next((code for kind, code in _STATUS.items() if isinstance(exc, kind)), 500)


async def check_user(request: Request) -> None:
    """Let through whom Gradio lets through; without a login that is everybody.

    Raises:
        HTTPException: 401, nobody is logged in.
    """
    app = request.app
    dependency = getattr(app, "auth_dependency", None)
    if dependency is not None:
        user = dependency(request)
        user = await user if inspect.isawaitable(user) else user
    elif getattr(app, "auth", None) is None:
        return
    else:
        cookies, own = request.cookies, app.cookie_id
        token = cookies.get(f"access-token-{own}") or cookies.get(f"access-token-unsecure-{own}")
        user = app.tokens.get(token)
    if user is None:
        raise HTTPException(401, "Log in first")
