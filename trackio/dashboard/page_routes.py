"""What pages other than the charts ask for, as JSON."""

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trackio import keys
from trackio.dashboard import listed, parameters, run_page
from trackio.dashboard.desk import Desk
from trackio.dashboard.guard import as_json
from trackio.dashboard.health import health
from trackio.dashboard.meta import Meta
from trackio.dashboard.saved_files import kept_files
from trackio.dashboard.traces import tell, trace_page
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.keys import MediaKey
from trackio.query.media_rows import MediaRow, list_media
from trackio.values.shallow import parse_json

_PAGE: Final = 50


def run_json(desk: Desk, request: Request) -> Response:
    """One run."""
    now = _now(desk, request)
    return as_json(run_page.run_page(now, parameters.one_run(request, now)))


def system_json(desk: Desk, request: Request) -> Response:
    """The system metrics, with their codes."""
    now = _now(desk, request)
    metrics = [{"code": code, "key": key} for key, code in now.system_codes.items()]
    return as_json({"rev": now.rev, "metrics": metrics})


def alerts_json(desk: Desk, request: Request) -> Response:
    """All alerts."""
    return as_json(listed.alerts(_now(desk, request)))


def reports_json(desk: Desk, request: Request) -> Response:
    """All reports."""
    return as_json(listed.reports(_now(desk, request)))


def media_json(desk: Desk, request: Request) -> Response:
    """What some runs logged that is not a number."""
    now = _now(desk, request)
    return as_json(listed.media(now, parameters.chosen_runs(request, now)))


def traces_json(desk: Desk, request: Request) -> Response:
    """A page of the traces of some runs: `offset`, `find`, `status`."""
    now = _now(desk, request)
    rows = listed.trace_rows(now, parameters.chosen_runs(request, now))
    offset = int(parameters.number(request, "offset") or 0)
    found = trace_page(
        rows,
        lambda row: _load(desk, row),
        find=request.query_params.get("find", ""),
        offset=offset,
        limit=_PAGE,
    )
    traces = [{**listed.place_of(now, row), **tell(said)} for row, said in found.traces]
    return as_json({"rev": now.rev, "total": found.total, "offset": offset, "traces": traces})


def value_json(desk: Desk, request: Request) -> Response:
    """One value whole: a table, a histogram, a trace. `run`, `writer`, `seq`, `key`, `index`."""
    now = _now(desk, request)
    run_id = parameters.one_run(request, now)
    given = request.query_params
    seq, index = parameters.number(request, "seq"), parameters.number(request, "index")
    for row in list_media(now.view, run_id, [given.get("key", "")]):
        if (row.writer_id, row.seq, row.index) == (given.get("writer"), seq, index):
            return as_json(run_page.plain(_load(desk, row)))
    raise NotFound(f"nothing was logged as {given.get('key')!r} there")


def files_json(desk: Desk, request: Request) -> Response:
    """The files that some runs saved, those of the project before, and those of the store."""
    now = _now(desk, request)
    return as_json(kept_files(now, parameters.chosen_runs(request, now), desk.store))


def health_json(desk: Desk, request: Request) -> Response:
    """How the files of a project are; with `verify` each was read to its end."""
    now = _now(desk, request)
    return as_json(
        health(desk.store, now, desk.now_s, is_thorough="verify" in request.query_params)
    )


def _now(desk: Desk, request: Request) -> Meta:
    return desk.project(parameters.project(request)).now()


def _load(desk: Desk, row: MediaRow) -> Any:
    """What a value says, wherever it stands."""
    said = row.reference
    if "sha256" not in said:
        return dict(said)
    if said.get("extension") != "json":
        raise InvalidInput(f"{row.key!r} is a file, not a value")
    key = MediaKey(
        row.project, row.run_id, row.writer_id, str(said["sha256"]), str(said["extension"])
    )
    if keys.parse(str(key)) != key:
        raise NotFound(f"{row.key!r} refers to no file")
    try:
        whole = parse_json(desk.store.get(str(key)))
    except orjson.JSONDecodeError as exc:
        raise UnreadableFile(f"what {row.key!r} refers to is no JSON: {exc}") from exc
    return {**said, **whole} if isinstance(whole, dict) else whole
