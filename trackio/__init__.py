"""Trackio: experiment tracking with the wandb API on immutable Parquet shards.

    import trackio as wandb

    wandb.init(project="demo", config={"lr": 1e-3})
    wandb.log({"loss": 0.25})
    wandb.finish()

Every name loads on first use (PEP 562), so that `import trackio` costs next to nothing and a
process that only logs never imports what draws or queries.
"""

import sys
from importlib import import_module
from types import ModuleType

from trackio._version import __version__

TYPE_CHECKING = False  # as in `typing`, which takes milliseconds to load
if TYPE_CHECKING:
    from typing import Any

    from trackio.active_run import Run
    from trackio.api import Api
    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.collections import Collection, Registry
    from trackio.artifacts.references import (
        ReferenceHandler,
        ResolvedReference,
        register_reference_handler,
    )
    from trackio.current import (
        alert,
        config,
        define_metric,
        finish,
        flush,
        init,
        link_artifact,
        log,
        log_artifact,
        log_code,
        log_system,
        mark_preempting,
        summary,
        unwatch,
        use_artifact,
        watch,
    )
    from trackio.dashboard.show import show
    from trackio.errors import TrackioError
    from trackio.importers.calls import (
        import_csv,
        import_mlflow,
        import_tf_events,
        import_wandb,
    )
    from trackio.keeping import restore, save
    from trackio.report import FinishReport
    from trackio.values.arguments import AlertLevel
    from trackio.values.audio import Audio
    from trackio.values.histogram import Histogram
    from trackio.values.html import Html
    from trackio.values.image import Image
    from trackio.values.markdown import Markdown
    from trackio.values.object3d import Object3D
    from trackio.values.table import Table
    from trackio.values.trace import Trace
    from trackio.values.video import Video

_HOMES = {
    "AlertLevel": "trackio.values.arguments",
    "Api": "trackio.api",
    "Artifact": "trackio.artifacts.artifact",
    "ArtifactTTL": "trackio.stubs",
    "Audio": "trackio.values.audio",
    "Classes": "trackio.stubs",
    "Collection": "trackio.artifacts.collections",
    "Config": "trackio.stubs",
    "EvalTable": "trackio.stubs",
    "FinishReport": "trackio.report",
    "Graph": "trackio.stubs",
    "Histogram": "trackio.values.histogram",
    "Html": "trackio.values.html",
    "Image": "trackio.values.image",
    "JoinedTable": "trackio.stubs",
    "Markdown": "trackio.values.markdown",
    "Molecule": "trackio.stubs",
    "Object3D": "trackio.values.object3d",
    "ReferenceHandler": "trackio.artifacts.references",
    "Registry": "trackio.artifacts.collections",
    "ResolvedReference": "trackio.artifacts.references",
    "Run": "trackio.active_run",
    "Settings": "trackio.stubs",
    "Table": "trackio.values.table",
    "Trace": "trackio.values.trace",
    "TrackioError": "trackio.errors",
    "Video": "trackio.values.video",
    "agent": "trackio.stubs",
    "alert": "trackio.current",
    "define_metric": "trackio.current",
    "delete_project": "trackio.by_hand",
    "finish": "trackio.current",
    "flush": "trackio.current",
    "freeze": "trackio.deploy",
    "import_csv": "trackio.importers.calls",
    "import_mlflow": "trackio.importers.calls",
    "import_tf_events": "trackio.importers.calls",
    "import_wandb": "trackio.importers.calls",
    "init": "trackio.current",
    "link_artifact": "trackio.current",
    "log": "trackio.current",
    "log_artifact": "trackio.current",
    "log_code": "trackio.current",
    "log_cpu": "trackio.by_hand",
    "log_gpu": "trackio.by_hand",
    "log_system": "trackio.current",
    "login": "trackio.stubs",
    "mark_preempting": "trackio.current",
    "register_reference_handler": "trackio.artifacts.references",
    "require": "trackio.stubs",
    "restore": "trackio.keeping",
    "save": "trackio.keeping",
    "setup": "trackio.stubs",
    "show": "trackio.dashboard.show",
    "sweep": "trackio.stubs",
    "sync": "trackio.deploy",
    "teardown": "trackio.stubs",
    "termerror": "trackio.stubs",
    "termlog": "trackio.stubs",
    "termwarn": "trackio.stubs",
    "unwatch": "trackio.current",
    "use_artifact": "trackio.current",
    "watch": "trackio.current",
}
_OTHER_NAMES = {
    "Error": "TrackioError",
    "Plotly": "Html",
    "TrackioAudio": "Audio",
    "TrackioHtml": "Html",
    "TrackioImage": "Image",
    "TrackioObject3D": "Object3D",
    "TrackioVideo": "Video",
}
_MODULES = frozenset({"context_vars", "deploy", "errors"})
_OF_CURRENT_RUN = frozenset({"config", "summary"})

__all__ = [
    "TRACKIO_DIR",
    "AlertLevel",
    "Api",
    "Artifact",
    "ArtifactTTL",
    "Audio",
    "Classes",
    "Collection",
    "Config",
    "Error",
    "EvalTable",
    "FinishReport",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "JoinedTable",
    "Markdown",
    "Molecule",
    "Object3D",
    "Plotly",
    "ReferenceHandler",
    "Registry",
    "ResolvedReference",
    "Run",
    "Settings",
    "Table",
    "Trace",
    "TrackioAudio",
    "TrackioError",
    "TrackioHtml",
    "TrackioImage",
    "TrackioObject3D",
    "TrackioVideo",
    "Video",
    "__version__",
    "agent",
    "alert",
    "config",
    "context_vars",
    "define_metric",
    "delete_project",
    "deploy",
    "finish",
    "flush",
    "freeze",
    "import_csv",
    "import_mlflow",
    "import_tf_events",
    "import_wandb",
    "init",
    "link_artifact",
    "log",
    "log_artifact",
    "log_code",
    "log_cpu",
    "log_gpu",
    "log_system",
    "login",
    "mark_preempting",
    "register_reference_handler",
    "require",
    "restore",
    "run",
    "save",
    "setup",
    "show",
    "summary",
    "sweep",
    "sync",
    "teardown",
    "termerror",
    "termlog",
    "termwarn",
    "unwatch",
    "use_artifact",
    "watch",
]


def __getattr__(name: str) -> "Any":
    if name in _OF_CURRENT_RUN:
        return getattr(import_module("trackio.current"), name)  # follows the current run: not kept
    if name == "TRACKIO_DIR":
        return import_module("trackio.settings").Settings.from_env().dir
    if name in _MODULES:
        return import_module(f"trackio.{name}")
    name = _OTHER_NAMES.get(name, name)
    if name not in _HOMES:
        raise AttributeError(f"module 'trackio' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """This module, in which `run` is the current run, or None, as in wandb.

    The import system sets `run` when `trackio/run.py` is first imported. `from trackio.run import
    Run` finds that in `sys.modules`, so nothing has to be kept here; and were it kept, scripts
    that begin with `if wandb.run is None` would find a module.
    """

    @property
    def run(self) -> "Any":
        current = sys.modules.get("trackio.current")
        return None if current is None else current.find_current()

    @run.setter
    def run(self, module: object) -> None:
        del module


sys.modules[__name__].__class__ = _Package
