"""Traces: the messages of a conversation or an agent, and the spans of what it did."""

from collections.abc import Mapping
from typing import Any, ClassVar

from trackio.model import TRACE
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich, refer_inside


class Trace(Rich):
    """One conversation.

    Args:
        messages: `[{"role": "user", "content": "…"}, …]`, as OpenAI has them; media may stand
            anywhere in them.
        metadata: what is known of the whole.
        spans: what was done: dicts with `id`, `name`, `kind` ("span", "generation" or
            "tool"), and any of `parent_id`, `start_time`, `end_time`, `duration_ms`,
            `status`, `error`, `input`, `output`, `model`, `usage`, `cost_usd`, `metadata`.
    """

    KIND: ClassVar[str] = TRACE
    TYPE: ClassVar[str] = "trackio.trace"
    BRIEF: ClassVar[tuple[str, ...]] = ("index", "id")

    def __init__(
        self,
        messages: list[dict[str, Any]],
        metadata: Mapping[str, Any] | None = None,
        spans: list[dict[str, Any]] | None = None,
    ) -> None:
        self.messages = messages
        self.metadata = metadata
        self.spans = spans

    def encode(self, hold: Hold) -> dict[str, Any]:
        """All it says, with references in place of media."""
        return {
            "messages": refer_inside(_dicts(self.messages, "messages"), hold),
            "metadata": refer_inside(_dict(self.metadata, "metadata"), hold),
            "spans": refer_inside(_dicts(self.spans or [], "spans"), hold),
        }


def _dicts(given: Any, argument: str) -> list[Any]:
    items = list(given) if isinstance(given, list | tuple) else None
    if items is None or not all(isinstance(item, Mapping) for item in items):
        raise UnstorableError(f"{argument} takes a list of dicts")
    return items


def _dict(given: Any, argument: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UnstorableError(f"{argument} takes a dict")
    return given
