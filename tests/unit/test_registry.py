"""Registries: collections across projects, folded from events that never change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.changes import list_registries
from trackio.artifacts.collections import Collection, Registry, create_registry
from trackio.artifacts.commit import commit
from trackio.artifacts.events import Event, decode_event, encode_event, fold
from trackio.artifacts.use import find_artifact
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.model import EventId
from trackio.store.memory import MemoryStore


@pytest.fixture
def store(tmp_path):
    """Two projects with a model each, of two versions."""
    made = MemoryStore()
    for project in ("p", "q"):
        for content in ("one", "two"):
            (tmp_path / "file").write_text(f"{project} {content}")
            artifact = Artifact("m", "model").add_file(tmp_path / "file")
            commit(made, *artifact.make_manifest(project))
    return made


def version(store, project, number):
    return open_artifact(store, project, "m", f"v{number}")


def link_artifact(store, artifact, target, aliases) -> Collection:
    """Put a version into a collection; the collection as it is then."""
    linked = artifact.link(target, aliases)
    registry, collection = linked.source
    return Registry(store, registry).collection(collection)


def test_versions_of_any_project_are_linked_into_one_collection(store):
    """Numbers are the collection's own."""
    link_artifact(store, version(store, "p", 1), "prod/models", ["live"])
    link_artifact(store, version(store, "q", 0), "prod/models", [])
    links = Registry(store, "prod").collection("models").links
    assert [("v0", ["live"], "p", "v1"), ("v1", ["latest"], "q", "v0")] == [
        (link.version, link.aliases, link.project, link.source_version) for link in links
    ]


def test_a_linked_version_is_found_by_what_the_registry_calls_it(store, tmp_path):
    """And it knows whence it came."""
    link_artifact(store, version(store, "p", 1), "prod/models", ["live"])
    found = find_artifact(store, "registry-prod/models:live")
    assert ("p/m:v1", ("prod", "models"), True) == (
        found.qualified_name, found.source, found.is_link)  # fmt: skip
    assert found.version_id == find_artifact(store, "registry-prod/models").version_id
    assert found.version_id == find_artifact(store, "registry-prod/models:v0").version_id
    with pytest.raises(NotFound):
        find_artifact(store, "registry-prod/models:v1")


def test_linking_again_only_adds_aliases(store):
    """One version is in a collection once."""
    for aliases in (["a"], ["b"]):
        found = link_artifact(store, version(store, "p", 0), "prod/models", aliases)
    assert [("v0", ["latest", "a", "b"])] == [(it.version, it.aliases) for it in found.links]


def test_promoting_moves_an_alias(store):
    """What was called so before is not any more."""
    link_artifact(store, version(store, "p", 0), "prod/models", ["live"])
    found = link_artifact(store, version(store, "p", 1), "prod/models", [])
    found = found.promote("v1", ["live"])
    assert [["latest", "live"]] == [it.aliases for it in found.links if it.version == "v1"]
    assert [[]] == [it.aliases for it in found.links if it.version == "v0"]


def test_a_number_is_never_used_again(store):
    """What was taken out leaves a gap, its aliases go along."""
    link_artifact(store, version(store, "p", 0), "prod/models", ["live"])
    find_artifact(store, "registry-prod/models:live").unlink()
    found = link_artifact(store, version(store, "p", 1), "prod/models", [])
    assert ["v1"] == [link.version for link in found.links]
    with pytest.raises(NotFound):
        found.artifact("live")


def test_a_collection_takes_one_type(store, tmp_path):
    """A data set is no model."""
    create_registry(store, "prod").create_collection("models", "model", "ours")
    (tmp_path / "data").write_text("x")
    commit(store, *Artifact("d", "data").add_file(tmp_path / "data").make_manifest("p"))
    with pytest.raises(InvalidInput, match="type 'model'"):
        open_artifact(store, "p", "d").link("prod/models")


def test_everything_that_happened_can_be_read(store):
    """Who did what when, oldest first."""
    create_registry(store, "prod", "what we ship")
    link_artifact(store, version(store, "p", 0), "registry-prod/models", ["live"])
    Registry(store, "prod").collection("models").unlink("v0")
    Registry(store, "prod").update("what we shipped")
    assert ["create", "create_collection", "link", "unlink", "update"] == [
        event["kind"] for event in Registry(store, "prod").events()
    ]
    assert "what we shipped" == Registry(store, "prod").description
    assert ["prod"] == list_registries(store)


def test_an_unknown_registry_or_collection_is_told(store):
    """With what there is."""
    with pytest.raises(NotFound, match="none yet"):
        Registry(store, "prod").collections()
    create_registry(store, "prod").create_collection("models", "model")
    with pytest.raises(NotFound, match="prod"):
        Registry(store, "prd").collection("models")
    with pytest.raises(NotFound, match="models"):
        Registry(store, "prod").collection("model")


@pytest.mark.parametrize("path", ["", "prod", "prod/", "/models", "a/b/c"])
def test_a_target_that_is_no_collection_is_refused(store, path):
    """Registry and collection, no more and no less."""
    with pytest.raises(InvalidInput):
        link_artifact(store, version(store, "p", 0), path, [])


def test_registries_are_no_projects(store):
    """Nobody finds them in a list of projects, and no project can hide one."""
    from trackio.catalog import list_projects

    create_registry(store, "runs")
    assert "@registry" not in list_projects(store)


def test_an_event_that_is_torn_is_refused():
    """It is never taken for another one."""
    with pytest.raises(UnreadableFile):
        decode_event(EventId("0" * 24), b'{"kind"')


def test_an_event_of_a_kind_that_is_not_known_is_skipped():
    """A newer Trackio may have it."""
    assert decode_event(EventId("0" * 24), b'{"kind":"new","time":"t"}') is None


KINDS = st.sampled_from(["create", "create_collection", "link", "promote", "unlink", "update"])
CHANGES = st.lists(st.tuples(KINDS, st.integers(0, 2), st.sampled_from("ab")), max_size=12)


def _event(place: int, change: tuple) -> Event:
    kind, number, name = change
    said = {
        "collection": name, "type": "model", "description": name, "number": number,
        "project": "p", "name": "m", "version_id": f"{number:024x}", "digest": "0",
        "aliases": [name],
    }  # fmt: skip
    if kind in ("create", "update"):
        said = {"description": name}
    return Event(id=EventId(f"{place:024x}"), kind=kind, time="t", said=said)


@given(changes=CHANGES, order=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_a_listing_does_not_matter(changes, order):
    """Two readers see the same, numbers never repeat, and an alias names what is there."""
    events = [_event(place, change) for place, change in enumerate(changes)]
    shuffled = [decode_event(it.id, encode_event(it)) for it in events]
    order.shuffle(shuffled)
    state = fold("r", shuffled)
    assert fold("r", events) == state
    for found in state.collections.values():
        numbers = [link.number for link in found.links]
        assert list(range(len(numbers))) == numbers
        assert set(found.aliases.values()) <= {link.number for link in found.live}
