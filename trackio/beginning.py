"""Begin a run as `init` was asked to: clean what was given, look it up, open its write path.

Which run is current is known to `current`, which calls this; it loads what a process that logs
needs, and so only with the first name of `current` that somebody uses.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trackio import asked, ids, journal
from trackio.active_run import Run
from trackio.hosts import own_identity
from trackio.model import RunId, RunMeta, WriterId
from trackio.origin import About, storable
from trackio.settings import Settings
from trackio.store import open_store
from trackio.values.arguments import clean_level

if TYPE_CHECKING:
    from trackio.resume import Resumed
    from trackio.store.base import Store

ChosenConfig = tuple[Any, Iterable[str] | None, Iterable[str] | None]
"""What was given as config, and the keys to take and to leave."""


def begin(
    given: Mapping[str, Any],
    *,
    settings: Any,
    config: ChosenConfig,
    moment: Mapping[str, Any],
    where: Mapping[str, Any],
    look: Mapping[str, Any],
    space: tuple[str | None, bool | None],
    webhook: tuple[str | None, Any],
    unknown: Mapping[str, Any],
    before: tuple[Run | None, Run | None],
    on_end: Callable[[Run], None],
) -> Run:
    """The run that `init` begins, or goes on with; `before` is that of this context, and any."""
    former, rest = asked.former_names(unknown)
    asked.tell_unused(key for key, value in rest.items() if value is not None)
    known = {key: value for key, value in former.items() if given[key] is None}
    said = asked.merge_settings(settings, {**given, **known})
    own_before, any_before = before
    kept = own_before or any_before
    if kept is not None and said["reinit"] in (False, "return_previous"):
        return kept
    space_id = asked.space_from(space[0])
    own = _settings(space_id, where, asked.clean_mode(said["mode"]))
    own = replace(own, monitor=own.monitor.choose(**look))
    wanted = asked.ask(said["project"], said["name"], said["id"], said["resume"], **moment)
    values = asked.clean_config(*config)
    least = webhook[1] or own.webhook_min_level
    about = About(
        label=asked.clean_label(said["label"], said["mode"]),
        job_type=said["job_type"],
        forked_from=wanted.forked_from,
        first_step=wanted.first_step,
        entity=said["entity"],
        space_id=space_id,
        webhook_url=webhook[0] or own.webhook_url,
        webhook_min_level=clean_level(least, lambda _about, why: asked.tell_unused([why])),
    )
    name = wanted.name or wanted.run_id
    meta = asked.make_meta(name, said["group"], said["tags"], said["notes"])
    target = _open_target(own)
    if own_before is not None and said["reinit"] != "create_new":
        own_before.finish()
    run = _open(wanted, meta, values, settings=own, about=about, target=target, on_end=on_end)
    if space_id is not None and own.mode == "online":
        _show_in_space(run, space_id, private=space[1])
    return run


def _open(
    wanted: asked.Asked,
    meta: RunMeta,
    config: dict[str, Any],
    *,
    settings: Settings,
    about: About,
    target: "Store",
    on_end: Callable[[Run], None],
) -> Run:
    resumed = _find(wanted, settings, target)
    header = _make_header(target, wanted, meta, resumed, config)
    if settings.mode == "online":
        from trackio.upkeep.background import recover_in_background

        with suppress(OSError):  # a folder that cannot be looked into costs no run
            recover_in_background(settings)  # before this run has a journal: others' are a reason
    run = Run(
        header,
        config,
        store=target,
        settings=settings,
        resumed_from=resumed.writers if resumed else (),
        about=about,
        on_end=on_end,
    )
    if settings.mode != "disabled":
        from trackio.upkeep.migrate.hint import tell_once

        with suppress(OSError):
            tell_once(settings.dir, settings.store_url)
    return run


def _settings(space_id: str | None, where: Mapping[str, Any], mode: str | None) -> Settings:
    """What to work with; a Space reads the bucket that is called after it, or one that is named."""
    found = Settings.from_env(**where, mode=mode)
    if space_id is None or found.store_url != str(found.dir):
        return found
    return Settings.from_env(
        **{**where, "store": None, "bucket_id": f"{space_id}-bucket"}, mode=mode
    )


def _open_target(settings: Settings) -> "Store":
    """The store to write to, untouched; one that needs nothing where nothing is written."""
    if settings.mode == "disabled":
        from trackio.store.memory import MemoryStore

        return MemoryStore("disabled")
    return open_store(settings.store_url)


def _find(wanted: asked.Asked, settings: Settings, target: "Store") -> "Resumed | None":
    if wanted.policy == "never":
        return None
    from trackio.resume import find_resumable

    return find_resumable(
        settings, target, wanted.project, wanted.name, wanted.policy, run_id=wanted.run_id
    )


def _make_header(
    store: "Store",
    wanted: asked.Asked,
    meta: RunMeta,
    resumed: "Resumed | None",
    config: Mapping[str, Any],
) -> journal.Header:
    """Whose calls these are. Of a run whose id was chosen, others may have written before."""
    run_id = resumed.run_id if resumed else wanted.run_id
    return journal.Header(
        project=wanted.project,
        run_id=run_id or RunId(ids.make_id()),
        writer_id=WriterId(ids.make_id()),
        store_url=store.url,
        meta=resumed.meta if resumed else meta,
        is_new_run=wanted.run_id is None and (resumed is None or not resumed.is_sent),
        owner=own_identity(),
        config=storable(config),
    )


def _show_in_space(run: Run, space: str, *, private: bool | None) -> None:
    """Make sure that the Space is there; nothing waits for it, and nothing fails with it."""
    from trackio.deploy import ensure_space

    store_url = run.settings.store_url
    run._errands.start(  # noqa: SLF001 - one of the run's own errands
        f"making the Space {space}", lambda: ensure_space(space, store_url, private=private)
    )
