"""Tell webhooks of what is new in one project, together with others who do the same.

An alert is told at least once. It is told once as long as nobody is killed between telling and
writing that down, listings lag less than `wait_s`, and nobody stalls for minutes in between.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, Protocol

from trackio import keys
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound, UnreadableFile
from trackio.model import RunId, WriterId
from trackio.query.project import Project
from trackio.query.view import View
from trackio.store.base import Store
from trackio.upkeep.alerts.claims import Claims
from trackio.upkeep.alerts.config import Config, Webhook
from trackio.upkeep.alerts.due import Due, is_at_least
from trackio.upkeep.alerts.marks import Marks, Tried, decode_marks, encode_marks
from trackio.upkeep.alerts.payload import encode_payload, shown_url
from trackio.upkeep.alerts.policy import LOCAL, Policy
from trackio.upkeep.alerts.post import Poster, PostError
from trackio.upkeep.alerts.report import Report
from trackio.upkeep.alerts.resting import Resting
from trackio.upkeep.alerts.rows import Found, find_rows, without
from trackio.upkeep.alerts.watch import Watch

_log = logging.getLogger("trackio")
AT_ONCE: Final = 50
"""So many alerts are claimed together; the claim of the last must still hold when it is told."""


class Deliver(Protocol):
    """Sends a body to a webhook, or raises `PostError`."""

    def __call__(self, webhook: Webhook, body: bytes) -> None:
        """See `Poster.deliver`."""


def deliver(webhook: Webhook, body: bytes) -> None:
    """Over HTTP."""
    Poster(allow_private=webhook.allow_private).deliver(webhook.url, body)


class Evaluator:
    """Looks at one project again and again. Not for several threads at once.

    Args:
        project: open for reading.
        store: the same store, to write claims and watermarks to.
        config: whom to tell, and the rules.
        name: of this evaluator; a process that goes on where another ended takes its name.
        group: those of one group share the work, and must be configured alike.
        policy, clock, sleep, deliver: patience, time, waiting, telling.
    """

    def __init__(
        self,
        project: Project,
        store: Store,
        config: Config,
        *,
        name: str,
        group: str = "alerts",
        policy: Policy = LOCAL,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
        deliver: Deliver = deliver,
    ) -> None:
        self._project = project
        self._store = store
        self._config = config
        self._consumer = f"{group}.{name}"
        self._group = f"{group}."
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._deliver = deliver
        self._watch = Watch(config.rules)
        self._marks: Marks | None = None
        self._is_first = False
        self._saved_at_s = float("-inf")
        self._resting = Resting(clock)
        self._claims = Claims(
            store,
            project.name,
            self._consumer,
            group=self._group,
            clock=clock,
            takeover_s=policy.takeover_s,
        )

    def look(self) -> Report:
        """Find what is new and tell of what is this evaluator's turn.

        Raises:
            StoreUnavailable, StoreRefused: look again later; nothing is forgotten by that.
        """
        report = Report()
        marks = self._load()
        view = self._project.follow()
        waiting, news = self._find(view, marks, report)
        for start in range(0, len(waiting), AT_ONCE):
            self._tell_some(waiting[start : start + AT_ONCE], marks, report)
        if report.told or report.given_up or (news and self._is_time_to_save()):
            self._save(marks)
        self._is_first = False
        return report

    def preview(self) -> list[Due]:
        """What `look` would tell somebody of; claims, tells and writes nothing."""
        marks = self._load()
        return self._find(self._project.follow(), marks, Report())[0]

    def _find(self, view: View, marks: Marks, report: Report) -> tuple[list[Due], bool]:
        """What is to be told, and whether there was anything new at all."""
        found = find_rows(view, marks)
        young = [due for due in found.dues if not self._is_too_old(due)]
        report.passed_over = len(found.dues) - len(young)
        watched = [due for due in self._watch.find(view) if not marks.has(due)]
        to_tell = [due for due in (*young, *watched) if self._left(due, marks)]
        _mark_all_but(to_tell, found, watched, marks)
        later = {due.name for due in to_tell if self._is_clients(due) or self._rests(due, marks)}
        report.waiting += [due for due in to_tell if due.name in later]
        return [due for due in to_tell if due.name not in later], bool(found.looked_at)

    def _tell_some(self, dues: Sequence[Due], marks: Marks, report: Report) -> None:
        """Claim them, wait, see whose turn it is, tell."""
        if self._claims.put(dues, needs_s=self._policy.post_s + self._policy.wait_s):
            self._sleep(self._policy.wait_s)
        turns = self._claims.turns(dues)
        written = self._read_all()
        marks.merge(written)
        for due in dues:
            if marks.has(due):
                self._claims.forget(due)
            elif due.name in turns and self._claims.left_s(due) >= self._policy.post_s:
                self._tell(due, marks.try_like(written, due, self._now_s()), marks, report)
            else:
                report.waiting.append(due)

    def _tell(self, due: Due, tried: Tried, marks: Marks, report: Report) -> None:
        for webhook in self._left(due, marks):
            if self._claims.left_s(due) < self._policy.post_s:
                break
            if self._resting.is_at_rest(webhook.digest):
                continue
            try:
                self._deliver(webhook, encode_payload(webhook.url, due))
            except PostError as exc:
                report.problems.append(f"{due.title!r} of {due.run} was not taken: {exc}")
                _log.warning("trackio: an alert was not taken: %s", exc)
                self._resting.add(webhook.digest)
            else:
                tried.told.add(webhook.digest)
                self._resting.drop(webhook.digest)
        self._settle(due, tried, marks, report)
        self._save(marks)

    def _settle(self, due: Due, tried: Tried, marks: Marks, report: Report) -> None:
        """It is done when all have it, or when it was tried for too long."""
        left = self._left(due, marks)
        if left and self._now_s() - tried.since_s <= self._policy.give_up_s:
            report.waiting.append(due)
            return
        marks.add(due)
        self._claims.forget(due)
        if left:
            report.given_up.append(due)
            urls = ", ".join(shown_url(webhook.url) for webhook in left)
            _log.warning("trackio: gave up telling %s of %r of %s", urls, due.title, due.run)
        else:
            report.told.append(due)

    def _left(self, due: Due, marks: Marks) -> list[Webhook]:
        """Who is still to be told; whom the training process has told is not."""
        told = marks.told(due) | ({due.client} if due.is_told else set())
        return [
            webhook
            for webhook in self._config.webhooks
            if is_at_least(due.level, webhook.min_level)
            and fnmatchcase(due.project, webhook.project)
            and webhook.digest not in told
        ]

    def _is_clients(self, due: Due) -> bool:
        """Whether the training process is to tell it, and still may."""
        if due.client is None or due.is_told:
            return False
        if due.client not in [webhook.digest for webhook in self._config.webhooks]:
            return False
        return self._now_s() - due.time_s < self._policy.client_s

    def _rests(self, due: Due, marks: Marks) -> bool:
        """Whether nobody who is still to be told should be asked again already."""
        return all(self._resting.is_at_rest(one.digest) for one in self._left(due, marks))

    def _is_too_old(self, due: Due) -> bool:
        return self._is_first and self._now_s() - due.time_s > self._policy.first_look_s

    def _now_s(self) -> float:
        return self._clock.time_ns() / 1e9

    def _load(self) -> Marks:
        """Its watermark; of the whole group when it is not known yet."""
        if self._marks is None:
            self._marks = Marks()
            self._marks.merge(self._read_all())
            self._is_first = not self._marks.rows and not self._marks.rules
        return self._marks

    def _read_all(self) -> Marks:
        """What the group is done with, by what it wrote down."""
        together = Marks()
        listed = self._store.list(keys.state_prefix(self._project.name), recursive=False)
        for entry in listed:
            key = keys.parse(entry.key)
            if isinstance(key, keys.ConsumerKey) and key.consumer.startswith(self._group):
                try:
                    together.merge(decode_marks(self._store.get(entry.key)), with_tried=True)
                except NotFound:
                    continue
                except UnreadableFile as exc:
                    _log.warning("trackio: %s is left out: %s", entry.key, exc)
        return together

    def _is_time_to_save(self) -> bool:
        return self._clock.monotonic() - self._saved_at_s >= self._policy.quiet_s

    def _save(self, marks: Marks) -> None:
        key = str(keys.ConsumerKey(self._project.name, self._consumer))
        self._store.put({key: encode_marks(marks)})
        self._saved_at_s = self._clock.monotonic()


def _mark_all_but(
    to_tell: Iterable[Due], found: Found, watched: Iterable[Due], marks: Marks
) -> None:
    """Done with all that was looked at and needs no telling."""
    listed = list(to_tell)
    seqs: dict[tuple[RunId, WriterId], list[Due]] = {}
    for due in listed:
        if due.rule is None:
            seqs.setdefault((due.run_id, due.writer_id), []).append(due)
    for place, ranges in found.looked_at.items():
        marks.add_rows(*place, without(ranges, seqs.get(place, ())))
    names = {due.name for due in listed}
    for due in watched:
        if due.name not in names:
            marks.add(due)
