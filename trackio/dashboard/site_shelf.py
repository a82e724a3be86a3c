"""What the pages of artifacts and registries ask, answered for a project that becomes files.

The files of artifacts themselves are not exported: a page of a paper is no place for weights.
"""

from collections.abc import Iterator

from trackio.dashboard import shelf
from trackio.dashboard.meta import Meta
from trackio.dashboard.recalling import Recalling
from trackio.dashboard.site_asked import Asked
from trackio.query.artifacts import get_version, list_artifact_rows, list_version_rows
from trackio.query.lineage import related
from trackio.query.registries import list_registry_rows
from trackio.store.base import Store


def shelf_answers(store: Store, meta: Meta) -> Iterator[Asked]:
    """Every artifact, every version by its number, lineage, and the registries of the store."""
    kept = Recalling(store)
    links, registries = shelf.project_links(kept, meta), list_registry_rows(kept)
    yield Asked(path="artifacts.json", answer=shelf.artifacts(kept, meta))
    yield Asked(path="registries.json", answer=shelf.registries(kept))
    yield Asked(path="lineage.json", answer=shelf.tell_lineage(meta, links))
    for artifact in list_artifact_rows(kept, meta.project):
        name = artifact.name
        yield Asked(
            path="artifact.json", params={"name": name}, answer=shelf.versions(kept, meta, name)
        )
        for row in list_version_rows(kept, meta.project, name):
            asked = {"name": name, "version": row.version}
            _, manifest = get_version(kept, meta.project, name, row.version)
            told = shelf.tell_version(meta, row, manifest, links, registries)
            near = related(links, (meta.project, name, row.version_id))
            yield Asked(path="version.json", params=asked, answer=told)
            yield Asked(path="lineage.json", params=asked, answer=shelf.tell_lineage(meta, near))
