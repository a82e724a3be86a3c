"""A file that a run saved: what it is called, how large it is, and how to get it."""

import mimetypes
import shutil
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from trackio.artifacts.paths import local_path
from trackio.errors import InvalidInput
from trackio.query.files import Files
from trackio.query.frames import moment
from trackio.query.media import Media
from trackio.query.media_rows import MediaRow


class File:
    """A file of a run, as it was saved last."""

    def __init__(self, row: MediaRow, files: Files) -> None:
        self._row = row
        self._media = Media(row, files)

    def __repr__(self) -> str:
        return f"<File {self.name!r} of {self.size:,} bytes>"

    @property
    def name(self) -> str:
        """What it was saved as, with its folders."""
        return self._row.key

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return int(self._row.reference.get("size") or 0)

    @property
    def digest(self) -> str:
        """The SHA-256 of what it holds."""
        return str(self._row.reference["sha256"])

    @property
    def mimetype(self) -> str | None:
        """What its name says that it is, such as `text/plain`."""
        return mimetypes.guess_type(self.name)[0]

    @property
    def updated_at(self) -> datetime:
        """When it was saved."""
        return moment(self._row.time_s)

    @property
    def path(self) -> Path:
        """A local file with its bytes, not to be changed; fetched where the store is far away.

        Raises:
            NotFound: they are not in the store (any more, or yet).
            StoreUnavailable, StoreRefused: the store does not give them now.
        """
        return self._media.path

    def open(self) -> BinaryIO:
        """Its bytes as an open file; raises as `path` does."""
        return self.path.open("rb")

    def read(self) -> bytes:
        """Its bytes; raises as `path` does, and UnreadableFile where they are damaged."""
        return self._media.read()

    def download(
        self, root: str | PathLike[str] = ".", replace: bool = False, exist_ok: bool = False
    ) -> Path:
        """Copy it to a folder, under its own name; returns where it is then.

        Args:
            root: the folder.
            replace: write over a file that is there.
            exist_ok: leave a file that is there as it is.

        Raises:
            InvalidInput: there is such a file already, or no folder can hold its name.
            NotFound, StoreUnavailable, StoreRefused: as `path`.
        """
        target = local_path(Path(root).expanduser(), self.name)
        if target.exists() and not replace:
            if exist_ok:
                return target
            raise InvalidInput(
                f"{target} is there already: download(replace=True) writes over it, "
                "exist_ok=True leaves it"
            )
        source = self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(source, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return target
