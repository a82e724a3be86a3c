"""The source files of a project as an artifact of type `code`, for `log_code`."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from trackio.artifacts.artifact import Artifact

_SKIPPED: Final = frozenset(
    {"__pycache__", "node_modules", "venv", "env", "site-packages", "wandb", "build", "dist"}
)
_MOST_FILES: Final = 10_000


def make_code_artifact(
    root: Path,
    name: str,
    include: Callable[..., bool] | None = None,
    exclude: Callable[..., bool] | None = None,
) -> Artifact | None:
    """The files below `root` that are wanted, by default Python's; None where there is none.

    `include` and `exclude` get the path of a file as text, and the root if they take two.
    """
    artifact = Artifact(name, "code")
    count = 0
    for path in _files(root):
        if include is not None and not _ask(include, path, root):
            continue
        if include is None and path.suffix != ".py":
            continue
        if exclude is not None and _ask(exclude, path, root):
            continue
        artifact.add_file(str(path), name=path.relative_to(root).as_posix())
        count += 1
        if count == _MOST_FILES:
            break
    return artifact if count else None


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def _ask(test: Callable[..., bool], path: Path, root: Path) -> bool:
    takes_root = len(inspect.signature(test).parameters) > 1
    return bool(test(str(path), str(root)) if takes_root else test(str(path)))
