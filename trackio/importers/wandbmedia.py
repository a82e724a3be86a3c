"""Turn what wandb's history says of media into values that `trackio.log` takes. Writes nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import orjson

from trackio.values.audio import Audio
from trackio.values.files import hold_file
from trackio.values.histogram import MAX_BINS, Histogram
from trackio.values.html import Html
from trackio.values.image import Image
from trackio.values.object3d import Object3D
from trackio.values.rich import Hold, Rich
from trackio.values.table import Table
from trackio.values.video import Video

Note = Callable[[str], None]
_MAKERS: Final[Mapping[str, Callable[..., Rich]]] = {
    "image-file": Image,
    "audio-file": Audio,
    "video-file": Video,
    "object3D-file": Object3D,
}
_LISTS: Final = {
    "images/separated": ("image-file", "filenames"),
    "images": ("image-file", "filenames"),
    "audio": ("audio-file", "audio"),
    "videos": ("video-file", "videos"),
    "html": ("html-file", "html"),
    "object3D": ("object3D-file", "filenames"),
}


class File(Rich):
    """A file that nothing here knows how to show."""

    TYPE: ClassVar[str] = "trackio.file"

    def __init__(self, path: Path, caption: str | None = None, was: str | None = None) -> None:
        self._path = path
        self._caption = caption
        self._was = was

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its bytes, and what wandb called it."""
        held = hold_file(self._path, hold, "bin")
        return {**held._asdict(), "caption": self._caption, "wandb_type": self._was}


def has_types(value: Any) -> bool:
    """Whether it is, or holds, an object that says its type."""
    if isinstance(value, dict):
        return isinstance(value.get("_type"), str) or any(map(has_types, value.values()))
    return isinstance(value, list) and any(map(has_types, value))


def convert(value: Any, folder: Path, note: Note) -> Any:
    """The value with our own in place of wandb's; what cannot be found stays as it is, noted.

    Args:
        value: as the history has it.
        folder: where the files of the run lie.
        note: told what could not be brought over.
    """
    if isinstance(value, list):
        return [convert(item, folder, note) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("_type")
    if not isinstance(kind, str):
        return {key: convert(inner, folder, note) for key, inner in value.items()}
    if kind == "histogram":
        return _histogram(value)
    if kind in _LISTS:
        return _list(value, *_LISTS[kind], folder, note)
    return _file(value, kind, folder, note)


def _histogram(said: Mapping[str, Any]) -> Histogram:
    counts = list(said.get("values") or [])
    packed = said.get("packedBins")
    if packed:
        bounds = [packed["min"] + packed["size"] * at for at in range(int(packed["count"]) + 1)]
    else:
        bounds = list(said.get("bins") or [])
    if not counts or len(bounds) != len(counts) + 1:
        return Histogram([])
    while len(counts) > MAX_BINS:  # neighbours are put together
        if len(counts) % 2:
            counts, bounds = [*counts, 0], [*bounds, bounds[-1]]
        pairs = np.asarray(counts).reshape(-1, 2)
        counts, bounds = pairs.sum(axis=1).tolist(), bounds[::2]
    return Histogram(np_histogram=(counts, bounds))


def _list(said: Mapping[str, Any], kind: str, names: str, folder: Path, note: Note) -> list[Any]:
    captions = said.get("captions") or []
    found = []
    for place, item in enumerate(said.get(names) or []):
        one = {"path": item} if isinstance(item, str) else dict(item)
        if place < len(captions) and captions[place]:
            one.setdefault("caption", captions[place])
        found.append(convert({"_type": kind, **one}, folder, note))
    return found


def _file(said: Mapping[str, Any], kind: str, folder: Path, note: Note) -> Any:
    path = _find(said.get("path"), folder)
    if path is None:
        note(f"the file of a {kind} is gone: {said.get('path')!r}")
        return {key: value for key, value in said.items() if key != "_type"} | {"wandb_type": kind}
    if kind == "table-file" and (table := _table(path, folder, note)) is not None:
        return table
    caption = said.get("caption")
    if kind == "html-file":
        return Html(path, inject=False, caption=caption)
    if said.get("masks") or said.get("boxes"):
        note(f"masks and boxes of a {kind} stay where they are")
    if kind in _MAKERS:
        return _MAKERS[kind](path, caption=caption)
    return File(path, caption, kind)


def _table(path: Path, folder: Path, note: Note) -> Table | None:
    try:
        said = orjson.loads(path.read_bytes())
        columns, rows = said["columns"], said["data"]
    except (ValueError, KeyError, TypeError):
        return None
    return Table(columns=columns, data=[convert(row, folder, note) for row in rows])


def _find(said: Any, folder: Path) -> Path | None:
    """A file of the run; nothing outside its folder."""
    if not isinstance(said, str) or not said:
        return None
    path = (folder / said).resolve()
    return path if path.is_file() and path.is_relative_to(folder.resolve()) else None
