"""What the browser asks for: GET routes below `/gradio_api/trackio/`. Parse, ask, encode.

They lie under `/gradio_api/` so that they reach Python wherever Gradio is mounted.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trackio.dashboard import chart_routes, file_routes, meta, page_routes, parameters, tables
from trackio.dashboard.artifact_routes import ArtifactRoutes
from trackio.dashboard.desk import Desk
from trackio.dashboard.guard import Answer, as_json, check_user, guarded
from trackio.dashboard.static_files import front_end_file
from trackio.errors import NotFound

__all__ = ["PREFIX", "check_user", "routes"]

PREFIX: Final = "/gradio_api/trackio"
_MOST_COLUMNS: Final = 400


def routes(desk: Desk, readers: frozenset[str] | None = None) -> list[BaseRoute]:
    """All routes of the dashboard on this desk, for `app_kwargs={"routes": …}` of Gradio.

    With `readers` only they are answered, once they signed in at Hugging Face.
    """
    answers: dict[str, Answer] = {
        "projects.json": projects_json,
        "meta.json": meta_json,
        "columns.json": columns_json,
        "values.json": values_json,
        "series": chart_routes.series,
        "smooth": chart_routes.smooth,
        "points.csv": chart_routes.points_csv,
        "run.json": page_routes.run_json,
        "system.json": page_routes.system_json,
        "alerts.json": page_routes.alerts_json,
        "reports.json": page_routes.reports_json,
        "media.json": page_routes.media_json,
        "traces.json": page_routes.traces_json,
        "value.json": page_routes.value_json,
        "files.json": page_routes.files_json,
        "health.json": page_routes.health_json,
        "media": file_routes.media,
        "file": file_routes.store_file,
        **ArtifactRoutes(desk).answers(),
    }
    data: list[BaseRoute] = [
        Route(f"{PREFIX}/{path}", guarded(desk, answer, readers), methods=["GET"])
        for path, answer in answers.items()
    ]
    files = Route(f"{PREFIX}/static/{{version}}/{{path:path}}", front_end_file, methods=["GET"])
    return [*data, files]


def projects_json(desk: Desk, request: Request) -> Response:
    """The names of all projects, where they are looked for, and with `newest` which to open."""
    projects = desk.projects()
    newest = desk.newest(projects) if "newest" in request.query_params else None
    return as_json({"projects": projects, "newest": newest, "where": desk.store.url})


def meta_json(desk: Desk, request: Request) -> Response:
    """Runs and metrics of a project."""
    project = desk.project(parameters.project(request))
    found = meta.whole(project.now(), desk.now_s)
    return as_json({**found, "as_of_s": desk.now_s - project.age_s})


def columns_json(desk: Desk, request: Request) -> Response:
    """Which columns the table of runs has."""
    return as_json(tables.columns(desk.project(parameters.project(request)).now()))


def values_json(desk: Desk, request: Request) -> Response:
    """The values of the columns `c`, as of the revision `rev`, if it is not too long ago."""
    project = desk.project(parameters.project(request))
    rev = request.query_params.get("rev", "")
    known = project.remembered(rev)
    if known is None and rev:
        raise NotFound(f"revision {rev!r} is too long ago: ask for the columns again")
    wanted = request.query_params.getlist("c")[:_MOST_COLUMNS]
    return as_json(tables.values(known or project.now(), wanted))
