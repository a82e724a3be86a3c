"""One table on its way into the sinks of its runs. Knows no file and no order of tables."""

from collections.abc import Mapping
from typing import Any, Final

from trackio.model import ALERT, METRIC, SYSTEM, TRACE, Json
from trackio.upkeep.migrate.aside import Aside, Note, printable
from trackio.upkeep.migrate.books import Books, as_object
from trackio.upkeep.migrate.identity import RunKey
from trackio.upkeep.migrate.jsons import UndecodableError, decode_object, decode_value
from trackio.upkeep.migrate.legacy import (
    ALERTS,
    BODIES,
    FIXED,
    METRICS,
    SYSTEM_METRICS,
    Owner,
    Row,
    Shape,
    valid_text,
)
from trackio.upkeep.migrate.moments import UNKNOWN, Moment
from trackio.upkeep.migrate.payloads import Parts, Trace, attach_all, sort_values
from trackio.upkeep.migrate.report import TableReport
from trackio.upkeep.migrate.sink import Sink
from trackio.upkeep.migrate.steps import Step, parse_step
from trackio.upkeep.migrate.survey import owner_of
from trackio.values.plain import UnstorableError, dump_text

_MAX_INLINE: Final = 64 << 10
"""A longer trace is a media file."""


class Lane:
    """Brings the rows of one table over, one by one, and counts what became of them.

    Args:
        books: where rows go.
        counts: the account of the table.
        shape: what is known of it.
        runs: whose rows are of which run.
    """

    def __init__(
        self, books: Books, counts: TableReport, *, shape: Shape, runs: Mapping[Owner, RunKey]
    ) -> None:
        table = counts.table
        self.counts = counts
        self._books = books
        self._table = table
        self._path = counts.source
        self._shape = shape
        self._runs = runs
        self._keys: dict[tuple[Any, ...], RunKey] = {}
        self._asides: dict[str, Aside] = {}
        self._last: tuple[RunKey | None, Any, Moment] = (None, None, UNKNOWN)
        self._columns = (*BODIES[table], *shape.extras)
        self._known = FIXED + len(BODIES[table])
        self._put = {METRICS: self._metrics, SYSTEM_METRICS: self._system}.get(table, self._other)

    def bring(self, row: Row) -> None:
        """Bring one row over."""
        key = self._key(row)
        sink = None if key is None else self._books.sink(key)
        if key is None or sink is None:
            self._leave(row, key)
            return
        moment = self._moment(key, row[4])
        time_us = sink.last_us if moment.time_us is None else moment.time_us
        try:
            self._put(sink, row, time_us, moment)
        except (UndecodableError, UnstorableError) as exc:
            self._books.quarantine(self.counts, row, self._columns, str(exc))
            return
        self.counts.written += 1
        if sink.is_due():
            sink.flush()

    def drop_duplicate(self, row: Row) -> None:
        """Keep aside a row whose id was there before."""
        self.counts.duplicates += 1
        key = self._key(row)
        if key is not None and self._books.sink(key) is not None:
            said = {"table": self._table, **as_object(row, self._columns)}
            self._books.aside(key.project, self._path).keep("duplicates", said)

    def _leave(self, row: Row, key: RunKey | None) -> None:
        """Account for a row whose run takes none."""
        if key is None:
            why = "it was not the same row when it was read again: the database is damaged"
            self._books.quarantine(self.counts, row, self._columns, why)
        else:
            self.counts.left_out += 1
            self._books.context.media.leave(row[FIXED:])

    def _moment(self, key: RunKey, raw: Any) -> Moment:
        # All rows of one flush have one time.
        if key is not self._last[0] or raw != self._last[1]:
            self._last = (key, raw, self._books.time(key, raw, self._shape))
        return self._last[2]

    def _key(self, row: Row) -> RunKey | None:
        """Whose row it is; None if the survey has not seen its owner (a damaged database)."""
        raw = row[1:4]
        key = self._keys.get(raw)
        if key is None and (key := self._runs.get(owner_of(*raw))) is not None:
            self._keys[raw] = key
        return key

    def _metrics(self, sink: Sink, row: Row, time_us: int, moment: Moment) -> None:
        step, auto = self._step(sink, row[5])
        data, is_plain = decode_object(row[FIXED])
        if is_plain:
            seq = sink.add_numbers(time_us, step.step, auto=auto, kind=METRIC, data=data)
            is_empty = not data
        else:
            parts = self._parts(sink, row, data, METRIC)
            texts = [(trace.key, self._trace_text(sink, trace)) for trace in parts.traces]
            seq = sink.add_kinds(time_us, step.step, auto=auto, values=parts.values)
            for name, text in texts:
                sink.add(time_us, step.step, auto=auto, kind=TRACE, data={name: text})
            is_empty = not parts.values
        self._note(sink, row, seq, moment=moment, step=step, is_empty=is_empty)

    def _system(self, sink: Sink, row: Row, time_us: int, moment: Moment) -> None:
        data, is_plain = decode_object(row[FIXED])
        if is_plain:
            seq = sink.add_numbers(time_us, None, auto=False, kind=SYSTEM, data=data)
        else:
            parts = self._parts(sink, row, data, SYSTEM)
            seq = sink.add_kinds(time_us, None, auto=False, values=parts.values)
        self._note(sink, row, seq, moment=moment, step=Step(None), is_empty=not data)

    def _parts(self, sink: Sink, row: Row, data: dict[str, Any], kind: str) -> Parts:
        # Only bytes were encoded by versions that wrote "NaN" for NaN inside objects too.
        nested = isinstance(row[FIXED], bytes | dict)
        return sort_values(data, kind, attach=sink.attach, decodes_nested=nested)

    def _other(self, sink: Sink, row: Row, time_us: int, moment: Moment) -> None:
        step = parse_step(row[5])
        if self._table == ALERTS:
            title, text, level = row[FIXED : FIXED + 3]
            said = {
                "level": valid_text(level).lower() or "warn",
                "text": None if text is None else valid_text(text),
            }
            kind, key, value = ALERT, valid_text(title), Json(dump_text(said))
        else:
            kind, (key, value) = TRACE, self._table_trace(sink, row)
        seq = sink.add(time_us, step.step, auto=False, kind=kind, data={key: value})
        self._note(sink, row, seq, moment=moment, step=step)

    def _table_trace(self, sink: Sink, row: Row) -> tuple[str, Json]:
        key, index, messages, metadata, spans, identifier = row[FIXED : FIXED + 6]
        said = {
            "messages": decode_value(messages),
            "metadata": decode_value(metadata),
            "spans": decode_value(spans),
            "id": identifier,
        }
        trace = Trace(key=valid_text(key), index=index, said=said)
        return trace.key, self._trace_text(sink, trace)

    def _trace_text(self, sink: Sink, trace: Trace) -> Json:
        said = {"index": trace.index, **attach_all(trace.said, sink.attach)}
        said.pop("_type", None)
        text = dump_text(said)
        if len(text) <= _MAX_INLINE:
            return Json(text)
        stands = {"index": trace.index, "id": said.get("id"), **self._books.hold_trace(sink, text)}
        return Json(dump_text(stands))

    def _step(self, sink: Sink, raw: Any) -> tuple[Step, bool]:
        """The step of a metrics row, counted where there is none."""
        if type(raw) is int:
            if raw >= sink.next_step:
                sink.next_step = raw + 1
            return Step(raw), False
        step = parse_step(raw)
        is_counted = step.step is None
        if is_counted:
            step = Step(sink.next_step, step.raw)
        if step.step is not None and step.step >= sink.next_step:
            sink.next_step = step.step + 1
        return step, is_counted

    def _note(
        self, sink: Sink, row: Row, seq: int, *, moment: Moment, step: Step, is_empty: bool = False
    ) -> None:
        """Keep what the rows of the call do not say."""
        log_id, space_id = row[6], row[7]
        is_usual = not is_empty and moment.is_exact and step.raw is None and not self._shape.extras
        if is_usual and log_id is None and space_id is None:
            return
        if is_usual and type(log_id) is str and log_id.isascii() and space_id is None:
            note = Note(row[0], sink.plan.run_id, seq, log_id)
        else:
            others = {"time_us": moment.time_us, "step": step.step} if is_empty else {}
            note = self._full_note(sink, row, seq, moment=moment, step=step, others=others)
        self._aside(sink.plan.project).note(self._table, note)

    def _full_note(
        self,
        sink: Sink,
        row: Row,
        seq: int,
        *,
        moment: Moment,
        step: Step,
        others: dict[str, Any],
    ) -> Note:
        log_id, space_id, extras = row[6], row[7], row[self._known :]
        others |= dict(zip(self._shape.extras, extras, strict=True))
        return Note(
            place=row[0],
            run_id=sink.plan.run_id,
            seq=seq,
            log_id=None if log_id is None else valid_text(log_id),
            space_id=None if space_id is None else valid_text(space_id),
            timestamp=None if moment.is_exact or row[4] is None else valid_text(row[4]),
            zone_is_assumed=moment.is_assumed,
            step=step.raw,
            other=dump_text(printable(others)) if others else None,
        )

    def _aside(self, project: str) -> Aside:
        if project not in self._asides:
            self._asides[project] = self._books.aside(project, self._path)
        return self._asides[project]
