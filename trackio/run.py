"""One run in one process: takes what is logged and hands it to its writer.

Nothing here raises because of a store or waits for one, except where waiting is the point
(`flush`, `finish`). Which run is the current one is known to `current`.
"""

import logging
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import TracebackType
from typing import Any

import orjson

from trackio import ids, journal, lifecycle
from trackio._version import __version__
from trackio.errors import StoreUnavailable
from trackio.hosts import own_identity
from trackio.model import ALERT, CONFIG, RUN, START, SUMMARY, SYSTEM, Json, WriterId
from trackio.settings import Settings
from trackio.store.base import Store
from trackio.values.arguments import AlertLevel, clean_level, clean_step, is_step
from trackio.values.observed import Observed
from trackio.values.plain import dump_text, encode_data
from trackio.writer.open import open_writer
from trackio.writer.thread import WriterThread
from trackio.writer.writer import Sealed

_log = logging.getLogger("trackio")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReport:
    """What `finish` achieved.

    `calls` were made; `local` of them are only on this machine, and `command` brings them to
    the store.
    """

    calls: int
    local: int
    command: str | None

    @property
    def is_complete(self) -> bool:
        """Whether everything is in the store, so that this machine may vanish."""
        return self.local == 0


class Run:
    """One execution that is logged. Made by `init`; a context manager; safe in any thread.

    A call after `finish`, or in a forked child, goes on as a writer of its own.
    """

    def __init__(
        self,
        header: journal.Header,
        config: Mapping[str, Any],
        *,
        store: Store,
        settings: Settings,
        resumed_from: Iterable[WriterId] = (),
        on_end: Callable[["Run"], None] = lambda run: None,
    ) -> None:
        self.project = header.project
        self.id = header.run_id
        self.name = header.meta.name
        self.group = header.meta.group
        self.config = Observed(config, self._on_config)
        self.summary = Observed({}, self._on_summary)
        self._store = store
        self._settings = settings
        self._header = header
        self._opening = threading.Lock()
        self._ending = threading.Lock()
        self._path: WriterThread | None = None
        self._is_ended = False
        self._on_end = on_end
        self._open(header, resumed_from)

    def __repr__(self) -> str:
        return f"<trackio.Run {self.project}/{self.name} id={self.id}>"

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end(failed=None if kind is None else kind.__name__)

    def log(self, metrics: Any, step: int | None = None) -> None:
        """Log values at a step.

        Args:
            metrics: numbers, bools, strings, None, numpy or torch scalars, and dicts of
                these, which are flattened with `/`. What cannot be stored is left out and
                warned about once.
            step: where on the x axis; any order, repeats and gaps are kept. Without one the
                run counts its `log` calls from 0, and past any larger step given.
        """
        path = self._path or self._reopen()
        if type(metrics) is not dict or not (step is None or is_step(step)):
            if not isinstance(metrics, Mapping):
                kind = type(metrics).__name__
                path.writer.warn_once("log()", f"log() takes a dict, not a {kind}: left out")
                return
            step = clean_step(step, path.writer.warn_once)
        try:
            path.writer.log(metrics, step)
        except Sealed:  # another thread finished the run meanwhile
            self.log(metrics, step)

    def log_system(self, metrics: Mapping[str, Any]) -> None:
        """Log values of the machine: they have a time and no step."""
        self._append(SYSTEM, metrics)

    def alert(
        self,
        title: str,
        text: str | None = None,
        level: AlertLevel | str = AlertLevel.WARN,
        step: int | None = None,
    ) -> None:
        """Tell people something, at `level` "info", "warn" or "error"."""
        path = self._path or self._reopen()
        last = path.writer.next_step - 1
        warn = path.writer.warn_once
        said = {"level": clean_level(level, warn), "text": None if text is None else str(text)}
        where = clean_step(step, warn)
        self._append(ALERT, {str(title): _json(said)}, last if where is None else where)

    def flush(self, timeout_s: float | None = None, *, strict: bool = False) -> bool:
        """Wait until every call made so far is in the store.

        Args:
            timeout_s: how long at most; the default is 30 s.
            strict: raise instead of returning False.

        Raises:
            StoreUnavailable: `strict`, and something is not in the store yet.
        """
        path = self._path
        if path is None:
            return True
        done = path.flush(self._settings.finish_s if timeout_s is None else timeout_s)
        if strict and not done:
            reason = path.error or "the store has not answered yet"
            raise StoreUnavailable(f"not everything is in {self._store.url}: {reason}")
        return done

    def finish(self, exit_code: int | None = None) -> FinishReport:
        """Write what is left, with the summary of each metric, and end the run.

        Never raises; what could not be put stays on this machine and the report says so.
        """
        return self._end(None if not exit_code else f"exit code {exit_code}")

    def end(self, *, failed: str | None) -> None:
        """Finish; `failed` says why if the run did not end well."""
        self._end(failed)

    def drop_inherited(self) -> None:
        """This is a forked child: it becomes a writer of its own if it logs."""
        self._opening = threading.Lock()
        self._ending = threading.Lock()
        self._path = None
        self._header = replace(self._header, is_new_run=False)

    def _end(self, failed: str | None) -> FinishReport:
        state = "finished" if failed is None else "failed"
        with self._ending:  # whoever comes second waits until it is done
            path = self._close_path()
            if path is None:
                return FinishReport(calls=0, local=0, command=None)
            done = path.finish({"state": state, "reason": failed}, self._settings.finish_s)
            with self._opening:
                if self._path is None:
                    lifecycle.forget(self)
        return self._report(path, done=done)

    def _close_path(self) -> WriterThread | None:
        """What is logged from now on is another writer's; returns the one so far."""
        self._on_end(self)
        with self._opening:
            path, self._path = self._path, None
            if path is not None:
                self._is_ended = True
                self._header = path.writer.header  # the writer may have taken another id
        return path

    def _report(self, path: WriterThread, *, done: bool) -> FinishReport:
        calls = path.writer.next_seq
        local = 0 if done else calls - 1 - path.writer.safe_seq or calls
        report = FinishReport(calls=calls, local=local, command=None if done else "trackio recover")
        if local:
            _log.warning(
                "trackio: %d of %d calls of %r are not in %s yet (%s); they are safe on this "
                "machine, and `trackio recover` sends them",
                local,
                calls,
                self.name,
                self._store.url,
                path.error or "no answer in time",
            )
        return report

    def _append(self, kind: str, data: Any, step: int | None = None) -> None:
        path = self._path or self._reopen()
        if not isinstance(data, Mapping):
            given = type(data).__name__
            path.writer.warn_once(kind, f"{kind} takes a dict, not a {given}: left out")
            return
        try:
            path.writer.append(kind, data, step)
        except Sealed:
            self._append(kind, data, step)

    def _on_config(self, changed: dict[str, Any]) -> None:
        self._append(CONFIG, changed)

    def _on_summary(self, changed: dict[str, Any]) -> None:
        self._append(SUMMARY, changed)

    def _open(self, header: journal.Header, resumed_from: Iterable[WriterId]) -> WriterThread:
        path = open_writer(self._settings, self._store, header)
        path.writer.append(RUN, {START: _start_row(header, list(resumed_from))})
        if self.config:
            path.writer.append(CONFIG, self.config)
        self._header, self._path = header, path
        lifecycle.register(self)
        return path

    def _reopen(self) -> WriterThread:
        """Go on as a new writer: after a fork, or after `finish`."""
        lifecycle.await_end()
        with self._opening:
            if self._path is not None:
                return self._path
            before = self._header
            if self._is_ended:
                _log.warning("trackio: %r was finished; what is logged now resumes it", self.name)
            header = replace(
                before,
                writer_id=WriterId(ids.make_id()),
                is_new_run=False,
                owner=own_identity(),
                config=storable(self.config),
            )
            return self._open(header, [before.writer_id] if self._is_ended else [])


def _start_row(header: journal.Header, resumed_from: list[WriterId]) -> Json:
    return _json(
        {
            "label": None,
            "host": header.owner.host,
            "pid": os.getpid(),
            "user": os.environ.get("USER") or os.environ.get("USERNAME"),
            "python": platform.python_version(),
            "trackio": __version__,
            "command": PurePath(sys.argv[0]).name if sys.argv else None,
            "resumed_from": resumed_from or None,
        }
    )


def _json(value: Mapping[str, Any]) -> Json:
    return Json(dump_text(value))


def storable(config: Mapping[Any, Any]) -> dict[str, Any]:
    """A config as a journal's header keeps it: flat, and without what cannot be stored."""
    return dict(orjson.loads(encode_data(config, lambda _key, _problem: None)))
