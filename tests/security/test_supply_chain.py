"""What comes from others: pinned, small, and nothing that runs what it was not given."""

import ast
import re
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN_CALLS = {"eval", "exec", "compile"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "tarfile", "zipfile"}


def modules() -> list[Path]:
    return sorted((ROOT / "trackio").rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_runs_data_as_code_or_unpacks_archives(path: Path) -> None:
    """No pickle, no eval, no shell, no YAML that makes objects, no archive with paths in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & FORBIDDEN_MODULES
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in FORBIDDEN_CALLS
            if isinstance(node.func, ast.Attribute):
                whole = ast.unparse(node.func)
                assert whole not in ("os.system", "os.popen", "yaml.load", "torch.load")
            for word in node.keywords:
                is_on = isinstance(word.value, ast.Constant) and word.value.value is True
                assert not (word.arg in ("shell", "allow_pickle") and is_on)


def test_the_front_end_makes_no_markup_and_no_code_from_text() -> None:
    """No innerHTML, no eval, nothing from another host; the vendored file is the one we know."""
    static = ROOT / "trackio/dashboard/static"
    for path in sorted(static.glob("*.js")):
        code = re.sub(r"^\s*(//|\*|/\*).*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc"):
            assert word not in code, path
        assert not re.search(r"\beval\(|new Function\(|document\.cookie", code), path
        assert not re.search(r"""(?:from|import|src|fetch)\s*\(?["']https?://""", code), path
    vendored = (static / "vendor/uplot/uPlot.iife.min.js").read_bytes()
    assert UPLOT == sha256(vendored).hexdigest()


UPLOT = "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"


def test_every_dependency_has_a_lowest_version_and_the_audit_is_a_command() -> None:
    """`make audit` asks the index of known holes about everything that is installed."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [one for name, many in said["optional-dependencies"].items() for one in many]
    for requirement in (*said["dependencies"], *extras):
        assert ">=" in requirement, requirement
        assert "://" not in requirement
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^audit:", makefile, re.MULTILINE)
    assert "pip-audit" in makefile
