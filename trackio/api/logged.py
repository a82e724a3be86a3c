"""What a run logged: metrics, history, media, files, artifacts, alerts. Part of `Run`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from trackio.api.files import File
from trackio.api.known import Known
from trackio.api.questions import axis_of, describe_alerts, kind_of
from trackio.errors import InvalidInput, NotFound
from trackio.model import METRIC, SYSTEM
from trackio.query.frames import to_dict, to_frame
from trackio.query.history import read_history, scan_history
from trackio.query.media import Media
from trackio.query.media_rows import MediaRow, add_media, list_media, list_media_keys
from trackio.query.metrics import list_metrics
from trackio.query.near import advise
from trackio.query.saved import list_saved

if TYPE_CHECKING:
    import pandas as pd

    from trackio.query.artifacts import LinkRow


class Logged(Known):
    """The part of a run that gives what it logged."""

    def metrics(self) -> dict[str, int]:
        """Its metrics in the order of first logging, and how many values each has."""
        return {metric.key: metric.points for metric in list_metrics(self._view, METRIC, [self.id])}

    def history(
        self,
        keys: Sequence[str] | None = None,
        samples: int | None = 500,
        *,
        pandas: bool = True,
        x_axis: str = "step",
        stream: Literal["default", "system"] = "default",
    ) -> "pd.DataFrame | list[dict[str, Any]]":
        """What it logged: a row for each step at which any of the keys has a point.

        Args:
            keys: the metrics; by default all.
            samples: of a metric with more points it keeps about so many that were logged,
                always its first, last, smallest and largest, the same every time; None
                keeps all.
            pandas: give a DataFrame, else a list of dicts.
            x_axis: what to sample along: step, time or relative.
            stream: the metrics, or with `system` those of the machine.

        Columns are step, time, label where several processes logged side by side, and the
        keys. Of several values at one step the last counts; `scan_history` has them all.
        Media come only if `keys` names them: as `Media`, or as lists of these.
        """
        kind = kind_of(stream)
        wanted = self._keys(keys, kind)
        media = [] if keys is None else self._without_metrics(wanted, kind)
        metrics = [key for key in wanted if key not in media]
        rows = read_history(
            self._view, self.id, metrics, samples=samples, x=axis_of(x_axis), kind=kind
        )
        if media:
            rows = add_media(rows, list_media(self._view, self.id, media), self._media)
        return to_frame(rows, wanted) if pandas else [to_dict(row) for row in rows]

    def scan_history(
        self,
        keys: Sequence[str] | None = None,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Every `log` call with `min_step ≤ step < max_step`, unsampled, in bounded memory."""
        rows = scan_history(self._view, self.id, keys, min_step=min_step, max_step=max_step)
        return map(to_dict, rows)

    def system_metrics(self) -> "pd.DataFrame":
        """What its machines measured, by time; see `history` for the columns."""
        keys = self._keys(None, SYSTEM)
        rows = read_history(self._view, self.id, keys, samples=None, x="time", kind=SYSTEM)
        return to_frame(rows, keys).drop(columns="step")

    def media(self, key: str | None = None) -> list[Media]:
        """What it logged that is not a number, under this key or any, in the order of steps.

        Images, videos, sounds, pages, tables, histograms, traces, reports, long texts; of a
        list each item by itself.

        Raises:
            NotFound: neither this run nor another of the project has such a key.
        """
        if key is not None:
            self._check_media_key(key)
        rows = list_media(self._view, self.id, None if key is None else [key])
        return [self._media(row) for row in rows]

    def table(self, key: str, step: int | None = None) -> "pd.DataFrame":
        """The last table, or histogram, that it logged under a key, or the one at a step.

        Raises:
            NotFound: there is none.
        """
        found = [one for one in self.media(key) if step is None or one.step == step]
        if not found:
            where = "" if step is None else f" at step {step}"
            raise NotFound(f"{self.path} has no table {key!r}{where}")
        return found[-1].to_pandas()

    def files(self, names: Sequence[str] | str | None = None) -> list[File]:
        """The files that it saved, by name; with `names` only these."""
        wanted = {names} if isinstance(names, str) else None if names is None else set(names)
        rows = list_saved(self._view, self.id)
        return [
            File(row, self._project.files) for row in rows if wanted is None or row.key in wanted
        ]

    def file(self, name: str) -> File:
        """The file that it saved under this name.

        Raises:
            NotFound: it saved none.
        """
        found = self.files()
        for file in found:
            if file.name == name:
                return file
        advice = advise(name, [file.name for file in found]) if found else "it saved no file"
        raise NotFound(f"{self.path} has no file {name!r}; {advice}")

    def logged_artifacts(self) -> "list[LinkRow]":
        """The versions of artifacts that it made, oldest first."""
        return self._links("output")

    def used_artifacts(self) -> "list[LinkRow]":
        """The versions of artifacts that it used, oldest first."""
        return self._links("input")

    def _links(self, direction: str) -> "list[LinkRow]":
        from trackio.query.artifacts import list_links, number_links

        links = [it for it in list_links(self._view, self.id) if it.direction == direction]
        return number_links(self._project.store, links)

    def alerts(
        self, level: str | None = None, since: datetime | float | str | None = None
    ) -> list[dict[str, Any]]:
        """Its alerts, oldest first: of one level, and not older than a time.

        Raises:
            InvalidInput: no such level, or no time.
        """
        return describe_alerts(self._view, self._row, level, since)

    def _without_metrics(self, keys: Sequence[str], kind: str) -> list[str]:
        """Those of the keys under which this run logged media and no numbers."""
        own = {metric.key for metric in list_metrics(self._view, kind, [self.id])}
        media = list_media_keys(self._view, self.id)
        return [key for key in keys if key in media and key not in own]

    def _media(self, row: MediaRow) -> Media:
        return Media(row, self._project.files)

    def _check_media_key(self, key: str) -> None:
        if key not in (known := list_media_keys(self._view)):
            raise NotFound(f"no run of {self.project!r} has media {key!r}; {advise(key, known)}")

    def _keys(self, keys: Sequence[str] | None, kind: str) -> list[str]:
        """All keys of the run, or these if it or another run of the project has them."""
        if isinstance(keys, str):
            raise InvalidInput(f"keys must be a list: [{keys!r}]")
        own = [metric.key for metric in list_metrics(self._view, kind, [self.id])]
        if keys is None:
            return own
        if not set(keys) <= set(own):
            known = [metric.key for metric in list_metrics(self._view, kind)]
            known += list_media_keys(self._view) if kind == METRIC else []
            for key in keys:
                if key not in known:
                    advice = advise(key, known)
                    raise NotFound(f"no run of {self.project!r} has a metric {key!r}; {advice}")
        return list(dict.fromkeys(keys))
