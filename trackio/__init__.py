"""Trackio: experiment tracking with the wandb API on immutable Parquet shards.

    import trackio as wandb

    wandb.init(project="demo", config={"lr": 1e-3})
    wandb.log({"loss": 0.25})
    wandb.finish()

Every name loads on first use (PEP 562), so that `import trackio` costs next to nothing and a
process that only logs never imports what draws or queries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trackio._version import __version__

if TYPE_CHECKING:
    from trackio.api import Api
    from trackio.current import (
        alert,
        config,
        finish,
        flush,
        init,
        log,
        log_system,
        summary,
    )
    from trackio.dashboard.show import show
    from trackio.errors import TrackioError
    from trackio.run import FinishReport, Run
    from trackio.values.arguments import AlertLevel

_HOMES = {
    "AlertLevel": "trackio.values.arguments",
    "Api": "trackio.api",
    "FinishReport": "trackio.run",
    "Run": "trackio.run",
    "TrackioError": "trackio.errors",
    "alert": "trackio.current",
    "finish": "trackio.current",
    "flush": "trackio.current",
    "init": "trackio.current",
    "log": "trackio.current",
    "log_system": "trackio.current",
    "show": "trackio.dashboard.show",
}
_OF_CURRENT_RUN = frozenset({"config", "summary"})

__all__ = [
    "AlertLevel",
    "Api",
    "FinishReport",
    "Run",
    "TrackioError",
    "__version__",
    "alert",
    "config",
    "finish",
    "flush",
    "init",
    "log",
    "log_system",
    "show",
    "summary",
]


def __getattr__(name: str) -> Any:
    if name in _OF_CURRENT_RUN:
        return getattr(import_module("trackio.current"), name)  # follows the current run: not kept
    if name not in _HOMES:
        raise AttributeError(f"module 'trackio' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
