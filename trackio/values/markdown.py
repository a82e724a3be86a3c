"""Reports: text with Markdown in it."""

from typing import Any, ClassVar

from trackio.model import REPORT
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich


class Markdown(Rich):
    """A report.

    Args:
        text: what it says, in Markdown.
    """

    KIND: ClassVar[str] = REPORT
    TYPE: ClassVar[str] = "trackio.markdown"

    def __init__(self, text: str = "") -> None:
        self.text = text

    def encode(self, hold: Hold) -> dict[str, Any]:
        """The text itself."""
        del hold
        if not isinstance(self.text, str):
            raise UnstorableError(f"Markdown takes text, not a {type(self.text).__name__}")
        return {"_value": self.text}
