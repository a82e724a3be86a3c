"""`SECURITY.md` and the tests say the same."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "SECURITY.md"


def test_every_threat_has_its_test_and_every_test_its_threat() -> None:
    """One line a threat, naming a test that is there; no test without a line."""
    lines = [
        line
        for line in DOCUMENT.read_text("utf-8").splitlines()
        if line.startswith("|") and "::" in line
    ]
    named = [found for line in lines for found in re.findall(r"`(test_\w+\.py::test_\w+)`", line)]
    assert len(lines) == len(named)
    written = {
        f"{path.name}::{node.name}"
        for path in HERE.glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert sorted(written) == sorted(named)
