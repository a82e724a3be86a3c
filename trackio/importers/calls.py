"""`trackio.import_csv` and its like: find runs, bring them over, say what it came to."""

import logging
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from trackio.importers.core import Source, Tick, bring
from trackio.settings import Settings
from trackio.store import open_store
from trackio.store.base import Store
from trackio.upkeep.migrate.report import Report

_log = logging.getLogger("trackio")
FilePath = str | PathLike[str]
"""A file or a folder of this machine."""


def import_csv(  # noqa: PLR0917 - the released Trackio has them in this order
    csv_path: FilePath,
    project: str,
    name: str | None = None,
    space_id: str | None = None,
    dataset_id: str | None = None,
    private: bool | None = None,
    force: bool = False,
    *,
    store: FilePath | Store | None = None,
    step: str | None = None,
    time: str | None = None,
    config: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    tick: Tick = lambda rows: None,
) -> Report:
    """A CSV file becomes a run: a row is a `log` call, a column a metric.

    Args:
        csv_path: the file.
        project: the project that the run will be of.
        name: what it is called; without one as the file.
        space_id, dataset_id, private, force: accepted for the released Trackio's sake; without
            effect.
        store: where to; by default where runs are logged.
        step: the column of steps; `step` and its like are found.
        time: the column of times, likewise.
        config: hyper-parameters of the run.
        dry_run: read and count everything, put nothing.
        tick: told how many values more were read.

    Raises:
        InvalidInput: no such file or column, or it is no CSV.
        StoreUnavailable, StoreRefused: some of it is there; importing again goes on.
    """
    from trackio.importers.csvfile import CsvRun

    _warn_unused(space_id=space_id, dataset_id=dataset_id, private=private, force=force or None)
    run = CsvRun(Path(csv_path), project, name, step=step, time=time, config=config)
    return _bring([run], csv_path, store, dry_run=dry_run, tick=tick)


def import_tf_events(  # noqa: PLR0917 - as above
    log_dir: FilePath,
    project: str,
    name: str | None = None,
    space_id: str | None = None,
    dataset_id: str | None = None,
    private: bool | None = None,
    force: bool = False,
    *,
    store: FilePath | Store | None = None,
    dry_run: bool = False,
    tick: Tick = lambda rows: None,
) -> Report:
    """Each folder with TensorBoard's event files becomes a run; see `import_csv`.

    Args:
        log_dir: the folder that TensorBoard is given, or one event file.
        name: what the run is called; of several runs how the names begin.

    Raises:
        InvalidInput: there are no event files.
        StoreUnavailable, StoreRefused: as `import_csv`.
    """
    from trackio.importers.tensorboard import find_event_runs

    _warn_unused(space_id=space_id, dataset_id=dataset_id, private=private, force=force or None)
    runs = find_event_runs(Path(log_dir), project, name)
    return _bring(runs, log_dir, store, dry_run=dry_run, tick=tick)


def import_wandb(
    path: FilePath,
    project: str | None = None,
    *,
    store: FilePath | Store | None = None,
    dry_run: bool = False,
    tick: Tick = lambda rows: None,
) -> Report:
    """Each run that wandb kept offline becomes a run of the same id; see `import_csv`.

    Args:
        path: the `wandb` folder, one above it, the folder of one run, or its `.wandb` file.
        project: the project that they will be of; without one as wandb had it.

    Raises:
        InvalidInput: there are none.
        StoreUnavailable, StoreRefused: as `import_csv`.
    """
    from trackio.importers.wandb import find_wandb_runs

    return _bring(find_wandb_runs(Path(path), project), path, store, dry_run=dry_run, tick=tick)


def import_mlflow(
    path: FilePath,
    project: str | None = None,
    *,
    store: FilePath | Store | None = None,
    dry_run: bool = False,
    tick: Tick = lambda rows: None,
) -> Report:
    """Each run of an MLflow store becomes a run of the same id; see `import_csv`.

    Args:
        path: `mlruns`, `mlflow.db`, or the folder that holds either.
        project: the project that they will be of; without one each experiment becomes one.

    Raises:
        InvalidInput: there is no such store.
        StoreUnavailable, StoreRefused: as `import_csv`.
    """
    from trackio.importers.mlflow import find_mlflow_runs, open_mlflow

    with open_mlflow(Path(path)) as opened:
        runs = find_mlflow_runs(opened, project)
        return _bring(runs, path, store, dry_run=dry_run, tick=tick)


def _bring(
    runs: Iterable[Source],
    path: FilePath,
    store: FilePath | Store | None,
    *,
    dry_run: bool,
    tick: Tick,
) -> Report:
    if store is None or isinstance(store, str | PathLike):
        store = open_store(Settings.from_env(store=store).store_url)
    report = bring(runs, store, root=str(path), dry_run=dry_run, tick=tick)
    if not report.is_whole:
        _log.warning(
            "trackio: not everything of %s came over: %d rows cannot be used, %d differ; "
            "the report that is returned names them",
            path,
            report.total("quarantined"),
            len(report.differences),
        )
    return report


def _warn_unused(**arguments: object) -> None:
    given = sorted(name for name, value in arguments.items() if value is not None)
    if given:
        _log.warning("trackio: imports have no use for %s: left out", ", ".join(given))
