"""The current run, and the functions that act on it: `init`, `log`, `alert`, `finish`.

Wrong arguments to `init` raise at once. Which run is current follows the context (`asyncio`
tasks and threads with a copied context have their own); a plain thread sees the newest one.
"""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from trackio import context_vars
from trackio.beginning import begin
from trackio.errors import NoRun
from trackio.values.arguments import AlertLevel

if TYPE_CHECKING:
    from trackio.active_run import Run
    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.contents import FilePath
    from trackio.report import FinishReport
    from trackio.settings import Mode
    from trackio.values.definition import Definition

_current = context_vars.current_run
_latest: "Run | None" = None

Reinit = Literal["finish_previous", "return_previous", "create_new", "default"]


def init(  # noqa: PLR0917 - the released Trackio has them in this order
    project: str | None = None,
    name: str | None = None,
    group: str | None = None,
    space_id: str | None = None,
    server_url: str | None = None,
    dataset_id: str | None = None,
    bucket_id: str | None = None,
    config: Any = None,
    resume: str | bool | None = None,
    settings: Any = None,
    private: bool | None = None,
    embed: bool = True,
    auto_log_gpu: bool | None = None,
    gpu_log_interval: float | None = None,
    auto_log_cpu: bool | None = None,
    cpu_log_interval: float | None = None,
    webhook_url: str | None = None,
    webhook_min_level: AlertLevel | str | None = None,
    *,
    id: str | None = None,  # noqa: A002 - as other trackers call it
    entity: str | None = None,
    tags: Iterable[str] | str | None = None,
    notes: str | None = None,
    job_type: str | None = None,
    label: str | None = None,
    store: str | PathLike[str] | None = None,
    dir: str | PathLike[str] | None = None,  # noqa: A002 - as above
    mode: "Mode | Literal['shared', 'dryrun', 'run'] | None" = None,
    reinit: Reinit | bool | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    from_step: int | None = None,
    config_include_keys: Iterable[str] | None = None,
    config_exclude_keys: Iterable[str] | None = None,
    **unknown: Any,
) -> "Run":
    """Begin a run and make it the current one.

    Args:
        project: the group of runs it belongs to; made if it is new.
        name: what people call it; may repeat. Without one it gets a readable one.
        group: runs of one group are shown together.
        space_id: a Hugging Face Space that shows the run: made in the background, with a private
            bucket to write to, `<space_id>-bucket` unless another is named.
        bucket_id: `namespace/name`, or `name` for one of your own: a Hugging Face Bucket to
            write to, made private if there is none.
        config: hyper-parameters, as a dict, an `argparse.Namespace`, a dataclass or the like;
            nested dicts are flattened with `/`. `config_include_keys` and `config_exclude_keys`
            choose among them.
        resume: "allow", "auto" or True go on with the run of this id, or the newest of this
            name, if there is one; "must" raises if there is none; "never" begins a new one.
        private: whether the Space is private; by default as the account has it.
        embed: accepted for the released Trackio's sake, like `settings` for wandb's.
        auto_log_gpu, auto_log_cpu: look at GPUs, and at everything else of this machine; by
            default both, unless `TRACKIO_SYSTEM_S` turns it off.
        gpu_log_interval, cpu_log_interval: seconds between looks, 15 by default.
        webhook_url, webhook_min_level: whom this process tells of alerts, and from which level.
        id: the run's id, so that many processes can log to one run, and others can resume it
            without a search.
        entity: whose it is; kept, without effect.
        tags: words to find it by, or one word.
        notes: what people want to remember of it.
        job_type: what it does; kept with its start.
        label: tells this process apart from others of the run; with `mode="shared"` found from
            RANK, SLURM_PROCID or OMPI_COMM_WORLD_RANK.
        store: where to write, a path or a URL; the default is the directory `TRACKIO_DIR`.
        dir: where this machine keeps runs, journals, and what waits to be sent.
        mode: "offline" keeps everything on this machine until `trackio sync`, "disabled" does
            nothing at all; the default is "online", or `TRACKIO_MODE`. "shared" is online, for
            processes that share the `id`.
        reinit: "create_new" leaves the current run of this context live beside the new one,
            "return_previous" returns it; otherwise it is finished first.
        resume_from, from_step: go on at a step; what earlier attempts logged there and later is
            kept and no longer drawn. `resume_from="id?_step=N"` says both.
        fork_from: `id?_step=N`: a new run that says where it comes from and counts on from there.
        unknown: arguments of other trackers are accepted with one warning.

    Raises:
        InvalidInput: an argument that cannot be used.
        NotFound: `resume="must"` and there is no such run.
        StoreUnavailable, StoreRefused: `resume="must"` and the run cannot be looked up.
    """
    given = {
        "project": project,
        "name": name,
        "group": group,
        "id": id,
        "entity": entity,
        "tags": tags,
        "notes": notes,
        "job_type": job_type,
        "label": label,
        "mode": mode,
        "resume": resume,
        "reinit": reinit,
    }
    moment = {"resume_from": resume_from, "fork_from": fork_from, "from_step": from_step}
    where = {"store": store, "bucket_id": bucket_id, "dir": dir}
    look = {
        "machine": auto_log_cpu,
        "machine_s": cpu_log_interval,
        "gpu": auto_log_gpu,
        "gpu_s": gpu_log_interval,
    }
    unknown |= {"server_url": server_url, "dataset_id": dataset_id}
    del embed  # a notebook shows a dashboard when `show` is called

    run = begin(
        given,
        settings=settings,
        config=(config, config_include_keys, config_exclude_keys),
        moment=moment,
        where=where,
        look=look,
        space=(space_id, private),
        webhook=(webhook_url, webhook_min_level),
        unknown=unknown,
        before=(_current.get(), _latest),
        on_end=_forget_current,
    )
    _set_current(run)
    return run


def log(
    metrics: Mapping[str, Any],
    step: int | None = None,
    commit: bool | None = None,
    sync: bool | None = None,
    **unknown: Any,
) -> None:
    """Log to the current run; see `Run.log`."""
    (_current.get() or _get_current("log")).log(metrics, step, commit, sync, **unknown)


def log_system(metrics: Mapping[str, Any]) -> None:
    """Log values of the machine to the current run; see `Run.log_system`."""
    _get_current("log_system").log_system(metrics)


def alert(  # noqa: PLR0917 - as above
    title: str,
    text: str | None = None,
    level: AlertLevel | str = AlertLevel.WARN,
    webhook_url: str | None = None,
    step: int | None = None,
    wait_duration: Any = None,
) -> None:
    """Alert from the current run; see `Run.alert`."""
    del wait_duration
    _get_current("alert").alert(title, text, level, step, webhook_url)


def log_artifact(
    artifact_or_path: "Artifact | FilePath",
    name: str | None = None,
    type: str | None = None,  # noqa: A002 - as other trackers call it
    aliases: Iterable[str] | None = None,
    overwrite: bool = False,
) -> "Artifact":
    """Log an artifact from the current run; see `Run.log_artifact`."""
    run = _get_current("log_artifact")
    return run.log_artifact(artifact_or_path, name, type, aliases, overwrite)


def use_artifact(
    artifact_or_name: "Artifact | str",
    type: str | None = None,  # noqa: A002 - as above
) -> "Artifact":
    """Use an artifact in the current run; see `Run.use_artifact`."""
    return _get_current("use_artifact").use_artifact(artifact_or_name, type)


def flush(timeout_s: float | None = None, *, strict: bool = False) -> bool:
    """Wait until the current run is in the store; see `Run.flush`."""
    return _get_current("flush").flush(timeout_s, strict=strict)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> "FinishReport":
    """Finish the current run; see `Run.finish`."""
    return _get_current("finish").finish(exit_code, quiet)


def define_metric(name: str, *args: Any, **kwargs: Any) -> "Definition":
    """Say how a metric of the current run is read; see `Run.define_metric`."""
    return _get_current("define_metric").define_metric(name, *args, **kwargs)


def link_artifact(
    artifact: "Artifact", target_path: str, aliases: Iterable[str] | None = None
) -> "Artifact":
    """Put a version into a collection of a registry; see `Run.link_artifact`."""
    return _get_current("link_artifact").link_artifact(artifact, target_path, aliases)


def log_code(*args: Any, **kwargs: Any) -> Any:
    """Log source files to the current run; see `Run.log_code`."""
    return _get_current("log_code").log_code(*args, **kwargs)


def mark_preempting() -> None:
    """Note that the current run is about to be stopped; see `Run.mark_preempting`."""
    _get_current("mark_preempting").mark_preempting()


def watch(*args: Any, **kwargs: Any) -> None:
    """Accepted for wandb's sake; see `Run.watch`."""
    _get_current("watch").watch(*args, **kwargs)


def unwatch(*args: Any, **kwargs: Any) -> None:
    """Accepted for wandb's sake; see `Run.watch`."""
    _get_current("unwatch").unwatch(*args, **kwargs)


def find_current() -> "Run | None":
    """The current run of this context, else the newest one; None if there is none."""
    return _current.get() or _latest


def __getattr__(name: str) -> Any:
    if name in ("config", "summary"):
        run = _current.get() or _latest
        return {} if run is None else getattr(run, name)
    raise AttributeError(f"module 'trackio.current' has no attribute {name!r}")


def _get_current(caller: str) -> "Run":
    """The current run: of this context, else (in another thread) the newest one."""
    run = find_current()
    if run is None:
        raise NoRun(f"call trackio.init() before trackio.{caller}()")
    return run


def _set_current(run: "Run") -> None:
    global _latest  # noqa: PLW0603 - threads that users start see no context of ours
    _current.set(run)
    context_vars.current_project.set(run.project)
    context_vars.current_space_id.set(run._space_id)  # noqa: SLF001 - integrations ask for it
    _latest = run


def _forget_current(run: "Run") -> None:
    global _latest  # noqa: PLW0603 - as above
    if _current.get() is run:
        _current.set(None)
    if _latest is run:
        _latest = None
