"""A project with artifacts as a team leaves it, and a registry over it. Asserts nothing."""

from pathlib import Path
from random import Random
from typing import Any

import trackio

PROJECT = "digits"
CORPUS = "https://example.org/corpus.tar"
SCRIPT = "<img src=x onerror=alert(1)>"
"""What somebody may call things; nowhere it is more than text."""


class Shelf:
    """Logs artifacts whose bytes follow from their names, in a store in a folder.

    The environment has to say where: `TRACKIO_DIR`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, name: str, uses: tuple[str, ...] = (), project: str = PROJECT) -> Any:
        """A run that used these versions."""
        run = trackio.init(project=project, name=name)
        run.log({"loss": 1.0})
        for spec in uses:
            run.use_artifact(spec)
        return run

    def artifact(self, name: str, kind: str, files: dict[str, int], **more: Any) -> Any:
        """An artifact of files of these sizes."""
        found = trackio.Artifact(name, type=kind, **more)
        for place, (path, size) in enumerate(files.items()):
            local = self._folder / f"{name}-{place}-{size}"
            local.write_bytes(Random(f"{path} {size}").randbytes(size))
            found.add_file(local, path)
        return found


def fill(folder: Path) -> None:
    """Ten runs, a dozen artifacts, a registry of three collections."""
    shelf = Shelf(folder)
    _prepare(shelf)
    _train(shelf)
    _use(shelf)
    _register()


def _prepare(shelf: Shelf) -> None:
    shards = {f"train/shard-{i}.parquet": 900 + i for i in range(8)}
    with shelf.run("collect") as run:
        about = {"description": "Scans, **as they came**.", "metadata": {"rows": 60000}}
        run.log_artifact(shelf.artifact("raw", "dataset", shards, **about), aliases=["frozen"])
    with shelf.run("clean", ("raw:v0",)) as run:
        run.log_artifact(shelf.artifact("clean", "dataset", {"all.parquet": 5000}))
    with shelf.run("split", ("clean:v0",)) as run:
        run.log_artifact(shelf.artifact("train-split", "dataset", {"train.parquet": 4000}))
        run.log_artifact(shelf.artifact("test-split", "dataset", {"test.parquet": 800}))
    with shelf.run("patches", ("clean:v0",)) as run:
        run.log_artifact(shelf.artifact("patcher", "preprocessor", {"vocab.txt": 300}))


def _train(shelf: Shelf) -> None:
    for i, rate in enumerate((0.3, 0.1, 0.03)):
        files = {"config.json": 120 + i, "model.safetensors": 15_000 + i, "tokenizer/vocab": 300}
        if i == 2:
            files = {**files, "optimizer.pt": 6000}
            del files["tokenizer/vocab"]
        metadata = {"accuracy": 0.93 + 0.02 * i, "lr": rate, "net": {"depth": 8}}
        model = shelf.artifact("classifier", "model", files, metadata=metadata)
        with shelf.run(f"train-{rate}", ("train-split:latest", "patcher:v0")) as run:
            run.log_artifact(model, aliases=["baseline"] if i == 0 else ["best"] if i == 2 else [])
            for step in range(6 if i == 1 else 0):
                run.log_artifact(shelf.artifact("checkpoint", "checkpoint", {"s": 2000 + step}))


def _use(shelf: Shelf) -> None:
    with shelf.run("evaluate", ("classifier:v0", "classifier:best", "test-split:v0")) as run:
        run.log_artifact(shelf.artifact("report", "evaluation", {"report.html": 700}))
    with shelf.run("distil", ("classifier:best", "train-split:v0")) as run:
        run.log_artifact(shelf.artifact("small", "model", {"model.onnx": 900}), aliases=["mobile"])
    with shelf.run("quantize", ("small:mobile",)) as run:
        corpus = shelf.artifact("corpus", "dataset", {f"{SCRIPT[:4]} {i}": i for i in range(400)})
        corpus.add_reference(CORPUS, checksum=False)
        corpus.description = SCRIPT
        run.log_artifact(corpus)
    with shelf.run("canary", (f"{PROJECT}/classifier:best",), project="serving"):
        pass


def _register() -> None:
    api = trackio.Api()
    api.create_registry("prod", "What we ship.")
    for spec, target, aliases in (
        ("classifier:v0", "classifiers", ["previous"]),
        ("classifier:v2", "classifiers", ["live"]),
        ("small:v0", "edge", ["live", "android"]),
        ("test-split:v0", "holdouts", []),
    ):
        api.artifact(f"{PROJECT}/{spec}").link(f"prod/{target}", aliases=aliases)
    classifiers = api.registry("prod").collection("classifiers")
    classifiers.promote("v1", ["candidate"])
    classifiers.unlink("v0")
