"""What an importer knows of a run before it has read its rows. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trackio.model import Value
from trackio.values.plain import UnstorableError, flatten, try_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One run of a source.

    `identity` says which run of which source it is and `state` how much of it there is; both
    decide its writer's id. `path` is where it lies, below the source. `origin` is kept word by
    word: what the source says of it and no column has room for.
    """

    tracker: str
    path: str
    project: str
    run_id: str
    name: str
    identity: tuple[str, ...]
    state: str
    created_us: int
    config: Mapping[str, Value] = field(default_factory=dict)
    group: str | None = None
    tags: tuple[str, ...] = ()
    notes: str | None = None
    host: str | None = None
    user: str | None = None
    command: str | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)


def plain_config(said: Mapping[str, Any]) -> dict[str, Value]:
    """A config as rows hold it: flat; what no row can hold is left out."""
    values: dict[str, Value] = {}
    for key, value in flatten(said, _no_warning).items():
        try:
            plain = try_plain(key, value, _no_warning)
        except UnstorableError:
            continue
        if plain is not None:
            values[key] = plain[0]
    return values


def number_or_text(text: str) -> Value:
    """The number or bool that a text says, if nothing is lost by that; else the text."""
    if text in ("True", "true"):
        return True
    if text in ("False", "false"):
        return False
    for kind in (int, float):
        try:
            found: int | float = kind(text)
        except ValueError:
            continue
        if str(found) == text:
            return found
    return text


def _no_warning(key: str, problem: str) -> None:
    """Importers count what is left out; nobody is at hand who could mend it."""
