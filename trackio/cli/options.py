"""The options that commands share, and what they stand for. Opens stores, prints nothing."""

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from trackio.errors import InvalidInput, NotFound
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.query.view import View
    from trackio.store.base import Store

Item = TypeVar("Item")
Command = Callable[..., Any]

STORE_HELP = "Where the runs are: a path or a URL.  [default: $TRACKIO_STORE, or this machine's]"


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
        "-p", "--project", metavar="NAME", help="The project.  [default: the only one there is]"
    )
    @with_store
    @wraps(command)
    def opening(*args: Any, store: "Store", project: str | None, **kwargs: Any) -> Any:
        return command(*args, opened=open_now(store, project), **kwargs)

    return opening


def with_page(limit: int) -> Callable[[Command], Command]:
    """`--limit` and `--offset`: passes both as `page`."""

    def add(command: Command) -> Command:
        @click.option(
            "--limit",
            type=Count(0),
            default=limit,
            show_default=True,
            help="At most so many; 0: all.",
        )
        @click.option("--offset", type=Count(0), default=0, help="Leave out so many at the start.")
        @wraps(command)
        def paging(*args: Any, limit: int, offset: int, **kwargs: Any) -> Any:
            return command(*args, page=Page(limit, offset), **kwargs)

        return paging

    return add


run_option = click.option(
    "-r", "--run", required=True, metavar="RUN", help="Its name, its id, or how its id begins."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def store_url(given: str | None) -> str:
    """The store that was named after the command, before it, or in the environment."""
    before = click.get_current_context().find_root().params.get("store")
    return given or before or Settings.from_env().store_url


def open_for_reading(url: str) -> "Store":
    """The store at `url`; what is unavailable is tried again for a short while."""
    from trackio.store import open_store
    from trackio.store.read_only import ReadOnly
    from trackio.store.retrying import Retrying, RetryPolicy

    return ReadOnly(Retrying(open_store(url), RetryPolicy(attempts=4, deadline_s=15.0)))


def open_now(store: "Store", name: str | None) -> Opened:
    """The project called `name`, or the only one; listed now.

    Raises:
        NotFound: there is no such project, or none at all.
        InvalidInput: no name was given and there are several.
    """
    from trackio.query.project import open_project

    as_of_s = time.time()
    project = open_project(store, name or _only_project(store))
    return Opened(project.name, project.view(), as_of_s)


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
