"""What a version came from and what became of it. Values in, values out: it reads nothing."""

from collections.abc import Sequence

from trackio.model import RunId, VersionId
from trackio.query.artifacts import LinkRow

Place = tuple[str, str, VersionId]
"""A version: its project, the name of its artifact, its id."""


def related(links: Sequence[LinkRow], place: Place) -> list[LinkRow]:
    """The links through which a version came to be, and those of what became of it.

    What else a run on the way used stands there too, but is not followed further.
    """
    before, after = _walk(links, place, back=True), _walk(links, place, back=False)
    runs = {links[i].run_id for i in before | after}
    near = {
        i
        for i, link in enumerate(links)
        if link.run_id in runs and (link.place == place or not link.made)
    }
    return [link for i, link in enumerate(links) if i in before | after | near]


def _walk(links: Sequence[LinkRow], place: Place, *, back: bool) -> set[int]:
    """The places in `links` of those that lead to a version, or of those that lead on from it.

    A version leads back to the run that made it, a run to the versions that it used; forward it
    is the other way round.
    """
    of_version: dict[Place, list[int]] = {}
    of_run: dict[RunId, list[int]] = {}
    for i, link in enumerate(links):
        if link.made == back:
            of_version.setdefault(link.place, []).append(i)
        else:
            of_run.setdefault(link.run_id, []).append(i)
    found: set[int] = set()
    waiting, known = [place], {place}
    while waiting:
        for i in of_version.get(waiting.pop(), ()):
            found.add(i)
            for j in of_run.get(links[i].run_id, ()):
                found.add(j)
                if links[j].place not in known:
                    known.add(links[j].place)
                    waiting.append(links[j].place)
    return found
