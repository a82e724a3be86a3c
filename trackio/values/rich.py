"""What every value has in common that is more than a number or a text. No disk, no store.

A rich value is encoded when it is logged, not when it is made: it becomes a small JSON object,
the reference, and its bytes go through `Hold` to wherever media are filed. The objects are
described in `docs/values.md`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from trackio.model import MEDIA, Json
from trackio.values.plain import MAX_INLINE, UnstorableError, dump_text


class Held(NamedTuple):
    """Where bytes were filed: by their content."""

    sha256: str
    extension: str
    size: int


class Hold(Protocol):
    """Files bytes, or the bytes of a local file, and says under which name."""

    def __call__(self, content: bytes | Path, extension: str) -> Held:
        """File `content`.

        Raises:
            OSError: it cannot be read, or not be written.
        """


class Rich:
    """A value with bytes of its own, or with more structure than a row can hold."""

    KIND: ClassVar[str] = MEDIA
    """The kind of the rows that refer to it."""
    TYPE: ClassVar[str]
    """What the reference says of itself."""
    BRIEF: ClassVar[tuple[str, ...]] = ("_type",)
    """What of a long reference stands in the row itself; the whole is filed."""

    def encode(self, hold: Hold) -> dict[str, Any]:
        """The reference, without its `_type`; its bytes are filed.

        Raises:
            UnstorableError: it holds nothing that can be stored.
            OSError: a file cannot be read, or its bytes not be filed.
        """
        raise NotImplementedError


def refer(value: Rich, hold: Hold) -> dict[str, Any]:
    """The whole reference of a value; what nobody said is left out."""
    said = {"_type": value.TYPE, **value.encode(hold)}
    return {name: part for name, part in said.items() if part is not None}


def refer_inside(value: Any, hold: Hold) -> Any:
    """`value` with a reference in place of every rich value in it."""
    if isinstance(value, Rich):
        return refer(value, hold)
    if isinstance(value, Mapping):
        return {key: refer_inside(inner, hold) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [refer_inside(inner, hold) for inner in value]
    return value


def dump_within(said: Mapping[str, Any], hold: Hold, brief: tuple[str, ...]) -> Json:
    """The text of a row that says this; where it is long, what is brief and the file that does."""
    text = dump_text(said)
    if len(text) <= MAX_INLINE:
        return Json(text)
    stands = {name: said[name] for name in brief if said.get(name) is not None}
    return Json(dump_text({**stands, **hold(text.encode(), "json")._asdict()}))


def check_text(value: object, argument: str) -> str | None:
    """A caption and its like: text, or something that is shown as such."""
    if value is None or isinstance(value, str):
        return value
    try:
        return str(value)
    except Exception as exc:
        raise UnstorableError(f"its {argument} is not text: {exc!r}") from exc
