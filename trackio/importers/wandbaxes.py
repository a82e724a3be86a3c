"""Where each metric of a row belongs: the x axes that `define_metric` names. Writes nothing."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from trackio.importers.wandblog import texts_of


class Axes:
    """The x axes of one run, and the values that its metrics had last."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}
        self._steps_of: dict[str, str | None] = {}
        self._globs: list[tuple[str, str]] = []

    def __bool__(self) -> bool:
        """Whether any metric may have an axis of its own."""
        return bool(self._steps_of or self._globs)

    def split(
        self, row: dict[str, Any], step: int | None
    ) -> Iterator[tuple[int | None, dict[str, Any]]]:
        """The row, cut into the metrics of each x axis."""
        parts: dict[int | None, dict[str, Any]] = {step: {}}
        for key, value in row.items():
            axis = self._axis_of(key)
            where = None if axis is None else _whole(self.last.get(axis))
            parts.setdefault(step if where is None else where, {})[key] = value
        return ((where, part) for where, part in parts.items() if part)

    def _axis_of(self, key: str) -> str | None:
        """The metric that says where this one is; None for wandb's own step."""
        if key not in self._steps_of:
            found = (axis for glob, axis in self._globs if fnmatchcase(key, glob))
            self._steps_of[key] = next((axis for axis in found if axis != key), None)
        return self._steps_of[key]

    def define(self, data: bytes) -> None:
        """A record of `define_metric`: a name or a pattern, and the metric that is its x axis."""
        said = texts_of(data)
        name, glob, axis = (said.get(number, [""])[0] for number in (1, 2, 4))
        axis = axis.replace("\\.", ".")
        if axis in ("", "_step"):
            if name:
                self._steps_of[name.replace("\\.", ".")] = None
        elif glob:
            self._globs = [(glob, axis), *(it for it in self._globs if it[0] != glob)]
            self._steps_of = {key: at for key, at in self._steps_of.items() if at is not None}
        else:
            self._steps_of[name.replace("\\.", ".")] = axis


def _whole(value: Any) -> int | None:
    """A step: an integer, or a number that is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if float(value).is_integer() else None
