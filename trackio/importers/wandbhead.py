"""What the first record of a `.wandb` file says of its run, and items as objects. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trackio.importers.protobuf import BYTES, MalformedError, fields
from trackio.importers.wandblog import (
    Broken,
    Item,
    read_items,
    read_records,
    read_time_us,
    texts_of,
)

RUN: Final = 17
_OWN: Final = frozenset({"_step", "_timestamp", "_runtime", "_wandb"})


@dataclass(slots=True)
class Head:
    """What the first record of a run says."""

    run_id: str = ""
    project: str = ""
    name: str = ""
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()
    host: str | None = None
    entity: str | None = None
    sweep_id: str | None = None
    start_us: int | None = None
    config: dict[str, Any] = field(default_factory=dict)


def read_head(file: Path) -> Head:
    """The run of a file; nothing is known of one whose first record is damaged."""
    for record in read_records(file):
        if isinstance(record, Broken):
            continue
        try:
            for number, kind, value in fields(record):
                if number == RUN and kind == BYTES:
                    return _parse_run(value)
        except (MalformedError, IndexError):
            continue
    return Head()


def _parse_run(data: bytes) -> Head:
    said = texts_of(data)

    def first(number: int) -> str | None:
        return said.get(number, [""])[0] or None

    head = Head(
        run_id=first(1) or "",
        project=first(3) or "",
        name=first(8) or "",
        group=first(6),
        job_type=first(7),
        notes=first(9),
        tags=tuple(said.get(10, ())),
        host=first(13),
        entity=first(2),
        sweep_id=first(12),
    )
    for number, kind, value in fields(data):
        if number == 4 and kind == BYTES:
            head.config = nest(read_items(value))
        elif number == 17 and kind == BYTES:
            head.start_us = read_time_us(value)
    return head


def nest(items: list[Item]) -> dict[str, Any]:
    """Items as one object: a path of several keys leads into objects."""
    row: dict[str, Any] = {}
    for key, value in items:
        if len(key) == 1:
            row[key[0]] = value
            continue
        inner = row
        for part in key[:-1]:
            known = inner.get(part)
            if not isinstance(known, dict):
                known = inner[part] = {}
            inner = known
        if key:
            inner[key[-1]] = value
    return row


def without_own(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without what wandb itself puts beside what users do."""
    return {key: value for key, value in said.items() if key.partition("/")[0] not in _OWN}
