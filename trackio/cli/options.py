"""The options that commands share, and what they stand for. Opens stores, prints nothing."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from trackio.errors import InvalidInput, NotFound
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.query.project import Project
    from trackio.query.view import View
    from trackio.store.base import Store

Item = TypeVar("Item")
Command = Callable[..., Any]

STORE_HELP = (
    "Where the runs are: a path, a URL or a bucket's namespace/name.  "
    "[default: $TRACKIO_STORE, or this machine's]"
)


class Count(click.ParamType[int]):
    """A whole number that is large enough."""

    name = "n"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number that `value` is or says."""
        try:
            count = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number", param, ctx)
        if count < self._least or (self._most is not None and count > self._most):
            at_most = "" if self._most is None else f" and at most {self._most}"
            self.fail(f"{count} must be at least {self._least}{at_most}", param, ctx)
        return count


class Duration(click.ParamType[float]):
    """A duration: 90, 90s, 5m, 2h or 1d; in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds that `value` says."""
        from trackio.upkeep.durations import parse_duration

        try:
            return value if isinstance(value, float) else parse_duration(str(value))
        except InvalidInput as exc:
            self.fail(str(exc), param, ctx)


class Since(click.ParamType[float]):
    """A moment: ISO 8601, or a duration before now; in seconds since 1970."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The moment that `value` says."""
        from trackio.upkeep.durations import parse_duration

        if isinstance(value, float):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            try:
                return time.time() - parse_duration(str(value))
            except InvalidInput:
                self.fail(f"{value!r} is no time: write 2026-01-31T12:00:00Z, or 2h", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class Page(NamedTuple):
    """Which part of a list is wanted; a limit of 0 means all that follows."""

    limit: int
    offset: int

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """That part of `items`."""
        return items[self.offset : self.offset + self.limit if self.limit else None]


class Opened(NamedTuple):
    """One project as it was at one moment."""

    project: str
    view: "View"
    as_of_s: float
    store_url: str
    source: "Project"


def with_store(command: Command) -> Command:
    """`--store`, here or before the command: passes `store`, opened for reading."""

    @click.option("--store", metavar="URL", help=STORE_HELP)
    @wraps(command)
    def opening(*args: Any, store: str | None, **kwargs: Any) -> Any:
        return command(*args, store=open_for_reading(store_url(store)), **kwargs)

    return opening


def with_project(command: Command) -> Command:
    """`--store` and `--project`: passes `opened`, the project as it is now."""

    @click.option(
        "-p",
        "--project",
        metavar="NAME",
        help="The project.  [default: the only one there is]",
        shell_complete=complete_project,
    )
    @with_store
    @wraps(command)
    def opening(*args: Any, store: "Store", project: str | None, **kwargs: Any) -> Any:
        return command(*args, opened=open_now(store, project), **kwargs)

    return opening


def with_page(limit: int) -> Callable[[Command], Command]:
    """`--limit`, `--offset` and `--fields`: passes the first two as `page`."""

    def add(command: Command) -> Command:
        @click.option(
            "--limit",
            type=Count(0),
            default=limit,
            show_default=True,
            help="At most so many; 0: all.",
        )
        @click.option("--offset", type=Count(0), default=0, help="Leave out so many at the start.")
        @click.option("--fields", metavar="A,B", help="Only these fields of each item, in JSON.")
        @wraps(command)
        def paging(*args: Any, limit: int, offset: int, fields: str | None, **kwargs: Any) -> Any:
            del fields  # `output` looks it up
            return command(*args, page=Page(limit, offset), **kwargs)

        return paging

    return add


def complete_project(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    """The projects whose names begin like this; for the completion of a shell."""
    from trackio.catalog import list_projects

    given = ctx.params.get("store") or ctx.find_root().params.get("store")
    store = open_for_reading(given or Settings.from_env().store_url)
    return [name for name in list_projects(store) if name.startswith(begun)]


def complete_run(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    """The runs whose names begin like this; for the completion of a shell."""
    given = ctx.params.get("store") or ctx.find_root().params.get("store")
    store = open_for_reading(given or Settings.from_env().store_url)
    try:
        view = open_now(store, ctx.params.get("project")).view
    except (NotFound, InvalidInput):
        return []
    names = {meta.name for meta in view.metas(view.runs()).values() if meta is not None}
    return sorted(name for name in names if name.startswith(begun))


run_option = click.option(
    "-r",
    "--run",
    required=True,
    metavar="RUN",
    help="Its name, its id, or how its id begins.",
    shell_complete=complete_run,
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def store_url(given: str | None) -> str:
    """The store that was named after the command, before it, or in the environment."""
    before = click.get_current_context().find_root().params.get("store")
    return given or before or Settings.from_env().store_url


def open_for_reading(url: str) -> "Store":
    """The store at `url`; what is unavailable is tried again for a short while."""
    from trackio.store import open_for_reading

    return open_for_reading(url)


def open_now(store: "Store", name: str | None) -> Opened:
    """The project called `name`, or the only one; listed now.

    Raises:
        NotFound: there is no such project, or none at all.
        InvalidInput: no name was given and there are several.
    """
    as_of_s = time.time()
    project = _opened(store, name or _only_project(store))
    return Opened(project.name, project.refresh(), as_of_s, store.url, project)


def keep_open() -> None:
    """From now on a project stays open, so that asking it again costs less; for a server."""
    global _kept  # noqa: PLW0603 - one process serves one way or the other
    _kept = {}


_kept: "dict[tuple[str, str], Project] | None" = None


def _opened(store: "Store", name: str) -> "Project":
    from trackio.query.cache import Cache
    from trackio.query.project import open_project

    if _kept is not None and (store.url, name) in _kept:
        return _kept[store.url, name]
    settings = Settings.from_env()
    cache = Cache.of(store, settings.cache_home, settings.cache_bytes)
    project = open_project(store, name, cache=cache)
    if _kept is not None:
        _kept[store.url, name] = project
    return project


def _only_project(store: "Store") -> str:
    from trackio.catalog import list_projects

    match list_projects(store):
        case []:
            raise NotFound(f"there is no project in {store.url} yet")
        case [name]:
            return name
        case names:
            listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
            raise InvalidInput(f"say which project with --project; there are: {listed}")
