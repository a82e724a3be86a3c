"""Machines that are broken for real, for as long as a test needs: mounts, rights, garbage.

What is asserted of a process on one of them stands in `test_broken_machines`.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

_NOSUID_NODEV = 6
_DETACH = 2


@dataclass(kw_only=True)
class Machine:
    """A home, a store and a journal, and what becomes of them.

    `breaks` is called while nothing runs, or while a process logs; `mends` makes the store
    readable and writable again. `keeps_journal` says that every call is acknowledged, whenever it
    breaks. `says` is what a message has to hold, and `command` what a process is started with.
    `holds_children` says that the kernel lets no process go that waits for a name which another
    process waits for.
    """

    home: Path
    store: Path
    journal: Path
    breaks: Callable[[], None]
    mends: Callable[[], None]
    keeps_journal: bool
    says: tuple[str, ...]
    command: list[str] = field(default_factory=list)
    holds_children: bool = False

    @property
    def env(self) -> dict[str, str]:
        """The settings of a process on it."""
        return {
            "TRACKIO_DIR": str(self.home),
            "TRACKIO_STORE": str(self.store),
            "TRACKIO_JOURNAL_DIR": str(self.journal),
        }


def _nothing() -> None:
    pass


@contextmanager
def sound(root: Path) -> Iterator[Machine]:
    """Nothing is wrong."""
    yield _machine(root, whole=True, breaks=_nothing, mends=_nothing, says=(), keeps_journal=True)


@contextmanager
def full_disk(root: Path, *, whole: bool) -> Iterator[Machine]:
    """A small file system without room: of everything, or of the store alone."""
    disk = _mounted(root, size="2m")
    ballast = disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    try:
        says = ("journal", "free space") if whole else ("disk is full: free some space",)
        yield _machine(root, whole=whole, breaks=fill, mends=ballast.unlink, says=says)
    finally:
        _unmount(disk)


@contextmanager
def read_only(root: Path, *, whole: bool) -> Iterator[Machine]:
    """A folder that is mounted for reading only; what is open for writing stays so."""
    disk = _mounted(root, size="8m")
    mount = str(shutil.which("mount"))

    def bind() -> None:
        subprocess.run([mount, "--bind", disk, disk], check=True)
        subprocess.run([mount, "-o", "remount,ro,bind", disk], check=True)

    try:
        says = ("read-only: mount it",)
        yield _machine(root, whole=whole, breaks=bind, mends=lambda: _unmount(disk), says=says)
    finally:
        while os.path.ismount(disk):
            _unmount(disk)


@contextmanager
def denied(root: Path, *, whole: bool) -> Iterator[Machine]:
    """Folders that may be neither listed nor written; root loses its power over them."""
    disk = root / "disk"
    disk.mkdir()
    command = []
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("as root this needs setpriv, to give up what root may")
        lost = "-dac_override,-dac_read_search"
        command = [setpriv, f"--bounding-set={lost}", f"--inh-caps={lost}"]

    def change(mode: int) -> None:
        _mode_below(disk, mode)

    try:
        yield _machine(
            root,
            whole=whole,
            breaks=lambda: change(0),
            mends=lambda: change(0o700),
            says=("permission denied: ask",),
            command=command,
        )
    finally:
        change(0o700)


@contextmanager
def corrupt(root: Path, *, whole: bool) -> Iterator[Machine]:
    """Garbage where files should be, files where folders should, folders where files should."""
    disk = root / "disk"
    disk.mkdir()
    garbage = bytes(range(256))

    def spoil() -> None:
        for name in ("p/packs/x.parquet", "p/runs/x/meta.json", "p/names/n/x", "p/state/x.json"):
            (disk / name).parent.mkdir(parents=True, exist_ok=True)
            (disk / name).write_bytes(garbage)
        (disk / "p/runs/y/meta.json").mkdir(parents=True)
        (disk / "p/runs/z").write_bytes(garbage)
        (disk / "p/deleted").write_bytes(garbage)
        for meta in disk.glob("p/runs/*/meta.json"):
            if meta.is_file():
                meta.write_bytes(garbage)
        if whole:
            for name in (".journal/x.journal", ".spool/s/.store-url", ".cache/x", ".files/x"):
                (disk / name).parent.mkdir(parents=True, exist_ok=True)
                (disk / name).write_bytes(garbage)

    def mend() -> None:
        (disk / "p/deleted").unlink()

    yield _machine(root, whole=whole, breaks=spoil, mends=mend, says=(), keeps_journal=True)


@contextmanager
def hung(root: Path, *, whole: bool) -> Iterator[Machine]:
    """A file system whose server has stopped answering: whoever asks it waits for ever.

    It is a mount of FUSE that nobody serves, as a hard mount of NFS is when its server is gone.
    """
    assert not whole, "a journal has to be on a local disk"
    disk = root / "disk"
    disk.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    opened: list[int] = []

    def mount() -> None:
        device = os.open("/dev/fuse", os.O_RDWR)
        opened.append(device)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
        flags = ctypes.c_ulong(_NOSUID_NODEV)
        if libc.mount(b"hung", os.fsencode(disk), b"fuse", flags, options):
            error = os.strerror(ctypes.get_errno())
            release()
            pytest.skip(f"mounting is not permitted here: {error}")

    def release() -> None:
        while opened:
            libc.umount2(os.fsencode(disk), _DETACH)
            os.close(opened.pop())

    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("there is no FUSE here")
    try:
        found = _machine(root, whole=False, breaks=mount, mends=release, says=("trackio sync",))
        yield replace(found, holds_children=True)
    finally:
        release()


def _machine(
    root: Path,
    *,
    whole: bool,
    breaks: Callable[[], None],
    mends: Callable[[], None],
    says: tuple[str, ...],
    keeps_journal: bool | None = None,
    command: list[str] | None = None,
) -> Machine:
    """A machine all of which lies on the broken disk, or only its store."""
    disk = root / "disk"
    disk.mkdir(exist_ok=True)
    home = disk if whole else root / "home"
    return Machine(
        home=home,
        store=disk,
        journal=home / ".journal",
        breaks=breaks,
        mends=mends,
        keeps_journal=not whole if keeps_journal is None else keeps_journal,
        says=says,
        command=command or [],
    )


def _mounted(root: Path, *, size: str) -> Path:
    disk = root / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
    if sys.platform != "linux" or mount is None:
        pytest.skip("needs the mounts of Linux")
    if subprocess.run([mount, *options], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    return disk


def _unmount(disk: Path) -> None:
    subprocess.run(["umount", "--lazy", disk], check=True)


def _mode_below(folder: Path, mode: int) -> None:
    """Give a folder and all below it these rights, in the order in which that is possible."""
    if mode:
        folder.chmod(mode)
    for entry in list(folder.iterdir()):
        if entry.is_dir():
            _mode_below(entry, mode)
    if not mode:
        folder.chmod(mode)
