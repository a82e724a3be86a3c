"""Which files a `save` means, and under which names they are kept. Reads none of them.

Names follow wandb's: relative to `base_path`; without one to the folder that the process works in,
or for an absolute pattern to the folder above its own, so that one level of folders is kept.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape, has_magic
from glob import glob as list_matches
from pathlib import Path, PurePath
from typing import Any

from trackio.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Files that are meant: an absolute pattern, and the folder that their names begin in."""

    pattern: str
    base: str

    @property
    def files(self) -> dict[str, Path]:
        """The files that match now, and all below folders that do, by the names they are kept as.

        Raises:
            OSError, ValueError: the system knows no such path.
        """
        found = sorted(path for match in self._matches() for path in _files_of(match))
        return {_name(path, self.base): Path(path) for path in found}

    def _matches(self) -> list[str]:
        return list_matches(self.pattern, recursive=True)  # noqa: PTH207 - the pattern is absolute


def make_wanted(
    pattern: Any, base: Any = None, *, is_glob: bool = True, run_dir: str | None = None
) -> Wanted:
    """What is meant by the arguments of `save`; folders are those of this moment.

    Args:
        pattern: a path, or a pattern as `glob` has them.
        base: the folder that names are relative to.
        is_glob: whether `*`, `?` and `[` are more than characters.
        run_dir: the folder that a run has for files of its own; names below it begin there.

    Raises:
        InvalidInput: it names no files.
    """
    said = _path(pattern, "save()")
    whole = os.path.abspath(said)  # noqa: PTH100 - a pattern is no path
    if base is not None:
        root = os.path.abspath(_path(base, "base_path="))  # noqa: PTH100
    elif run_dir is not None and whole.startswith(run_dir + os.sep):
        root = run_dir
    elif not os.path.isabs(said):  # noqa: PTH117
        root = os.getcwd()  # noqa: PTH109
    else:
        root = _unmagic(os.path.dirname(os.path.dirname(whole)))  # noqa: PTH120
    # A file whose own name looks like a pattern is meant itself.
    is_itself = not is_glob or os.path.exists(whole)  # noqa: PTH110
    return Wanted(pattern=escape(whole) if is_itself else whole, base=root)


def _path(said: Any, argument: str) -> str:
    try:
        path = os.path.expanduser(os.fsdecode(said))  # noqa: PTH111
    except TypeError:
        raise InvalidInput(f"{argument} takes a path, not a {type(said).__name__}") from None
    if (
        not path
        or "\0" in path
        or path.startswith(("gs://", "s3://", "hf://", "http://", "https://"))
    ):
        raise InvalidInput(f"{argument} takes a path of this machine, not {path!r}")
    return path


def _unmagic(folder: str) -> str:
    """The nearest folder above that is no pattern."""
    while has_magic(folder):
        folder = os.path.dirname(folder)  # noqa: PTH120
    return folder


def _files_of(match: str) -> Iterator[str]:
    if os.path.isfile(match):  # noqa: PTH113
        yield os.path.normpath(match)
    for folder, _, files in os.walk(match):
        for file in files:
            path = os.path.join(folder, file)  # noqa: PTH118
            if os.path.isfile(path):  # noqa: PTH113 - and no pipe, which would be waited for
                yield path


def _name(path: str, base: str) -> str:
    """How a file is called below `base`; one that lies elsewhere has its own name alone."""
    try:
        relative = os.path.relpath(path, base)
    except ValueError:  # another drive
        relative = os.pardir
    parts = PurePath(relative).parts
    name = PurePath(path).name if os.pardir in parts else "/".join(parts)
    return os.fsencode(name).decode("utf-8", "replace")
