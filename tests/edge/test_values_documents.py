"""`docs/values.md` and `docs/reference.md` say what the code does."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import psutil
import pytest

import trackio
from trackio import values
from trackio.monitor import amd, gpu, nvidia
from trackio.monitor.machine import Machine
from trackio.values.rich import Rich

DOCS = Path(__file__).parents[2] / "docs"
for _found in iter_modules(values.__path__):
    import_module(f"trackio.values.{_found.name}")
RICH = sorted(Rich.__subclasses__(), key=lambda value: value.__name__)


@pytest.mark.parametrize("value", RICH, ids=lambda value: value.__name__)
def test_a_value_is_documented_with_its_arguments_and_its_type(value):
    """In the table of calls, and in that of references."""
    text = (DOCS / "values.md").read_text()
    (call,) = re.findall(rf"\| `trackio\.{value.__name__}\((.*?)\)` \|", text)
    said = [part.split("=")[0].strip() for part in call.split(",")]
    said = [name for name in said if name != "*"]
    known = inspect.signature(value).parameters
    assert [] == [name for name in said if name not in known]
    assert next(iter(known)) == said[0]
    if value is not trackio.Trace:
        assert f"`{value.TYPE}`" in text


def test_nine_values_are_offered():
    """None is forgotten by the tests above, or by the package."""
    assert 9 == len(RICH)
    assert RICH == [getattr(trackio, value.__name__) for value in RICH]


def test_every_system_metric_is_documented():
    """Those of this machine, and those that the sources of the GPUs name."""
    text = (DOCS / "reference.md").read_text()
    words = set(re.findall(r"[a-z_]+", text))
    names = {re.split("/", name)[-1] for name in Machine(psutil).read() if "temp/" not in name}
    for module in (nvidia, amd, gpu):
        source = inspect.getsource(module)
        names |= set(re.findall(r'yield "(\w+)"', source))
        names |= set(re.findall(r'\("(\w+)", (?:"nvml|nvml\.|device|sensors)', source))
        names |= set(re.findall(r'found\["gpu/(\w+)"\]', source))
    assert 40 < len(names)
    assert set() == names - words
