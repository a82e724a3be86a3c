"""What can be read back of a run, straight from the files a tracker leaves. Measures nothing.

Our own and the released trackio are read through their readers, in their own interpreter; of the
others this knows the files, since most have no local reader.
"""

import argparse
import csv
import json
import sqlite3
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))  # behind the packages of the tracker

from benchmarks.peers import limit
from benchmarks.peers.adapters import PROJECT

Counter = Callable[[Path, str], int]


def main() -> None:
    """Print how many calls of each named run are there."""
    parser = argparse.ArgumentParser(description="Count the calls that can be read back.")
    parser.add_argument("--adapter", required=True)
    parser.add_argument("names", nargs="+")
    args = parser.parse_args()
    count = COUNTERS[args.adapter]
    print(json.dumps({name: count(Path.cwd(), name) for name in args.names}))


def of_ours(_folder: Path, name: str) -> int:
    """After the recovery that any reader begins with."""
    import trackio
    from trackio.settings import Settings
    from trackio.upkeep.background import recover

    recover(Settings.from_env())
    runs = [run for run in trackio.Api().runs(PROJECT) if run.name == name]
    return sum(_distinct(run.scan_history(keys=["call"])) for run in runs)


def of_trackio(_folder: Path, name: str) -> int:
    """Through its storage class, as its dashboard does."""
    from trackio import SQLiteStorage

    storage: Any = SQLiteStorage
    records = [run for run in storage.get_run_records(PROJECT) if run["name"] == name]
    return sum(_distinct(storage.get_logs(PROJECT, run_id=run["id"])) for run in records)


def of_wandb(folder: Path, name: str) -> int:
    """History records of its log, unpacked by the reader of our importer."""
    from trackio.importers.wandblog import read_records

    files = folder.glob(f"wandb/offline-run-*-{name}/*.wandb")
    return sum(_is_history(record) for file in files for record in read_records(file))


def of_events(folder: Path, name: str) -> int:
    """Records of its event files that name the metric; a record is length, CRC, data, CRC."""
    data = b"".join(file.read_bytes() for file in (folder / name).rglob("events.out.tfevents.*"))
    at, found = 0, 0
    while at + 12 <= len(data):
        end = at + 12 + struct.unpack_from("<Q", data, at)[0]
        found += end + 4 <= len(data) and b"call" in data[at + 12 : end]
        at = end + 4
    return found


def of_mlflow(folder: Path, name: str) -> int:
    """Its table of metrics."""
    sql = (
        "SELECT count(DISTINCT step) FROM metrics JOIN runs USING (run_uuid) "
        "WHERE key = 'call' AND runs.name = ?"
    )
    return _ask(folder / "mlflow.db", sql, name)


def of_mlflow_files(folder: Path, name: str) -> int:
    """Its file of the metric."""
    tags = folder.glob("mlruns/*/*/tags/mlflow.runName")
    runs = [tag.parents[1] for tag in tags if tag.read_text() == name]
    return sum(len((run / "metrics" / "call").read_text().splitlines()) for run in runs)


def of_dvclive(folder: Path, name: str) -> int:
    """Its file of the metric."""
    with (folder / name / "plots" / "metrics" / "call.tsv").open() as file:
        return sum(1 for _ in csv.DictReader(file, delimiter="\t"))


def of_goodseed(folder: Path, name: str) -> int:
    """Its table of points."""
    sql = (
        "SELECT count(DISTINCT step) FROM metric_points p JOIN metric_series s "
        "ON p.series_id = s.id WHERE s.path = 'call'"
    )
    return sum(_ask(file, sql) for file in folder.rglob(f"{name}.sqlite*") if _is_main(file))


def of_neptune(folder: Path, name: str) -> int:
    """Operations of its database that hold the metric."""
    sql = "SELECT count(*) FROM run_operations WHERE instr(operation, CAST('call' AS BLOB)) > 0"
    return sum(_ask(file, sql) for file in (folder / name).rglob("*.sqlite3"))


def of_kohakuboard(folder: Path, name: str) -> int:
    """Its own reader of a metric."""
    from kohakuvault import ColumnVault

    boards = [
        file.parent
        for file in folder.glob(f"{PROJECT}/*/metadata.json")
        if json.loads(file.read_text())["name"] == name
    ]
    files = [board / "data" / "metrics" / "call.db" for board in boards]
    vaults = [ColumnVault(str(file)) for file in files]
    return sum(len(vault["step"]) for vault in vaults)


def of_aim(folder: Path, name: str) -> int:
    """Its own reader of a run."""
    from aim import Repo, Run

    repo = Repo(str(folder))
    runs = [Run(it, repo=repo) for it in repo.list_all_runs()]
    metrics = [metric for run in runs if run.name == name for metric in run.metrics()]
    return sum(len(it.values.sparse_numpy()[0]) for it in metrics if it.name == "call")


def of_limit(folder: Path, name: str) -> int:
    """The lines of its journal."""
    return limit.count(folder / name)


def _is_history(record: object) -> bool:
    """Whether a record, after its number (field 1, a varint), holds field 2, the history."""
    if not isinstance(record, bytes) or record[:1] != b"\x08":
        return False
    at = next(at for at in range(1, len(record)) if record[at] < 0x80) + 1
    return record[at : at + 1] == b"\x12"


def _distinct(found: Iterable[dict[str, Any]]) -> int:
    return len({row["call"] for row in found if "call" in row})


def _is_main(file: Path) -> bool:
    return not file.name.endswith(("-wal", "-shm", "-journal"))


def _ask(file: Path, sql: str, *values: str) -> int:
    with sqlite3.connect(file) as connection:
        return int(connection.execute(sql, values).fetchone()[0])


COUNTERS: dict[str, Counter] = {
    "ours": of_ours,
    "trackio": of_trackio,
    "wandb": of_wandb,
    "mlflow": of_mlflow,
    "mlflow_files": of_mlflow_files,
    "tensorboardx": of_events,
    "tensorboard": of_events,
    "aim": of_aim,
    "dvclive": of_dvclive,
    "goodseed": of_goodseed,
    "neptune": of_neptune,
    "kohakuboard": of_kohakuboard,
    "limit": of_limit,
}

if __name__ == "__main__":
    main()
