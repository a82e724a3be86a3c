"""Who takes part, from which package, and who does not and why. Nothing is run here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = ROOT / ".venv-peers"
"""One environment a tracker: they ask for different versions of the same packages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tracker as it is named in the tables, and the package that holds it.

    `requirement` is empty for what runs in the environment of this checkout.
    """

    name: str
    adapter: str
    requirement: str = ""
    about: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether this is the tracker of this checkout."""
        return self.adapter == "ours"

    @property
    def is_limit(self) -> bool:
        """Whether this is no product but the floor that the technique allows."""
        return self.adapter == "limit"

    def python(self, ours: Path) -> Path:
        """The interpreter that holds it; `ours` is the one of this checkout."""
        if not self.requirement:
            return ours
        return PLACES / self.requirement.partition("==")[0] / "bin" / "python"


ROSTER: Final = (
    Peer(name="Trackio", adapter="ours"),
    Peer(
        name="limit",
        adapter="limit",
        about="no product: one JSON line and one write a call, Parquet from a thread, no checks",
    ),
    Peer(name="trackio 0.43", adapter="trackio", requirement="trackio==0.43.0"),
    Peer(name="wandb", adapter="wandb", requirement="wandb==0.31.0", about="offline"),
    Peer(
        name="MLflow", adapter="mlflow", requirement="mlflow==3.17.2", about="its default, SQLite"
    ),
    Peer(
        name="MLflow, files",
        adapter="mlflow_files",
        requirement="mlflow==3.17.2",
        about="its older store of files",
    ),
    Peer(name="tensorboardX", adapter="tensorboardx", requirement="tensorboardX==2.6.5"),
    Peer(name="TensorBoard", adapter="tensorboard", requirement="tensorboard==2.21.0"),
    Peer(name="Aim", adapter="aim", requirement="aim==3.29.1"),
    Peer(name="DVCLive", adapter="dvclive", requirement="dvclive==3.49.1"),
    Peer(name="GoodSeed", adapter="goodseed", requirement="goodseed==0.4.0"),
    Peer(
        name="Neptune Scale",
        adapter="neptune",
        requirement="neptune-scale==0.30.0",
        about="offline",
    ),
    Peer(name="SwanLab", adapter="swanlab", requirement="swanlab==0.10.3", about="offline"),
    Peer(name="KohakuBoard", adapter="kohakuboard", requirement="kohakuboard==0.0.1"),
)
LEFT_OUT: Final = {
    "pluto-ml": "cannot begin a run without its server, and slows the start of every Python of "
    "its environment",
    "ClearML": "its offline mode had not returned from `close()` two minutes after 2,000 calls",
    "LitLogger": "has no offline mode",
}
