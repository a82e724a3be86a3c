"""What earlier versions logged beside numbers is read as what is logged now."""

import pytest

import trackio
from tests.compat.migrated import unpack
from trackio.cli import main


@pytest.mark.parametrize("version", ["0.25.1", "0.36.0", "0.43.0"])
def test_media_of_an_earlier_version_are_read_like_ours(version, tmp_path, capsys):
    """Their bytes, their tables, their traces; each says what it is."""
    old, new = unpack(version, tmp_path / "old"), tmp_path / "new"
    assert 0 == main(["migrate", "--source", str(old), "--dest", str(new)])
    capsys.readouterr()
    api = trackio.Api(tmp_path / "new")
    found = [
        media for project in api.projects() for run in api.runs(project) for media in run.media()
    ]
    types = {media.type for media in found}
    assert {"image", "table"} <= types
    for media in found:
        if "sha256" in media.reference:
            assert media.read()
        if media.type == "table":
            assert len(media.to_pandas().columns)
        elif media.type == "histogram":
            assert ["left", "right", "count"] == list(media.to_pandas().columns)
        elif media.type == "trace":
            assert isinstance(media.load()["messages"], list)
