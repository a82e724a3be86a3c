"""Say what the numbers were measured on, and whether it was calm. No workload is here."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def describe(peer_version: str, rounds: int) -> str:
    """One sentence for below the table."""
    return (
        f"Trackio {version('trackio')} and trackio {peer_version}, offline and with their extras "
        f"off, in fresh processes and interleaved, {rounds} of each, on {here()}, pyarrow "
        f"{version('pyarrow')}, DuckDB {version('duckdb')}: the middle of the rounds, of losses "
        f"the worst."
    )


def here() -> str:
    """The machine in words."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory_gb:.0f} GB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}"
    )


def warning() -> str:
    """What makes the numbers doubtful, or nothing."""
    load = os.getloadavg()[0]
    if load < 0.5:
        return ""
    return (
        f"This machine is busy (load {load:.1f}): times will be long. Ratios still say something."
    )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
