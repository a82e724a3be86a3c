"""One value that is not a number, in the hands of somebody who reads: its bytes, its content.

Nothing is fetched before it is asked for. Pictures are not decoded here, and files are checked
against their hash.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson

from trackio import keys
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.query.files import Files, VanishedError
from trackio.query.media_rows import MediaRow, is_reference, type_of

if TYPE_CHECKING:
    import pandas as pd

_TABLES: Final = ("table", "histogram")


class Media:
    """A value that is not a number, as it was logged."""

    def __init__(self, row: MediaRow, files: Files) -> None:
        self._row = row
        self._files = files

    def __repr__(self) -> str:
        where = "" if self.step is None else f" at step {self.step}"
        return f"<{self.type} {self.key!r}{where}>"

    @property
    def key(self) -> str:
        """What it was logged as."""
        return self._row.key

    @property
    def step(self) -> int | None:
        """The step of its call."""
        return self._row.step

    @property
    def time_s(self) -> float:
        """When it was logged, in seconds since 1970."""
        return self._row.time_s

    @property
    def index(self) -> int | None:
        """Its place, if it was logged in a list."""
        return self._row.index

    @property
    def type(self) -> str:
        """image, video, audio, html, object3d, table, histogram, trace, markdown, json or text."""
        return self._row.type

    @property
    def caption(self) -> str | None:
        """The text that goes with it."""
        return self.reference.get("caption")

    @property
    def reference(self) -> Mapping[str, Any]:
        """What its row says."""
        return self._row.reference

    @property
    def key_in_store(self) -> str | None:
        """Where its bytes are in the store; None if its row is all there is.

        Raises:
            UnreadableFile: no file can be called what its row says.
        """
        said = self.reference
        if "sha256" not in said:
            return None
        row = self._row
        key = str(
            keys.MediaKey(
                row.project,
                row.run_id,
                row.writer_id,
                str(said["sha256"]),
                str(said.get("extension")),
            )
        )
        if not isinstance(keys.parse(key), keys.MediaKey):
            raise UnreadableFile(f"{self!r} refers to no file: {dict(said)!r}")
        return key

    @property
    def path(self) -> Path:
        """The local file with its bytes; fetched where the store is not a directory.

        Raises:
            InvalidInput: it has no bytes of its own.
            NotFound: they are not in the store (any more, or yet).
            StoreUnavailable, StoreRefused: the store does not give them now.
        """
        key = self.key_in_store
        if key is None:
            raise InvalidInput(f"{self!r} has no file: ask for load()")
        try:
            path = Path(self._files.paths([key])[key])
        except VanishedError as exc:
            raise NotFound(f"the bytes of {self!r} are not in the store: {key}") from exc
        if not path.is_file():
            raise NotFound(f"the bytes of {self!r} are not in the store: {key}")
        return path

    def open(self) -> BinaryIO:
        """Its bytes as an open file; raises as `path` does."""
        return self.path.open("rb")

    def read(self) -> bytes:
        """Its bytes; raises as `path` does, and where they are damaged.

        Raises:
            UnreadableFile: they are not what was logged.
        """
        data = self.path.read_bytes()
        if sha256(data).hexdigest() != self.reference["sha256"]:
            raise UnreadableFile(f"the bytes of {self!r} are damaged: {self.path}")
        return data

    def load(self) -> Any:
        """What it says: the JSON of a table, a histogram, a trace, a long value; text; bytes."""
        if "sha256" not in self.reference:
            said: Any = self.reference
        elif self.reference.get("extension") == "json":
            said = orjson.loads(self.read())
        elif self.type == "text":
            return self.read().decode()
        else:
            return self.read()
        return said["_value"] if self.type == "markdown" else said

    def to_pandas(self) -> "pd.DataFrame":
        """A table or a histogram as a DataFrame; media in cells are `Media` too.

        Raises:
            InvalidInput: it is neither.
        """
        import pandas as pd

        if self.type not in _TABLES:
            raise InvalidInput(f"{self!r} is no table")
        said = self.load()
        if self.type == "histogram":
            bins = said["bins"]
            return pd.DataFrame({"left": bins[:-1], "right": bins[1:], "count": said["values"]})
        rows = [{name: self._cell(cell) for name, cell in row.items()} for row in said["_value"]]
        return pd.DataFrame(rows, columns=said.get("columns"))

    def _cell(self, cell: Any) -> Any:
        if isinstance(cell, list):
            return [self._cell(item) for item in cell]
        if not is_reference(cell):
            return cell
        inner = replace(self._row, type=type_of(cell), index=None, reference=cell)
        return Media(inner, self._files)
