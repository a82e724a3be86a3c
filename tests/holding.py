"""A place for the bytes of values, in memory. Asserts nothing."""

from hashlib import sha256
from pathlib import Path

from trackio.values.rich import Held


class Holding:
    """Files bytes as a writer's media would, and gives them back."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}

    def __call__(self, content: bytes | Path, extension: str) -> Held:
        data = content.read_bytes() if isinstance(content, Path) else content
        held = Held(sha256(data).hexdigest(), extension, len(data))
        self.files[held[:2]] = data
        return held

    def of(self, reference: dict) -> bytes:
        """The bytes that a reference refers to."""
        return self.files[reference["sha256"], reference["extension"]]
