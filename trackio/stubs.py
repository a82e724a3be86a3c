"""Names of wandb that have nothing behind them here, and say so; and those that need nothing.

A class that cannot be offered raises when it is made, with what to use instead.
"""

import sys
from typing import Any, NoReturn

_INSTEAD = {
    "ArtifactTTL": "delete versions with `log_artifact(overwrite=True)`",
    "Classes": "pass class labels to Image(boxes=…, masks=…)",
    "Config": "use `trackio.config`, or pass a dict to `init`",
    "EvalTable": "use trackio.Table",
    "Graph": "log a figure with trackio.Html",
    "JoinedTable": "join DataFrames and use trackio.Table",
    "Molecule": "use trackio.Object3D or trackio.Html",
}


class _Missing:
    """Something that wandb has and Trackio has not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        raise NotImplementedError(f"trackio has no {name}: {_INSTEAD[name]}")


class ArtifactTTL(_Missing):
    """Not offered."""


class Classes(_Missing):
    """Not offered."""


class Config(_Missing):
    """Not offered."""


class EvalTable(_Missing):
    """Not offered."""


class Graph(_Missing):
    """Not offered."""


class JoinedTable(_Missing):
    """Not offered."""


class Molecule(_Missing):
    """Not offered."""


class Settings:
    """wandb's settings, for `init(settings=…)`: what `init` has an argument for is taken over.

    Names such as `run_name`, `run_id`, `run_group`, `mode`, `resume` and `x_label` count; others
    are told of once by `init` and have no effect.
    """

    def __init__(self, **said: Any) -> None:
        self.__dict__.update(said)

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"Settings({said})"

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def update(self, said: dict[str, Any] | None = None, **more: Any) -> None:
        """Say more."""
        self.__dict__.update({**(said or {}), **more})


def login(*args: Any, **kwargs: Any) -> bool:
    """Accepted for wandb's sake: there is nobody to log in to; `hf auth login` is for Buckets."""
    del args, kwargs
    return True


def setup(*args: Any, **kwargs: Any) -> None:
    """Accepted for wandb's sake: `init` needs nothing before it."""


def teardown(exit_code: int | None = None) -> None:
    """Finish every run of this process."""
    from trackio import lifecycle

    lifecycle.end_all(failed=None if not exit_code else f"exit code {exit_code}")


def require(*args: Any, **kwargs: Any) -> None:
    """Accepted for wandb's sake."""


def termlog(text: str = "", *args: Any, **kwargs: Any) -> None:
    """Print a line to the terminal."""
    del args, kwargs
    sys.stderr.write(f"trackio: {text}\n")


termwarn = termlog
termerror = termlog


def sweep(*args: Any, **kwargs: Any) -> NoReturn:
    """Not offered.

    Raises:
        NotImplementedError: always; the message says what to use.
    """
    raise NotImplementedError(
        "trackio has no sweeps: start the runs with Optuna, Ray Tune or a shell loop, give them "
        "one group=, and compare them with `trackio compare` or in the dashboard"
    )


def agent(*args: Any, **kwargs: Any) -> NoReturn:
    """Not offered, as `sweep`; raises as it does."""
    sweep()
