"""`trackio export`: points, runs, alerts or system metrics as CSV, Parquet or JSON."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trackio.cli.options import Opened, complete_run, json_option, with_project
from trackio.cli.output import Answer, note, print_json, write
from trackio.cli.runs import warnings_of
from trackio.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

_FORMATS: Final = ("csv", "parquet", "json")
_POINTS: Final = "run, run_id, label, {step}time, key AS metric, value, text, writer_id, seq"
_QUERIES: Final = {
    "points": (_POINTS.format(step="step, "), "metrics", "run_id, label, key, step, seq"),
    "system": (_POINTS.format(step=""), "system_metrics", "run_id, label, key, time, seq"),
    "runs": ("* EXCLUDE (config, summary), to_json(config) AS config, to_json(summary) AS summary",
             "runs", "created, run_id"),
    "alerts": ("*", "alerts", "time, run_id, seq"),
    "config": ("*", "configs", "run_id, key"),
}  # fmt: skip


@click.command
@with_project
@click.argument("what", type=click.Choice(tuple(_QUERIES)), default="points")
@click.option(
    "-r",
    "--run",
    "runs",
    multiple=True,
    metavar="RUN",
    help="Only this run; may be given several times.",
    shell_complete=complete_run,
)
@click.option("-m", "--metric", "keys", multiple=True, metavar="NAME", help="Only this metric.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file.  [default: stdout]")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="[default: as the file is called, or csv]"
)
@click.option("--wide", is_flag=True, help="A row for each step, a column for each metric.")
@click.option("--max-memory", default="4GB", show_default=True, metavar="SIZE", help="At most.")
@json_option
def export(
    *,
    opened: Opened,
    what: str,
    runs: Sequence[str],
    keys: Sequence[str],
    out: Path | None,
    form: str | None,
    wide: bool,
    max_memory: str,
    as_json: bool,
) -> None:
    """Export the points of a project, or its system metrics, runs, alerts or config.

    Every value is exported, nothing is sampled; what is no number stands in the column text.
    --json tells what was written where.
    """
    if as_json and out is None:
        raise InvalidInput("--json tells of a file: name one with --out, or use --format json")
    chosen = form or _format_of(out)
    if chosen == "parquet" and out is None:
        raise InvalidInput("Parquet goes into a file: name one with --out")
    table = (
        _wide(opened, runs, keys)
        if wide
        else _long(opened, what, runs, keys, max_memory=max_memory)
    )
    if out is None:
        write(_text(table, chosen))
        return
    _write(table, out, chosen)
    said = {"file": str(out), "format": chosen, "rows": table.num_rows}
    if as_json:
        answer = Answer(
            kind="columns",
            items=table.column_names,
            total=len(table.column_names),
            as_of_s=opened.as_of_s,
            about={"project": opened.project},
            warnings=warnings_of(opened),
        )
        print_json(answer, {**said, "columns": table.column_names})
    else:
        note(f"wrote {table.num_rows:,} rows to {out}")


def _long(
    opened: Opened, what: str, runs: Sequence[str], keys: Sequence[str], *, max_memory: str
) -> "pa.Table":
    from trackio.query.runs import find_run
    from trackio.query.sandbox import run_sql

    columns, view, order = _QUERIES[what]
    tests = []
    if runs:
        ids = [find_run(opened.view, run).run_id for run in runs]
        tests.append(f"run_id IN ({', '.join(map(_quoted, ids))})")
    if keys:
        if what not in ("points", "system"):
            raise InvalidInput(f"--metric goes with points and system, not with {what}")
        tests.append(f"key IN ({', '.join(map(_quoted, keys))})")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    sql = f"SELECT {columns} FROM {view}{where} ORDER BY {order}"  # noqa: S608 - quoted, sandboxed
    return run_sql(opened.view, sql, max_seconds=3600.0, max_memory=max_memory)


def _wide(opened: Opened, runs: Sequence[str], keys: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    from trackio.query.frames import to_frame
    from trackio.query.history import read_history
    from trackio.query.metrics import list_metrics
    from trackio.query.runs import find_run, list_runs

    rows = [find_run(opened.view, run) for run in runs] or list_runs(opened.view, time.time())
    ids = [row.run_id for row in rows]
    wanted = list(keys) or [metric.key for metric in list_metrics(opened.view, run_ids=ids)]
    tables = []
    for row in rows:
        frame = to_frame(read_history(opened.view, row.run_id, wanted, samples=None), wanted)
        frame.insert(0, "run_id", row.run_id)
        frame.insert(0, "run", row.name)
        tables.append(pa.Table.from_pandas(frame, preserve_index=False))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _format_of(out: Path | None) -> str:
    if out is None:
        return "csv"
    ending = out.suffix.lstrip(".").lower()
    if ending not in _FORMATS:
        raise InvalidInput(f"say in which format {out} is to be: --format csv, parquet or json")
    return ending


def _write(table: "pa.Table", out: Path, form: str) -> None:
    """The whole file or none."""
    aside = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if form == "parquet":
            import pyarrow.parquet as pq

            pq.write_table(table, aside, compression="zstd")
        else:
            aside.write_text(_text(table, form), encoding="utf-8")
        aside.replace(out)
    except OSError as exc:
        raise InvalidInput(f"{out} cannot be written: {exc}") from exc
    finally:
        aside.unlink(missing_ok=True)


def _text(table: "pa.Table", form: str) -> str:
    """CSV with a header, or a JSON object a line."""
    from trackio.render import to_json

    if form == "json":
        return "".join(f"{to_json(row)}\n" for row in table.to_pylist())
    import csv
    import io

    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=65_536):
        lines.writerows(zip(*(map(_cell, column.to_pylist()) for column in batch), strict=True))
    return text.getvalue()


def _cell(value: Any) -> Any:
    from trackio.cli.text import for_programs

    return value if isinstance(value, int | float | str) else for_programs(value)
