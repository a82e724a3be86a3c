"""Where a run comes from: its rank, its start row, its config as it can be stored. No IO."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import orjson

from trackio import journal
from trackio._version import __version__
from trackio.model import Json, WriterId
from trackio.values.plain import dump_text, encode_data

_RANKS: Final = (
    "RANK",  # torchrun, accelerate, DeepSpeed
    "SLURM_PROCID",
    "OMPI_COMM_WORLD_RANK",
    "PMI_RANK",
    "PMIX_RANK",
    "MV2_COMM_WORLD_RANK",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What `init` was told of a run that its meta and config do not say.

    `label` tells ranks apart that share a run; `forked_from` is `run?_step=N`; `first_step` is
    the step of its first `log` call that gives none.
    """

    label: str | None = None
    job_type: str | None = None
    forked_from: str | None = None
    first_step: int | None = None
    entity: str | None = None
    space_id: str | None = None
    webhook_url: str | None = None
    webhook_min_level: str = "info"


def find_label(environ: Mapping[str, str] = os.environ) -> str | None:
    """The rank of this process among those that were started together."""
    for name in _RANKS:
        rank = environ.get(name, "")
        if rank.isdecimal():
            return f"rank {int(rank)}"
    return None


def start_row(header: journal.Header, about: About, resumed_from: Iterable[WriterId]) -> Json:
    """The text of the `start` row (`docs/format.md`, Rows)."""
    said = {
        "label": about.label,
        "host": header.owner.host,
        "pid": os.getpid(),
        "user": os.environ.get("USER") or os.environ.get("USERNAME"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "trackio": __version__,
        "command": PurePath(sys.argv[0]).name if sys.argv else None,
        "resumed_from": list(resumed_from) or None,
    }
    for key in ("job_type", "forked_from"):
        if (value := getattr(about, key)) is not None:
            said[key] = value
    return Json(dump_text(said))


def storable(config: Mapping[Any, Any]) -> dict[str, Any]:
    """A config as a journal's header keeps it: flat, and without what cannot be stored."""
    return dict(orjson.loads(encode_data(config, lambda _key, _problem: None)))
