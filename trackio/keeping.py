"""Keep files and get them back: `trackio.save` and `trackio.restore`.

While a run of the project is live here they are that run's (`with_files`); otherwise they become a
version of the project's artifact `files`, which holds what it held before, too.
"""

import logging
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TextIO

from trackio import keys, lifecycle
from trackio.active_run import Run
from trackio.current import find_current
from trackio.errors import InvalidInput, NoRun, NotFound
from trackio.globbed import Wanted, make_wanted
from trackio.once import tell_once
from trackio.report import sync_command
from trackio.settings import Settings

if TYPE_CHECKING:
    from trackio.artifacts.artifact import Artifact
    from trackio.store.base import Store

_log = logging.getLogger("trackio")
FILES: Final = "files"
"""The name, and the type, of the artifact that holds files of a project."""

FilePath = str | PathLike[str]


def save(
    glob_str: FilePath | None = None,
    project: str | None = None,
    base_path: FilePath | None = None,
    policy: str = "live",
    glob: bool = True,
    **unknown: Any,
) -> list[str]:
    """Keep files: with the current run, or another that is live here; see `Run.save`.

    Args:
        glob_str, base_path, policy, glob: as for `Run.save`.
        project: whose files these are. If no run of it is live here, they become a new version of
            its artifact `files`, beside those that it has. A folder is taken for wandb's second
            argument, `base_path`.
        unknown: arguments of other trackers are accepted with one warning.

    Returns:
        The names of the files that match, as they are kept.

    Raises:
        NoRun: there is no run, and no project is named.
        InvalidInput: without a run: nothing matches.
        StoreUnavailable, StoreRefused: without a run: the store cannot be read, or not be written.
    """
    current = find_current()
    if current is not None and _is_base(project, current) and base_path is None:
        project, base_path = None, project
    run = current if project is None else _find_live(project, current)
    if run is not None:
        return run.save(glob_str, base_path, policy, glob, **unknown)
    if project is None:
        raise NoRun("call trackio.init() before trackio.save(), or name a project=")
    if unknown:
        tell_once(f"save() has no use for {', '.join(sorted(unknown))}: left out")
    return _add_to_project(project, make_wanted(glob_str, base_path, is_glob=glob))


def restore(
    name: str,
    run_path: str | None = None,
    replace: bool = False,
    root: FilePath | None = None,
) -> TextIO | None:
    """Bring a file here that a run saved, and open it.

    Args:
        name: what it was saved as.
        run_path: `project/run`; by default the current run.
        replace: write over a file that is there; otherwise that one is opened.
        root: the folder; by default that of the current run, else the working directory.

    Returns:
        The open file, whose `name` is its path; None if the run has no such file.

    Raises:
        NoRun: there is no run, and none is named.
        NotFound: there is no such run.
    """
    from trackio.api import Api

    current = find_current()
    if current is not None and run_path is None:
        current.flush()
    elif run_path is None:
        raise NoRun("call trackio.init() before trackio.restore(), or name a run_path=")
    whose = current.path if run_path is None and current is not None else str(run_path)
    run = Api().run("/".join(whose.split("/")[-2:]))
    folder = root or (current.dir if current is not None else ".")
    try:
        file = run.file(name)
    except NotFound:
        return None
    return file.download(folder, replace=replace, exist_ok=True).open(encoding="utf-8")


def _is_base(given: str | None, current: Run) -> bool:
    """Whether what stands for the project is wandb's second argument, a folder."""
    return given is not None and given != current.project and Path(given).is_dir()


def _find_live(project: str, current: Run | None) -> Run | None:
    """A run of this project that is live here; the current one before others."""
    live = [current, *lifecycle.list_live()]
    own = (run for run in live if isinstance(run, Run) and run.project == project)
    return next(own, None)


def _add_to_project(project: str, wanted: Wanted) -> list[str]:
    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.upload import log_artifact
    from trackio.store import open_store

    found = wanted.files
    if not found:
        raise InvalidInput(f"there is no file {wanted.pattern!r}")
    settings = Settings.from_env()
    store = open_store(settings.store_url)
    with TemporaryDirectory(prefix="trackio-") as scratch:
        made = Artifact(FILES, FILES)
        for name, path in {**_earlier(store, project, Path(scratch)), **found}.items():
            made.add_file(path, name)
        upload = log_artifact(made, store=store, settings=settings, project=project)
    if upload is not None and not upload.wait():
        command = sync_command(settings)
        _log.warning("trackio: files of %s wait here; `%s` sends them", project, command)
    return list(found)


def _earlier(store: "Store", project: str, scratch: Path) -> dict[str, Path]:
    """What the newest version holds, as local files: where they lie, or fetched to `scratch`."""
    from trackio.store.base import is_local

    before = _find_newest(store, project)
    if before is None:
        return {}
    entries = [entry for entry in before.manifest.entries if entry.ref is None]
    if is_local(store):
        return {it.path: store.path(str(keys.BlobKey(project, it.digest))) for it in entries}
    before.download(scratch)
    return {entry.path: scratch.joinpath(*entry.path.split("/")) for entry in entries}


def _find_newest(store: "Store", project: str) -> "Artifact | None":
    from trackio.artifacts.artifact import open_artifact
    from trackio.errors import StoreMissing
    from trackio.store.retrying import Retrying, RetryPolicy

    reading = Retrying(store, RetryPolicy(attempts=4, deadline_s=15.0))
    try:
        return open_artifact(reading, project, FILES)
    except (NotFound, StoreMissing):
        return None
