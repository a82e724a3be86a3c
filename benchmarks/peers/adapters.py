"""The same calls for every tracker: begin a run, log a row, end the run.

The interpreter of a tracker loads this file, so it imports nothing but the standard library until
a tracker is asked for. Each is set as its makers advise for an offline run, with what samples
hardware, captures the console or looks into Git switched off where it has a switch.
"""

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

Log = Callable[[int, dict[str, float]], None]
CONFIG: Final[Mapping[str, Any]] = {"lr": 3e-4, "layers": 12, "optimizer": "adamw"}
PROJECT: Final = "bench"


class Adapter(Protocol):
    """One tracker. `load` imports it, `start` begins a run and returns what logs a row of it."""

    def load(self) -> None: ...

    def start(self, folder: Path, name: str) -> Log: ...

    def finish(self) -> None: ...


class Trackio:
    """Ours and the released one: the same calls."""

    def load(self) -> None:
        import trackio

        self._trackio: Any = trackio
        self._init: Any = trackio.init  # ours loads what it needs with the name

    def start(self, folder: Path, name: str) -> Log:
        off = dict.fromkeys(("auto_log_cpu", "auto_log_gpu"), False)
        is_released = self._trackio.__version__.startswith("0.")
        silent = {"embed": False} if is_released else {}
        self._run = self._init(project=PROJECT, name=name, config=dict(CONFIG), **off, **silent)
        log = self._run.log
        return lambda step, row: log(row, step=step)

    def finish(self) -> None:
        self._run.finish()


class Wandb:
    """Offline: a protobuf log that `wandb sync` would send."""

    def load(self) -> None:
        import wandb

        self._wandb: Any = wandb

    def start(self, folder: Path, name: str) -> Log:
        settings = self._wandb.Settings(
            mode="offline", silent=True, console="off", disable_git=True, x_disable_stats=True
        )
        self._run = self._wandb.init(
            project=PROJECT,
            name=name,
            id=name,
            dir=str(folder),
            config=dict(CONFIG),
            settings=settings,
        )
        log = self._run.log
        return lambda step, row: log(row, step=step)

    def finish(self) -> None:
        self._run.finish()


class Mlflow:
    """SQLite, or its older folder of files."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme

    def load(self) -> None:
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        import mlflow

        self._mlflow: Any = mlflow

    def start(self, folder: Path, name: str) -> Log:
        place = {"sqlite": f"sqlite:///{folder}/mlflow.db", "file": f"file://{folder}/mlruns"}
        self._mlflow.set_tracking_uri(place[self._scheme])
        self._mlflow.set_experiment(PROJECT)
        self._mlflow.start_run(run_name=name)
        self._mlflow.log_params(dict(CONFIG))
        log = self._mlflow.log_metrics
        return lambda step, row: log(row, step=step)

    def finish(self) -> None:
        self._mlflow.end_run()


class Events:
    """TensorBoard's event files, by tensorboardX or by TensorBoard itself; one call a number."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def load(self) -> None:
        self._writer_class: Any = getattr(importlib.import_module(self._module), self._name)

    def start(self, folder: Path, name: str) -> Log:
        self._writer = self._writer_class(str(folder / name))
        add = self._writer.add_scalar

        def log(step: int, row: dict[str, float]) -> None:
            for key, value in row.items():
                add(key, value, step)

        return log

    def finish(self) -> None:
        self._writer.close()


class Aim:
    """A RocksDB in the repository."""

    def load(self) -> None:
        import aim

        self._aim: Any = aim

    def start(self, folder: Path, name: str) -> Log:
        repository = self._aim.Repo.from_path(str(folder), init=not (folder / ".aim").exists())
        self._run = self._aim.Run(
            repo=repository,
            experiment=PROJECT,
            system_tracking_interval=None,
            capture_terminal_logs=False,
            log_system_params=False,
        )
        self._run["hparams"] = dict(CONFIG)
        self._run.name = name
        track = self._run.track
        return lambda step, row: track(row, step=step)

    def finish(self) -> None:
        self._run.close()


class Dvclive:
    """A file of tab-separated values a metric."""

    def load(self) -> None:
        import dvclive

        self._dvclive: Any = dvclive

    def start(self, folder: Path, name: str) -> Log:
        self._live = self._dvclive.Live(
            dir=str(folder / name), save_dvc_exp=False, dvcyaml=None, report=None
        )
        self._live.log_params(dict(CONFIG))
        live = self._live

        def log(step: int, row: dict[str, float]) -> None:
            live.step = step
            for key, value in row.items():
                live.log_metric(key, value)
            live.next_step()

        return log

    def finish(self) -> None:
        self._live.end()


class Goodseed:
    """A SQLite database a run, one transaction a call."""

    def load(self) -> None:
        import goodseed

        self._goodseed: Any = goodseed

    def start(self, folder: Path, name: str) -> Log:
        captures = ("hardware_metrics", "stdout", "stderr", "traceback")
        self._run = self._goodseed.Run(
            project=PROJECT,
            name=name,
            run_id=name,
            goodseed_home=str(folder),
            storage="local",
            git_ref=False,
            **{f"capture_{what}": False for what in captures},
        )
        self._run.log_configs(dict(CONFIG))
        log = self._run.log_metrics
        return lambda step, row: log(row, step=step)

    def finish(self) -> None:
        self._run.close()


class Neptune:
    """Offline: a SQLite database of operations that a later upload would send."""

    def load(self) -> None:
        import neptune_scale

        self._neptune: Any = neptune_scale

    def start(self, folder: Path, name: str) -> Log:
        self._run = self._neptune.Run(
            project="bench/bench",
            run_id=name,
            mode="offline",
            log_directory=str(folder / name),
            enable_console_log_capture=False,
            source_tracking_config=None,
        )
        self._run.log_configs(dict(CONFIG))
        log = self._run.log_metrics
        return lambda step, row: log(row, step=step)

    def finish(self) -> None:
        self._run.close()


class Swanlab:
    """Offline: files that `swanlab sync` would send."""

    def load(self) -> None:
        import swanlab

        self._swanlab: Any = swanlab

    def start(self, folder: Path, name: str) -> Log:
        self._swanlab.init(
            project=PROJECT,
            name=name,
            mode="offline",
            log_dir=str(folder / name),
            config=dict(CONFIG),
        )
        log = self._swanlab.log
        return lambda step, row: log(row, step=step)

    def finish(self) -> None:
        self._swanlab.finish()


class Kohakuboard:
    """A process beside the training writes a database a metric; it counts steps itself."""

    def load(self) -> None:
        from kohakuboard.client.board import Board

        self._board_class: Any = Board

    def start(self, folder: Path, name: str) -> Log:
        self._board = self._board_class(
            name=name, project=PROJECT, base_dir=folder, config=dict(CONFIG), capture_output=False
        )
        log = self._board.log
        return lambda step, row: log(**row)

    def finish(self) -> None:
        self._board.finish()


def adapter(name: str) -> Adapter:
    """The adapter of that name in `roster`.

    Raises:
        KeyError: there is none.
    """
    if name == "limit":
        from benchmarks.peers.limit import Limit

        return Limit()
    makers: dict[str, Callable[[], Adapter]] = {
        "ours": Trackio,
        "trackio": Trackio,
        "wandb": Wandb,
        "mlflow": lambda: Mlflow("sqlite"),
        "mlflow_files": lambda: Mlflow("file"),
        "tensorboardx": lambda: Events("tensorboardX", "SummaryWriter"),
        "tensorboard": lambda: Events("tensorboard.summary", "Writer"),
        "aim": Aim,
        "dvclive": Dvclive,
        "goodseed": Goodseed,
        "neptune": Neptune,
        "swanlab": Swanlab,
        "kohakuboard": Kohakuboard,
    }
    return makers[name]()
