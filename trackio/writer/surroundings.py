"""Let every run of this process tell where it came from, and what its machine does meanwhile."""

import os

from trackio.model import ENVIRONMENT, RUN, Json
from trackio.monitor.sampler import Sampler, make_probes
from trackio.settings import MonitorPolicy
from trackio.values.plain import dump_text
from trackio.writer.writer import Sealed, Writer

_sampler = Sampler(make_probes, Sealed)


def watch(writer: Writer, policy: MonitorPolicy) -> None:
    """Append what the machine does, until the writer takes no more calls. Returns at once."""
    _sampler.watch(writer, policy)


def tell_environment(writer: Writer, policy: MonitorPolicy) -> None:
    """Append where the run came from. For the writer's thread: it reads files."""
    if not policy.environment:
        return
    from trackio.monitor.environment import describe_environment

    writer.append(RUN, {ENVIRONMENT: Json(dump_text(describe_environment()))})


def forget_sampler() -> None:
    """After a fork: the thread of the parent does not run here."""
    global _sampler  # noqa: PLW0603 - one a process
    _sampler = Sampler(make_probes, Sealed)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_sampler)
