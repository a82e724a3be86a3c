"""One run in one process: takes what is logged and hands it to its writer.

Nothing here raises because of a store or waits for one, except where waiting is the point
(`flush`, `finish`). Which run is the current one is known to `current`.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from trackio import ids, journal, lifecycle
from trackio.errands import Errands
from trackio.errors import StoreUnavailable
from trackio.familiar import Familiar, State
from trackio.hosts import own_identity
from trackio.model import CONFIG, RUN, START, SYSTEM, WriterId
from trackio.origin import About, start_row, storable
from trackio.report import FinishReport, sync_command
from trackio.settings import Patience, Settings
from trackio.values.arguments import clean_step, is_step
from trackio.values.observed import Observed
from trackio.with_alerts import WithAlerts
from trackio.with_artifacts import WithArtifacts
from trackio.with_files import WithFiles
from trackio.with_names import WithNames
from trackio.with_summary import WithSummary
from trackio.writer.open import WritePath, open_writer
from trackio.writer.writer import Sealed

if TYPE_CHECKING:
    from trackio.artifacts.running import RunArtifacts
    from trackio.store.base import Store

_log = logging.getLogger("trackio")


class Run(WithArtifacts, WithFiles, WithAlerts, WithSummary, WithNames, Familiar):
    """One execution that is logged. Made by `init`; a context manager; safe in any thread.

    A call after `finish`, or in a forked child, goes on as a writer of its own.
    """

    def __init__(
        self,
        header: journal.Header,
        config: Mapping[str, Any],
        *,
        store: "Store",
        settings: Settings,
        resumed_from: Iterable[WriterId] = (),
        about: About | None = None,
        on_end: Callable[["Run"], None] = lambda run: None,
    ) -> None:
        self.project = header.project
        self.id = header.run_id
        self.group = header.meta.group
        self.config = Observed(config, self._on_config)
        self._store = store
        self._settings = settings
        self._header = header
        self._opening = threading.Lock()
        self._ending = threading.Lock()
        self._path: WritePath | None = None
        self._is_ended = False
        self._artifacts: RunArtifacts | None = None
        self._on_end = on_end
        self._errands = Errands()
        self._begin(header.meta.created, about or About(), is_resumed=bool(resumed_from))
        self._begin_names(header.meta)
        self._begin_summary()
        self._begin_files()
        self._open(header, resumed_from)

    def __repr__(self) -> str:
        return f"<trackio.Run {self.project}/{self.name} id={self.id}>"

    def __getattr__(self, name: str) -> Any:
        # `import trackio.run` while this run is current: `trackio.run.Run` is its class.
        if name in ("Run", "FinishReport"):
            return {"Run": Run, "FinishReport": FinishReport}[name]
        raise AttributeError(f"a run has no {name!r}")

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end(failed=None if kind is None else _reason(kind, error))

    def log(
        self,
        metrics: Any,
        step: int | None = None,
        commit: bool | None = None,
        sync: bool | None = None,
        **unknown: Any,
    ) -> None:
        """Log values at a step.

        Args:
            metrics: numbers, bools, strings, None, numpy or torch scalars, and dicts of
                these, which are flattened with `/`. What cannot be stored is left out and
                warned about once.
            step: where on the x axis; any order, repeats and gaps are kept. Without one the
                run counts its `log` calls from 0, and past any larger step given.
            commit: False keeps the step for the next call, as wandb does; values go out at once.
            sync, unknown: accepted for wandb's sake.
        """
        del sync
        path = self._path or self._reopen()
        if commit is not None or unknown or self._first_steps or self._held_step is not None:
            step = self._choose_step(path, step, commit, unknown)
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

    def flush(self, timeout_s: float | None = None, *, strict: bool = False) -> bool:
        """Wait until every call made so far is in the store.

        Args:
            timeout_s: how long at most; without it as long as `finish` would.
            strict: raise instead of returning False.

        Raises:
            StoreUnavailable: `strict`, and something is not in the store yet.
        """
        path = self._path
        if path is None:
            return True
        limit = None if timeout_s is None else Patience(silence_s=timeout_s, cap_s=timeout_s)
        done = path.flush(limit or self._settings.patience)
        done = self._has_sent_artifacts(limit or self._settings.patience) and done
        if strict and not done:
            reason = path.reason or self._why_local()
            raise StoreUnavailable(f"not everything is in {self._store.url}: {reason}")
        return done

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> FinishReport:
        """Write what is left, with the summary of each metric, and end the run.

        Waits for the store as long as something arrives there, and 30 s more; longer, up to 10
        minutes, where the store itself asks for time. Ctrl-C ends the waiting. Never raises; what
        could not be put stays on this machine and the report says so. An `exit_code` other than 0
        means that it failed; `quiet` is accepted for wandb's sake.
        """
        del quiet
        return self._end(None if not exit_code else f"exit code {exit_code}")

    def end(self, *, failed: str | None) -> None:
        """Finish; `failed` says why if the run did not end well."""
        self._end(failed)

    def drop_inherited(self) -> None:
        """This is a forked child: it becomes a writer of its own if it logs."""
        self._opening = threading.Lock()
        self._ending = threading.Lock()
        self._path = None
        self._artifacts = None
        self._errands = Errands()
        self._forget_edits()
        self._forget_files()
        self._header = replace(self._header, is_new_run=False)

    def _end(self, failed: str | None) -> FinishReport:
        state: State = "finished" if failed is None else "failed"
        with self._ending:  # whoever comes second waits until it is done
            if self._path is not None:
                self._take_again()
                self._errands.wait()
            path = self._close_path()
            if path is None:
                return FinishReport(calls=0, local=0, command=None)
            try:
                path.finish({"state": state, "reason": failed}, self._settings.patience)
                self._has_sent_artifacts(self._settings.patience)
            except KeyboardInterrupt:
                _log.warning("trackio: Ctrl-C: not waiting for %s any longer", self._store.url)
            with self._opening:
                if self._path is None:
                    lifecycle.forget(self)
        self._state = state
        self._keep_summary(path)
        return self._report(path)

    def _close_path(self) -> WritePath | None:
        """What is logged from now on is another writer's; returns the one so far."""
        self._on_end(self)
        with self._opening:
            path, self._path = self._path, None
            if path is not None:
                self._is_ended = True
                self._stop_flag.set()
                self._header = path.writer.header  # the writer may have taken another id
        return path

    def _report(self, path: WritePath) -> FinishReport:
        local = path.count_local()
        report = FinishReport(
            calls=path.writer.next_seq,
            local=local,
            command=sync_command(self._settings) if local else None,
            interval_s=path.interval_s,
            unkept=min(local, path.writer.unjournaled),
        )
        if local:
            _log.warning(
                "trackio: %d of %d calls of %r are not in %s yet (%s); %s",
                local,
                report.calls,
                self.name,
                self._store.url,
                path.reason or self._why_local(),
                report.where,
            )
        return report

    def _why_local(self) -> str:
        return "mode is offline" if self._settings.mode == "offline" else "no answer in time"

    def _append(self, kind: str, data: Any, step: int | None = None) -> int | None:
        """A call of another kind; its seq, or None if it was left out."""
        path = self._path or self._reopen()
        if not isinstance(data, Mapping):
            given = type(data).__name__
            path.writer.warn_once(kind, f"{kind} takes a dict, not a {given}: left out")
            return None
        try:
            return path.writer.append(kind, data, step)
        except Sealed:
            return self._append(kind, data, step)

    def _on_config(self, changed: dict[str, Any]) -> None:
        self._append(CONFIG, changed)

    def _open(self, header: journal.Header, resumed_from: Iterable[WriterId]) -> WritePath:
        path = open_writer(self._settings, self._store, header)
        path.writer.append(RUN, {START: start_row(header, self._about, resumed_from)})
        if self.config:
            path.writer.append(CONFIG, self.config)
        self._count_from_first(path)
        self._header, self._path = header, path
        self._stop_flag.clear()
        if self._settings.mode != "disabled":
            lifecycle.register(self)
        return path

    def _reopen(self) -> WritePath:
        """Go on as a new writer: after a fork, or after `finish`."""
        lifecycle.await_end()
        with self._opening:
            if self._path is not None:
                return self._path
            before = self._header
            if self._is_ended and self._settings.mode != "disabled":
                _log.warning("trackio: %r was finished; what is logged now resumes it", self.name)
            header = replace(
                before,
                writer_id=WriterId(ids.make_id()),
                is_new_run=False,
                owner=own_identity(),
                config=storable(self.config),
            )
            return self._open(header, [before.writer_id] if self._is_ended else [])


def _reason(kind: type[BaseException], error: BaseException | None) -> str | None:
    """Why a block ended; None where it was left on purpose."""
    if kind is SystemExit and getattr(error, "code", None) in (None, 0):
        return None
    said = str(error or "").strip().split("\n")[0][:200]
    return f"{kind.__name__}: {said}" if said else kind.__name__
