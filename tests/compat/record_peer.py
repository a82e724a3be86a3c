"""Record what the released Trackio offers: run it with a Python that has that release.

    .venv-peer/bin/python tests/compat/record_peer.py > tests/compat/peer_api.json

Names and signatures only: what `__all__` says, what its classes have, what integrations reach for.
"""

import inspect
import json
import sys

import trackio

NOT_OF_ALL = ("config", "context_vars", "run", "__version__", "TRACKIO_DIR", "TRACKIO_LOGO_DIR")
CLASSES = ("Run", "Api", "Artifact", "Registry", "Collection", "Table", "Image", "Video", "Audio")
OTHER_CLASSES = ("Html", "Object3D", "Histogram", "Trace", "Markdown")
CONTEXT_VARS = (
    "current_run",
    "current_project",
    "current_server",
    "current_space_id",
    "current_server_write_token",
)


def parameters(called):
    """Each parameter: its name, its kind, whether it may be left out."""
    try:
        found = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, p.kind.name, p.default is not p.empty] for p in found]


def describe(thing):
    """What kind of thing it is, and how it is called."""
    if inspect.ismodule(thing):
        return {"kind": "module"}
    if inspect.isclass(thing):
        return {"kind": "class", "parameters": parameters(thing)}
    if callable(thing):
        return {"kind": "function", "parameters": parameters(thing)}
    return {"kind": "value"}


def members(cls):
    """The public methods and properties of a class."""
    found = {}
    for name, member in inspect.getmembers(cls):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            found[name] = {"kind": "property"}
        elif callable(member):
            found[name] = {"kind": "method", "parameters": parameters(member)}
    return found


def record():
    """Everything, by name."""
    names = sorted({*trackio.__all__, *NOT_OF_ALL} - {"__version__"})
    said = {
        "version": trackio.__version__,
        "names": {name: describe(getattr(trackio, name)) for name in names},
        "context_vars": list(CONTEXT_VARS),
        "classes": {name: members(getattr(trackio, name)) for name in (*CLASSES, *OTHER_CLASSES)},
    }
    from trackio.api import Run, Runs

    said["classes"]["api.Run"] = members(Run)
    said["classes"]["api.Runs"] = members(Runs)
    return said


if __name__ == "__main__":
    json.dump(record(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
