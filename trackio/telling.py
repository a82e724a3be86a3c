"""Tell a webhook of one alert from the process that raised it. For a thread: it waits."""

import time
from collections.abc import Mapping
from typing import Any

from trackio import journal
from trackio.lifecycle import no_fork
from trackio.upkeep.alerts.due import Due
from trackio.upkeep.alerts.payload import digest_of, encode_payload

__all__ = ["digest_of", "tell"]


def tell(
    url: str,
    header: journal.Header,
    *,
    seq: int,
    title: str,
    said: Mapping[str, Any],
    step: int | None,
) -> None:
    """Send it, trying three times; the address may be one of the user's own network.

    Raises:
        PostError: it was not taken.
    """
    with no_fork():
        from trackio.upkeep.alerts.post import Poster
    due = Due(
        project=header.project,
        run_id=header.run_id,
        run=header.meta.name,
        writer_id=header.writer_id,
        seq=seq,
        time_s=time.time(),
        step=step,
        level=str(said["level"]),
        title=title,
        text=said["text"] or "",
    )
    Poster(allow_private=True).deliver(url, encode_payload(url, due))
