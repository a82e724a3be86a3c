"""What `init` was asked, in the words of wandb and the released Trackio, as values of our own.

It cleans and decides; it opens no store and begins no run.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from trackio import ids, keys
from trackio.errors import InvalidInput
from trackio.model import RunId, RunMeta
from trackio.origin import find_label
from trackio.settings import Mode
from trackio.values.observed import as_mapping

DEFAULT_PROJECT: Final = "uncategorized"
_FORMER_NAMES: Final = {"run_name": "name", "run_id": "id", "run_group": "group"}
_FROM_SETTINGS: Final = {
    "project": "project",
    "run_name": "name",
    "run_id": "id",
    "run_group": "group",
    "run_tags": "tags",
    "run_notes": "notes",
    "run_job_type": "job_type",
    "entity": "entity",
    "mode": "mode",
    "resume": "resume",
    "reinit": "reinit",
    "x_label": "label",
}
_HARMLESS: Final = frozenset({"allow_val_change", "anonymous", "force", "magic", "monitor_gym"})
_MODES: Final[Mapping[str, Mode]] = {
    "online": "online",
    "run": "online",
    "shared": "online",
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
}
_AT_STEP: Final = re.compile(r"(.+)\?_step=(\d+)")
_told: set[str] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which run is meant: by name or by id, and how it goes on.

    `policy` is never, allow or must; `first_step` where its own steps begin to count.
    """

    project: str
    name: str | None
    run_id: RunId | None
    policy: str
    first_step: int | None = None
    forked_from: str | None = None


def merge_settings(given: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `init`, and for those that were not given what wandb's settings say."""
    if given is None:
        return arguments
    try:
        said = as_mapping(given)
    except TypeError:
        tell_unused(["settings"])
        return arguments
    merged = dict(arguments)
    unused = []
    for key, value in said.items():
        name = _FROM_SETTINGS.get(str(key))
        if name is None and value is not None:
            unused.append(f"settings.{key}")
        elif name is not None and merged.get(name) is None:
            merged[name] = value
    tell_unused(unused)
    return merged


def ask(
    project: str | None,
    name: str | None,
    run_id: str | None,
    resume: str | bool | None,
    *,
    resume_from: str | None = None,
    fork_from: str | None = None,
    from_step: int | None = None,
) -> Asked:
    """What is meant by these.

    Raises:
        InvalidInput: they cannot be meant.
    """
    policy = clean_policy(resume)
    project = check_text("project", project or DEFAULT_PROJECT)
    keys.project_prefix(project)
    if resume_from is not None:
        run_id, from_step = _parse_moment("resume_from", resume_from)
        policy = "must"
    if fork_from is not None:
        _, from_step = _parse_moment("fork_from", fork_from)
    if name is not None:
        name = check_text("name", name)
        keys.name_prefix(project, name)
    if run_id is not None:
        keys.run_prefix(project, RunId(check_text("id", run_id)))
    if policy == "must" and not (name or run_id):
        raise InvalidInput('resume="must" needs the name or the id of the run')
    if from_step is not None and (type(from_step) is not int or from_step < 0):
        raise InvalidInput(f"from_step takes a whole number from 0, not {from_step!r}")
    return Asked(
        project=project,
        name=name,
        run_id=None if run_id is None else RunId(run_id),
        policy=policy,
        first_step=from_step,
        forked_from=fork_from,
    )


def clean_policy(resume: str | bool | None) -> str:
    """never, allow or must; wandb's `True` and "auto" mean allow.

    Raises:
        InvalidInput: there is no such policy.
    """
    if resume is None or resume is False:
        return "never"
    if resume is True or resume == "auto":
        return "allow"
    if resume not in ("never", "allow", "must"):
        raise InvalidInput(f"resume={resume!r} is none of never, allow, must, auto, True, False")
    return resume


def clean_mode(mode: str | None) -> Mode | None:
    """One of our modes; None where none was named.

    Raises:
        InvalidInput: there is no such mode.
    """
    if mode is None:
        return None
    if mode not in _MODES:
        raise InvalidInput(f"mode={mode!r} is none of {', '.join(_MODES)}")
    return _MODES[mode]


def clean_label(label: str | None, mode: str | None) -> str | None:
    """What tells this process apart from others of its run; found where a run is shared."""
    if label is not None:
        return check_text("label", label)
    return find_label() if mode == "shared" else None


def clean_config(
    given: Any,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
) -> dict[str, Any]:
    """A config as a dict: of a mapping, an `argparse.Namespace`, a dataclass or the like.

    Raises:
        InvalidInput: it holds no values by name.
    """
    if given is None:
        return {}
    if isinstance(given, str | bytes | list | tuple | set):
        raise InvalidInput(f"config takes a dict, not a {type(given).__name__}")
    try:
        said = dict(as_mapping(given))
    except TypeError as exc:
        raise InvalidInput(f"config {exc}") from exc
    wanted = None if include is None else set(include)
    dropped = set(exclude or ())
    return {k: v for k, v in said.items() if k not in dropped and (wanted is None or k in wanted)}


def make_meta(
    name: str | None, group: str | None, tags: Iterable[str] | str | None, notes: str | None
) -> RunMeta:
    """What is said of a run that begins.

    Raises:
        InvalidInput: something is no text.
    """
    if tags is not None and not isinstance(tags, Iterable):
        raise InvalidInput(f"tags takes a list of words, not {tags!r}")
    words = (tags,) if isinstance(tags, str) else tuple(tags or ())
    for tag in words:
        check_text("a tag", tag)
    for argument, text in (("group", group), ("notes", notes)):
        if text is not None:
            check_text(argument, text)
    return RunMeta(
        name=name or ids.make_name(),
        created=datetime.now(UTC).isoformat(),
        group=group,
        tags=words,
        notes=notes,
    )


def check_text(argument: str, text: object) -> str:
    """`text` itself.

    Raises:
        InvalidInput: it is no text, or none that can be stored.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"{argument} must be text, not {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{argument} is not valid Unicode text: {text!r}") from exc
    return text


def former_names(unknown: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments under names they had once, under ours; and those that nobody knows."""
    known = {_FORMER_NAMES[k]: v for k, v in unknown.items() if k in _FORMER_NAMES}
    rest = {k: v for k, v in unknown.items() if k not in _FORMER_NAMES and k not in _HARMLESS}
    return known, rest


def tell_unused(names: Iterable[str]) -> None:
    """Say once that arguments of other trackers have no effect here."""
    if fresh := sorted(set(names) - _told):
        _told.update(fresh)
        sys.stderr.write(f"trackio: init() has no use for {', '.join(fresh)}: left out\n")


def space_from(given: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The Space that shows the run, if there is to be one.

    Raises:
        InvalidInput: no Space can be called so.
    """
    space_id = given or environ.get("TRACKIO_SPACE_ID") or None
    if space_id is not None and not re.fullmatch(
        r"[\w.-]+(/[\w.-]+)?", check_text("space_id", space_id)
    ):
        raise InvalidInput(f"space_id takes 'namespace/name', or 'name', not {space_id!r}")
    return space_id


def _parse_moment(argument: str, text: object) -> tuple[str, int]:
    found = _AT_STEP.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidInput(f"{argument} takes 'run id?_step=N', not {text!r}")
    return found[1], int(found[2])
