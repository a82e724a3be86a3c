"""Runs in TensorBoard's event files: every folder that has some is one. Writes nothing itself.

Scalars, histograms, images, sounds, texts and hyper-parameters come over, of TensorFlow 1 and 2,
PyTorch, JAX and tensorboardX; graphs, meshes and what other plugins store stay where they are
and are counted.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from trackio.errors import InvalidInput
from trackio.importers.feed import Feed
from trackio.importers.found import About
from trackio.importers.protobuf import BYTES, MalformedError, double, fields, packed, text
from trackio.importers.tfevents import Event, Said, Scalars, find_scalars, parse_event
from trackio.importers.tfrecords import Piece, read_first, read_pieces
from trackio.model import Value
from trackio.upkeep.migrate.names import derive_run_id
from trackio.values.audio import Audio
from trackio.values.histogram import MAX_BINS, Histogram
from trackio.values.image import Image
from trackio.values.markdown import Markdown

_MARK: Final = "tfevents"
_MAX_STEP: Final = (1 << 63) - 1
_HPARAMS: Final = "hparams"


def find_event_runs(root: Path, project: str, name: str | None = None) -> list["EventRun"]:
    """Every folder at or below `root` with event files, or the one file that it is.

    Args:
        root: where to look.
        project: the project that the runs will be of.
        name: what the run is called; several are called so and by their folder.

    Raises:
        InvalidInput: there is none.
    """
    root = root.expanduser().resolve()
    files = [root] if root.is_file() else sorted(root.rglob(f"*{_MARK}*"))
    folders: dict[Path, list[Path]] = {}
    for file in files:
        if file.is_file() and _MARK in file.name:
            folders.setdefault(file.parent, []).append(file)
    if not folders:
        raise InvalidInput(f"{root} has no event files: name the folder that TensorBoard is given")
    base = root.parent if root.is_file() else root
    return [
        EventRun(base, folder, found, project, _name(base, folder, name))
        for folder, found in sorted(folders.items())
    ]


def _name(base: Path, folder: Path, name: str | None) -> str:
    inner = folder.relative_to(base).as_posix()
    if inner == ".":
        return name or base.name or "root"
    return inner if name is None else f"{name}/{inner}"


class EventRun:
    """The event files of one folder."""

    def __init__(
        self, base: Path, folder: Path, files: list[Path], project: str, name: str
    ) -> None:
        self._files = files
        path = folder.relative_to(base).as_posix()
        sizes = [f"{file.name}={file.stat().st_size}" for file in files]
        self._plugins: dict[str, str] = {}
        self.about = About(
            tracker="tensorboard",
            path=base.name if path == "." else f"{base.name}/{path}",
            project=project,
            run_id=derive_run_id("tensorboard", f"{project}/{files[0].name}", name),
            name=name,
            identity=("tensorboard", project, name, files[0].name),
            state=" ".join(sizes),
            created_us=_first_time_us(files[0]),
            origin={"files": [file.name for file in files]},
        )

    def feed(self, feed: Feed) -> None:
        """Every event, in the order in which it was written."""
        for file in self._files:
            for piece in read_pieces(file):
                self._feed_piece(piece, file.name, feed)

    def _feed_piece(self, piece: Piece, name: str, feed: Feed) -> None:
        found = find_scalars(piece)
        _check_plugins(found, self._plugins)
        waiting = 0
        for place in np.flatnonzero(found.code < 0).tolist():
            feed.points(_points(found, waiting, place))
            waiting = place + 1
            if place in piece.bad:
                feed.quarantine(f"{name}, record {place}", "its checksum is wrong")
            else:
                self._feed_event(piece, place, name, feed)
        feed.points(_points(found, waiting, len(found.code)))
        if piece.broken:
            feed.quarantine(name, piece.broken)

    def _feed_event(self, piece: Piece, place: int, name: str, feed: Feed) -> None:
        start = int(piece.starts[place])
        try:
            event = parse_event(piece.data[start : start + int(piece.sizes[place])])
        except (MalformedError, TypeError) as exc:
            feed.quarantine(f"{name}, record {place}", f"it is no event: {exc}")
            return
        if event.other is not None and not event.values:
            feed.keep()
        for said in event.values:
            self._feed_value(event, said, feed)

    def _feed_value(self, event: Event, said: Said, feed: Feed) -> None:
        time_us = round(event.time_s * 1e6)
        plugin = said.plugin or self._plugins.get(said.tag)
        if said.plugin:
            self._plugins[said.tag] = said.plugin
        if said.simple is not None:
            feed.numbers(time_us, event.step, {said.tag: said.simple})
            return
        if plugin == _HPARAMS:
            config = _hparams(said.content)
            if config:
                feed.config(time_us, config)
            feed.keep()
            return
        try:
            value = _value(said, plugin)
        except (MalformedError, ValueError, IndexError) as exc:
            feed.quarantine(f"{said.tag!r} at step {event.step}", str(exc))
            return
        if value is None:
            feed.keep()
            feed.note(f"what the plugin {plugin!r} stored stays where it is")
        elif isinstance(value, float):
            feed.numbers(time_us, event.step, {said.tag: value})
        else:
            feed.log(time_us, event.step, {said.tag: value})


def _points(found: Scalars, start: int, end: int) -> list[tuple[int, int | None, str, float]]:
    """The single numbers between two places."""
    part = slice(start, end)
    times_us = (found.time_s[part] * 1e6).round().astype(np.int64).tolist()
    keys = map(found.tags.__getitem__, found.code[part].tolist())
    steps, values = found.step[part].tolist(), found.value[part].tolist()
    return list(zip(times_us, steps, keys, values, strict=True))


def _check_plugins(found: Scalars, plugins: dict[str, str]) -> None:
    for tag in found.tags:
        plugins.setdefault(tag, "scalars")


def _first_time_us(file: Path) -> int:
    """When the first event was written: the one that tells the version of the file."""
    try:
        return round(parse_event(read_first(file)).time_s * 1e6)
    except (MalformedError, TypeError):
        return int(file.stat().st_mtime_ns // 1000)


def _value(said: Said, plugin: str | None) -> Any:
    """What a value is, as `trackio.log` takes it; None if nothing here knows its plugin."""
    if said.histogram is not None:
        return _old_histogram(said.histogram)
    if said.image is not None:
        return Image(_inner_bytes(said.image, 4))
    if said.audio is not None:
        return Audio(_inner_bytes(said.audio, 4))
    reader = _READERS.get(plugin or "")
    return None if said.tensor is None or reader is None else reader(said)


def _scalar(said: Said) -> float:
    (number,) = _tensor_numbers(said)
    return float(number)


def _histogram(said: Said) -> Histogram:
    numbers = _tensor_numbers(said)
    rows = [numbers[at : at + 3] for at in range(0, len(numbers) - 2, 3)]
    if not rows:
        return Histogram([])
    return _made([row[2] for row in rows], [row[0] for row in rows] + [rows[-1][1]])


def _images(said: Said) -> Any:
    pictures = [Image(data) for data in _tensor_texts(said)[2:]]
    return pictures[0] if len(pictures) == 1 else pictures


def _sounds(said: Said) -> Any:
    texts, shape = _tensor_texts(said), said.tensor.shape if said.tensor else ()
    width = shape[1] if len(shape) > 1 else 1
    sounds = [Audio(data) for data in texts[::width]]
    return sounds[0] if len(sounds) == 1 else sounds


def _texts(said: Said) -> Markdown:
    return Markdown("\n\n".join(map(text, _tensor_texts(said))))


_READERS: Final[dict[str, Callable[[Said], Any]]] = {
    "scalars": _scalar,
    "histograms": _histogram,
    "images": _images,
    "audio": _sounds,
    "text": _texts,
}


def _tensor_numbers(said: Said) -> list[float]:
    return [] if said.tensor is None else said.tensor.numbers


def _tensor_texts(said: Said) -> list[bytes]:
    return [] if said.tensor is None else said.tensor.texts


def _old_histogram(data: bytes) -> Histogram:
    """A `HistogramProto`: the right bound of each bin, and its count."""
    least, limits, counts = 0.0, list[float](), list[float]()
    most = 0.0
    for number, kind, value in fields(data):
        if number in (1, 2):
            least, most = (double(value), most) if number == 1 else (least, double(value))
        elif number == 6:
            limits += packed(kind, value, "d") if kind == BYTES else [double(value)]
        elif number == 7:
            counts += packed(kind, value, "d") if kind == BYTES else [double(value)]
    if not limits or len(limits) != len(counts):
        return Histogram([])
    bounds = [min(least, limits[0]), *limits]
    while len(counts) > 1 and not counts[0]:  # what lies below the least number
        counts, bounds = counts[1:], bounds[1:]
    while len(counts) > 1 and not counts[-1]:
        counts, bounds = counts[:-1], bounds[:-1]
    if bounds[-1] > 1e300:  # TensorFlow's last bin is open
        bounds[-1] = max(most, bounds[-2])
    return _made(counts, bounds)


def _made(counts: list[float], bounds: list[float]) -> Histogram:
    """A histogram; neighbours are put together while there are too many bins."""
    while len(counts) > MAX_BINS:
        if len(counts) % 2:
            counts, bounds = [*counts, 0.0], [*bounds, bounds[-1]]
        counts = [a + b for a, b in zip(counts[::2], counts[1::2], strict=True)]
        bounds = bounds[::2]
    if any(b < a for a, b in pairwise(bounds)):
        raise ValueError("the bounds of its bins are out of order")
    return Histogram(np_histogram=(counts, bounds))


def _inner_bytes(data: bytes, wanted: int) -> bytes:
    for number, kind, value in fields(data):
        if number == wanted and kind == BYTES:
            return bytes(value)
    raise MalformedError("it holds no file")


def _hparams(content: bytes) -> dict[str, Value]:
    """The hyper-parameters of a session that starts."""
    found: dict[str, Value] = {}
    for session in _all(content, 3):
        for entry in _all(session, 1):
            (key,), values = list(_all(entry, 1)) or [b""], list(_all(entry, 2))
            if key and values:
                found[text(key)] = _proto_value(values[0])
    return found


def _proto_value(data: bytes) -> Value:
    for number, _, value in fields(data):
        match number:
            case 2:
                return double(value)
            case 3:
                return text(value)
            case 4:
                return bool(value)
    return None


def _all(data: bytes, wanted: int) -> Iterator[bytes]:
    for number, kind, value in fields(data):
        if number == wanted and kind == BYTES:
            yield value
