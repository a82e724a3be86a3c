"""What sums the metrics of a run up, and how people say so. Part of `Run`."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trackio.errors import InvalidInput
from trackio.lifecycle import no_fork
from trackio.model import DEFINE, SUMMARY
from trackio.values.observed import Observed

if TYPE_CHECKING:
    from trackio.values.definition import Definition
    from trackio.writer.open import WritePath

_log = logging.getLogger("trackio")


class WithSummary:
    """A run that can be asked what its metrics come to so far."""

    _path: "WritePath | None"
    _append: Callable[..., int | None]

    def _begin_summary(self) -> None:
        self._definitions: dict[str, Definition] = {}
        self._summary = Observed({}, self._on_summary)
        self._shown: set[str] = set()

    @property
    def summary(self) -> Observed:
        """The value that sums each metric up so far; what is set here counts instead."""
        path = self._path
        if path is not None:
            self._show_summary(path)
        return self._summary

    def define_metric(  # noqa: PLR0917 - wandb has them in this order
        self,
        name: str,
        step_metric: Any = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> "Definition":
        """Say how a metric is read.

        Args:
            name: the metric, or a pattern such as `train/*`.
            step_metric: the metric that is its x axis, such as `epoch`.
            summary: what sums it up: last, min, max, mean, best or none.
            goal: minimize or maximize; tells what is best.
            hidden: leave it out of the charts.
            step_sync, overwrite: accepted for wandb's sake.
        """
        from trackio.values.definition import Definition, make_definition

        del step_sync, overwrite
        try:
            made = make_definition(step_metric, summary, goal, hidden=hidden)
        except InvalidInput as exc:
            _log.warning("trackio: define_metric(%r): %s; left out", name, exc)
            return Definition()
        self._definitions[str(name)] = made
        self._append(DEFINE, {str(name): made.to_json()})
        return made

    def _on_summary(self, changed: dict[str, Any]) -> None:
        self._shown |= changed.keys()
        self._append(SUMMARY, changed)

    def _show_summary(self, path: "WritePath") -> None:
        with no_fork():
            from trackio.values.definition import find_definition

        for key, stats in path.latest().items():
            if key in self._shown:
                continue
            found = find_definition(self._definitions, key) if self._definitions else None
            choice = "last" if found is None else found.choice
            if choice == "none":
                dict.pop(self._summary, key, None)  # what it says is no change to report
            else:
                self._summary.show({key: stats.choose(choice)})

    def _keep_summary(self, path: "WritePath") -> None:
        """What it says when the run ends is what it goes on to say."""
        with suppress(Exception):
            self._show_summary(path)
