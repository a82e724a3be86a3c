"""The files around the package say what is so: documents, Makefile, requirements, the wheel."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest

from trackio.cli import root

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DOCUMENT_NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
SOURCES = sorted((ROOT / "trackio").rglob("*.py"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.parametrize("document", DOCUMENT_NAMES)
def test_every_make_command_of_a_document_exists(document: str) -> None:
    """Whoever types what a document says gets what it promises."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = set(re.findall(r"(?:`|\n)make ([a-z][a-z-]*)", (ROOT / document).read_text()))
    assert set() == said - targets


@pytest.mark.parametrize("document", DOCUMENT_NAMES)
def test_every_relative_link_of_a_document_leads_somewhere(document: str) -> None:
    """A link names a file of this repository, or a heading of its own document."""
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    local = [a or b for a, b in links if not (a or b).startswith(("http://", "https://"))]
    folder = (ROOT / document).parent
    assert [] == [it for it in local if not _leads_somewhere(it, folder, text)]


@pytest.mark.parametrize("document", DOCUMENT_NAMES)
def test_every_trackio_command_of_a_document_exists(document: str) -> None:
    """`trackio show` in a document is a command of the command line."""
    said = re.findall(
        r"(?:`|\n\$? ?)trackio ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", (ROOT / document).read_text()
    )
    assert [] == [words for words in said if not _is_command(root, words)]


def test_every_setting_of_the_code_is_documented() -> None:
    """A variable that Trackio reads from the environment stands in a document."""
    read = set(re.findall(r"TRACKIO_[A-Z_]+", "".join(path.read_text() for path in SOURCES)))
    told = set(re.findall(r"TRACKIO_[A-Z_]+", "".join(path.read_text() for path in DOCUMENTS)))
    assert set() == read - told


def test_every_public_name_is_documented() -> None:
    """What `trackio` offers stands in a document."""
    import trackio

    told = "".join(path.read_text() for path in DOCUMENTS)
    names = [name for name in trackio.__all__ if not name.startswith("_")]
    assert [] == [name for name in names if f"trackio.{name}" not in told]


def test_the_python_examples_of_the_readme_are_python() -> None:
    """Nobody copies a line that cannot run."""
    readme = (ROOT / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert examples
    for example in examples:
        compile(example, "README.md", "exec")


def test_the_first_python_example_of_the_readme_runs(tmp_path: Path) -> None:
    """The first thing a newcomer tries works, offline and from any folder."""
    example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    home = {"HOME": str(tmp_path), "TRACKIO_DIR": str(tmp_path / "store"), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, env=home, check=True, timeout=120)
    assert list((tmp_path / "store").rglob("*.parquet"))


def test_a_space_installs_what_the_package_depends_on(project: dict[str, Any]) -> None:
    """requirements.txt and pyproject.toml hold the same list."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert sorted(project["project"]["dependencies"]) == sorted(listed)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Tests, jobs, examples and benchmarks stay in the repository."""
    top = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {"trackio", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"} == top


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Queries, scripts, style sheets and licenses travel with the code that needs them."""
    files = [path for path in (ROOT / "trackio").rglob("*") if path.is_file()]
    ours = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("trackio/")}
    assert ours == packed
    assert any(name.endswith(".sql") for name in packed)
    assert any(name.endswith(".js") for name in packed)


def test_an_installed_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """What `pip install` leaves behind logs, and reads back what it logged."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    env = {"HOME": str(tmp_path), "TRACKIO_DIR": str(tmp_path / "store"), "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _LOG_AND_READ],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert f"{site}/trackio/__init__.py [0.5, 0.25]" == done.stdout.splitlines()[-1]
    assert not done.stderr


@pytest.mark.parametrize("file", ["app.py", *(f"jobs/{p.name}" for p in ROOT.glob("jobs/*.py"))])
def test_an_entry_point_is_thin(file: str) -> None:
    """The work lives in the package, so that an installed one can do it too."""
    assert len((ROOT / file).read_text().splitlines()) <= 40


def test_ci_runs_the_check_and_the_tests() -> None:
    """What must pass is what everybody can run."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert ["check", "compare", "test"] == re.findall(
        r"^make ([a-z]+)", script.read_text(), re.MULTILINE
    )


_LOG_AND_READ = """
import trackio
with trackio.init(project="wheel", name="one") as run:
    run.log({"loss": 0.5})
    run.log({"loss": 0.25})
found = trackio.Api().runs("wheel")[0]
print(trackio.__file__, [row["loss"] for row in found.scan_history(keys=["loss"])])
"""


def _leads_somewhere(link: str, folder: Path, text: str) -> bool:
    path, _, heading = link.partition("#")
    target = folder / path if path else None
    if target is not None and not target.exists():
        return False
    read = text if target is None else target.read_text() if target.suffix == ".md" else ""
    headings = {_slug(line) for line in re.findall(r"^#+ (.*)$", read, re.MULTILINE)}
    return not heading or heading in headings


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _is_command(group: click.Command, words: tuple[str, ...]) -> bool:
    if not isinstance(group, click.Group) or not any(words):
        return True
    command = group.get_command(click.Context(group), words[0])
    return command is not None and _is_command(command, words[1:])
