"""What `meta.json` says of a run, as bytes and back. No store, no rows."""

from dataclasses import asdict
from typing import Any

import orjson

from trackio.errors import UnreadableFile
from trackio.model import RunMeta


def encode_meta(meta: RunMeta) -> bytes:
    """The bytes of `meta.json`."""
    return orjson.dumps(asdict(meta), option=orjson.OPT_INDENT_2)


def decode_meta(data: bytes) -> RunMeta:
    """What `meta.json` says; fields of later versions are left out.

    Raises:
        UnreadableFile: not the JSON object that `meta.json` holds.
    """
    try:
        said = orjson.loads(data)
        return RunMeta(
            name=str(said["name"]),
            created=str(said["created"]),
            group=_text_or_none(said.get("group")),
            tags=tuple(map(str, said.get("tags") or ())),
            notes=_text_or_none(said.get("notes")),
            edited_at=_text_or_none(said.get("edited_at")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UnreadableFile(f"not a meta.json: {exc!r}") from exc


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
