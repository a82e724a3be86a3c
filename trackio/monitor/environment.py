"""Tell once where a run came from: the commit, the command, Python and what is installed.

What is found goes into one row, `run` / `environment`. Secrets are masked; environment
variables are not read, but for those that schedulers set.
"""

import getpass
import logging
import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from trackio.monitor.git import Checkout, find_checkout
from trackio.monitor.secrets import mask_arguments, mask_text

_log = logging.getLogger("trackio")
_MAX_PACKAGES: Final = 2000
_FRESH_S: Final = 60.0
_DIST: Final = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info")
_SCHEDULED: Final = (
    "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_ARRAY_TASK_ID", "SLURM_PROCID", "SLURM_NNODES",
    "PBS_JOBID", "LSB_JOBID", "RANK", "LOCAL_RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
    "KUBERNETES_SERVICE_HOST", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "SPACE_ID",
)  # fmt: skip


def describe_environment() -> dict[str, Any]:
    """What is known of where this process runs; parts that cannot be read are left out."""
    return {**_static(), **_changing()}


@cache
def _static() -> Mapping[str, Any]:
    """What stays the same as long as the process lives."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "os": platform.platform(),
        "user": _user(),
        "command": mask_arguments(getattr(sys, "orig_argv", None) or sys.argv),
        "packages": dict(sorted(_packages())),
    }


def _changing() -> dict[str, Any]:
    folder = _folder()
    checkout = None if folder is None else _checkout(folder, time.monotonic() // _FRESH_S)
    return {
        "directory": None if folder is None else str(folder),
        "git": None if checkout is None else asdict(checkout),
        "scheduler": {
            name: mask_text(os.environ[name]) for name in _SCHEDULED if name in os.environ
        },
    }


@lru_cache(maxsize=1)
def _checkout(folder: Path, _period: float) -> Checkout | None:
    """Runs that follow each other quickly share one look: it asks for every file of a checkout."""
    return find_checkout(folder)


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # somebody removed it
        return None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _packages() -> Iterator[tuple[str, str]]:
    """What is installed, from the names of the folders that say so; the first on the path wins."""
    seen: set[str] = set()
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")  # noqa: PTH208 - many folders, names alone
        except OSError:
            continue
        for name in sorted(names):
            found = _DIST.fullmatch(name) if name.endswith("-info") else None
            if found is None or len(seen) >= _MAX_PACKAGES:
                continue
            package = found["name"].replace("_", "-").lower()
            if package not in seen:
                seen.add(package)
                yield package, found["version"]
