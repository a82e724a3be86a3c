"""Artifacts: versions by content, numbers by rank, files that come back as they were."""

import os
from pathlib import Path

import pytest

from trackio import keys
from trackio.artifacts import collect
from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.commit import Committed, How, commit
from trackio.artifacts.manifest import (
    Manifest,
    ManifestEntry,
    decode_manifest,
    encode_manifest,
    make_version_id,
)
from trackio.artifacts.references import (
    ReferenceHandler,
    ResolvedReference,
    register_reference_handler,
)
from trackio.artifacts.use import find_artifact
from trackio.artifacts.versions import list_artifacts, list_versions, parse_spec
from trackio.errors import (
    FormatTooNew,
    InvalidInput,
    NotFound,
    StoreUnavailable,
    UnreadableFile,
)
from trackio.settings import LOCAL_GRACE_S, REMOTE_GRACE_S
from trackio.store.base import Store
from trackio.store.directory import Directory
from trackio.store.faulty import Fault, Faulty
from trackio.store.memory import MemoryStore
from trackio.testing.clock import ManualClock

MINUTE = 60.0


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Directory(tmp_path / "store") if request.param == "directory" else MemoryStore()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, two of them alike, one empty."""
    made = tmp_path / "files"
    (made / "inner").mkdir(parents=True)
    (made / "a.bin").write_bytes(b"alike")
    (made / "inner" / "b.bin").write_bytes(b"alike")
    (made / "empty").touch()
    return made


def log(store: Store, path: Path, name: str = "m", **options: object) -> Committed:
    """Log a folder or a file as a version."""
    artifact = Artifact(name, str(options.pop("kind", "model")))
    artifact = artifact.add_dir(path) if path.is_dir() else artifact.add_file(path)
    return commit(store, *artifact.make_manifest("p"), **options)


def blobs(store: Store) -> set[str]:
    return {entry.key.rpartition("/")[2] for entry in store.list(keys.blob_prefix("p"))}


def test_what_was_logged_comes_back_byte_by_byte(store, folder, tmp_path):
    """Names, folders, empty files; equal files are kept once."""
    (folder / "inner" / "large").write_bytes(os.urandom(300_000))
    log(store, folder)
    assert 3 == len(blobs(store))
    target = Path(find_artifact(store, "p/m").download(tmp_path / "out"))
    assert {"a.bin", "inner/b.bin", "empty", "inner/large"} == {
        path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()
    }
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (target / path.relative_to(folder)).read_bytes()


def test_equal_files_are_one_version(store, folder):
    """Logging the same again puts nothing, and says which version it is."""
    first = log(store, folder)
    again = log(store, folder)
    assert (True, False) == (first.is_new, again.is_new)
    assert first.version_id == again.version_id
    assert 1 == len(list_versions(store, "p", "m").ids)


def test_only_what_is_new_is_put(store, folder):
    """A version that differs in one file costs one file."""
    log(store, folder)
    (folder / "new").write_bytes(b"new")
    assert 1 == log(store, folder).put_files


def test_the_number_of_a_version_is_its_rank(store, folder):
    """The newest has the largest, whatever the clocks say."""
    late, early = ManualClock(1e9), ManualClock(1e8)
    log(store, folder, how=How(clock=late))
    (folder / "new").touch()
    log(store, folder, how=How(clock=early))
    first, second = list_versions(store, "p", "m").ids
    assert "v1" == open_artifact(store, "p", "m").version
    assert first < second
    assert "v0" == open_artifact(store, "p", "m", "v0").version


def test_a_version_is_found_by_number_alias_or_as_the_latest(store, folder):
    """And a slip of the pen is answered with what there is."""
    log(store, folder, aliases=["best"])
    (folder / "new").touch()
    log(store, folder)
    assert ("v0", ["best"]) == (
        find_artifact(store, "m:best", "p").version,
        find_artifact(store, "p/m:v0").aliases,
    )
    assert "v1" == find_artifact(store, "p/m:latest").version
    for spec in ("p/m:v7", "p/m:bst", "p/other", "p/m:worst"):
        with pytest.raises(NotFound):
            find_artifact(store, spec)


@pytest.mark.parametrize("spec", ["", ":v0", "m:", "m:v0:v1", "p/"])
def test_a_spec_that_names_nothing_is_refused(spec):
    """With an example of one that would."""
    with pytest.raises(InvalidInput, match="write it like"):
        parse_spec(spec)


def test_an_alias_moves_forward_and_never_back(store, folder):
    """Whoever logs old files again does not make them the best ones."""
    first = log(store, folder, aliases=["best"])
    (folder / "new").touch()
    second = log(store, folder, aliases=["best"])
    (folder / "new").unlink()
    assert first.version_id == log(store, folder, aliases=["best"]).version_id
    assert {"best": second.version_id} == dict(list_versions(store, "p", "m").aliases)


@pytest.mark.parametrize("alias", ["v3", "a/b", "a:b", ""])
def test_a_word_that_cannot_be_an_alias_is_refused(store, folder, alias):
    """The versions' own names among them."""
    log(store, folder)
    with pytest.raises(InvalidInput):
        open_artifact(store, "p", "m").add_aliases([alias])


def test_a_deleted_version_keeps_its_number_and_is_not_found(store, folder):
    """Nobody who wrote down v1 gets something else."""
    log(store, folder)
    (folder / "new").touch()
    log(store, folder)
    open_artifact(store, "p", "m", "v0").delete()
    assert "v1" == open_artifact(store, "p", "m").version
    with pytest.raises(NotFound, match="v0"):
        open_artifact(store, "p", "m", "v0")


def test_overwriting_deletes_the_versions_before(store, folder):
    """And numbers go on."""
    log(store, folder)
    (folder / "new").touch()
    log(store, folder, overwrite=True)
    versions = list_versions(store, "p", "m")
    assert (2, 1) == (len(versions.ids), len(versions.live))
    assert "v1" == open_artifact(store, "p", "m").version


def test_a_name_keeps_its_type(store, folder):
    """A model does not become a data set."""
    log(store, folder, kind="model")
    with pytest.raises(InvalidInput, match="of type 'model'"):
        log(store, folder, kind="dataset")
    with pytest.raises(InvalidInput, match="not 'dataset'"):
        find_artifact(store, "p/m", kind="dataset")


def test_artifacts_of_any_name_are_told_apart(store, folder):
    """Even one that is called as the folder of the blobs."""
    for name in ("blobs", "aliases", "mein Modell", "v1", "a.json"):
        log(store, folder, name=name, aliases=["x"])
    assert {"blobs", "aliases", "mein Modell", "v1", "a.json"} == set(list_artifacts(store, "p"))


def test_an_empty_artifact_is_refused():
    """With what to do instead."""
    with pytest.raises(InvalidInput, match="add_file"):
        Artifact("m").make_manifest("p")


def test_a_logged_artifact_never_changes(store, folder):
    """A new version needs a new object."""
    log(store, folder)
    found = open_artifact(store, "p", "m")
    with pytest.raises(InvalidInput, match="never change"):
        found.add_file(folder / "a.bin")


@pytest.mark.parametrize("path", ["../up", "/etc/x", "a/../../b", "c:\\x", ""])
def test_a_file_outside_the_folder_is_refused(store, folder, tmp_path, path):
    """On the way in, and on the way out of a manifest that somebody else wrote."""
    with pytest.raises(InvalidInput):
        Artifact("m").add_file(folder / "a.bin", name=path or "\\")
    entry = ManifestEntry(path=path, digest="0" * 64, size=0)
    bad = Manifest(name="m", type="t", entries=(entry,), created="2026-01-01T00:00:00+00:00",
                   project="p")  # fmt: skip
    commit_id = make_version_id(bad.digest, 1)
    store.put({str(keys.ManifestKey("p", "m", commit_id)): encode_manifest(bad)})
    with pytest.raises(InvalidInput):
        open_artifact(store, "p", "m").download(tmp_path / "out")


def test_a_file_that_changes_while_it_is_logged_is_refused(store, folder):
    """Its bytes never stand under the hash of others."""

    def write(op, key):
        if op == "put":
            (folder / "a.bin").write_bytes(b"written meanwhile")

    with pytest.raises(InvalidInput, match="changed while it was logged"):
        log(Faulty(store, before=write), folder / "a.bin")
    assert set() == blobs(store)
    assert {} == list_artifacts(store, "p")


def test_symbolic_links_of_a_folder_are_left_out(store, folder, tmp_path):
    """Nobody logs their home by accident."""
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    log(store, folder)
    paths = {entry.path for entry in open_artifact(store, "p", "m").manifest.entries}
    assert {"a.bin", "inner/b.bin", "empty"} == paths


def test_a_damaged_file_is_never_handed_out(store, folder, tmp_path):
    """The hash of what comes is compared, and no half file stays behind."""
    log(store, folder)
    (digest, *_) = [e.digest for e in open_artifact(store, "p", "m").manifest.entries if e.size]
    store.delete([str(keys.BlobKey("p", digest))])
    store.put({str(keys.BlobKey("p", digest)): b"other"})
    with pytest.raises(UnreadableFile, match="hash differs"):
        open_artifact(store, "p", "m").download(tmp_path / "out")
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [] == [path.name for path in left if path.suffix in {".tmp", ".bin"}]


def test_a_file_that_is_gone_is_told(store, folder, tmp_path):
    """By its name."""
    log(store, folder)
    store.delete([entry.key for entry in store.list(keys.blob_prefix("p"))])
    with pytest.raises(NotFound):
        open_artifact(store, "p", "m").download(tmp_path / "out")


def test_what_is_there_already_is_not_fetched_again(store, folder, tmp_path):
    """A whole file stays, a changed one is put right."""
    log(store, folder)
    found = open_artifact(store, "p", "m")
    found.download(tmp_path / "out")
    (tmp_path / "out" / "a.bin").write_bytes(b"other")
    with pytest.raises(UnreadableFile, match=r"a\.bin"):
        found.verify(tmp_path / "out")
    found.download(tmp_path / "out")
    found.verify(tmp_path / "out")


def test_part_of_an_artifact_can_be_fetched(store, folder, tmp_path):
    """One folder of it, or one file."""
    log(store, folder)
    open_artifact(store, "p", "m").download(tmp_path / "out", path="inner")
    assert ["b.bin"] == [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    with pytest.raises(NotFound, match="nothing"):
        open_artifact(store, "p", "m").download(tmp_path / "out", path="nothing")


def test_references_are_kept_as_such_and_fetched_from_where_they_are(store, folder, tmp_path):
    """The store has no copy of their bytes."""
    artifact = Artifact("m", "data").add_reference((folder / "inner").as_uri(), name="there")
    commit(store, *artifact.make_manifest("p"))
    assert set() == blobs(store)
    found = open_artifact(store, "p", "m")
    assert ["there/b.bin"] == [entry.path for entry in found.references]
    assert b"alike" == (Path(found.download(tmp_path / "out")) / "there" / "b.bin").read_bytes()
    (folder / "inner" / "b.bin").write_bytes(b"other")
    with pytest.raises(UnreadableFile):
        found.download(tmp_path / "again")


def test_people_can_teach_a_kind_of_reference(store, tmp_path, monkeypatch):
    """Such as that of their own object store."""

    class Box(ReferenceHandler):
        def matches(self, uri):
            return uri.startswith("box:")

        def resolve(self, uri, *, checksum, max_objects):
            return [ResolvedReference(relkey="one", uri=uri, size=3)]

        def fetch(self, uri, target):
            target.write_bytes(b"box")

    monkeypatch.setattr("trackio.artifacts.references._registered", [])
    with pytest.raises(InvalidInput, match="register_reference_handler"):
        Artifact("m").add_reference("box://a")
    register_reference_handler(Box())
    commit(store, *Artifact("m").add_reference("box://a").make_manifest("p"))
    folder = Path(open_artifact(store, "p", "m").download(tmp_path / "out"))
    assert b"box" == (folder / "one").read_bytes()


def test_a_manifest_reads_back_what_was_written():
    """Word by word, numbers of any type in the metadata included."""
    entries = (ManifestEntry(path="a", digest="0" * 64, size=3),
               ManifestEntry(path="b", digest="tag", size=0, ref="https://x/y"))  # fmt: skip
    made = Manifest(name="m", type="t", entries=entries, created="2026-01-01T00:00:00+00:00",
                    metadata={"a": 1.5, "b": [None, True]}, description="d", project="p",
                    run_id="r", run_name="n")  # fmt: skip
    assert made == decode_manifest(encode_manifest(made))


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format":1}'])
def test_what_is_no_manifest_is_refused(data):
    """It never becomes an empty one."""
    with pytest.raises(UnreadableFile):
        decode_manifest(data)


def test_a_manifest_of_a_newer_format_is_refused():
    """Rather than misread."""
    with pytest.raises(FormatTooNew):
        decode_manifest(b'{"format":2}')


def test_a_manifest_whose_files_were_changed_is_refused():
    """The digest is of the files."""
    made = Manifest(name="m", type="t", created="2026-01-01T00:00:00+00:00",
                    entries=(ManifestEntry(path="a", digest="0" * 64, size=3),))  # fmt: skip
    with pytest.raises(UnreadableFile, match="digest"):
        decode_manifest(encode_manifest(made).replace(b'"size":3}]', b'"size":4}]'))


# Collecting.


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def timed(clock: ManualClock) -> MemoryStore:
    """A store that is no directory, with a time of its own."""
    return MemoryStore(clock=clock)


def collected(store: Store) -> int:
    plan = collect.plan(store, "p", grace_s=REMOTE_GRACE_S)
    return collect.apply(plan, store, "p", grace_s=REMOTE_GRACE_S)


def test_blobs_that_a_version_holds_stay(timed, folder, clock):
    """However old they are."""
    log(timed, folder)
    clock.advance(100 * REMOTE_GRACE_S)
    assert 0 == collected(timed)


def test_blobs_of_a_deleted_version_go_after_grace(timed, folder, clock):
    """Grace counts from the deletion: until then somebody may rely on them."""
    log(timed, folder)
    clock.advance(100 * REMOTE_GRACE_S)
    open_artifact(timed, "p", "m").delete()
    clock.advance(REMOTE_GRACE_S - 1)
    assert 0 == collected(timed)
    clock.advance(2)
    assert 2 == collected(timed)
    assert set() == blobs(timed)


def test_blobs_of_an_upload_that_broke_off_go_after_grace(timed, clock):
    """They were put, and no manifest ever came."""
    timed.put({str(keys.BlobKey("p", "a" * 64)): b"x"})
    clock.advance(REMOTE_GRACE_S - 1)
    assert 0 == collected(timed)
    clock.advance(2)
    assert 1 == collected(timed)


def test_an_upload_in_flight_puts_old_blobs_that_nothing_holds_again(timed, folder, clock):
    """So that a collector whose listing is old finds them young when it looks once more."""
    log(timed, folder, name="gone")
    open_artifact(timed, "p", "gone").delete()
    clock.advance(REMOTE_GRACE_S + MINUTE)
    plan = collect.plan(timed, "p", grace_s=REMOTE_GRACE_S)
    assert 2 == len(plan.deletes)
    assert 2 == log(timed, folder, name="new").put_files  # between its look and its delete
    assert 0 == collect.apply(plan, timed, "p", grace_s=REMOTE_GRACE_S)
    assert 2 == len(blobs(timed))


def test_young_blobs_are_not_put_again(timed, folder, clock):
    """An upload that broke off goes on where it was."""
    log(timed, folder, name="first")
    clock.advance(REMOTE_GRACE_S / 2 - 1)
    assert 0 == log(timed, folder, name="second").put_files
    clock.advance(2)
    assert 2 == log(timed, folder, name="third").put_files


def test_a_blob_that_was_taken_away_while_it_was_logged_is_put_again(timed, folder):
    """After the manifest is there, the writer looks whether all of it is."""
    taken = []

    def take_away(op, key):
        if op == "put" and key.endswith(".json") and not taken:
            taken.extend(entry.key for entry in timed.list(keys.blob_prefix("p")))
            timed.delete(taken)

    log(Faulty(timed, before=take_away), folder)
    assert 2 == len(taken) == len(blobs(timed))


def test_nothing_is_collected_while_a_manifest_cannot_be_read(timed, folder, clock):
    """Nobody knows what it holds."""
    log(timed, folder)
    timed.put({str(keys.ManifestKey("p", "m", make_version_id("f" * 64, 1))): b"torn"})
    timed.put({str(keys.BlobKey("p", "a" * 64)): b"x"})
    clock.advance(REMOTE_GRACE_S + MINUTE)
    assert 0 == collected(timed)


def test_nothing_is_collected_while_a_listing_breaks_off(timed, folder, clock):
    """A manifest that was not listed holds blobs too."""
    log(timed, folder)
    clock.advance(REMOTE_GRACE_S + MINUTE)

    def break_off(op, names):
        return Fault.FAILED if op == "list" and "artifacts" in names[0] else Fault.NONE

    with pytest.raises(StoreUnavailable):
        collect.plan(Faulty(timed, break_off), "p", grace_s=LOCAL_GRACE_S)
