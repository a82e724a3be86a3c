"""Takes the rows of one run from an importer and accounts for each. Knows no kind of source.

A row is one number, text, picture … of one metric. It is written, or quarantined with a reason.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from trackio.artifacts.artifact import Artifact
from trackio.model import ALERT, ARTIFACT, CONFIG, FILE, METRIC, SUMMARY, SYSTEM, Json, Value
from trackio.upkeep.migrate.media import Blob, hash_file
from trackio.upkeep.migrate.report import Quarantined, Report, RunReport, TableReport
from trackio.upkeep.migrate.sink import Sink
from trackio.values.files import extension_of
from trackio.values.plain import decode_data, dump_text
from trackio.values.rich import Held
from trackio.values.sorting import sort_values

_LOOK_EVERY: Final = 2048
_MOST_TOLD: Final = 50


class Feed:
    """The rows of one run on their way into its sink.

    `numbers` is the path for plain finite or non-finite floats and small integers, which
    nearly all rows take; `log` sorts anything.
    """

    def __init__(
        self,
        sink: Sink,
        counts: TableReport,
        report: Report,
        *,
        scratch: Path,
        tick: Callable[[int], None],
    ) -> None:
        self._sink = sink
        self._counts = counts
        self._report = report
        self._scratch = scratch
        self._tick = tick
        self._made: list[Path] = []
        self._told = 0
        self._unlooked = 0

    def numbers(self, time_us: int, step: int | None, data: dict[str, Any]) -> None:
        """One call of plain numbers of metrics."""
        self._sink.add_numbers(time_us, step, auto=False, kind=METRIC, data=data)
        self._count(len(data))

    def points(self, points: Sequence[tuple[int, int | None, str, float]]) -> None:
        """Calls of one number of a metric each: time, step, metric, value."""
        for start in range(0, len(points), _LOOK_EVERY):
            some = points[start : start + _LOOK_EVERY]
            self._sink.add_points(some)
            self._count(len(some))

    def counted(self, time_us: int, step: int, data: dict[str, Any]) -> None:
        """As `numbers`, at a step that nobody gave."""
        self._sink.add_numbers(time_us, step, auto=True, kind=METRIC, data=data)
        self._count(len(data))

    def log(
        self, time_us: int, step: int | None, data: Mapping[str, Any], *, auto: bool = False
    ) -> None:
        """One call of anything that `trackio.log` takes; what cannot be stored is quarantined."""
        problems: dict[str, str] = {}
        done = sort_values(data, problems.__setitem__, self.hold)
        values: dict[str, dict[str, Value]] = {METRIC: decode_data(orjson.loads(done.body))}
        for kind, body in done.others:
            said = decode_data(orjson.loads(body))
            values[kind] = {**values.get(kind, {}), **said}
        self._sink.add_kinds(time_us, step, auto=auto, values=values)
        lost = sum("skipped" in problem for problem in problems.values())
        for key, problem in problems.items():
            self._tell(key, problem)
        self._count(max(0, len(data) - lost))
        self._counts.read += lost
        self._counts.quarantined += lost

    def system(self, time_us: int, data: Mapping[str, Any]) -> None:
        """One measurement of a machine."""
        self._sink.add(time_us, None, auto=False, kind=SYSTEM, data=dict(data))
        self._count(len(data))

    def config(self, time_us: int, data: Mapping[str, Value]) -> None:
        """Hyper-parameters that became known later."""
        self._sink.add(time_us, None, auto=False, kind=CONFIG, data=dict(data))

    def summary(self, time_us: int, data: Mapping[str, Value]) -> None:
        """Values that count as the last of their metrics."""
        self._sink.add(time_us, None, auto=False, kind=SUMMARY, data=dict(data))

    def alert(self, time_us: int, title: str, text: str | None, level: str) -> None:
        """Something that people were told."""
        said = Json(dump_text({"level": level, "text": text}))
        self._sink.add(time_us, None, auto=False, kind=ALERT, data={title: said})
        self._count(1)

    def file(self, time_us: int, name: str, content: Path | bytes) -> None:
        """A file that belongs to the run; its bytes are kept by content."""
        held = self.hold(content, extension_of(Path(name), "bin"))
        said = Json(dump_text({"_type": "trackio.file", **held._asdict()}))
        self._sink.add(time_us, None, auto=False, kind=FILE, data={name: said})
        self._count(1)

    def artifact(self, time_us: int, artifact: Artifact, *, aliases: list[str]) -> None:
        """A version of an artifact that the run made; the same files again are that version."""
        said = self._sink.put_artifact(time_us, artifact, aliases)
        name = f"{said['project']}/{artifact.name}"
        row: dict[str, Value] = {name: Json(dump_text(said))}
        self._sink.add(time_us, None, auto=False, kind=ARTIFACT, data=row)
        self._count(1)

    def hold(self, content: bytes | Path, extension: str) -> Held:
        """File bytes beside the rows of the run."""
        if isinstance(content, bytes):
            digest = sha256(content).hexdigest()
            path = self._scratch / f"{digest}.{extension}"
            path.write_bytes(content)
            self._made.append(path)
            size = len(content)
        else:
            path, digest, size = content, hash_file(content), content.stat().st_size
        self._sink.hold(Blob(digest, extension, path))
        return Held(digest, extension, size)

    def quarantine(self, place: str, reason: str, *, rows: int = 1) -> None:
        """Rows of the source that nobody can use: they stay where they are."""
        self._counts.read += rows
        self._counts.quarantined += rows
        self._tell(place, reason)

    def keep(self, rows: int = 1) -> None:
        """Rows of the source that are kept elsewhere, or that hold nothing of their own."""
        self._counts.read += rows
        self._counts.kept += rows

    def note(self, text: str) -> None:
        """Something that people should know of this run."""
        said = f"{self._counts.source}: {text}"
        if said not in self._report.notes:
            self._report.notes.append(said)

    def expect(self, rows: int) -> None:
        """How many rows the source itself counts."""
        self._counts.expected = (self._counts.expected or 0) + rows

    def end_as(self, state: str, reason: str | None, *, time_us: int | None = None) -> None:
        """How the run ended, as far as the source knows."""
        self._sink.end_as(state, reason, time_us)

    def finish(self) -> RunReport:
        """Everything was handed over: put the rest, compare, and say what it came to."""
        self._tick(self._unlooked)
        done = self._sink.finish()
        self._drop_made()
        return done

    def _count(self, rows: int) -> None:
        self._counts.read += rows
        self._counts.written += rows
        self._unlooked += rows
        if self._unlooked >= _LOOK_EVERY or self._made:
            self._look()

    def _look(self) -> None:
        self._tick(self._unlooked)
        self._unlooked = 0
        if self._sink.is_due():
            self._sink.flush()
            self._drop_made()

    def _drop_made(self) -> None:
        for path in self._made:
            path.unlink(missing_ok=True)
        self._made = []

    def _tell(self, place: str, reason: str) -> None:
        self._told += 1
        if self._told <= _MOST_TOLD:
            found = Quarantined(source=self._counts.source, place=place, reason=reason)
            self._report.quarantined.append(found)
