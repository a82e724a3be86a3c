"""Runs of other trackers come over whole, once, and with proof."""

import json
import math
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from integrations.checks import check_mlflow, check_tensorboard, check_wandb

import trackio
from trackio.cli import main
from trackio.errors import InvalidInput
from trackio.importers.calls import import_csv, import_mlflow, import_tf_events, import_wandb
from trackio.model import RunId
from trackio.store.directory import Directory
from trackio.upkeep.delete import delete_run

SAMPLES = Path(__file__).parents[1] / "fixtures" / "imports.tar.gz"
CHECKS = {"tensorboard": check_tensorboard, "wandb": check_wandb, "mlflow": check_mlflow}


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Files that the real tools wrote (`tests/integrations/make_samples.py`)."""
    with tarfile.open(SAMPLES) as tar:
        tar.extractall(tmp_path / "samples", filter="data")
    return tmp_path / "samples"


@pytest.mark.parametrize(("tool", "check"), CHECKS.items(), ids=CHECKS)
def test_everything_that_a_tool_logged_comes_over(
    tool: str, check: Callable[[Path, Path], None], samples: Path, tmp_path: Path
) -> None:
    """Names, steps, times, configs, histograms, media: as the tool's own files have them."""
    check(samples / tool, tmp_path / "store")


@pytest.mark.parametrize("source", ["tensorboard", "wandb", "mlflow/files", "mlflow/sqlite"])
def test_importing_again_puts_nothing(source: str, samples: Path, tmp_path: Path) -> None:
    """Ids follow from the source, so that whoever is in doubt imports once more."""
    importer = {"tensorboard": import_tf_events, "wandb": import_wandb}.get(source, import_mlflow)
    first = importer(samples / source, "p", store=tmp_path / "store")
    again = importer(samples / source, "p", store=tmp_path / "store")
    assert first.put_files
    assert (0, first.points, True) == (again.put_files, again.points, again.is_whole)
    assert {"as before"} == {run.outcome for run in again.runs}


@pytest.mark.parametrize("source", ["tensorboard", "wandb", "mlflow/files", "mlflow/sqlite"])
def test_a_dry_run_counts_and_puts_nothing(source: str, samples: Path, tmp_path: Path) -> None:
    """Whoever wants to know what would come over is told, and the store is not even made."""
    importer = {"tensorboard": import_tf_events, "wandb": import_wandb}.get(source, import_mlflow)
    report = importer(samples / source, "p", store=tmp_path / "store", dry_run=True)
    assert report.points
    assert not (tmp_path / "store").exists()


def test_the_source_is_only_read(samples: Path, tmp_path: Path) -> None:
    """Not even the journal of a database appears beside it."""

    def look() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in samples.rglob("*") if path.is_file()}

    before = look()
    import_mlflow(samples / "mlflow" / "sqlite", store=tmp_path / "store")
    import_wandb(samples / "wandb", store=tmp_path / "store")
    assert before == look()


def test_a_row_with_two_x_axes_lands_where_each_metric_belongs(
    samples: Path, tmp_path: Path
) -> None:
    """One row by wandb: a training loss at step 5360, and an evaluation at iteration 5000."""
    import_wandb(samples / "wandb", "p", store=tmp_path)
    run = trackio.Api(tmp_path).run("p/abc12345")
    frame = run.history(["train/loss", "eval/loss"], pandas=False)
    found = {key: row["step"] for row in frame for key in row if key.endswith("loss")
             and row[key] is not None}  # fmt: skip
    assert {"train/loss": 5360, "eval/loss": 5000} == found


def test_an_event_whose_checksum_is_wrong_is_told_and_the_others_come(
    samples: Path, tmp_path: Path
) -> None:
    """One flipped bit costs one value, and nobody takes it for a number."""
    (file,) = (samples / "tensorboard" / "train").glob("*tfevents*")
    data = bytearray(file.read_bytes())
    data[data.index(b"loss") + 6] ^= 1
    file.write_bytes(data)
    report = import_tf_events(file.parent, "p", store=tmp_path / "store")
    assert ["its checksum is wrong"] == [found.reason for found in report.quarantined]
    assert 1 == report.exit_code
    (run,) = [run for run in trackio.Api(tmp_path / "store").runs("p") if run.name == "train"]
    assert 39 == run.metrics()["loss"]


def test_an_event_file_that_is_cut_off_comes_as_far_as_it_goes(
    samples: Path, tmp_path: Path
) -> None:
    """Its writer was killed, or still writes."""
    (file,) = (samples / "tensorboard" / "train").glob("*tfevents*")
    file.write_bytes(file.read_bytes()[:2000])
    report = import_tf_events(file, "p", store=tmp_path / "store")
    assert ["its last record is cut off"] == [found.reason for found in report.quarantined]
    (run,) = trackio.Api(tmp_path / "store").runs("p")
    assert run.metrics()["loss"] > 10


def test_a_damaged_length_ends_the_file_and_is_told(samples: Path, tmp_path: Path) -> None:
    """What follows is found by its length: behind a wrong one nothing can be trusted."""
    (file,) = (samples / "tensorboard" / "train").glob("*tfevents*")
    data = bytearray(file.read_bytes())
    (first,) = struct.unpack_from("<Q", data)
    data[12 + first + 4] ^= 4
    file.write_bytes(data)
    report = import_tf_events(file, "p", store=tmp_path / "store")
    assert ["the length of a record is damaged"] == [f.reason for f in report.quarantined]


def test_a_wandb_record_whose_checksum_is_wrong_is_told_and_the_others_come(
    samples: Path, tmp_path: Path
) -> None:
    """As for event files."""
    (file,) = samples.glob("wandb/wandb/*/run-abc12345.wandb")
    data = bytearray(file.read_bytes())
    data[data.rindex(b"train/acc 1") + 3] ^= 1
    file.write_bytes(data)
    report = import_wandb(file, "p", store=tmp_path / "store")
    assert ["the checksum of a record is wrong"] == [f.reason for f in report.quarantined]
    run = trackio.Api(tmp_path / "store").run("p/abc12345")
    assert 39 == run.metrics()["loss"]


def test_a_wandb_run_that_was_killed_is_failed(samples: Path, tmp_path: Path) -> None:
    """Without the record of its exit nobody called `finish()`."""
    (file,) = samples.glob("wandb/wandb/*/run-abc12345.wandb")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    import_wandb(file, "p", store=tmp_path / "store")
    assert "failed" == trackio.Api(tmp_path / "store").run("p/abc12345").status


def test_values_of_every_type_that_wandb_ever_wrote_are_read(tmp_path: Path) -> None:
    """Older files have JSON texts, newer ones may have typed values; keys may be long."""
    long = "m" * 200
    items = [
        _field(2, b"_step") + _field(16, b"7"),
        _field(1, b"old") + _field(16, b"1.5"),
        _field(2, b"integer") + b"\x28" + _varint(2 * 12),
        _field(2, b"negative") + b"\x28" + _varint(2 * 12 - 1),
        _field(2, b"double") + b"\x31" + struct.pack("<d", 0.1),
        _field(2, b"bool") + b"\x20\x01",
        _field(2, b"text") + _field(7, b"words"),
        _field(2, b"json") + _field(8, b"[1]"),
        _field(2, long.encode()) + _field(16, b"2"),
        _field(2, b"a") + _field(2, b"b") + _field(16, b"3"),
    ]
    run = _field(17, _field(1, b"r1") + _field(3, b"p") + _field(8, b"one"))
    history = _field(2, b"".join(_field(1, item) for item in items))
    big = _field(2, _field(1, _field(2, b"big") + _field(16, b'"' + b"x" * 70_000 + b'"')))
    file = tmp_path / "run-r1.wandb"
    file.write_bytes(_wandb_file([run, history, big]))
    report = import_wandb(file, store=tmp_path / "store")
    assert report.is_whole, report.quarantined
    found = next(trackio.Api(tmp_path / "store").run("p/one").scan_history())
    assert {
        "step": 7, "old": 1.5, "integer": 12.0, "negative": -12.0, "double": 0.1, "bool": True,
        "text": "words", "json": [1], long: 2.0, "a/b": 3.0,
    } == {key: value for key, value in found.items() if key != "time"}  # fmt: skip


def test_a_csv_keeps_names_steps_times_and_every_kind_of_value(tmp_path: Path) -> None:
    """Long names are not cut, texts not dropped, and digits not rounded."""
    file = tmp_path / "log.csv"
    file.write_text(
        'step,timestamp,train/a_long_name_1,train/a_long_name_2,note,"q ""x"""\n'
        "0,1700000000.5,0.1,,hi,1\n"
        '1,2023-11-14T22:13:21.000001+00:00,nan,-inf,"two\nlines",true\n'
        "5,,12345678901234567890,1e-3,,\n"
    )
    report = import_csv(file, "p", store=tmp_path / "store", config={"lr": 0.1, "m": {"n": 2}})
    assert report.is_whole
    (run,) = trackio.Api(tmp_path / "store").runs("p")
    assert ("log", {"lr": 0.1, "m": {"n": 2}}) == (run.name, dict(run.config))
    rows = list(run.scan_history())
    assert [0, 1, 5] == [row["step"] for row in rows]
    assert [1700000000.5, 1700000001.000001, 1700000001.000001] == [
        row["time"].timestamp() for row in rows
    ]
    assert ["hi", "two\nlines", None] == [row.get("note") for row in rows]
    assert math.isnan(rows[1]["train/a_long_name_1"])
    assert (0.1, 12345678901234567890) == (
        rows[0]["train/a_long_name_1"], rows[2]["train/a_long_name_1"])  # fmt: skip
    assert [None, -math.inf, 0.001] == [row.get("train/a_long_name_2") for row in rows]
    assert [1.0, True, None] == [row.get('q "x"') for row in rows]


def test_a_csv_without_steps_is_counted(tmp_path: Path) -> None:
    """Row by row, from 0."""
    file = tmp_path / "log.csv"
    file.write_text("loss\n3\n2\n1\n")
    import_csv(file, "p", "named", store=tmp_path / "store")
    (run,) = trackio.Api(tmp_path / "store").runs("p")
    assert "named" == run.name
    assert [(0, 3.0), (1, 2.0), (2, 1.0)] == [(r["step"], r["loss"]) for r in run.scan_history()]


def test_a_csv_row_whose_step_is_no_number_is_told(tmp_path: Path) -> None:
    """It is left where it is, cell by cell accounted for."""
    file = tmp_path / "log.csv"
    file.write_text("it,loss\n0,3\nx,2\n2,1\n")
    report = import_csv(file, "p", store=tmp_path / "store", step="it")
    assert [("row 3", "its step is no number")] == [(q.place, q.reason) for q in report.quarantined]
    assert (3, 2, 1) == (report.total("read"), report.total("written"), report.total("quarantined"))


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "Empty CSV"), ("a,b\n1,2,3\n", "Expected 2 columns"), ("a,a\n1,2\n", "several columns")],
)
def test_what_is_no_csv_is_refused_with_a_reason(text: str, why: str, tmp_path: Path) -> None:
    """And nothing is put."""
    file = tmp_path / "log.csv"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=why):
        import_csv(file, "p", store=tmp_path / "store")


def test_a_csv_that_has_changed_since_is_told_apart(tmp_path: Path) -> None:
    """A run is never mixed from two versions of its source."""
    file = tmp_path / "log.csv"
    file.write_text("step,loss\n0,1\n")
    import_csv(file, "p", store=tmp_path / "store")
    file.write_text("step,loss\n0,2\n")
    report = import_csv(file, "p", store=tmp_path / "store")
    assert ["changed since"] == [run.outcome for run in report.runs]
    assert 1 == report.exit_code


def test_a_csv_that_has_changed_since_lands_where_its_import_was_deleted(tmp_path: Path) -> None:
    """As often as somebody does so, and whatever the ids are that follow from it."""
    file, store = tmp_path / "log.csv", Directory(tmp_path / "store")
    for turn in range(6):
        file.write_text(f"step,loss\n0,{turn}\n")
        first = import_csv(file, "p", store=store)
        assert ["migrated"] == [run.outcome for run in first.runs]
        assert ["as before"] == [run.outcome for run in import_csv(file, "p", store=store).runs]
        (run,) = trackio.Api(tmp_path / "store").runs("p")
        assert [turn] == [row["loss"] for row in run.scan_history()]
        delete_run(store, "p", RunId(run.id))


def test_a_run_that_was_deleted_stays_deleted(tmp_path: Path) -> None:
    """Importing the same again brings nothing back, and says how to have it."""
    file, store = tmp_path / "log.csv", Directory(tmp_path / "store")
    file.write_text("step,loss\n0,1\n")
    (run,) = import_csv(file, "p", store=store).runs
    delete_run(store, "p", RunId(run.run_id))
    again = import_csv(file, "p", store=store)
    assert ["deleted there"] == [run.outcome for run in again.runs]
    assert any("another project" in note for note in again.notes)
    assert ["migrated"] == [run.outcome for run in import_csv(file, "q", store=store).runs]


@pytest.mark.parametrize("importer", [import_wandb, import_mlflow])
def test_a_folder_without_runs_is_refused(importer: Callable[..., object], tmp_path: Path) -> None:
    """The message says what to name instead."""
    with pytest.raises(InvalidInput, match="name "):
        importer(tmp_path, store=tmp_path / "store")


def test_the_command_imports_and_says_what_it_came_to(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For people and for programs."""
    arguments = ["import", "wandb", str(samples / "wandb"), "--store", str(tmp_path / "store")]
    assert 0 == main(arguments)
    assert "everything came over" in capsys.readouterr().err
    assert 0 == main([*arguments, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (True, 3, 0) == (said["is_whole"], len(said["runs"]), said["put_files"])


def test_the_command_tells_by_its_exit_code_that_something_is_damaged(
    samples: Path, tmp_path: Path
) -> None:
    """A script that imports a hundred folders notices."""
    (file,) = (samples / "tensorboard" / "train").glob("*tfevents*")
    file.write_bytes(file.read_bytes()[:2000])
    folder = str(samples / "tensorboard")
    arguments = ["import", "tensorboard", folder, "-p", "p", "--store", str(tmp_path / "store")]
    assert 1 == main(arguments)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _wandb_file(records: list[bytes]) -> bytes:
    """A file as wandb writes it, with records cut where a block of 32 KiB ends."""
    out = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        left, is_first = record, True
        while is_first or left:
            room = 32768 - len(out) % 32768
            if room < 7:
                out += bytes(room)
                room = 32768
            piece, left = left[: room - 7], left[room - 7 :]
            kind = (1 if not left else 2) if is_first else (3 if left else 4)
            checksum = zlib.crc32(piece, zlib.crc32(bytes([kind])))
            out += struct.pack("<IHB", checksum, len(piece), kind) + piece
            is_first = False
    return bytes(out)
