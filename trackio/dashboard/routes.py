"""What the browser asks for: GET routes below `/gradio_api/trackio/`. Parse, ask, encode.

They lie under `/gradio_api/` so that they reach Python wherever Gradio is mounted. Gradio's own
login does not cover routes that others add, so every route that shows data asks for the user.
"""

import inspect
import math
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final, Literal, cast

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trackio.dashboard import charts, meta, tables
from trackio.dashboard.desk import Desk
from trackio.dashboard.frames import encode_frame
from trackio.dashboard.static_files import front_end_file
from trackio.errors import (
    InvalidInput,
    LimitExceeded,
    NotFound,
    StoreRefused,
    StoreUnavailable,
    TrackioError,
)

PREFIX: Final = "/gradio_api/trackio"
_MOST_METRICS: Final = 200
_MOST_BUCKETS: Final = 5000
_STATUS: Final[dict[type[TrackioError], int]] = {
    NotFound: 404,
    InvalidInput: 400,
    StoreRefused: 403,
    StoreUnavailable: 503,
    LimitExceeded: 503,
}

Answer = Callable[[Desk, Request], Response]


def routes(desk: Desk) -> list[BaseRoute]:
    """All routes of the dashboard on this desk, for `app_kwargs={"routes": …}` of Gradio."""
    answers: dict[str, Answer] = {
        "projects.json": projects_json,
        "meta.json": meta_json,
        "runs.json": runs_json,
        "series": series,
    }
    data: list[BaseRoute] = [
        Route(f"{PREFIX}/{path}", _guarded(desk, answer), methods=["GET"])
        for path, answer in answers.items()
    ]
    files = Route(f"{PREFIX}/static/{{version}}/{{path:path}}", front_end_file, methods=["GET"])
    return [*data, files]


def projects_json(desk: Desk, request: Request) -> Response:
    """The names of all projects, where they are looked for, and with `newest` which to open."""
    projects = desk.projects()
    newest = desk.newest(projects) if "newest" in request.query_params else None
    return _json({"projects": projects, "newest": newest, "where": desk.store.url})


def meta_json(desk: Desk, request: Request) -> Response:
    """Runs and metrics of a project."""
    now = desk.project(_project(request)).now()
    return _json(meta.whole(now, desk.now_s))


def runs_json(desk: Desk, request: Request) -> Response:
    """The table of runs."""
    return _json(tables.runs_table(desk.project(_project(request)).now()))


def series(desk: Desk, request: Request) -> Response:
    """Buckets of series as a binary frame; 204 if nothing changed since the revision `rev`.

    Query: `project`; `m`, metric codes, each with `.width` once the browser has it; `r`, run
    codes; `x`, the axis; `n`, how many buckets at most; `lo` and `hi`, the range of x; `rev`.
    """
    project = desk.project(_project(request))
    now = project.now()
    rev = request.query_params.get("rev")
    if rev == now.rev:
        return Response(status_code=204)
    since = project.remembered(rev) if rev else None
    head = {"rev": now.rev, "meta": _what_changed(since, now, desk.now_s) if rev else None}
    found = project.charts.read(now, _chart_request(request, now), since)
    return Response(encode_frame(head, found), media_type="application/octet-stream")


def _what_changed(since: meta.Meta | None, now: meta.Meta, now_s: float) -> dict[str, Any]:
    """What the browser has to change in what it knows; all of it if it knows too old a state."""
    if since is not None:
        return meta.delta(since, now, now_s)
    return {**meta.whole(now, now_s), "gone": None, "all_metrics": True}


def _chart_request(request: Request, now: meta.Meta) -> charts.Request:
    keys, run_ids = now.metric_keys, now.run_ids
    wanted = [_wanted(text, keys) for text in _codes(request, "m")]
    if len(wanted) > _MOST_METRICS:
        raise InvalidInput(f"at most {_MOST_METRICS} metrics at once, not {len(wanted)}")
    return charts.Request(
        wanted=tuple({one.key: one for one in wanted if one is not None}.values()),
        run_ids=tuple(
            dict.fromkeys(run_ids[code] for code in _codes(request, "r") if code in run_ids)
        ),
        x=_axis(request),
        lo=_number(request, "lo"),
        hi=_number(request, "hi"),
        target=_target(request),
    )


def _codes(request: Request, name: str) -> list[str]:
    return [code for code in request.query_params.get(name, "").split(",") if code]


def _wanted(text: str, keys: dict[str, str]) -> charts.Wanted | None:
    """A metric and its width; None for a code of a metric that is gone."""
    code, _, width = text.partition(".")
    if code not in keys:
        return None
    if width and not (width.isascii() and width.isdecimal() and len(width) < 20):
        raise InvalidInput(f"m={text!r}: the width after the dot must be a number")
    return charts.Wanted(key=keys[code], width=int(width) if width else None)


def _project(request: Request) -> str:
    name = request.query_params.get("project")
    if not name:
        raise InvalidInput("say which project: ?project=NAME")
    return name


def _axis(request: Request) -> Literal["step", "time", "relative"]:
    x = request.query_params.get("x", "step")
    if x not in ("step", "time", "relative"):
        raise InvalidInput(f"x must be step, time or relative, not {x!r}")
    return cast('Literal["step", "time", "relative"]', x)


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{name}={text!r} is not a number")
    return number


def _target(request: Request) -> int:
    target = _number(request, "n")
    if target is None:
        return 300
    if not 2 <= target <= _MOST_BUCKETS:
        raise InvalidInput(f"n must lie between 2 and {_MOST_BUCKETS}, not {target:g}")
    return int(target)


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _guarded(desk: Desk, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Answer on a worker thread, to users only; errors become JSON that says what to do."""

    @wraps(answer)
    async def respond(request: Request) -> Response:
        await check_user(request)
        try:
            response = await run_in_threadpool(answer, desk, request)
        except TrackioError as exc:
            response = _json({"error": str(exc)})
            response.status_code = _status(exc)
        response.headers.setdefault("cache-control", "no-store")
        return response

    return respond


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
