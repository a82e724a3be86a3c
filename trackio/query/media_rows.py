"""What runs logged that is not a number: images, tables, traces, reports. Decodes no picture.

A row holds a reference (`docs/values.md`); the bytes lie beside the shards of its writer and
are fetched by `media` when somebody asks for them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from trackio.model import MEDIA, REPORT, TRACE, RunId, WriterId
from trackio.query.history import HistoryRow
from trackio.query.lines import lines_of_runs
from trackio.query.view import View, rereads
from trackio.values.shallow import parse_json

KINDS: Final = (MEDIA, REPORT, TRACE)
_PREFIX: Final = "trackio."


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRow:
    """One value of one call; of a list each item is one, with its place as `index`."""

    project: str
    run_id: RunId
    writer_id: WriterId
    label: str
    seq: int
    time_s: float
    step: int | None
    key: str
    type: str
    index: int | None
    reference: Mapping[str, Any]


@rereads
def list_media(view: View, run_id: str, wanted: Sequence[str] | None = None) -> list[MediaRow]:
    """What a run logged under these keys, or all of it: by step, call, key and place."""
    run = RunId(run_id)
    lines = lines_of_runs(view, [run]).get(run, ())
    places = {a.writer_id: (line.label, a.offset) for line in lines for a in line.attempts}
    ordered, table = view.table(
        "media",
        view.pieces([run]),
        kinds=list(KINDS),
        keys=None if wanted is None else list(wanted),
    )
    rows = []
    for row in table.to_pylist():
        writer_id = ordered[row["piece"]].writer_id
        label, offset = places[writer_id]
        rows += [
            MediaRow(
                project=view.snapshot.project,
                run_id=run,
                writer_id=writer_id,
                label=label,
                seq=row["seq"],
                time_s=row["time_us"] / 1e6,
                step=None if row["step"] is None else row["step"] + offset,
                key=row["key"],
                type=kind,
                index=index,
                reference=said,
            )
            for kind, index, said in _items(row["kind"], row["text"])
        ]
    return sorted(rows, key=lambda row: (_last(row.step), row.time_s, row.key, row.index or 0))


@rereads
def list_media_keys(view: View, run_id: str | None = None) -> dict[str, int]:
    """The keys under which a run, or any run, logged media, and in how many calls."""
    pieces = view.pieces(None if run_id is None else [RunId(run_id)])
    found: dict[str, int] = {}
    for kind in KINDS:
        for counts in view.counts(pieces, kind).values():
            for count in counts:
                found[count.key] = found.get(count.key, 0) + count.rows
    return dict(sorted(found.items()))


def add_media(
    rows: list[HistoryRow], media: Iterable[MediaRow], wrap: Callable[[MediaRow], Any]
) -> list[HistoryRow]:
    """A history with media in it: each in the row of its step, made where there is none."""
    found = {(row.label, row.step): row for row in rows}
    for one in media:
        place = (one.label, one.step)
        row = found.setdefault(place, HistoryRow(one.label, one.step, one.time_s, {}))
        if one.index is None:
            row.values[one.key] = wrap(one)
        else:
            row.values.setdefault(one.key, []).append(wrap(one))
    return sorted(found.values(), key=lambda row: (row.label, _last(row.step), row.time_s))


def _items(kind: str, text: str | None) -> Iterator[tuple[str, int | None, Mapping[str, Any]]]:
    """The type, the place and the reference of each value in a row."""
    try:
        said = parse_json(text or "null")
    except orjson.JSONDecodeError:
        return
    if kind == TRACE and isinstance(said, dict):
        yield TRACE, said.get("index"), said
    elif isinstance(said, list):
        for index, item in enumerate(said):
            if is_reference(item):
                yield type_of(item), index, item
    elif is_reference(said):
        yield type_of(said), None, said


def is_reference(said: Any) -> bool:
    """Whether this stands for a value that is not a number."""
    return isinstance(said, dict) and str(said.get("_type", "")).startswith(_PREFIX)


def type_of(said: Mapping[str, Any]) -> str:
    """What a reference refers to, such as an image."""
    return str(said["_type"]).removeprefix(_PREFIX)


def _last(step: int | None) -> float:
    """A step to sort by: what has none comes last."""
    return float("inf") if step is None else step
