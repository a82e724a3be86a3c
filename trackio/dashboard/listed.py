"""What runs said that pages list: alerts, reports, media, traces. Fetches bytes only of traces."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from trackio.dashboard.meta import Meta
from trackio.dashboard.run_page import plain
from trackio.dashboard.tables import Row
from trackio.model import MEDIA, REPORT, TRACE
from trackio.query.alerts import list_alerts
from trackio.query.media_rows import MediaRow, list_media
from trackio.query.view import View, rereads

MOST_ALERTS: Final = 5_000
MOST_MEDIA: Final = 20_000
_NOT_SHOWN: Final = frozenset({"_type", "_value", "bins", "values", "size", "sha256", "extension"})


def alerts(meta: Meta) -> Row:
    """All alerts, newest first."""
    found = list_alerts(meta.view)[::-1]
    return {
        "rev": meta.rev,
        "total": len(found),
        "alerts": [
            {
                "run": meta.run_codes.get(alert.run_id),
                "time_s": alert.time_s,
                "step": alert.step,
                "title": plain(alert.title),
                "text": plain(alert.text),
                "level": alert.level,
            }
            for alert in found[:MOST_ALERTS]
        ],
    }


def media(meta: Meta, run_ids: Iterable[str]) -> Row:
    """What these runs logged that is not a number, without bytes: by key, in order of step."""
    keys: dict[str, Row] = {}
    left = MOST_MEDIA
    for run_id in run_ids:
        for row in _rows(meta.view, run_id, MEDIA):
            of_key = keys.setdefault(row.key, {"key": plain(row.key), "items": []})
            if left > 0:
                of_key["items"].append(_item(meta, row))
                left -= 1
    return {"rev": meta.rev, "keys": list(keys.values()), "is_whole": left > 0}


def reports(meta: Meta) -> Row:
    """All reports, newest first."""
    found = [row for run in _with(meta.view, REPORT) for row in _rows(meta.view, run, REPORT)]
    found.sort(key=lambda row: -row.time_s)
    return {"rev": meta.rev, "reports": [_item(meta, row) for row in found[:MOST_ALERTS]]}


def trace_rows(meta: Meta, run_ids: Sequence[str]) -> list[MediaRow]:
    """The traces of these runs, newest first."""
    have = set(_with(meta.view, TRACE))
    found = [row for run in run_ids if run in have for row in _rows(meta.view, run, TRACE)]
    return sorted(found, key=lambda row: (-row.time_s, row.index or 0))


def place_of(meta: Meta, row: MediaRow) -> Row:
    """What names a value, so that it can be asked for."""
    return {
        "run": meta.run_codes[row.run_id],
        "writer": row.writer_id,
        "seq": row.seq,
        "key": plain(row.key),
        "index": row.index,
        "label": row.label,
        "step": row.step,
        "time_s": row.time_s,
        "type": row.type,
    }


def _item(meta: Meta, row: MediaRow) -> Row:
    said = row.reference
    item = {name: plain(value) for name, value in said.items() if name not in _NOT_SHOWN}
    place = {name: value for name, value in place_of(meta, row).items() if value not in (None, "")}
    if "sha256" in said:
        item["file"] = f"{said['sha256']}.{said.get('extension')}"
        item["size"] = said.get("size")
    else:
        item["value"] = plain(_inline(said))
    return {**item, **place}


def _inline(said: Mapping[str, Any]) -> Any:
    """A report is its text; anything else is all that its row says."""
    return said["_value"] if said.get("_type") == "trackio.markdown" else dict(said)


@rereads
def _with(view: View, kind: str) -> list[str]:
    """The runs that have rows of a kind."""
    return list(
        dict.fromkeys(p.run_id for p, rows in view.counts(view.pieces(), kind).items() if rows)
    )


def _rows(view: View, run_id: str, kind: str) -> list[MediaRow]:
    if run_id not in _with(view, kind):
        return []
    types = {REPORT: ("markdown",), TRACE: ("trace",)}.get(kind)
    rows = list_media(view, run_id)
    if types is not None:
        return [row for row in rows if row.type in types]
    return [row for row in rows if row.type not in ("markdown", "trace")]
