"""Where a run came from: git without git, the command without its secrets, the packages."""

import os
import platform
import shutil
import subprocess
import sys

import pytest

from trackio.monitor.environment import describe_environment
from trackio.monitor.git import find_checkout
from trackio.monitor.secrets import mask_arguments, mask_text

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="makes repositories with git")
TOKEN = "hf_" + "a" * 34


def _git(folder, *words):
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    names = {
        f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    env = {**os.environ, **quiet, **names}
    done = subprocess.run(
        [GIT, "-C", str(folder), *words], env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with a commit of two files."""
    root = tmp_path / "repo"
    (root / "deep" / "er").mkdir(parents=True)
    _git(root, "init", "-q", "-b", "main")
    (root / "a.py").write_text("a = 1\n")
    (root / "deep" / "b ü.py").write_text("b = 1\n")
    _git(root, "add", ".")
    _git(root, "commit", "-q", "-m", "first")
    return root


@needs_git
def test_the_commit_the_branch_and_a_clean_tree_are_found(repository):
    """From any folder in it."""
    _git(repository, "remote", "add", "origin", f"https://user:{TOKEN}@example.com/x.git")
    found = find_checkout(repository / "deep" / "er")
    assert (str(repository), _git(repository, "rev-parse", "HEAD"), "main", False) == (
        found.root,
        found.commit,
        found.branch,
        found.dirty,
    )
    assert "https://***@example.com/x.git" == found.remote


@needs_git
@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("change", ["content", "size", "gone", "touched", "untracked", "staged"])
def test_a_dirty_tree_is_told_from_a_clean_one(repository, version, change):
    """As git itself would; a file that was only touched is clean."""
    _git(repository, "update-index", f"--index-version={version}")
    path = repository / "a.py"
    if change == "content":
        path.write_text("a = 2\n")
    elif change == "size":
        path.write_text("a = 1000\n")
    elif change == "gone":
        path.unlink()
    elif change == "touched":
        os.utime(path, (1, 1))
    elif change == "untracked":
        (repository / "new.py").write_text("x")
    else:
        path.write_text("a = 3\n")
        _git(repository, "add", ".")
    found = find_checkout(repository)
    is_clean = change in ("touched", "untracked")
    expected = None if change == "staged" else not is_clean
    assert (expected, change == "staged") == (found.dirty, found.unclear is not None)
    assert is_clean == (not _git(repository, "status", "--porcelain", "-uno"))


@needs_git
def test_packed_branches_a_detached_head_and_worktrees_are_understood(repository, tmp_path):
    """Wherever git keeps them."""
    commit = _git(repository, "rev-parse", "HEAD")
    _git(repository, "gc", "-q")
    _git(repository, "pack-refs", "--all")
    assert (commit, "main") == (find_checkout(repository).commit, find_checkout(repository).branch)
    _git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = find_checkout(tmp_path / "side")
    assert (commit, "side", False) == (side.commit, side.branch, side.dirty)
    _git(repository, "checkout", "-q", "--detach")
    assert (commit, None) == (find_checkout(repository).commit, find_checkout(repository).branch)


@needs_git
def test_a_repository_without_a_commit_has_none(tmp_path):
    """And nothing is said of its tree."""
    _git(tmp_path, "init", "-q")
    found = find_checkout(tmp_path)
    assert (None, None) == (found.commit, found.dirty)


@needs_git
@pytest.mark.parametrize("size", [0, 5, 40, 100])
def test_a_damaged_index_is_no_error(repository, size):
    """What cannot be read is not known."""
    index = repository / ".git" / "index"
    index.write_bytes(index.read_bytes()[:size])
    found = find_checkout(repository)
    assert (None, True) == (found.dirty, bool(found.unclear))


def test_a_folder_without_a_repository_has_no_checkout(tmp_path):
    """Unless it lies in one."""
    if not any((folder / ".git").exists() for folder in tmp_path.parents):
        assert find_checkout(tmp_path) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["train.py", "--lr", "0.1"], ["train.py", "--lr", "0.1"]),
        (["--token", "abc", "--lr", "1"], ["--token", "***", "--lr", "1"]),
        (["--token", "--lr", "1"], ["--token", "--lr", "1"]),
        (["--api-key=abc", "-password", "x"], ["--api-key=***", "-password", "***"]),
        (["--wandb_api_key=abc", "hub.token=abc"], ["--wandb_api_key=***", "hub.token=***"]),
        (
            ["--tokenizer", "gpt2", "--max-tokens", "5"],
            ["--tokenizer", "gpt2", "--max-tokens", "5"],
        ),
        ([TOKEN, f"--x={TOKEN}"], ["***", "--x=***"]),
        (["https://u:p@h/x?token=abc&a=1"], ["https://***@h/x?token=***&a=1"]),
        (["AKIA" + "A" * 16, "sk-" + "a" * 40, "ghp_" + "a" * 36], ["***", "***", "***"]),
    ],
)
def test_secrets_of_a_command_are_masked(given, expected):
    """By the name of their option, or by their look."""
    assert expected == mask_arguments(given)


def test_a_text_without_secrets_stays_as_it_is():
    """Names of files and branches among them."""
    for text in ("deadbeef", "feature/token-bucket", "s3://bucket/key", "a@b.c", "hf_x"):
        assert text == mask_text(text)


def test_where_a_run_came_from_is_described(tmp_path, monkeypatch):
    """Python, what is installed, the command, the folder, the scheduler's job."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    said = describe_environment()
    assert platform.python_version() == said["python"]
    assert (str(tmp_path), {"SLURM_JOB_ID": "42"}) == (said["directory"], said["scheduler"])
    assert {"numpy", "orjson", "pyarrow", "trackio"} <= set(said["packages"])
    assert sys.modules["numpy"].__version__ == said["packages"]["numpy"]
    assert TOKEN not in repr(said)
