"""How a metric is to be read: along which other metric, and what sums it up. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from trackio.errors import InvalidInput
from trackio.model import Json
from trackio.values.plain import dump_text

SUMMARIES: Final = ("last", "min", "max", "mean", "best", "none")
_GOALS: Final = {"minimize": "min", "maximize": "max", "min": "min", "max": "max"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What `define_metric` said of a metric, or of all whose names match a pattern with `*`."""

    step_metric: str | None = None
    summary: str | None = None
    goal: str | None = None
    hidden: bool = False

    @property
    def choice(self) -> str:
        """Which of last, min, max, mean or none sums the metric up."""
        if self.summary == "best":
            return _GOALS.get(self.goal or "", "min")
        return self.summary or "last"

    def to_json(self) -> Json:
        """The text of its row."""
        said = {"step_metric": self.step_metric, "summary": self.summary, "goal": self.goal}
        return Json(dump_text({**said, "hidden": self.hidden}))


def make_definition(
    step_metric: Any = None, summary: Any = None, goal: Any = None, *, hidden: Any = None
) -> Definition:
    """What is meant; of a list such as wandb's `min,max` the first that is known counts.

    Raises:
        InvalidInput: a summary or a goal that nobody knows.
    """
    words = [word.strip() for word in str(summary).lower().split(",")] if summary else []
    words = [word for word in words if word != "copy"]
    if unknown := [word for word in words if word not in SUMMARIES]:
        raise InvalidInput(f"summary={unknown[0]!r} is none of {', '.join(SUMMARIES)}")
    aim = None if goal is None else _GOALS.get(str(goal).lower())
    if goal is not None and aim is None:
        raise InvalidInput(f"goal={goal!r} is neither minimize nor maximize")
    return Definition(
        step_metric=None if step_metric is None else str(getattr(step_metric, "name", step_metric)),
        summary=words[0] if words else None,
        goal=None if aim is None else f"{aim}imize",
        hidden=bool(hidden),
    )


def read_definition(said: Any) -> Definition:
    """What a row says; what is not understood is left out."""
    if not isinstance(said, Mapping):
        return Definition()
    step_metric, summary, goal = (said.get(name) for name in ("step_metric", "summary", "goal"))
    return Definition(
        step_metric=step_metric if isinstance(step_metric, str) else None,
        summary=summary if summary in SUMMARIES else None,
        goal=goal if goal in _GOALS else None,
        hidden=said.get("hidden") is True,
    )


def find_definition(definitions: Mapping[str, Definition], key: str) -> Definition | None:
    """What was said of a metric: by its name, else by the longest pattern that matches."""
    if (exact := definitions.get(key)) is not None:
        return exact
    matching = [name for name in definitions if "*" in name and fnmatchcase(key, name)]
    return definitions[max(matching, key=len)] if matching else None
