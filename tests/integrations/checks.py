"""What must have come over of the samples that `make_samples.py` makes, by whichever tool."""

import math
from pathlib import Path

from integrations import experiment as said

import trackio
from trackio.api import Run
from trackio.importers.calls import import_mlflow, import_tf_events, import_wandb
from trackio.upkeep.migrate.report import Report

METRICS = ("loss", "train/acc 1", "grad_norm")


def check_tensorboard(folder: Path, store: Path) -> None:
    """Scalars, histograms, images, texts and hyper-parameters, at their steps and times."""
    _check_report(import_tf_events(folder, "tb", store=store), store)
    runs = {run.name: run for run in trackio.Api(store).runs("tb")}
    assert {"train", "train/hp", "eval/v2"} == runs.keys()
    train = runs["train"]
    rows = [row for row in train.scan_history(["loss"]) if row["step"] < said.STEPS]
    assert [(n, said.loss(n)) for n in range(said.STEPS)] == [(r["step"], r["loss"]) for r in rows]
    assert [said.time_s(step) for step in range(said.STEPS)] == [
        row["time"].timestamp() for row in rows
    ]
    extremes = [(r["step"], v) for r in train.scan_history(["huge", "negative/step"])
                for k, v in r.items() if k in ("huge", "negative/step")]  # fmt: skip
    assert {(3_000_000_000, 1.0000000150474662e30), (-7, 1.0)} == set(extremes)
    media = {(found.key, found.step): found for found in train.media()}
    assert {("weights", 5), ("picture", 6), ("notes/of the run/text_summary", 7)} == media.keys()
    assert 4 == train.table("weights")["count"].sum()
    assert {"lr": 0.001, "layers": 3, "opt": "adam", "amp": True} == dict(runs["train/hp"].config)
    v2 = runs["eval/v2"]
    assert {"loss": said.loss(3), "precise": said.PRECISE} == v2.summary
    assert [("weights", 4), ("pictures", 5), ("pictures", 5)] == [
        (found.key, found.step) for found in sorted(v2.media(), key=lambda found: found.step)
    ]


def check_wandb(folder: Path, store: Path) -> None:
    """Metrics, two x axes, media, config, alerts, the machine, and how the runs ended."""
    _check_report(import_wandb(folder, store=store), store)
    runs = {run.id: run for run in trackio.Api(store).runs("digits")}
    assert {"abc12345", "def67890", "ghi24680"} == runs.keys()
    _check_beside_the_history(runs["ghi24680"])
    first, second = runs["abc12345"], runs["def67890"]
    assert ("first", "g", ["a", "b"], "by hand", "finished") == (
        first.name, first.group, first.tags, first.notes, first.status)  # fmt: skip
    assert ("second", "failed") == (second.name, second.status)
    assert {"lr": 0.001, "model": {"layers": 3, "name": "mlp"}, "sizes": [1, 2],
            "late": "yes"} == dict(first.config)  # fmt: skip
    _check_series(first)
    last = list(first.scan_history(["train/loss", "eval/loss", "eval_iter"]))
    assert [(5360, "train/loss", 0.75), (5360, "eval_iter", 5000.0), (5000, "eval/loss", 0.5)] == [
        (row["step"], key, row[key])
        for row in last
        for key in ("train/loss", "eval_iter", "eval/loss")
        if key in row
    ]
    (odd,) = list(first.scan_history(["bad", "worse", "big", "yes", "text", "list"]))
    assert math.isnan(odd["bad"])
    assert (-math.inf, 2**60, True, "words", [1, 2]) == tuple(
        odd[key] for key in ("worse", "big", "yes", "text", "list")
    )
    assert {"page": 1, "picture": 1, "pictures": 2, "table": 1, "weights": 1} == {
        key: len(first.media(key)) for key in ("page", "picture", "pictures", "table", "weights")
    }
    assert [["x", 1.0], [None, 2.5]] == [
        [None if row["b"] is None else row["b"], row["a"]]
        for row in first.table("table").astype(object).where(lambda f: f.notna(), None)
        .to_dict("records")
    ]  # fmt: skip
    assert said.COUNTS == first.table("weights")["count"].tolist()
    assert 0.125 == first.summary["best"]
    assert [("too high", "the loss rose", "warn")] == [
        (alert["title"], alert["text"], alert["level"]) for alert in first.alerts()
    ]
    assert len(first.system_metrics()) >= 1


def check_wandb_artifact(store: Path, out: Path) -> None:
    """An artifact that wandb staged here is one of ours, made by the same run."""
    api = trackio.Api(store)
    found = api.artifact("digits/model:best")
    assert ("model", {"acc": 0.5}, "third") == (
        found.type, found.metadata, found.manifest.run_name)  # fmt: skip
    assert said.SAVED == (Path(found.download(out)) / "inner" / "weights.txt").read_text()
    (link,) = api.run("digits/ghi24680").logged_artifacts()
    assert ("output", "model", "v0") == (link.direction, link.name, link.version)


def _check_beside_the_history(run: Run) -> None:
    """Masks and boxes with the names of their classes, what was printed, what was saved."""
    (drawn,) = run.media("drawn")
    classes = {str(number): name for number, name in said.CLASSES.items()}
    assert classes == drawn.reference["masks"]["seen"]["class_labels"]
    assert {"box_data": [said.BOX], "class_labels": classes} == drawn.reference["boxes"]["seen"]
    files = {file.name: file.read().decode() for file in run.files()}
    assert said.PRINTED in files["output.log"]
    assert said.SAVED == files["saved.txt"]


def check_mlflow(folder: Path, store: Path) -> None:
    """The same from a store of files and from one of SQLite."""
    for kind in ("files", "sqlite"):
        own = store / kind
        _check_report(import_mlflow(folder / kind, store=own), own)
        runs = {run.name: run for run in trackio.Api(own).runs("digits")}
        assert {"parent", "child"} == runs.keys()
        child = runs["child"]
        assert ("parent", "hi", ["stage=test", "team=blue"], "failed") == (
            child.group, child.notes, child.tags, child.status)  # fmt: skip
        assert {"lr": 0.001, "model": {"name": "mlp"}, "version": "1.10"} == dict(child.config)
        _check_series(child)
        odd = [row["odd"] for row in child.scan_history(["odd"])]
        assert math.isnan(odd[0])
        assert [math.inf, -math.inf] == odd[1:]
        assert [("picture", 3)] == [(found.key, found.step) for found in child.media()]
        assert [12.5] == child.system_metrics()["cpu"].tolist()
        assert "finished" == runs["parent"].status


def _check_series(run: Run) -> None:
    for metric in METRICS:
        found = [(row["step"], row[metric]) for row in run.scan_history([metric])]
        assert [(n, said.metrics(n)[metric]) for n in range(said.STEPS)] == found


def _check_report(report: Report, store: Path) -> None:
    """All of it came over, and a second import puts nothing."""
    assert report.is_whole, (report.quarantined, report.differences, report.uncounted)
    assert report.points
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    assert before
