"""Log the same small experiment with the real tools; run by a Python that has them.

    python tests/integrations/make_samples.py FOLDER [wandb|tensorboard|mlflow ...]
    python tests/integrations/make_samples.py FOLDER --pack tests/fixtures/imports.tar.gz

Each sample lies in a folder of its own. What was logged follows from `experiment.py`, which
the tests read too. The files tell where they were made: pack those of a neutral folder.
"""

import os
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import experiment as said


def make_tensorboard(folder: Path) -> None:
    """Scalars, histograms, images, sounds, texts and hyper-parameters, by two writers."""
    import numpy as np
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboardX import SummaryWriter
    from tensorboardX.proto import summary_pb2 as x_proto

    with SummaryWriter(str(folder / "train"), flush_secs=1) as writer:
        for step in range(said.STEPS):
            for name, value in said.metrics(step).items():
                writer.add_scalar(name, value, step, walltime=said.time_s(step))
        writer.add_scalar("huge", 1e30, 3_000_000_000, walltime=said.time_s(0))
        writer.add_scalar("negative/step", 1.0, -7, walltime=said.time_s(0))
        writer.add_histogram("weights", np.array(said.WEIGHTS), 5, bins=said.BOUNDS)
        writer.add_image("picture", np.array(said.PICTURE, dtype="uint8"), 6, dataformats="HWC")
        writer.add_text("notes/of the run", "**bold** words", 7)
        writer.add_hparams(
            {"lr": 0.001, "layers": 3, "opt": "adam", "amp": True}, {"final": 0.5}, name="hp"
        )
    writer = SummaryWriter(str(folder / "eval" / "v2"), flush_secs=1)
    made = [
        (3, scalar_pb("loss", said.loss(3))),
        (4, histogram_pb("weights", np.array(said.WEIGHTS), buckets=4)),
        (5, _encoded_images(Summary)),
        (6, _double_scalar(Summary)),
    ]
    for step, proto in made:
        own = x_proto.Summary.FromString(proto.SerializeToString())
        writer.file_writer.add_summary(own, step, walltime=said.time_s(step))
    writer.close()


def _double_scalar(summary_type):
    """A scalar of 64 bits, as JAX and newer TensorFlow write it, in the repeated field."""
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    tensor = TensorProto(dtype=2, double_val=[said.PRECISE])
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    return summary_type(value=[summary_type.Value(tag="precise", tensor=tensor, metadata=plugin)])


def _encoded_images(summary_type):
    """Two images as TensorFlow 2 writes them: width, height and files in one tensor."""
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.plugins.image.metadata import create_summary_metadata

    texts = [b"4", b"3", said.png(), said.png()]
    tensor = TensorProto(dtype=7, string_val=texts)
    metadata = create_summary_metadata(
        display_name="pictures", description="two", converted_to_tensor=True
    )
    return summary_type(
        value=[summary_type.Value(tag="pictures", tensor=tensor, metadata=metadata)]
    )


def make_wandb(folder: Path) -> None:
    """An offline run with two x axes, media, a table, alerts, and a second that failed."""
    import numpy as np

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        os.environ |= {
            "WANDB_MODE": "offline",
            "WANDB_DIR": str(folder),
            "WANDB_SILENT": "true",
            "WANDB_CONFIG_DIR": scratch,
            "WANDB_CACHE_DIR": scratch,
            "WANDB_DATA_DIR": str(folder / "data"),
            "WANDB_DISABLE_GIT": "true",
            "WANDB_DISABLE_CODE": "true",
            "WANDB_CONSOLE": "off",
            "WANDB_USERNAME": "someone",
            "WANDB_HOST": "somewhere",
        }
        import wandb

        settings = wandb.Settings(x_stats_sampling_interval=0.5)
        run = wandb.init(
            project="digits", name="first", group="g", tags=["a", "b"], notes="by hand",
            id="abc12345", job_type="train", settings=settings,
            config={"lr": 0.001, "model": {"layers": 3, "name": "mlp"}, "sizes": [1, 2]},
        )  # fmt: skip
        wandb.define_metric("eval_iter")
        wandb.define_metric("eval/*", step_metric="eval_iter")
        for step in range(said.STEPS):
            run.log(said.metrics(step), step=step)
        train = {"train/loss": said.TWO_AXES["train/loss"]}
        run.log(train, step=5360)
        run.log({k: v for k, v in said.TWO_AXES.items() if k not in train}, step=5360)
        run.log(
            {
                "weights": wandb.Histogram(np_histogram=(said.COUNTS, said.BOUNDS)),
                "picture": wandb.Image(np.array(said.PICTURE, dtype="uint8"), caption="red"),
                "pictures": [wandb.Image(np.array(said.PICTURE, dtype="uint8"))] * 2,
                "table": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2.5, None]]),
                "page": wandb.Html("<p>hello</p>"),
                "text": "words", "yes": True, "list": [1, 2], "big": 2**60, "bad": float("nan"),
                "worse": float("-inf"), "nothing": None, "nested": {"inner": 4.0},
            },
            step=5361,
        )  # fmt: skip
        run.config.update({"late": "yes"})
        run.summary["best"] = 0.125
        run.alert("too high", "the loss rose", level="WARN")
        run.finish()
        bad = wandb.init(project="digits", name="second", id="def67890", settings=settings)
        bad.log({"loss": 1.0})
        bad.finish(exit_code=3)
        _log_beside_the_history(wandb, folder)


def _log_beside_the_history(wandb, folder: Path) -> None:
    """An image with masks and boxes, console output, a saved file, an artifact."""
    import numpy as np

    settings = wandb.Settings(console="wrap", x_stats_sampling_interval=0.5)
    run = wandb.init(project="digits", name="third", id="ghi24680", settings=settings)
    print(said.PRINTED)
    masks = {"seen": {"mask_data": np.array(said.MASK), "class_labels": said.CLASSES}}
    boxes = {"seen": {"box_data": [said.BOX], "class_labels": said.CLASSES}}
    picture = np.array(said.PICTURE, dtype="uint8")
    run.log({"drawn": wandb.Image(picture, masks=masks, boxes=boxes)})
    saved = folder / "saved.txt"
    saved.write_text(said.SAVED)
    run.save(str(saved), base_path=str(folder))
    model = wandb.Artifact("model", "model", metadata={"acc": 0.5})
    model.add_file(str(saved), "inner/weights.txt")
    run.log_artifact(model, aliases=["best"])
    run.finish()


def make_mlflow(folder: Path) -> None:
    """The same experiment in a store of files and in one of SQLite."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["LOGNAME"] = os.environ["USER"] = "someone"
    (folder / "sqlite").mkdir(parents=True)
    os.chdir(folder / "sqlite")  # artifacts go where the process is
    for name, uri in (
        ("files", (folder / "files" / "mlruns").as_uri()),
        ("sqlite", "sqlite:///mlflow.db"),
    ):
        _log_mlflow(name, uri)


def _log_mlflow(name: str, uri: str) -> None:
    import mlflow
    from mlflow.entities import Metric, Param, RunTag

    client = mlflow.MlflowClient(uri)
    location = None if name == "files" else "mlartifacts"
    experiment = client.create_experiment("digits", artifact_location=location)
    parent = client.create_run(experiment, run_name="parent", start_time=said.time_ms(0))
    client.set_terminated(parent.info.run_id, "FINISHED", end_time=said.time_ms(9))
    tags = {"mlflow.parentRunId": parent.info.run_id, "team": "blue", "mlflow.note.content": "hi"}
    run = client.create_run(
        experiment, run_name="child", start_time=said.time_ms(0), tags=tags
    ).info.run_id
    metrics = [
        Metric(key, value, said.time_ms(step), step)
        for step in range(said.STEPS)
        for key, value in said.metrics(step).items()
    ]
    metrics += [
        Metric("odd", float("nan"), said.time_ms(1), 1),
        Metric("odd", float("inf"), said.time_ms(2), 2),
        Metric("odd", float("-inf"), said.time_ms(3), 3),
        Metric("system/cpu", 12.5, said.time_ms(4), 0),
    ]
    params = [Param("lr", "0.001"), Param("model/name", "mlp"), Param("version", "1.10")]
    client.log_batch(run, metrics, params, [RunTag("stage", "test")])
    client.log_text(run, "some words\n", "notes/words.txt")
    client.log_image(run, _picture(), key="picture", step=3, timestamp=said.time_ms(3))
    client.set_terminated(run, "FAILED", end_time=said.time_ms(10))


def _picture():
    import numpy as np

    return np.array(said.PICTURE, dtype="uint8")


MAKERS = {"tensorboard": make_tensorboard, "wandb": make_wandb, "mlflow": make_mlflow}

_LEFT_OUT = ("debug", "requirements.txt", "latest-run", "wandb-metadata.json")


def pack(root: Path, target: Path) -> None:
    """Everything that the importers read, as one small file that is always the same."""
    with tarfile.open(target, "w:gz", compresslevel=9, dereference=True) as tar:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not any(name in str(path) for name in _LEFT_OUT):
                tar.add(path, path.relative_to(root))


if __name__ == "__main__":
    root = Path(sys.argv[1]).absolute()
    if sys.argv[2:3] == ["--pack"]:
        pack(root, Path(sys.argv[3]))
        sys.exit()
    for name in sys.argv[2:] or MAKERS:
        (root / name).mkdir(parents=True, exist_ok=True)
        MAKERS[name](root / name)
