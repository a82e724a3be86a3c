"""What wandb keeps beside a run's history: console output, files, artifacts. Writes nothing itself.

Files of the run are those below `files/` that no media row refers to, what `save` linked among
them. An artifact comes over as one of ours if the files that wandb staged for it are still here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from trackio.artifacts.artifact import Artifact
from trackio.errors import InvalidInput
from trackio.importers.feed import Feed
from trackio.importers.protobuf import BYTES, fields, text
from trackio.importers.wandblog import texts_of

OUTPUT: Final = "output.log"
_MEDIA: Final = "media"
_OWN_TYPES: Final = frozenset({"run_table", "job", "wandb-history"})
"""Artifacts that wandb makes of what comes over anyway."""
_MOST_CONSOLE_BYTES: Final = 64 << 20


class Console:
    """What the run printed, from records, for where wandb was killed before it wrote a file."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        """A record of raw output: a piece of a line."""
        for number, kind, value in fields(data):
            if number == 3 and kind == BYTES and self._size < _MOST_CONSOLE_BYTES:
                self._parts.append(bytes(value))
                self._size += len(value)

    @property
    def text(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)


def saved_names(data: bytes) -> set[str]:
    """The files that a record of files names."""
    found = (texts_of(item).get(1, [""])[0] for n, k, item in fields(data) if (n, k) == (1, BYTES))
    return {name for name in found if name}


def feed_files(feed: Feed, folder: Path, saved: set[str], console: Console, time_us: int) -> None:
    """Every file of the run that is no media, and its console output."""
    found = dict(_files(folder, saved))
    for name, path in found.items():
        feed.file(time_us, name, path)
    if OUTPUT not in found and console.text:
        feed.file(time_us, OUTPUT, console.text)


def _files(folder: Path, saved: set[str]) -> Iterator[tuple[str, Path]]:
    """Links are followed only where wandb's own records name them: somebody saved those."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.partition("/")[0] != _MEDIA and path.is_file():
            inside = path.resolve().is_relative_to(folder.resolve())
            if inside or name in saved:
                yield name, path


def feed_artifact(feed: Feed, data: bytes, time_us: int) -> None:
    """An artifact that the run logged, if its files are here."""
    said = texts_of(data)
    name, kind = said.get(5, [""])[0], said.get(4, ["unspecified"])[0]
    if kind in _OWN_TYPES:
        return
    files = list(_entries(data))
    gone = [path for _, path in files if not path.is_file()]
    if not name or not files or gone:
        feed.note(
            f"the artifact {name!r} stays where it is: {len(gone)} of its {len(files)} files are "
            "gone from wandb's staging folder"
        )
        return
    try:
        artifact = Artifact(name, kind, said.get(7, [None])[0], _metadata(said))
        for inner, path in files:
            artifact.add_file(path, inner)
    except InvalidInput as exc:
        feed.quarantine(f"artifact {name!r}", str(exc))
        return
    feed.artifact(time_us, artifact, aliases=said.get(11, []))


def _entries(data: bytes) -> Iterator[tuple[str, Path]]:
    """The files of a manifest: their path in the artifact, and where wandb staged them."""
    for number, kind, manifest in fields(data):
        if (number, kind) != (12, BYTES):
            continue
        for inner, how, entry in fields(manifest):
            if (inner, how) == (4, BYTES):
                said = {n: text(v) for n, k, v in fields(entry) if k == BYTES and n in (1, 6)}
                if 1 in said:
                    yield said[1], Path(said.get(6, "")).absolute()


def _metadata(said: dict[int, list[str]]) -> dict[str, Any]:
    try:
        found = orjson.loads(said.get(8, ["{}"])[0])
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
