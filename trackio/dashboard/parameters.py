"""What a request says, as checked values. Answers nothing."""

import math
from typing import Final, cast

from starlette.requests import Request

from trackio.dashboard import asked
from trackio.dashboard.meta import Meta
from trackio.errors import InvalidInput, NotFound
from trackio.model import METRIC, SYSTEM
from trackio.query.points import AXES, Axis
from trackio.query.smooth import Kind, Smoothing

_MOST_METRICS: Final = 200
_MOST_BUCKETS: Final = 5000
_AGAINST: Final = "metric:"


def chart_request(request: Request, now: Meta) -> asked.Request:
    """What the charts on screen need."""
    kind = _kind(request)
    keys = now.keys(kind)
    wanted = [_wanted(text, keys) for text in codes(request, "m")]
    if len(wanted) > _MOST_METRICS:
        raise InvalidInput(f"at most {_MOST_METRICS} metrics at once, not {len(wanted)}")
    x, against = _axis(request)
    return asked.Request(
        wanted=tuple({one.key: one for one in wanted if one is not None}.values()),
        run_ids=chosen_runs(request, now),
        kind=kind,
        x=x,
        against=against,
        lo=number(request, "lo"),
        hi=number(request, "hi"),
        target=_target(request),
    )


def chosen_runs(request: Request, now: Meta) -> tuple[str, ...]:
    """The ids of the runs that are asked for and there."""
    run_ids = now.run_ids
    return tuple(dict.fromkeys(run_ids[code] for code in codes(request, "r") if code in run_ids))


def one_run(request: Request, now: Meta) -> str:
    """The id of the one run that is asked for.

    Raises:
        NotFound: there is none with that code.
    """
    code = request.query_params.get("run", "")
    if code not in now.run_ids:
        raise NotFound(f"there is no run {code!r} in {now.project!r} any more")
    return now.run_ids[code]


def smoothing(request: Request) -> Smoothing:
    """How to smooth: a kind and how far, as in `ema~12.5`."""
    kind, _, reach = request.query_params.get("s", "").partition("~")
    try:
        return Smoothing(kind=cast("Kind", kind), reach=float(reach))
    except ValueError as exc:
        raise InvalidInput("say how to smooth: ?s=KIND~REACH, as in s=ema~12.5") from exc


def project(request: Request) -> str:
    """The name of the project."""
    name = request.query_params.get("project")
    if not name:
        raise InvalidInput("say which project: ?project=NAME")
    return name


def codes(request: Request, name: str) -> list[str]:
    """A list with commas."""
    return [code for code in request.query_params.get(name, "").split(",") if code]


def number(request: Request, name: str) -> float | None:
    """A finite number, or None where none is given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidInput(f"{name}={text!r} is not a number")
    return found


def _wanted(text: str, keys: dict[str, str]) -> asked.Wanted | None:
    """A metric and its width; None for a code of a metric that is gone."""
    code, _, width = text.partition(".")
    if code not in keys:
        return None
    if width and not (width.isascii() and width.isdecimal() and len(width) < 20):
        raise InvalidInput(f"m={text!r}: the width after the dot must be a number")
    return asked.Wanted(key=keys[code], width=int(width) if width else None)


def _kind(request: Request) -> str:
    kind = request.query_params.get("kind", METRIC)
    if kind not in (METRIC, SYSTEM):
        raise InvalidInput(f"kind must be {METRIC} or {SYSTEM}, not {kind!r}")
    return kind


def _axis(request: Request) -> tuple[Axis, str | None]:
    """The axis, and the metric it is, if it is one."""
    x = request.query_params.get("x", "step")
    if x.startswith(_AGAINST):
        return "step", x.removeprefix(_AGAINST)
    if x not in AXES:
        raise InvalidInput(f"x must be {', '.join(AXES)} or {_AGAINST}NAME, not {x!r}")
    return x, None


def _target(request: Request) -> int:
    target = number(request, "n")
    if target is None:
        return 300
    if not 2 <= target <= _MOST_BUCKETS:
        raise InvalidInput(f"n must lie between 2 and {_MOST_BUCKETS}, not {target:g}")
    return int(target)
