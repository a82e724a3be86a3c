"""Who a process is, and whether that process is proven dead. Linux proves; elsewhere we doubt.

A process is known by the boot it runs in, its PID namespace, its id and its start time, so a
reused process id is not mistaken for the one that had it before (proc(5): `stat` field 22,
`/proc/sys/kernel/random/boot_id`, `ns/pid`).
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process of one boot of one machine; an empty part means it is not known."""

    host: str
    pid: int
    boot_id: str = ""
    pid_namespace: str = ""
    started: str = ""


def own_identity() -> ProcessIdentity:
    """The identity of this process."""
    return ProcessIdentity(
        host=_host_name(),
        pid=os.getpid(),
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        pid_namespace=_link("/proc/self/ns/pid"),
        started=_start_time("self") or "",
    )


def is_proven_dead(owner: ProcessIdentity) -> bool:
    """Whether the process is certainly gone: it lived in this boot and namespace, and is no more.

    False means alive or unknown.
    """
    here = own_identity()
    if not owner.boot_id or not owner.pid_namespace or not owner.started:
        return False
    if (owner.boot_id, owner.pid_namespace) != (here.boot_id, here.pid_namespace):
        return False
    return _start_time(str(owner.pid)) != owner.started


def is_proven_alive(owner: ProcessIdentity) -> bool:
    """Whether the process certainly runs, here and now; False means gone or unknown."""
    here = own_identity()
    if owner == here:
        return True
    same_boot = bool(owner.boot_id) and owner.boot_id == here.boot_id
    if not same_boot or owner.pid_namespace != here.pid_namespace or not owner.started:
        return False
    return _start_time(str(owner.pid)) == owner.started


def _host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket  # takes milliseconds to load

    return socket.gethostname()


def _start_time(pid: str) -> str | None:
    """Clock ticks since boot at which the process started; None if it is gone or a zombie."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
