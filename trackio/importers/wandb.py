"""Runs that wandb kept offline, in `offline-run-…` folders. Needs no wandb; writes nothing itself.

Metrics land at the step that `define_metric` says: of a row that wandb packed at `_step` 5360,
a metric whose step metric is `eval_iter`, which is 5000 there, is at step 5000. Config, media,
tables, histograms, system metrics, alerts and how the run ended come over too; what lies beside
the history is the subject of `wandbextras`.
"""

from pathlib import Path
from typing import Any, Final

from trackio.errors import InvalidInput
from trackio.importers.feed import Feed
from trackio.importers.found import About, plain_config
from trackio.importers.protobuf import BYTES, Field, MalformedError, fields, signed
from trackio.importers.wandbaxes import Axes
from trackio.importers.wandbextras import Console, feed_artifact, feed_files, saved_names
from trackio.importers.wandbhead import RUN, nest, read_head, without_own
from trackio.importers.wandblog import (
    Broken,
    Item,
    read_items,
    read_records,
    read_time_us,
    texts_of,
)
from trackio.importers.wandbmedia import class_labels, convert, has_types, labels_of
from trackio.model import Value

_SUMMARY, _INFO = 3, 200
_LEVELS: Final = {"INFO": "info", "WARN": "warn", "ERROR": "error"}
_SIMPLE: Final = frozenset({float, int})


def find_wandb_runs(root: Path, project: str | None = None) -> list["WandbRun"]:
    """Every offline run at or below `root`: a run's folder, the `wandb` folder, one above it.

    Raises:
        InvalidInput: there is none.
    """
    root = root.expanduser().resolve()
    files = [root] if root.is_file() else sorted(root.rglob("run-*.wandb"))
    files = [file for file in files if not file.parent.is_symlink()]  # latest-run
    if not files:
        raise InvalidInput(
            f"{root} has no run-*.wandb files: name a folder with offline-run-… folders"
        )
    return [WandbRun(file, project) for file in files]


class WandbRun:
    """One `.wandb` file and the folder of its media."""

    def __init__(self, file: Path, project: str | None) -> None:
        self._file = file
        self._files = file.parent / "files"
        self._axes = Axes()
        self._summary: dict[str, Any] = {}
        self._typed: set[str] = set()
        self._says_whose = False
        self._labels: dict[str, Any] = {}
        self._console = Console()
        self._saved: set[str] = set()
        self._artifacts: list[tuple[int, bytes]] = []
        head = read_head(file)
        run_id = head.run_id or file.stem.removeprefix("run-")
        size = file.stat().st_size
        self._start_us = head.start_us or int(file.stat().st_mtime_ns // 1000)
        self.about = About(
            tracker="wandb",
            path=f"{file.parent.name}/{file.name}",
            project=project or head.project or "uncategorized",
            run_id=run_id,
            name=head.name or run_id,
            identity=("wandb", run_id, file.parent.name),
            state=str(size),
            created_us=self._start_us,
            config=plain_config(without_own(head.config)),
            group=head.group,
            tags=head.tags,
            notes=head.notes,
            host=head.host,
            origin={
                name: said
                for name, said in (
                    ("entity", head.entity),
                    ("project", head.project),
                    ("job_type", head.job_type),
                    ("sweep_id", head.sweep_id),
                )
                if said
            },
        )

    def feed(self, feed: Feed) -> None:
        """Every record, in the order in which it was written."""
        feed.end_as("failed", "its process ended without wandb's finish()")
        last_us = self._start_us
        for place, record in enumerate(read_records(self._file)):
            if isinstance(record, Broken):
                feed.quarantine(f"byte {record.at}", record.reason)
                continue
            try:
                last_us = self._feed_fields(feed, list(fields(record)), last_us)
            except (MalformedError, IndexError) as exc:
                feed.quarantine(f"record {place}", str(exc))
        if said := self._said_at_the_end():
            feed.summary(last_us, said)
        feed_files(feed, self._files, self._saved, self._console, last_us)
        for time_us, data in self._artifacts:
            feed_artifact(feed, data, time_us)

    def _feed_fields(self, feed: Feed, said: list[Field], last_us: int) -> int:
        """The one thing that a record says; returns when it was.

        After each row wandb itself writes a summary, which follows from the rows. Only records of
        the user's process say whose they are, except in files that never do.
        """
        is_own = all(number != _INFO for number, _, _ in said)
        for number, kind, value in said:
            if number == RUN:
                self._says_whose = not is_own
            if kind == BYTES and not (number == _SUMMARY and is_own and self._says_whose):
                last_us = self._feed_record(feed, number, value, last_us)
        return last_us

    def _feed_record(self, feed: Feed, number: int, data: bytes, last_us: int) -> int:
        """One record; returns when it was, as far as is known."""
        match number:
            case 2:
                return self._feed_history(feed, read_items(data), last_us)
            case 7:
                self._feed_stats(feed, data)
            case 12:
                self._axes.define(data)
            case 5:
                self._feed_config(feed, data, last_us)
            case 3:
                self._summary.update(("/".join(key), value) for key, value in read_items(data))
            case 6 | 8 | 13:
                self._keep(number, data, last_us)
            case 10:
                said = texts_of(data)
                level = _LEVELS.get(said.get(3, [""])[0].upper(), "info")
                feed.alert(last_us, said.get(1, ["alert"])[0], said.get(2, [None])[0], level)
            case 18:
                code = next((signed(v) for n, k, v in fields(data) if (n, k) == (1, 0)), 0)
                state = "failed" if code else "finished"
                feed.end_as(state, f"exit code {code}" if code else None)
        return last_us

    def _keep(self, number: int, data: bytes, last_us: int) -> None:
        """What comes over once the history has."""
        if number == 6:
            self._saved |= saved_names(data)
        elif number == 8:
            self._artifacts.append((last_us, data))
        else:
            self._console.add(data)

    def _feed_history(self, feed: Feed, items: list[Item], last_us: int) -> int:
        row = nest(items)
        step, seconds = row.pop("_step", None), row.pop("_timestamp", None)
        row.pop("_runtime", None)
        row.pop("_wandb", None)
        time_us = round(seconds * 1e6) if isinstance(seconds, int | float) else last_us
        at = int(step) if isinstance(step, int | float) else None
        self._axes.last.update(row)
        if self._axes:
            for where, part in self._axes.split(row, at):
                self._feed_row(feed, time_us, where, part)
        else:
            self._feed_row(feed, time_us, at, row)
        return time_us

    def _feed_row(self, feed: Feed, time_us: int, step: int | None, row: dict[str, Any]) -> None:
        row = dict(sorted(row.items()))  # wandb writes them in any order: rows alike go faster
        if _SIMPLE.issuperset(map(type, row.values())):
            feed.numbers(time_us, step, row)
            return
        for key, value in row.items():
            if isinstance(value, dict | list) and has_types(value):
                self._typed.add(key)
                labels = labels_of(key, self._labels)
                row[key] = convert(value, self._files, feed.note, labels)
        feed.log(time_us, step, row)

    def _feed_stats(self, feed: Feed, data: bytes) -> None:
        time_us = self._start_us
        for number, kind, value in fields(data):
            if number == 2 and kind == BYTES:
                time_us = read_time_us(value)
        said = {"/".join(key): value for key, value in read_items(data, 3)}
        numbers = {k: float(v) for k, v in said.items() if isinstance(v, int | float)}
        feed.system(time_us, numbers)

    def _feed_config(self, feed: Feed, data: bytes, last_us: int) -> None:
        said = nest(read_items(data))
        self._labels |= class_labels(said)
        config = plain_config(without_own(said))
        if config:
            feed.config(last_us, config)

    def _said_at_the_end(self) -> dict[str, Value]:
        """The summary that somebody set: what is no last value of a metric."""
        last = plain_config(self._axes.last)
        said = plain_config(without_own(self._summary))
        return {
            key: value
            for key, value in said.items()
            if not _is_same(value, last.get(key)) and key.partition("/")[0] not in self._typed
        }


def _is_same(a: Value, b: Value) -> bool:
    return a == b or (a != a and b != b)  # noqa: PLR0124 - NaN
