"""What reading costs: three questions to the reader that each tracker has for local data.

The interpreter of a tracker runs this file by its path, in the folder that `small_runs` filled.
Trackers that can only be read through their server (wandb, Neptune, SwanLab) are not here.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final, Protocol

sys.path.append(str(Path(__file__).parents[2]))  # behind the packages of the tracker

from benchmarks.peers.adapters import PROJECT

REPEATS: Final = 5
KEY: Final = "metric_000"


class Reader(Protocol):
    """Asked again and again; `run_table` comes first and finds the runs."""

    def run_table(self) -> list[Any]:
        """Every run with its configuration and the last value of each metric."""

    def one_series(self, run: Any) -> Any:
        """One metric of one run."""


class Ours:
    """As our dashboard reads."""

    def __init__(self, folder: Path) -> None:
        del folder
        from trackio.query import project, runs, series
        from trackio.store import open_store

        self._projects, self._runs, self._series = project, runs, series
        self._store = open_store(os.environ["TRACKIO_DIR"])

    def run_table(self) -> list[Any]:
        self._view = self._projects.Project(self._store, PROJECT).view()
        return self._runs.list_runs(self._view, self._view.now_s)

    def one_series(self, run: Any) -> Any:
        return self._series.read_series(self._view, [run.run_id], [KEY])

    def one_metric(self, runs: list[Any]) -> Any:
        """All runs in one query."""
        return self._series.read_series(self._view, [run.run_id for run in runs], [KEY])


class Trackio:
    """As the released dashboard reads."""

    def __init__(self, folder: Path) -> None:
        del folder
        from trackio import SQLiteStorage

        self._storage: Any = SQLiteStorage

    def run_table(self) -> list[Any]:
        configs = self._storage.get_all_run_configs(PROJECT)
        runs = list(self._storage.get_run_records(PROJECT))
        for run in runs:
            which = {"run": run["name"], "run_id": run["id"]}
            run["config"] = configs[run["id"]]
            last = self._storage.get_max_step_for_run(PROJECT, **which)
            run["last"] = self._storage.get_snapshot(PROJECT, step=last, **which)
        return runs

    def one_series(self, run: Any) -> Any:
        return self._storage.get_metric_values(PROJECT, None, KEY, run_id=run["id"])


class Mlflow:
    """Its client."""

    def __init__(self, folder: Path) -> None:
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        from mlflow import MlflowClient

        is_sqlite = (folder / "mlflow.db").exists()
        self._client: Any = MlflowClient(
            f"sqlite:///{folder}/mlflow.db" if is_sqlite else f"file://{folder}/mlruns"
        )

    def run_table(self) -> list[Any]:
        experiment = self._client.get_experiment_by_name(PROJECT)
        found = self._client.search_runs([experiment.experiment_id], max_results=1000)
        return [(run.info.run_id, run.data.params, run.data.metrics) for run in found]

    def one_series(self, run: Any) -> Any:
        return self._client.get_metric_history(run[0], KEY)


class Events:
    """TensorBoard's accumulator, which reads a whole file for any question."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        self._accumulator: Any = EventAccumulator
        self._folder = folder

    def run_table(self) -> list[Any]:
        runs = sorted(self._folder.glob("only-*"))
        for run in runs:
            loaded = self._loaded(run)
            _ = {tag: loaded.Tensors(tag)[-1] for tag in loaded.Tags()["tensors"]}
        return runs

    def one_series(self, run: Any) -> Any:
        return self._loaded(run).Tensors(KEY)  # what its writer makes of scalars

    def _loaded(self, run: Path) -> Any:
        loaded = self._accumulator(str(run), size_guidance={"scalars": 0, "tensors": 0})
        loaded.Reload()
        return loaded


class Aim:
    """Its repository."""

    def __init__(self, folder: Path) -> None:
        from aim import Repo, Run

        self._run: Any = Run
        self._repo = Repo(str(folder))

    def run_table(self) -> list[Any]:
        runs = [self._run(it, repo=self._repo) for it in self._repo.list_all_runs()]
        for run in runs:
            _ = run.get("hparams"), [metric.values.last() for metric in run.metrics()]
        return runs

    def one_series(self, run: Any) -> Any:
        return next(it for it in run.metrics() if it.name == KEY).values.sparse_numpy()


class Dvclive:
    """Its files, which it has no reader for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run_table(self) -> list[Any]:
        runs = sorted(self._folder.glob("only-*"))
        for run in runs:
            _ = (run / "params.yaml").read_text(), json.loads((run / "metrics.json").read_text())
        return runs

    def one_series(self, run: Any) -> Any:
        with (run / "plots" / "metrics" / f"{KEY}.tsv").open() as file:
            rows = csv.DictReader(file, dialect="excel-tab")
            return [(int(row["step"]), float(row[KEY])) for row in rows]


class Goodseed:
    """Its module of storage."""

    def __init__(self, folder: Path) -> None:
        from goodseed import storage

        self._storage: Any = storage
        self._folder = folder

    def run_table(self) -> list[Any]:
        found = [file for file in self._folder.rglob("only-*.sqlite*") if "-" not in file.suffix]
        for file in found:
            _ = self._storage.read_run_summary(file), self._storage.read_configs(file)
        return found

    def one_series(self, run: Any) -> Any:
        return self._storage.read_metrics(run, KEY)


READERS: Final[dict[str, Callable[[Path], Reader]]] = {
    "ours": Ours,
    "trackio": Trackio,
    "mlflow": Mlflow,
    "mlflow_files": Mlflow,
    "tensorboard": Events,
    "aim": Aim,
    "dvclive": Dvclive,
    "goodseed": Goodseed,
}


def main() -> None:
    """Ask, and print the middle time of each question in ms."""
    parser = argparse.ArgumentParser(description="Ask what is in the current folder.")
    parser.add_argument("--adapter", required=True, choices=READERS)
    reader = READERS[parser.parse_args().adapter](Path.cwd())
    runs = reader.run_table()
    print(
        json.dumps(
            {
                "runs": len(runs),
                "run_table_ms": _timed(reader.run_table),
                "one_series_ms": _timed(lambda: reader.one_series(runs[len(runs) // 2])),
                "one_metric_ms": _timed(lambda: _one_metric(reader, runs)),
            }
        )
    )


def _one_metric(reader: Reader, runs: list[Any]) -> Any:
    if isinstance(reader, Ours):
        return reader.one_metric(runs)
    return [reader.one_series(run) for run in runs]


def _timed(ask: Callable[[], Any]) -> float:
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1e3)
    return median(took)


if __name__ == "__main__":
    main()
