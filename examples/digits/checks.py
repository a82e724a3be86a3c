"""Check that what the trainings logged is what readers find. Starts nothing."""

import json
import sys
from urllib.parse import urlencode
from urllib.request import urlopen

from trainings import Training

import trackio

METRIC = "train/loss"
"""Logged by every call."""
OLD_PROJECT = "my-project"
OLD_RUNS = 8
"""What the directory of the released Trackio holds."""


def stored_calls(project: str) -> dict[str, int]:
    """How many calls of each run, by name, are in the store."""
    return {run.name: run.metrics().get(METRIC, 0) for run in trackio.Api().runs(project)}


def check_rows(project: str, trainings: list[Training]) -> None:
    """Every `log` that returned is there once, under the step it had, with every metric."""
    runs = {run.name: run for run in trackio.Api().runs(project)}
    for training in trainings:
        rows = list(runs[training.name].scan_history(keys=[METRIC, "optim/learning_rate"]))
        steps = [int(row["step"]) for row in rows]
        # The process may have been killed after a call returned and before it could say so.
        surplus = 1 if training.was_killed else 0
        expect(steps == list(range(len(steps))), f"{training.name}: steps are missing or doubled")
        expect(
            training.calls <= len(steps) <= training.calls + surplus,
            f"{training.name}: {training.calls} calls returned, {len(steps)} are stored",
        )
        # A run counts as crashed once nothing has come from it for two and a half minutes.
        statuses = ("running", "crashed") if training.was_killed else ("finished",)
        status = runs[training.name].status
        expect(status in statuses, f"{training.name}: is {status}, not {' or '.join(statuses)}")


def check_pages(url: str, project: str, trainings: list[Training]) -> None:
    """The page and its data arrive over HTTP, and the data holds every point."""
    page = fetch(url).decode()
    expect("trackio" in page.lower(), "the page is not the dashboard")
    data = f"{url.rstrip('/')}/gradio_api/trackio/"
    meta = json.loads(fetch(f"{data}meta.json?{urlencode({'project': project})}"))
    names = {run["code"]: run["name"] for run in meta["runs"]}
    codes = {metric["key"]: metric["code"] for metric in meta["metrics"]}
    asked = {"project": project, "m": codes[METRIC], "r": ",".join(names)}
    frame = fetch(f"{data}series?{urlencode(asked)}")
    length = int.from_bytes(frame[:4], "little")
    (metric,) = json.loads(frame[4 : 4 + length])["metrics"]
    points = {names[series["run"]]: series["points"] for series in metric["series"]}
    expect(points == stored_calls(project), f"the chart of {METRIC} draws {points}")
    wanted = urlencode({"project": project, "c": f"last/{METRIC}"})
    table = json.loads(fetch(f"{data}values.json?{wanted}"))
    (lasts,) = table["values"].values()
    for training in trainings:
        expect(training.name in names.values(), f"{training.name} is not in the table of runs")
    expect(len(lasts) == len(trainings), f"the table of runs has {len(lasts)} values of {METRIC}")


def check_old_projects(url: str) -> None:
    """The migrated projects are listed beside the live one, and their points are served."""
    data = f"{url.rstrip('/')}/gradio_api/trackio/"
    meta = json.loads(fetch(f"{data}meta.json?{urlencode({'project': OLD_PROJECT})}"))
    names = sorted(run["name"] for run in meta["runs"])
    expect("baseline" in names and len(names) == OLD_RUNS, f"{OLD_PROJECT} has the runs {names}")
    rows = {run.name: len(list(run.scan_history())) for run in trackio.Api().runs(OLD_PROJECT)}
    expect(rows["baseline"] > 0, f"nothing of {OLD_PROJECT} came over: {rows}")


def fetch(url: str) -> bytes:
    """The body of a good answer."""
    with urlopen(url, timeout=30) as answer:
        return bytes(answer.read())


def expect(is_so: bool, otherwise: str) -> None:
    """End the demo with a message if something is not as it must be."""
    if not is_so:
        sys.exit(f"Check failed: {otherwise}")
