"""Traces as a list tells them: how long, how much, how it began. Knows no store, no HTTP."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from trackio.dashboard.run_page import plain
from trackio.errors import TrackioError
from trackio.query.media_rows import MediaRow

_SEARCHED: Final = 2_000
"""So many of the newest traces are looked through; more would be slow where each is a file."""
_EXCERPT: Final = 160

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TracePage:
    """Some traces with what they say, and how many there are."""

    total: int
    traces: Sequence[tuple[MediaRow, Said]]


def trace_page(
    rows: Sequence[MediaRow],
    load: Callable[[MediaRow], Said],
    *,
    find: str,
    offset: int,
    limit: int,
) -> TracePage:
    """Those in which the text `find` stands anywhere; without one nothing else is loaded."""
    if not find:
        return TracePage(
            len(rows), [(row, _try(load, row)) for row in rows[offset : offset + limit]]
        )
    wanted = find.casefold()
    loaded = ((row, _try(load, row)) for row in rows[:_SEARCHED])
    found = [
        pair for pair in loaded if wanted in orjson.dumps(pair[1], default=str).decode().casefold()
    ]
    return TracePage(len(found), found[offset : offset + limit])


def _try(load: Callable[[MediaRow], Said], row: MediaRow) -> Said:
    """A trace whose bytes are not there is told as such."""
    try:
        return load(row)
    except TrackioError as exc:
        return {"problem": str(exc)}


def tell(said: Said) -> dict[str, Any]:
    """The line of one trace."""
    spans = [span for span in said.get("spans") or () if isinstance(span, Mapping)]
    messages = [m for m in said.get("messages") or () if isinstance(m, Mapping)]
    metadata = said.get("metadata") or {}
    failed = any(span.get("error") or span.get("status") == "error" for span in spans)
    return {
        "problem": said.get("problem"),
        "messages": len(messages),
        "spans": len(spans),
        "status": "error" if failed else "ok",
        "duration_ms": _duration_ms(spans, metadata),
        "tokens": _tokens(spans),
        "cost_usd": _sum(span.get("cost_usd") for span in spans),
        "begin": plain(_begin(messages)),
    }


def _begin(messages: Iterable[Said]) -> str:
    """How the conversation begins: the first thing a user says, else the first thing said."""
    listed = list(messages)
    first = next((m for m in listed if m.get("role") == "user"), listed[0] if listed else {})
    content = first.get("content", "")
    text = content if isinstance(content, str) else orjson.dumps(content, default=str).decode()
    return text[:_EXCERPT]


def _duration_ms(spans: Iterable[Said], metadata: Any) -> float | None:
    known = [s["duration_ms"] for s in spans if isinstance(s.get("duration_ms"), int | float)]
    roots = [
        s["duration_ms"]
        for s in spans
        if not s.get("parent_id") and isinstance(s.get("duration_ms"), int | float)
    ]
    if roots or known:
        return float(max(roots or known))
    said = metadata.get("latency_ms") if isinstance(metadata, Mapping) else None
    return float(said) if isinstance(said, int | float) else None


def _tokens(spans: Iterable[Said]) -> int | None:
    usages = [s["usage"] for s in spans if isinstance(s.get("usage"), Mapping)]
    totals = [
        u.get("total_tokens")
        or sum(v for k, v in u.items() if k.endswith("tokens") and isinstance(v, int | float))
        for u in usages
    ]
    return int(sum(totals)) if totals else None


def _sum(numbers: Iterable[Any]) -> float | None:
    found = [number for number in numbers if isinstance(number, int | float)]
    return float(sum(found)) if found else None
