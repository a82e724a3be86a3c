"""Do the upkeep of a store again and again: one log line a job, whatever fails.

A duty is a name and what to do, which gives lines to log, one a project. What fails is logged
and tried again the next time; `stop` ends the work between two IO steps.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import schedule

from trackio.artifacts import collect
from trackio.catalog import list_projects
from trackio.errors import TrackioError
from trackio.settings import upkeep_policy
from trackio.store.base import Store, is_local
from trackio.upkeep.compact.job import Job, Runner, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects
from trackio.upkeep.stopping import Stopped, Stopping

log = logging.getLogger("trackio.jobs")
_LONGEST_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One job. `do` tells what it did, part by part; a part that failed is an error, not raised.

    `every_s` is how often, where that is not as often as everything else.
    """

    name: str
    do: Callable[[], Iterator[str | TrackioError]]
    every_s: float | None = None


def compacting(
    store: Store,
    stop: threading.Event,
    *,
    policy: CompactPolicy,
    grace_s: float | None = None,
    project: str | None = None,
) -> Duty:
    """Compact and collect every project of a store, or one of them."""
    stopping = Stopping(store, stop)
    job = Job(store=stopping, policy=policy, grace_s=grace_s)
    runner = run_here(stopping, Effects(tick=stopping.check))

    def do() -> Iterator[str | TrackioError]:
        for name in list_projects(stopping) if project is None else [project]:
            yield _compact(job, name, runner)

    return Duty(name="compact", do=do)


def collecting_blobs(
    store: Store,
    stop: threading.Event,
    *,
    grace_s: float | None = None,
    project: str | None = None,
) -> Duty:
    """Delete the bytes that no version of an artifact holds, in every project or in one.

    A project that has no artifacts is not told of.
    """
    stopping = Stopping(store, stop)
    own_s = upkeep_policy(is_local=is_local(store)).grace_s if grace_s is None else grace_s

    def do() -> Iterator[str | TrackioError]:
        for name in list_projects(stopping) if project is None else [project]:
            try:
                done = collect.collect(stopping, name, grace_s=own_s)
            except TrackioError as exc:
                yield TrackioError(f"{name}: {exc}")
            else:
                if done.plan.total:
                    yield f"{name}: {done}"

    return Duty(name="artifacts", do=do)


def run_once(duties: Sequence[Duty], stop: threading.Event) -> bool:
    """Do every duty once; whether all went well."""
    done = [_do(duty, stop) for duty in duties]
    return all(done)


def run_every(duties: Sequence[Duty], every_s: float, stop: threading.Event) -> None:
    """Do every duty now and then again and again, until `stop` is set."""
    plan = schedule.Scheduler()
    for duty in duties:
        plan.every(max(1, round(duty.every_s or every_s))).seconds.do(_do, duty, stop)
    plan.run_all()
    while not stop.wait(min(max(plan.idle_seconds or 0.0, 0.0), _LONGEST_WAIT_S)):
        plan.run_pending()


def _compact(job: Job, name: str, runner: Runner) -> str | TrackioError:
    """What became of one project; nothing of the others depends on it."""
    try:
        return str(job.run(name, runner))
    except TrackioError as exc:
        return TrackioError(f"{name}: {exc}")


def _do(duty: Duty, stop: threading.Event) -> bool:
    """Do it and log each line; whether it went well."""
    if stop.is_set():
        return True
    is_well = True
    began_s = time.monotonic()
    try:
        for told in duty.do():
            is_bad = isinstance(told, TrackioError)
            is_well = is_well and not is_bad
            level = logging.WARNING if is_bad else logging.INFO
            log.log(level, "%s: %s (%.1f s)", duty.name, told, time.monotonic() - began_s)
    except Stopped:
        log.info("%s: stopped; what is left is for the next time", duty.name)
    except Exception as exc:  # the top of a job: the others go on
        level = logging.WARNING if isinstance(exc, TrackioError) else logging.ERROR
        log.log(level, "%s: failed: %s", duty.name, exc, exc_info=level > logging.WARNING)
        return False
    return is_well
