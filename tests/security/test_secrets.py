"""Secrets that lie about are not written down: command lines, remotes, URLs, messages, files."""

import subprocess
import sys
from pathlib import Path

import pytest

from trackio.errors import TrackioError
from trackio.monitor.git import find_checkout
from trackio.monitor.secrets import MASK, mask_arguments, mask_text
from trackio.store import open_store

TOKEN = "hf_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3b"
PLANTED = (
    TOKEN,
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "sk-proj-a1B2c3D4e5F6g7H8i9J0",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "xoxb-123456789012-abcdefghijkl",
)


@pytest.mark.parametrize("token", PLANTED)
def test_what_looks_like_a_token_is_masked_wherever_it_stands(token: str) -> None:
    """As an option, after one, in a URL, in its query, alone."""
    argv = ["train.py", "--api-key", token, f"--token={token}", token, f"https://{token}@h/x"]
    argv += [f"https://u:{token}@h/x", f"https://h/x?token={token}&a=1", f"KEY={token}"]
    for masked in (*mask_arguments(argv), *map(mask_text, argv)):
        assert token not in masked
    assert MASK in mask_text("https://u:p4ss@host/x")
    assert "p4ss" not in mask_text("https://u:p4ss@host/x")
    assert ["--password", MASK] == mask_arguments(["--password", "sesame"])


def test_a_remote_is_told_without_its_password(tmp_path: Path) -> None:
    """As people clone with a token in the URL."""
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(f'[remote "origin"]\n\turl = https://ada:{TOKEN}@github.com/a/b\n')
    found = find_checkout(tmp_path)
    assert found is not None
    assert TOKEN not in str(found)
    assert "github.com/a/b" in str(found.remote)


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA0:sesame@bucket/prefix",
        "s3://bucket/prefix?secret_access_key=sesame",
        "s3://bucket/x?endpoint=https://ada:sesame@host",
        "az://container/x?sas_token=sesame",
        "gs://sesame@bucket/x",
    ],
)
def test_a_store_url_holds_no_secret_and_the_refusal_repeats_none(url: str) -> None:
    """URLs are kept in journals and shown on pages."""
    with pytest.raises(TrackioError) as caught:
        open_store(url)
    assert "sesame" not in str(caught.value)


LOGGING = """
import os, sys, trackio
run = trackio.init(project="p", name="n", store=sys.argv[1], config={"lr": 0.1})
run.log({"loss": 1.0})
run.alert("title", "text")
run.finish()
"""


def test_a_run_leaves_no_planted_secret_behind(tmp_path: Path) -> None:
    """Command line, environment and remote hold tokens; no file and no line of output does."""
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    remote = f'[remote "origin"]\n\turl = https://u:{TOKEN}@github.com/a/b\n'
    (folder / ".git" / "config").write_text(remote)
    script = folder / "train.py"
    script.write_text(LOGGING)
    import os

    environ = {
        **os.environ,
        "HF_TOKEN": TOKEN,
        "AWS_SECRET_ACCESS_KEY": "sesame-sesame",
        "MY_PASSWORD": "sesame-sesame",
        "TRACKIO_PASSWORD": "sesame-sesame",
        "TRACKIO_DIR": str(tmp_path / "home"),
        "TRACKIO_ENVIRONMENT": "1",
    }
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store"), "--token", TOKEN, f"--key={TOKEN}"],
        cwd=folder,
        env=environ,
        capture_output=True,
        check=True,
        timeout=120,
    )
    from trackio import shard

    written = [done.stdout, done.stderr]
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_relative_to(folder):
            written.append(path.read_bytes())
            if path.suffix == ".parquet":
                written.append(str(shard.decode(path)[1].to_pylist()).encode())
    assert any(b"github.com/a/b" in data for data in written)
    for data in written:
        assert TOKEN.encode() not in data
        assert b"sesame-sesame" not in data
