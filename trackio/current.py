"""The current run, and the functions that act on it: `init`, `log`, `alert`, `finish`.

Wrong arguments to `init` raise at once. Which run is current follows the context (`asyncio`
tasks and threads with a copied context have their own); a plain thread sees the newest one.
"""

import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from trackio import ids, journal, keys
from trackio.errors import InvalidInput
from trackio.hosts import own_identity
from trackio.model import RunId, RunMeta, WriterId
from trackio.resume import Resumed, ResumePolicy, check_policy, find_resumable
from trackio.run import FinishReport, Run, storable
from trackio.settings import Settings
from trackio.store import open_store
from trackio.store.base import Store
from trackio.upkeep.background import recover_in_background
from trackio.upkeep.migrate.hint import tell_once
from trackio.values.arguments import AlertLevel

_DEFAULT_PROJECT = "uncategorized"
_warned: set[str] = set()

_current: ContextVar[Run | None] = ContextVar("trackio_current_run", default=None)
_latest: Run | None = None


def init(
    project: str | None = None,
    name: str | None = None,
    group: str | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    resume: ResumePolicy | None = "never",
    tags: Iterable[str] | str | None = None,
    notes: str | None = None,
    store: str | None = None,
    reinit: Literal["finish_previous", "create_new"] | None = None,
    **unknown: Any,
) -> Run:
    """Begin a run and make it the current one.

    Args:
        project: the group of runs it belongs to; made if it is new.
        name: what people call it; may repeat. Without one it gets a readable one.
        group: runs of one group are shown together.
        config: hyper-parameters; nested dicts are flattened with `/`.
        resume: "allow" goes on with the newest run of this name if there is one, "must"
            raises if there is none, "never" begins a new one.
        tags: words to find it by, or one word.
        notes: what people want to remember of it.
        store: where to write; the default is the directory `TRACKIO_DIR`.
        reinit: "create_new" leaves the current run of this context live beside the new one;
            otherwise it is finished first.
        unknown: arguments of other trackers are accepted with one warning.

    Raises:
        InvalidInput: an argument that cannot be used.
        NotFound: `resume="must"` and there is no such run.
        StoreUnavailable, StoreRefused: a run to resume cannot be looked up.
    """
    settings = Settings.from_env()
    target = open_store(store or settings.store_url)
    project, policy = project or _DEFAULT_PROJECT, resume or "never"
    _check_arguments(project, name, config, policy)
    made = _make_meta(name, group, tags, notes)
    _warn_unknown(unknown)
    if reinit != "create_new" and (before := _current.get()) is not None:
        before.finish()
    resumed = find_resumable(settings, target, project, name, policy)
    meta = resumed.meta if resumed else made
    header = _make_header(target, project, meta, resumed, config or {})
    recover_in_background(settings)  # before this run has a journal: only others' are a reason
    run = Run(
        header,
        config or {},
        store=target,
        settings=settings,
        resumed_from=resumed.writers if resumed else (),
        on_end=_forget_current,
    )
    _set_current(run)
    tell_once(settings.dir, store or settings.store_url)
    return run


def log(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Log to the current run; see `Run.log`."""
    (_current.get() or _get_current("log")).log(metrics, step)


def log_system(metrics: Mapping[str, Any]) -> None:
    """Log values of the machine to the current run; see `Run.log_system`."""
    _get_current("log_system").log_system(metrics)


def alert(
    title: str,
    text: str | None = None,
    level: AlertLevel | str = AlertLevel.WARN,
    step: int | None = None,
) -> None:
    """Alert from the current run; see `Run.alert`."""
    _get_current("alert").alert(title, text, level, step)


def flush(timeout_s: float | None = None, *, strict: bool = False) -> bool:
    """Wait until the current run is in the store; see `Run.flush`."""
    return _get_current("flush").flush(timeout_s, strict=strict)


def finish(exit_code: int | None = None) -> FinishReport:
    """Finish the current run; see `Run.finish`."""
    return _get_current("finish").finish(exit_code)


def __getattr__(name: str) -> Any:
    if name in ("config", "summary"):
        run = _current.get() or _latest
        return {} if run is None else getattr(run, name)
    raise AttributeError(f"module 'trackio.current' has no attribute {name!r}")


def _get_current(caller: str) -> Run:
    """The current run: of this context, else (in another thread) the newest one."""
    run = _current.get() or _latest
    if run is None:
        raise InvalidInput(f"call trackio.init() before trackio.{caller}()")
    return run


def _set_current(run: Run) -> None:
    global _latest  # noqa: PLW0603 - threads that users start see no context of ours
    _current.set(run)
    _latest = run


def _forget_current(run: Run) -> None:
    global _latest  # noqa: PLW0603 - as above
    if _current.get() is run:
        _current.set(None)
    if _latest is run:
        _latest = None


def _check_arguments(
    project: str, name: str | None, config: Mapping[str, Any] | None, resume: str
) -> None:
    keys.project_prefix(project)
    if name is not None:
        keys.name_prefix(project, name)
    if config is not None and not isinstance(config, Mapping):
        raise InvalidInput(f"config takes a dict, not a {type(config).__name__}")
    check_policy(resume, name)


def _warn_unknown(unknown: Iterable[str]) -> None:
    """Say once that an argument of another tracker has no effect here."""
    if fresh := sorted(set(unknown) - _warned):
        _warned.update(fresh)
        sys.stderr.write(f"trackio: init() has no use for {', '.join(fresh)}: left out\n")


def _make_meta(
    name: str | None, group: str | None, tags: Iterable[str] | str | None, notes: str | None
) -> RunMeta:
    if tags is not None and not isinstance(tags, Iterable):
        raise InvalidInput(f"tags takes a list of words, not {tags!r}")
    words = (tags,) if isinstance(tags, str) else tuple(tags or ())
    for tag in words:
        _check_text("a tag", tag)
    for argument, text in (("group", group), ("notes", notes)):
        if text is not None:
            _check_text(argument, text)
    return RunMeta(
        name=name or ids.make_name(),
        created=datetime.now(UTC).isoformat(),
        group=group,
        tags=words,
        notes=notes,
    )


def _check_text(argument: str, text: object) -> None:
    if not isinstance(text, str):
        raise InvalidInput(f"{argument} must be text, not {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{argument} is not valid Unicode text: {text!r}") from exc


def _make_header(
    store: Store, project: str, meta: RunMeta, resumed: Resumed | None, config: Mapping[str, Any]
) -> journal.Header:
    return journal.Header(
        project=project,
        run_id=resumed.run_id if resumed else RunId(ids.make_id()),
        writer_id=WriterId(ids.make_id()),
        store_url=store.url,
        meta=meta,
        is_new_run=resumed is None,
        owner=own_identity(),
        config=storable(config),
    )
