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
Labels = Mapping[str, Any]
_NO_LABELS: Final[Labels] = {}
_DELIMITER: Final = "_wandb_delimeter_"
"""As wandb spells it."""
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


def class_labels(config: Mapping[str, Any]) -> dict[str, Any]:
    """The names of classes in masks, as wandb keeps them beside the config: by `key` and mask."""
    said = config.get("_wandb")
    found = said.get("mask/class_labels") if isinstance(said, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: one.get("value") for name, one in found.items() if isinstance(one, Mapping)}


def labels_of(key: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """The names of classes by mask, of the images under one key."""
    start = f"{key}{_DELIMITER}"
    return {name[len(start) :]: said for name, said in known.items() if name.startswith(start)}


def convert(value: Any, folder: Path, note: Note, labels: Labels = _NO_LABELS) -> Any:
    """The value with our own in place of wandb's; what cannot be found stays as it is, noted.

    Args:
        value: as the history has it.
        folder: where the files of the run lie.
        note: told what could not be brought over.
        labels: the names of classes by mask.
    """
    if isinstance(value, list):
        return [convert(item, folder, note, labels) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("_type")
    if not isinstance(kind, str):
        return {key: convert(inner, folder, note, labels) for key, inner in value.items()}
    if kind == "histogram":
        return _histogram(value)
    if kind in _LISTS:
        inner, names = _LISTS[kind]
        return _list(value, folder, note, labels, kind=inner, names=names)
    return _file(value, kind, folder, note, labels)


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


def _list(
    said: Mapping[str, Any], folder: Path, note: Note, labels: Labels, *, kind: str, names: str
) -> list[Any]:
    captions = said.get("captions") or []
    found = []
    for place, item in enumerate(said.get(names) or []):
        one = {"path": item} if isinstance(item, str) else dict(item)
        if place < len(captions) and captions[place]:
            one.setdefault("caption", captions[place])
        found.append(convert({"_type": kind, **one}, folder, note, labels))
    return found


def _file(said: Mapping[str, Any], kind: str, folder: Path, note: Note, labels: Labels) -> Any:
    path = _find(said.get("path"), folder)
    if path is None:
        note(f"the file of a {kind} is gone: {said.get('path')!r}")
        return {key: value for key, value in said.items() if key != "_type"} | {"wandb_type": kind}
    if kind == "table-file" and (table := _table(path, folder, note)) is not None:
        return table
    caption = said.get("caption")
    if kind == "html-file":
        return Html(path, inject=False, caption=caption)
    if kind == "image-file" and (said.get("masks") or said.get("boxes")):
        masks = _masks(said.get("masks"), folder, note, labels)
        return Image(path, caption=caption, masks=masks, boxes=_boxes(said, folder, note))
    if kind in _MAKERS:
        return _MAKERS[kind](path, caption=caption)
    return File(path, caption, kind)


def _masks(said: Any, folder: Path, note: Note, labels: Labels) -> dict[str, Any]:
    """The masks of an image by name: files whose levels are class ids."""
    found: dict[str, Any] = {}
    for name, mask in (said or {}).items():
        if path := _find(mask.get("path"), folder):
            found[name] = {"path": path, "class_labels": labels.get(name)}
        else:
            note(f"the file of a mask is gone: {mask.get('path')!r}")
    return found


def _boxes(said: Mapping[str, Any], folder: Path, note: Note) -> dict[str, Any]:
    """The boxes of an image by name, from the files that wandb wrote."""
    found: dict[str, Any] = {}
    for name, boxes in (said.get("boxes") or {}).items():
        path = _find(boxes.get("path"), folder)
        try:
            found[name] = boxes if path is None else orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError:
            note(f"the boxes {boxes.get('path')!r} cannot be read")
            continue
        if "box_data" not in found[name]:
            note(f"the file of boxes is gone: {boxes.get('path')!r}")
            del found[name]
    return found


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
