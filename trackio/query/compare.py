"""Set runs side by side: where their configs differ, and what became of each metric. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trackio.query.runs import RunRow
from trackio.query.said import Stats

_MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Some runs side by side; each list has a place for each run, None where it has nothing.

    `config` holds what differs, `same` what they share; `summary` every metric of any of them.
    """

    runs: tuple[RunRow, ...]
    config: Mapping[str, list[Any]]
    same: Mapping[str, Any]
    summary: Mapping[str, list[Stats | None]]


def compare(runs: Sequence[RunRow]) -> Comparison:
    """These runs side by side, keys in the order of the first run that has them."""
    keys = dict.fromkeys(key for run in runs for key in run.config)
    given = {key: [run.config.get(key, _MISSING) for run in runs] for key in keys}
    same = {key: values[0] for key, values in given.items() if _are_alike(values)}
    metrics = dict.fromkeys(key for run in runs for key in run.summary)
    return Comparison(
        runs=tuple(runs),
        config={key: list(map(_shown, given[key])) for key in keys if key not in same},
        same=same,
        summary={key: [run.summary.get(key) for run in runs] for key in metrics},
    )


def _are_alike(values: Sequence[Any]) -> bool:
    return all(value is not _MISSING and value == values[0] for value in values)


def _shown(value: Any) -> Any:
    return None if value is _MISSING else value
