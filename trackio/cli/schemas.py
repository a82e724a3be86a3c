"""The JSON Schema of what each command prints with --json. Values only; prints nothing.

A command's fields are written as `name: type`, with `?` where it may be null; a test holds what
the commands print against it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NUMBER: Final = {"type": ["number", "string"], "description": 'NaN and infinities are "NaN", …'}
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"type": "string"},
    "time": {"type": "string", "description": "ISO 8601 in UTC"},
    "integer": {"type": "integer"},
    "number": _NUMBER,
    "flag": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "list": {"type": "array"},
    "object": {"type": "object"},
    "any": {},
}

_RUN: Final = (
    "id: text", "name: text", "status: text", "group: text?", "tags: texts", "notes: text?",
    "created: time", "started: time", "updated: time", "ended: time?", "last_step: integer?",
    "writers: integer", "host: text?", "resumed: flag",
)  # fmt: skip
_METRIC: Final = ("name: text", "kind: text", "runs: integer", "points: integer")
_MEDIA: Final = (
    "id: text", "key: text", "type: text", "run: text", "run_id: text", "step: integer?",
    "time: time", "caption: text?",
)  # fmt: skip
_DUE: Final = (
    "log_id: text", "time: time", "level: text", "title: text", "text: text", "project: text",
    "run: text", "run_id: text", "step: integer?", "rule: text?",
)  # fmt: skip
_ABOUT_RUN: Final = ("project: text", "run_id: text", "run_name: text")

LISTS: Final[Mapping[str, tuple[str, Sequence[str], Sequence[str]]]] = {
    "list projects": (
        "projects", ("store: text",), ("name: text", "runs: integer", "updated: time?")
    ),
    "list runs": ("runs", ("project: text",), _RUN),
    "list metrics": ("metrics", ("project: text",), _METRIC),
    "list system-metrics": ("metrics", ("project: text",), _METRIC),
    "list alerts": (
        "alerts",
        ("project: text",),
        (
            "log_id: text", "time: time", "level: text", "title: text", "text: text",
            "run: text?", "run_id: text", "step: integer?",
        ),
    ),
    "list media": ("media", ("project: text",), _MEDIA),
    "list traces": ("traces", ("project: text",), _MEDIA),
    "list reports": ("reports", ("project: text",), _MEDIA),
    "list files": (
        "files",
        ("project: text",),
        (
            "name: text", "size: integer?", "sha256: text", "run: text", "run_id: text",
            "time: time",
        ),
    ),
    "get metric": (
        "points", (*_ABOUT_RUN, "metric: text"), ("step: integer?", "time: time", "value: number")
    ),
    "get system-metric": (
        "points", (*_ABOUT_RUN, "metric: text"), ("step: integer?", "time: time", "value: number")
    ),
    "get snapshot": (
        "values",
        _ABOUT_RUN,
        ("metric: text", "series: text", "step: integer?", "time: time", "value: number"),
    ),
    "diagnose": (
        "symptoms",
        ("project: text", "looked_at_runs: integer", "of_runs: integer"),
        (
            "level: text", "kind: text", "run: text", "run_id: text", "metric: text?",
            "step: integer?", "message: text",
        ),
    ),
    "alert rules": (
        "rules",
        ("file: text", "webhooks: list"),
        (
            "name: text", "when: text", "level: text", "project: text", "run: text",
            "metric: text", "above: number?", "below: number?", "minutes: number?",
        ),
    ),
    "alert test": ("webhooks", (), ("webhook: text", "error: text?")),
}  # fmt: skip
"""Commands that print a list: its name, what it is about, and the fields of an item."""

OTHERS: Final[Mapping[str, Sequence[str]]] = {
    "get project": (
        "project: text", "store: text", "runs: integer", "statuses: object", "metrics: integer",
        "newest_run: text?", "updated: time?",
    ),
    "get run": ("project: text", "run: object"),
    "get trace": ("project: text", "id: text", "key: text", "step: integer?", "trace: object"),
    "get report": ("project: text", "id: text", "key: text", "step: integer?", "report: text"),
    "get file": (
        "project: text", "run_id: text", "name: text", "path: text", "size: integer",
        "sha256: text",
    ),
    "query": ("columns: texts", "rows: list"),
    "compare": (
        "project: text", "runs: list", "config: object", "same_config: any", "metrics: object"
    ),
    "tag": (
        "project: text", "run_id: text", "name: text", "tags: texts", "group: text?", "notes: text?"
    ),
    "export": (
        "project: text", "file: text", "format: text", "rows: integer", "columns: texts"
    ),
    "alert run": ("told: list", "waiting: list", "given_up: list"),
    "alert add": ("file: text", "rules: list"),
}  # fmt: skip
"""Commands that print something else, in the same envelope."""

_ENVELOPE: Final = (
    "total: integer?", "returned: integer", "truncated: flag", "left_out: text?", "as_of: time",
    "warnings: texts",
)  # fmt: skip


def schema_of(command: str) -> dict[str, Any] | None:
    """The JSON Schema of a command's answer; None if it has none of its own."""
    if command in LISTS:
        kind, about, fields = LISTS[command]
        schema = _object([*about, *_ENVELOPE])
        is_loose = command.startswith("get ")
        items = {"type": "array", "items": _object(fields, is_loose=is_loose)}
        schema["properties"] |= {kind: items}
        if not is_loose:
            schema["required"] += [kind]
    elif command in OTHERS:
        schema = _object([*OTHERS[command], *_ENVELOPE])
    else:
        return None
    return {"$schema": DIALECT, "title": f"trackio {command} --json", **schema}


def names() -> list[str]:
    """The commands that have a schema."""
    return [*LISTS, *OTHERS]


def _object(fields: Sequence[str], *, is_loose: bool = False) -> dict[str, Any]:
    """An object that has these fields; others may come in later versions.

    A loose one may leave some out: samples have other fields than points.
    """
    split = [field.split(": ") for field in fields]
    properties = {name: _type(said) for name, said in split}
    required = [] if is_loose else list(properties)
    return {"type": "object", "properties": properties, "required": required}


def _type(said: str) -> Mapping[str, Any]:
    found = dict(_TYPES[said.rstrip("?")])
    if said.endswith("?"):
        kinds = found["type"]
        found["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    return found
