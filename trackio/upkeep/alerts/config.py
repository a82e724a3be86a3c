"""Which webhooks there are, and which rules: a small TOML file as values. Evaluates nothing.

`docs/alerts.md` describes the file; `trackio alert add` writes to it.
"""

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

import orjson

from trackio.errors import InvalidInput
from trackio.upkeep.alerts.address import check_url
from trackio.upkeep.alerts.due import check_level
from trackio.upkeep.alerts.payload import digest_of

When = Literal["nonfinite", "threshold", "silent", "crashed", "failed"]
KINDS: Final[tuple[When, ...]] = get_args(When)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
T = TypeVar("T", "Rule", "Webhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Somebody to tell: of alerts that are bad enough, of these projects (a glob)."""

    url: str
    min_level: str = "info"
    project: str = "*"
    allow_private: bool = False

    def __post_init__(self) -> None:
        check_url(self.url)
        check_level(self.min_level)

    @property
    def digest(self) -> str:
        """Its name in what is stored: its URL is a secret."""
        return digest_of(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to look for in runs whose code says nothing of it. `project`, `run`, `metric` are globs.

    `minutes` is how long a `silent` run has logged no metric; `above` and `below` are the bounds
    that a `threshold` watches.
    """

    name: str
    when: When
    level: str = "error"
    project: str = "*"
    run: str = "*"
    metric: str = "*"
    above: float | None = None
    below: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        _check_rule(self)

    def fits(self, project: str, run: str) -> bool:
        """Whether it is for this run."""
        return fnmatchcase(project, self.project) and fnmatchcase(run, self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the file says."""

    webhooks: tuple[Webhook, ...] = ()
    rules: tuple[Rule, ...] = ()


def read_config(path: Path) -> Config:
    """What the file at `path` says; nothing where there is none.

    Raises:
        InvalidInput: it cannot be read, or says what cannot be meant; the message says where.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"{path} cannot be read: {exc}") from exc
    if unknown := said.keys() - {"webhook", "rule"}:
        raise InvalidInput(f"{path} has {_listed(unknown)}: it takes [[webhook]] and [[rule]] only")
    rules = tuple(_read(path, Rule, one) for one in _tables(path, said, "rule"))
    names = [rule.name for rule in rules]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(f"{path} has two rules called {_listed(twice)}: rename one")
    webhooks = tuple(_read(path, Webhook, one) for one in _tables(path, said, "webhook"))
    return Config(webhooks=webhooks, rules=rules)


def add_rule(path: Path, rule: Rule) -> None:
    """Write the rule to the end of the file; what it holds already stays as it is.

    Raises:
        InvalidInput: there is a rule of this name, or the file cannot be written.
    """
    if rule.name in [one.name for one in read_config(path).rules]:
        raise InvalidInput(f"{path} has a rule {rule.name!r} already: choose another --name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        apart = "\n" if before.strip() else ""
        _replace(path, before + apart + format_rule(rule))
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be written: {exc}") from exc


def format_rule(rule: Rule) -> str:
    """The rule as the file has it; what is as usual is left out."""
    usual = {field.name: field.default for field in fields(Rule)}
    given = ((field.name, getattr(rule, field.name)) for field in fields(Rule))
    lines = [f"{name} = {_toml(value)}" for name, value in given if value != usual[name]]
    return "\n".join(["[[rule]]", *lines, ""])


def _check_rule(rule: Rule) -> None:
    if not _NAME.fullmatch(rule.name):
        raise InvalidInput(f"a rule's name is letters, digits, - and _, not {rule.name!r}")
    if rule.when not in KINDS:
        raise InvalidInput(f"when is one of {', '.join(KINDS)}, not {rule.when!r}")
    check_level(rule.level)
    has_bound = rule.above is not None or rule.below is not None
    if has_bound != (rule.when == "threshold"):
        raise InvalidInput("above and below go with the threshold of a metric, one of them or both")
    if (rule.minutes is not None) != (rule.when == "silent"):
        raise InvalidInput("minutes says for how long a run is silent, and goes with that only")
    for number in (rule.above, rule.below, rule.minutes):
        if number is not None and not math.isfinite(number):
            raise InvalidInput(f"a bound is a finite number, not {number}")


def _tables(path: Path, said: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    tables = said.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise InvalidInput(f"{path}: write [[{name}]] with two brackets")
    return tables


def _read(path: Path, kind: type[T], said: dict[str, Any]) -> T:
    known = {field.name: field.type for field in fields(kind)}
    if unknown := said.keys() - known.keys():
        raise InvalidInput(
            f"{path}: a {kind.__name__.lower()} has no {_listed(unknown)}; it takes "
            f"{', '.join(known)}"
        )
    try:
        return kind(**{name: _number(value) for name, value in said.items()})
    except (InvalidInput, TypeError) as exc:
        named = said.get("name", said.get("min_level", ""))
        raise InvalidInput(f"{path}: {kind.__name__.lower()} {named!r}: {exc}") from exc


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _toml(value: Any) -> str:
    return orjson.dumps(value).decode()  # what a rule holds looks alike in JSON and TOML


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _replace(path: Path, text: str) -> None:
    """The whole file or, if the machine stops meanwhile, the one before."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
