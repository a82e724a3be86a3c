"""What artifacts cost beside the raw client of each store: `python -m benchmarks.artifacts`.

10,000 files go into a directory, into a SeaweedFS server on this machine, and into a bucket of
the stand-in Hub: once with the store's own client alone (obstore, `huggingface_hub`, a copy that
is synced), then as an artifact that a run logs, then the same again, and back. Each step is a
process of its own, whose memory at its peak counts. Files are random, so that nothing is packed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.processes import HERE, WORK, Tracker

STORES: Final = ("directory", "s3", "bucket")
STEPS: Final = ("raw put", "log", "log again", "raw get", "download")
_BUCKET: Final = "ada/bench"
_TOKEN: Final = "hf_standinWriterTokenOfAda"
_WORKERS: Final = 16
_LONGEST_S: Final = 900.0
Figures = dict[str, float]
Place = tuple[str, Mapping[str, str]]
"""The URL of a store, and what its clients need to be let in."""


def artifacts(tracker: Tracker) -> Figures:
    """As a workload of the table: ours only, 10,000 files of 64 KiB."""
    if tracker.name != "ours":
        return {}
    command = [str(tracker.python), "-m", "benchmarks.artifacts", "--json"]
    said = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


def measure(stores: list[str], files: int, kib: int, rounds: int) -> Iterator[tuple[str, Figures]]:
    """What each store came to: seconds and MB of each step, the best of the rounds."""
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        folder = Path(scratch)
        fill(folder / "files", files, kib)
        for name in stores:
            taken: list[Figures] = []
            for number in range(rounds):
                with _serving(name, folder / f"{name}-raw-{number}") as place:
                    figures = _take(folder, place, ("raw put", "raw get"))
                with _serving(name, folder / f"{name}-{number}") as place:
                    figures |= _take(folder, place, ("log", "log again", "download"))
                figures["up, ratio"] = figures["log, s"] / figures["raw put, s"]
                figures["down, ratio"] = figures["download, s"] / figures["raw get, s"]
                taken.append(figures)
            yield name, {figure: min(each[figure] for each in taken) for figure in taken[0]}


def fill(folder: Path, files: int, kib: int) -> None:
    """Random files, a hundred in a folder."""
    for number in range(files):
        path = folder / f"{number // 100:04d}" / f"{number:06d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(kib << 10))


def _take(folder: Path, place: Place, steps: Sequence[str]) -> Figures:
    """Do some steps, each in a process of its own."""
    url, environ = place
    figures: Figures = {}
    for step in steps:
        with tempfile.TemporaryDirectory(dir=folder) as home:
            command = [sys.executable, "-m", "benchmarks.artifacts", "--step", step, "--url", url]
            done = subprocess.run(
                [*command, "--folder", str(folder / "files"), "--to", str(Path(home, "out"))],
                cwd=HERE.parent,
                env={**os.environ, **environ, "TRACKIO_DIR": home, "HF_HOME": home},
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                timeout=_LONGEST_S,
            )
        said = json.loads(done.stdout.splitlines()[-1])
        figures |= {f"{step}, {figure}": value for figure, value in said.items()}
    return figures


@contextmanager
def _serving(name: str, folder: Path) -> Iterator[Place]:
    """The URL of an empty store, and what its clients need to be let in."""
    if name == "directory":
        yield folder.as_uri(), {}
        return
    if name == "bucket":
        command = [sys.executable, str(HERE / "hub_server.py"), _BUCKET]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            endpoint = server.stdout.readline().strip()
            yield f"hf://buckets/{_BUCKET}", {"HF_ENDPOINT": endpoint, "HF_TOKEN": _TOKEN}
        finally:
            server.communicate()
        return
    sys.path.insert(0, str(HERE.parent / "tests"))
    with import_module("standin.seaweed").running_seaweed() as s3:
        yield s3.url(folder.name), s3.credentials()


# One step, in a process of its own.


def run_step(step: str, url: str, folder: Path, target: Path) -> Figures:
    """Do it; how long it took and how much memory it needed."""
    act = {"log": _log, "log again": _log, "download": _download}.get(step)
    ready = act(url, folder, target) if act else _raw(step, url, folder, target)
    began = time.perf_counter()
    more = ready() or {}
    took_s = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"s": took_s, "MB": peak_mb, **more}


Ready = Callable[[], Figures | None]


def _log(url: str, folder: Path, target: Path) -> Ready:
    """A run logs the folder and waits until it is in the store."""
    import trackio
    from trackio.artifacts.contents import Contents

    del target
    os.environ["TRACKIO_FINISH_S"] = "600"
    run = trackio.init("bench", store=url)

    def log() -> Figures:
        began = time.perf_counter()
        contents = Contents()
        contents.add_dir(folder)
        contents.read()
        hashing_s = time.perf_counter() - began
        began = time.perf_counter()
        run.log_artifact(folder, name="files", type="dataset").wait(600)
        return {"hashing alone, s": hashing_s, "s": time.perf_counter() - began}

    return log


def _download(url: str, folder: Path, target: Path) -> Ready:
    """The newest version, each file checked."""
    import trackio

    del folder
    found = trackio.Api(url).artifact("bench/files")

    def download() -> None:
        found.download(target)

    return download


def _raw(step: str, url: str, folder: Path, target: Path) -> Ready:
    """The same bytes with the client of the store and nothing else."""
    names = {path.name: path for path in sorted(folder.rglob("*.bin"))}
    target.mkdir(parents=True)
    kind = url.partition(":")[0]
    makers = {"file": _raw_directory, "s3": _raw_object_store, "hf": _raw_bucket}
    put, get = makers[kind](url, names, target)
    return put if step == "raw put" else get


def _raw_directory(url: str, names: Mapping[str, Path], target: Path) -> tuple[Ready, Ready]:
    import shutil
    from concurrent.futures import ThreadPoolExecutor

    from trackio.store.directory import Directory

    store = Directory(Path(url.removeprefix("file://")) / "raw")

    def put() -> None:  # a few at a time, as nobody keeps 10,000 open files for one call
        pairs = list(names.items())
        for begin in range(0, len(pairs), 500):
            store.put(dict(pairs[begin : begin + 500]))

    def get() -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(lambda name: shutil.copyfile(store.path(name), target / name), names))

    return put, get


def _raw_object_store(url: str, names: Mapping[str, Path], target: Path) -> tuple[Ready, Ready]:
    from concurrent.futures import ThreadPoolExecutor

    from obstore.store import S3Store

    place, _, endpoint = url.removeprefix("s3://").partition("?endpoint=")
    bucket, _, prefix = place.partition("/")
    client = S3Store(
        bucket,
        prefix=f"{prefix}-raw",
        config={"endpoint": endpoint, "aws_endpoint_url_s3": endpoint},
        client_options={"allow_http": True},
    )

    def fetch(name: str) -> None:
        with (target / name).open("wb") as file:
            for chunk in client.get(name):
                file.write(chunk)

    def put() -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(lambda name: client.put(name, names[name]), names))

    def get() -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(fetch, names))

    return put, get


def _raw_bucket(url: str, names: Mapping[str, Path], target: Path) -> tuple[Ready, Ready]:
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    bucket = url.removeprefix("hf://buckets/")
    api = HfApi()

    def put() -> None:
        add: list[tuple[str | Path | bytes, str]]
        add = [(path, f"raw/{name}") for name, path in names.items()]
        api.batch_bucket_files(bucket, add=add)

    def get() -> None:
        api.download_bucket_files(bucket, [(f"raw/{name}", target / name) for name in names])

    return put, get


def main() -> None:
    """Measure what the command line asks for, print a table, or with --json the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", choices=[*STORES, []])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kib", type=int, default=64, help="how large each file is")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    for hidden in ("--step", "--url", "--folder", "--to"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(run_step(asked.step, asked.url, Path(asked.folder), Path(asked.to))))
        return
    named: Figures = {}
    stores = asked.stores or list(STORES)
    for name, figures in measure(stores, asked.files, asked.kib, asked.rounds):
        print(f"{name}, {asked.files:,} files of {asked.kib} KiB")
        print(as_text(figures), flush=True)
        for figure, value in figures.items():
            named[f"{name}_{figure}".replace(", ", "_").replace(" ", "_")] = value
    if asked.json:
        print(json.dumps(named))


def as_text(figures: Figures) -> str:
    """The steps of one store, a line each, and the two ratios."""
    lines = [
        f"  {step:10} {figures[f'{step}, s']:8.2f} s  {figures[f'{step}, MB']:5.0f} MB"
        for step in STEPS
    ]
    hashing_s = figures["log, hashing alone, s"]
    up, down = figures["up, ratio"], figures["down, ratio"]
    return "\n".join([*lines, f"  hashing {hashing_s:.2f} s, up {up:.2f} ×, down {down:.2f} ×"])


if __name__ == "__main__":
    main()
