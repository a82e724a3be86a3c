"""The module that people import a run's class from: `from trackio.run import Run`.

The attribute `trackio.run` is the current run, or None, as in wandb (`trackio/__init__.py`); while
a run is current, `trackio.run.Run` is its class too.
"""

from trackio.active_run import Run
from trackio.report import FinishReport

__all__ = ["FinishReport", "Run"]
