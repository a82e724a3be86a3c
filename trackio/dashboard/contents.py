"""How much a project has of what pages show, so that empty pages can say so. Reads no bytes."""

from trackio.dashboard.meta import Meta
from trackio.model import ALERT, FILE, MEDIA, REPORT, TRACE
from trackio.query.view import View, rereads


def contents(meta: Meta) -> dict[str, int]:
    """How many keys or rows there are for each page."""
    view = meta.view
    return {
        "system": len(meta.system_codes),
        "media": _keys(view, MEDIA),
        "traces": _keys(view, TRACE),
        "reports": _keys(view, REPORT),
        "alerts": _said(view, ALERT),
        "files": _said(view, FILE),
    }


@rereads
def _keys(view: View, kind: str) -> int:
    return len({count.key for rows in view.counts(view.pieces(), kind).values() for count in rows})


@rereads
def _said(view: View, kind: str) -> int:
    return sum(row.kind == kind for rows in view.said(view.pieces()).values() for row in rows)
