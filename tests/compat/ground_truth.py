"""Compare migrated runs with the ground truth of a fixture. Says what differs, in words.

The ground truth has one entry for each identity that a database names, and one for each group
of inbox records. What is one run in the new store is added up here first.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.compat.migrated import MigratedRun, value_of

NUMBERS = ("int", "float")
_FAR = 1e-12


@dataclass(slots=True)
class Truth:
    """What one run should hold."""

    stem: str
    name: str
    run_id: str | None
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    system: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    traces: list[dict[str, Any]] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    metric_rows: int = 0
    quarantined_rows: int = 0
    is_hidden: bool = False


def truths(expected: dict[str, Any]) -> list[Truth]:
    """Every run that the fixture should become."""
    found: dict[tuple[str, str, str], Truth] = {}
    for db in expected["dbs"]:
        for run in _in_order(db.get("runs", [])):
            key = _identity(db, run, found)
            if key[1] != "":
                truth = found.setdefault(
                    key, Truth(key[0], run["run_name"], key[2] if key[2] != "by name" else None)
                )
                _add_run(truth, run, db)
    for group in (expected.get("inbox") or {}).get("groups", []):
        if group["project"] and group["run"]:
            _add_group(found, group)
    return list(found.values())


def differences(truth: Truth, run: MigratedRun) -> Iterator[str]:
    """What differs between what should be and what is."""
    yield from _series_differences(truth.metrics, run, "metric")
    yield from _series_differences(truth.system, run, "system")
    yield from _alert_differences(truth, run)
    yield from _trace_differences(truth, run)
    if truth.configs and (problem := _config_difference(truth.configs[-1], run)):
        yield problem
    yield from _step_differences(truth, run)


def _in_order(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs with rows first: those that only a trace knows are attached to them."""
    return sorted(runs, key=lambda run: not _has_main_rows(run))


def _has_main_rows(run: dict[str, Any]) -> bool:
    return bool(
        run["metric_rows"] or run["system_rows"] or run["alerts"] or run["config"] is not None
    )


def _identity(
    db: dict[str, Any], run: dict[str, Any], found: dict[tuple[str, str, str], Truth]
) -> tuple[str, str, str]:
    """Project, name and id of the run that an entry belongs to."""
    is_by_name = "run_id" not in db["tables"]["metrics"]["columns"]
    stem = db["file"].removesuffix(".db")
    if "project_name" in db["tables"]["metrics"]["columns"]:
        return run["project"], run["run_name"], "by name"
    if is_by_name:
        return stem, run["run_name"], "by name"
    same_name = [key for key in found if key[:2] == (stem, run["run_name"])]
    if not _has_main_rows(run) and len(same_name) == 1:
        return same_name[0]
    return stem, run["run_name"], run["run_id"]


def _add_run(truth: Truth, run: dict[str, Any], db: dict[str, Any]) -> None:
    for name, figures in run.get("metrics", {}).items():
        truth.metrics.setdefault(name, []).append(figures)
    for name, figures in run["system_metrics"].items():
        truth.system.setdefault(name, []).append(figures)
    truth.alerts += run["alerts"]
    truth.traces += run.get("trace_list", [])
    truth.metric_rows += run["metric_rows"]
    truth.quarantined_rows += run.get("unparsable_metric_rows", 0)
    truth.quarantined_rows += run.get("non_object_metric_rows", 0)
    if run["config"] is not None:
        truth.configs.append(run["config"])
    if "steps" in run:
        truth.steps.append(run["steps"])
    links = {total["run_name"]: total.get("artifact_links") for total in db["totals_by_run_name"]}
    is_alone = not (run["metric_rows"] or run["system_rows"] or run["alerts"] or run["traces"])
    has_ids = "run_id" in db["tables"].get("configs", {}).get("columns", ())
    truth.is_hidden = is_alone and has_ids and not links.get(run["run_name"])


def _add_group(found: dict[tuple[str, str, str], Truth], group: dict[str, Any]) -> None:
    stem = "".join(c for c in group["project"] if c.isalnum() or c in "-_")
    names = [key for key in found if key[:2] == (stem, group["run"])]
    key = next((k for k in names if k[2] in ("by name", group["run_id"])), None)
    if key is None:
        key = (stem, group["run"], group["run_id"])
        found[key] = Truth(stem, group["run"], group["run_id"])
    truth = found[key]
    if group["kind"] == "metric":
        for name, figures in group["metrics"].items():
            truth.metrics.setdefault(name, []).append(figures)
        truth.metric_rows += group["records"]
        if group["config"] is not None:
            truth.configs.append(group["config"])
    elif group["kind"] == "system_metric":
        for name, figures in group["metrics"].items():
            truth.system.setdefault(name, []).append(figures)


def _series_differences(
    wanted: dict[str, list[dict[str, Any]]], run: MigratedRun, kind: str
) -> Iterator[str]:
    for name, figures in wanted.items():
        kinds = sum((Counter(each["kinds"]) for each in figures), Counter())
        types = sum((Counter(each.get("types", {})) for each in figures), Counter())
        yield from _kind_differences(name, kinds, types, run, kind)
        yield from _figure_differences(name, figures, run, kind)
    known = {row["key"] for row in run.of(kind)}
    nested = {name for name, each in wanted.items() if any("dict" in f["kinds"] for f in each)}
    for key in known - set(wanted):
        if not any(key.startswith(f"{name}/") for name in nested):
            yield f"{kind} {key!r} was never logged"


def _kind_differences(
    name: str, kinds: Counter[str], types: Counter[str], run: MigratedRun, kind: str
) -> Iterator[str]:
    """The values of one metric by what they are."""
    rows = [row for row in run.of(kind) if row["key"] == name]
    got = Counter(_kind_of(row) for row in rows)
    plain = {"number": sum(kinds[each] for each in NUMBERS)}
    plain |= {each: kinds[each] for each in ("null", "bool", "str")}
    if literal := kinds["nonfinite_literal"]:
        got["nonfinite"] = got["nan"] + got["inf"] + got["-inf"]
        plain["nonfinite"] = literal
    else:
        plain |= {each: kinds[each] for each in ("nan", "inf", "-inf")}
    for each, count in plain.items():
        if got[each] != count:
            yield f"{kind} {name!r}: {count} of kind {each}, got {got[each]}"
    typed = Counter(_type_of(row) for row in run.rows if row["key"] == name and _type_of(row))
    if typed != types:
        yield f"{kind} {name!r}: types {dict(types)}, got {dict(typed)}"
    flat = {row["seq"] for row in run.of(kind) if row["key"].startswith(f"{name}/")}
    typed_objects = sum(types.values()) - (types["trackio.trace"] if kinds["list"] else 0)
    objects = kinds["dict"] - typed_objects
    if len(flat) + got["dict"] < objects:
        yield f"{kind} {name!r}: {objects} objects, got {len(flat)} and {got['dict']}"


def _figure_differences(
    name: str, figures: list[dict[str, Any]], run: MigratedRun, kind: str
) -> Iterator[str]:
    wanted = [each for each in figures if "sum" in each]
    got = [value for row in run.of(kind) if row["key"] == name for value in _finite(row)]
    if not wanted:
        return
    pairs = {
        "sum": (math.fsum(each["sum"] for each in wanted), math.fsum(got)),
        "min": (min(each["min"] for each in wanted), min(got, default=None)),
        "max": (max(each["max"] for each in wanted), max(got, default=None)),
    }
    if len(figures) == 1:
        pairs["first"] = (wanted[0]["first"], got[0] if got else None)
        pairs["last"] = (wanted[0]["last"], got[-1] if got else None)
    for what, (should, found) in pairs.items():
        if found is None or not math.isclose(float(should), float(found), rel_tol=_FAR):
            yield f"{kind} {name!r}: {what} {should}, got {found}"
        elif math.copysign(1, should) != math.copysign(1, found) and what != "sum":
            yield f"{kind} {name!r}: {what} has lost its sign"


def _finite(row: dict[str, Any]) -> Iterable[float]:
    value = value_of(row)
    if isinstance(value, int | float) and math.isfinite(value):
        yield value


def _kind_of(row: dict[str, Any]) -> str:
    value = value_of(row)
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case str():
            return "str"
        case list():
            return "list"
        case dict():
            return "dict"
    return "number" if math.isfinite(value) else str(float(value))


def _type_of(row: dict[str, Any]) -> str | None:
    if row["kind"] == "trace":
        return "trackio.trace" if "id" not in value_of(row) else None
    if row["kind"] not in ("media", "report"):
        return None
    value = value_of(row)
    return str(value["_type"]) if isinstance(value, dict) else None


def _alert_differences(truth: Truth, run: MigratedRun) -> Iterator[str]:
    wanted = Counter(
        (each["title"], each["text"], each["level"], each["step"]) for each in _once(truth.alerts)
    )
    got = Counter(
        (row["key"], value_of(row)["text"], value_of(row)["level"], row["step"])
        for row in run.of("alert")
    )
    if wanted - got:
        yield f"alerts {wanted - got} are missing"


def _once(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Alerts without those that have an id seen before."""
    return list({alert.get("alert_id") or id(alert): alert for alert in reversed(alerts)}.values())


def _trace_differences(truth: Truth, run: MigratedRun) -> Iterator[str]:
    wanted = Counter(
        (t["key"], t["trace_index"], t["step"], t["n_messages"], t["n_spans"] or 0)
        for t in truth.traces
    )
    got = Counter(
        (row["key"], said["index"], row["step"], len(said["messages"]), len(said["spans"] or []))
        for row in run.of("trace")
        if "id" in (said := value_of(row))
    )
    if wanted != got:
        yield f"traces {dict(wanted)}, got {dict(got)}"


def _config_difference(config: dict[str, Any], run: MigratedRun) -> str | None:
    reserved = ("_Username", "_Created", "_Group")
    wanted = dict(_flat("", {k: v for k, v in config.items() if k not in reserved}))
    got = {row["key"]: value_of(row) for row in run.of("config")}
    said = next(value for key, value in run.texts("run") if key == "start")["legacy"]
    if any(said.get(name) != config.get(name) for name in reserved):
        return f"config {config}: of what is reserved only {said} is there"
    if run.meta["group"] != config.get("_Group"):
        return f"group {config.get('_Group')!r}, got {run.meta['group']!r}"
    different = [k for k in {*wanted, *got} if not _is_same(wanted.get(k), got.get(k))]
    return f"config differs in {different}: {wanted}, got {got}" if different else None


def _flat(prefix: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flat(f"{prefix}{name}/", inner)
        else:
            yield f"{prefix}{name}", inner


def _is_same(a: Any, b: Any) -> bool:
    names = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    a = names.get(a, a) if isinstance(a, str) else a
    return bool(a == b or (a != a and b != b))  # noqa: PLR0124 - NaN


def _step_differences(truth: Truth, run: MigratedRun) -> Iterator[str]:
    """Steps of rows that have values; where all steps were integers they are all there."""
    if len(truth.steps) != 1 or set(truth.steps[0]["sqlite_types"]) != {"integer"}:
        return
    steps: defaultdict[int, int] = defaultdict(int)
    for row in run.of("metric"):
        steps[row["seq"]] = row["step"]
    found = list(steps.values())
    if found and not (truth.steps[0]["min"] <= min(found) and max(found) <= truth.steps[0]["max"]):
        yield f"steps {truth.steps[0]}, got {min(found)} to {max(found)}"
