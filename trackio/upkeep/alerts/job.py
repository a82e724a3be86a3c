"""Evaluate the alerts of all projects of a store, once or for as long as the scheduler likes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from trackio.catalog import list_projects
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, TrackioError
from trackio.hosts import own_identity
from trackio.query.cache import Cache
from trackio.query.project import Project
from trackio.settings import Settings
from trackio.store import open_store
from trackio.store.base import Store, is_local
from trackio.store.retrying import Retrying, RetryPolicy
from trackio.upkeep.alerts.config import Config, Webhook, read_config
from trackio.upkeep.alerts.due import Due
from trackio.upkeep.alerts.evaluator import Deliver, Evaluator, deliver
from trackio.upkeep.alerts.policy import LOCAL, Policy
from trackio.upkeep.alerts.report import Report
from trackio.upkeep.schedule import Duty

GROUP: Final = "alerts"
EVERY_S: Final = 30.0
_NAME_CHARS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was done in one project, or why nothing was."""

    project: str
    report: Report
    error: str | None = None


class Alerts:
    """The evaluators of all projects; new projects join as they come.

    Args:
        store: where the projects are; claims and watermarks are written to it.
        config: whom to tell, and the rules.
        name: of this evaluator among those of its group.
        group: those of one group share the work.
        only: look at this project only.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        name: str,
        group: str = GROUP,
        only: str | None = None,
        policy: Policy | None = None,
        cache: Cache | None = None,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
        deliver: Deliver = deliver,
    ) -> None:
        if not config.webhooks:
            raise InvalidInput(
                "there is no webhook to tell: put one into the file that `trackio alert rules` "
                "names, set TRACKIO_WEBHOOK_URL, or give --webhook"
            )
        self._store = store
        self._config = config
        self._name = evaluator_name(name)
        self._group = evaluator_name(group)
        self._only = only
        self._policy = policy or (LOCAL if is_local(store) else Policy())
        self._cache = cache
        self._clock = clock
        self._sleep = sleep
        self._deliver = deliver
        self._evaluators: dict[str, Evaluator] = {}

    def look(self) -> list[Looked]:
        """Every project once. A project that cannot be looked at keeps none of the others back.

        Raises:
            StoreUnavailable, StoreRefused: the projects cannot be listed.
        """
        return [self._look(name) for name in self._projects()]

    def preview(self) -> list[Due]:
        """What `look` would tell somebody of. Writes nothing; raises as `look`."""
        return [due for name in self._projects() for due in self._evaluator(name).preview()]

    def _projects(self) -> list[str]:
        return list_projects(self._store) if self._only is None else [self._only]

    def _look(self, project: str) -> Looked:
        try:
            return Looked(project=project, report=self._evaluator(project).look())
        except TrackioError as exc:
            return Looked(project=project, report=Report(), error=str(exc))

    def _evaluator(self, project: str) -> Evaluator:
        if project not in self._evaluators:
            self._evaluators[project] = Evaluator(
                Project(self._store, project, clock=self._clock, cache=self._cache),
                self._store,
                self._config,
                name=self._name,
                group=self._group,
                policy=self._policy,
                clock=self._clock,
                sleep=self._sleep,
                deliver=self._deliver,
            )
        return self._evaluators[project]


def open_alerts(
    settings: Settings,
    *,
    store_url: str | None = None,
    webhook: Webhook | None = None,
    name: str | None = None,
    group: str = GROUP,
    only: str | None = None,
    wait_s: float | None = None,
) -> Alerts:
    """The evaluators that these settings, and the file that they name, ask for.

    Raises:
        InvalidInput: the file cannot be read, or nobody is to be told.
    """
    store = Retrying(
        open_store(store_url or settings.store_url), RetryPolicy(attempts=4, deadline_s=15.0)
    )
    policy = LOCAL if is_local(store) else Policy()
    return Alerts(
        store,
        load_config(settings, webhook),
        name=name or own_identity().host,
        group=group,
        only=only,
        policy=policy if wait_s is None else replace(policy, wait_s=wait_s),
        cache=Cache.of(store, settings.cache_home, settings.cache_bytes),
    )


def telling(alerts: Alerts) -> Duty:
    """The scheduler's duty: tell of what is new."""

    def do() -> Iterator[str | TrackioError]:
        for looked in alerts.look():
            if looked.error is not None:
                yield TrackioError(f"{looked.project}: {looked.error}")
            elif looked.report.is_notable:
                yield f"{looked.project}: {looked.report}"

    return Duty(name="alerts", do=do, every_s=EVERY_S)


def load_config(settings: Settings, webhook: Webhook | None = None) -> Config:
    """What the file says, and beside it the webhook of a call or else of the environment."""
    config = read_config(settings.alerts_file)
    if webhook is None and settings.webhook_url:
        webhook = Webhook(url=settings.webhook_url, min_level=settings.webhook_min_level)
    if webhook is None or webhook.digest in [one.digest for one in config.webhooks]:
        return config
    return replace(config, webhooks=(*config.webhooks, webhook))


def evaluator_name(text: str) -> str:
    """A name that is fit for a key, of any text; what cannot stand there becomes a hyphen."""
    plain = "".join(char if char.isalnum() and char.isascii() else "-" for char in text)
    return plain[:_NAME_CHARS].strip("-") or "unnamed"
