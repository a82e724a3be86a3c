"""The table of runs as one Parquet file, for whoever opens an exported site with other tools.

The pages have its columns as JSON, a file each. It encodes; where it goes is up to others.
"""

import json
from typing import Any

import pyarrow as pa

from trackio.dashboard import tables
from trackio.dashboard.meta import Meta
from trackio.dashboard.site_parquet import ParquetBytes


def encode_runs(meta: Meta) -> bytes:
    """A row a run: `run_id`, the columns of the table of runs, min, max, mean and count."""
    ids = []
    for column in tables.columns(meta)["columns"]:
        name = column["id"]
        stem = name.removeprefix("last/")
        ids += [name] if stem == name else [f"{stat}/{stem}" for stat in tables.STATS]
    found = tables.values(meta, ids)["values"]
    columns = {"run_id": pa.array([run.run_id for run in meta.runs], pa.string())}
    columns |= {name: _column(values) for name, values in found.items() if name != "run_id"}
    table = pa.table(columns)
    with ParquetBytes(table.schema) as out:
        out.write(table)
        return out.finish()


def _column(values: list[Any]) -> pa.Array:
    """One type for all: numbers where all are, else texts, and what is neither as JSON."""
    some = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in some) and some:
        return pa.array(values, pa.bool_())
    if all(_is_number(value) for value in some) and some:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


def _is_number(value: Any) -> bool:
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    return is_plain or value in ("NaN", "Infinity", "-Infinity")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
