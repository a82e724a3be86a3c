"""What people ask for once, by hand: one look at the machine, the end of a project."""

import logging
import os
from functools import cache
from typing import Any

from trackio.active_run import Run
from trackio.current import find_current
from trackio.errors import NoRun, NotFound
from trackio.settings import Settings

_log = logging.getLogger("trackio")


def log_cpu(run: Run | None = None) -> dict[str, Any]:
    """Read processors, memory, disks, network and this process once, and log it; returns it."""
    wanted = _run(run, "log_cpu")
    reading = dict(_probes(os.getpid()).read_machine())
    if reading:
        wanted.log_system(reading)
    return reading


def log_gpu(run: Run | None = None, device: int | None = None) -> dict[str, Any]:
    """Read the GPUs once, or the one of this number, and log it; returns it, `{}` without any."""
    wanted = _run(run, "log_gpu")
    reading = dict(_probes(os.getpid()).read_gpus())
    if device is not None:
        reading = {key: v for key, v in reading.items() if key.startswith(f"gpu/{device}/")}
    if not reading:
        _log.warning("trackio: log_gpu() found no GPU%s", "" if device is None else f" {device}")
        return {}
    wanted.log_system(reading)
    return reading


def delete_project(project: str, force: bool = False) -> bool:
    """Delete every run of a project, and what belongs to it, for ever.

    Args:
        project: its name.
        force: do not ask at the terminal.

    Returns:
        Whether it was deleted; False if there is none, or the answer was no.

    Raises:
        StoreUnavailable, StoreRefused: some of it may be there; delete it again.
    """
    from trackio import keys
    from trackio.catalog import list_project, list_projects
    from trackio.store import open_store
    from trackio.upkeep.delete import delete_run

    store = open_store(Settings.from_env().store_url)
    if project not in list_projects(store):
        return False
    runs = list_project(store, project).runs
    if not force:
        asked = f"Delete the project {project!r} with {len(runs)} runs in {store.url}? [y/N] "
        if input(asked).strip().lower() not in ("y", "yes"):
            return False
    for run_id in runs:
        try:
            delete_run(store, project, run_id)
        except NotFound:  # somebody else did
            continue
    prefix = keys.project_prefix(project)
    kept = (f"{prefix}deleted/", f"{prefix}packs/", f"{prefix}state/")
    left = [entry.key for entry in store.list(prefix) if not entry.key.startswith(kept)]
    store.delete([key for key in left if not key.startswith(f"{prefix}runs/")])
    return True


def _run(run: Run | None, caller: str) -> Run:
    found = run or find_current()
    if found is None:
        raise NoRun(f"call trackio.init() before trackio.{caller}()")
    return found


@cache
def _probes(pid: int) -> Any:
    """What reads this machine; rates are those since the look before."""
    from trackio.monitor.sampler import make_probes

    del pid  # a forked child reads anew
    return make_probes()
