"""Puts the modules of the front end into one file, so that a browser asks once and not fifty times.

Each module becomes a function that runs when it is first needed and gives what it exports. That
is sound because the forms of `import` and `export` are few, and any other is refused; the modules
stay as they are to read, to debug and to test. Values in, text out: it reads no file.
"""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

_IMPORT: Final = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\} from |\* as (?P<all>\w+) from )?"\./(?P<file>[^"]+)";$',
    re.MULTILINE,
)
_DYNAMIC: Final = re.compile(r'\bimport\("\./([^"]+)"\)')
_EXPORT: Final = re.compile(
    r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>\w+))", re.MULTILINE
)
_LEFT: Final = re.compile(r"^(?:import|export)\b(?!\()[^\n]*", re.MULTILINE)

_HEAD: Final = """\
// All modules of the front end in one file; made from them by bundle.py, which says how.

const done = new Map();

/** What a module exports; it runs when it is first asked for. */
export function need(name) {
  if (!done.has(name)) done.set(name, modules[name]());
  return done.get(name);
}

const load = async (name) => need(name);

const modules = {
"""


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """One module that exports what `entry` does, and `need(name)`; it holds what `entry` reaches.

    What imports a file that is not among `modules` is left out, and stays a module of its own.

    Raises:
        ValueError: modules need one another in a circle, or one says something that cannot be
            put into a function.
    """
    wanted = _reached(_whole(modules), entry)
    _check_order(wanted)
    parts = [_HEAD]
    for name, text in sorted(wanted.items()):
        parts.append(f'  "{name}": () => {{\n{_as_function(name, text, wanted)}}},\n')
    exported = ", ".join(_exports(wanted[entry]))
    parts.append(f'}};\n\nexport const {{ {exported} }} = need("{entry}");\n')
    return "".join(parts)


def _whole(modules: Mapping[str, str]) -> dict[str, str]:
    """Those whose imports are all here."""
    wanted = dict(modules)
    while gone := [name for name, text in wanted.items() if not wanted.keys() >= set(_uses(text))]:
        for name in gone:
            del wanted[name]
    return wanted


def _reached(modules: Mapping[str, str], entry: str) -> dict[str, str]:
    """Those that `entry` needs, at once or when a page is first gone to."""
    found: dict[str, str] = {}
    wanted = [entry]
    while wanted:
        name = wanted.pop()
        if name in modules and name not in found:
            found[name] = modules[name]
            wanted += [*_uses(found[name]), *_DYNAMIC.findall(found[name])]
    return found


def _uses(text: str) -> Iterator[str]:
    return (found["file"] for found in _IMPORT.finditer(text))


def _check_order(modules: Mapping[str, str]) -> None:
    """Functions that need one another in a circle could not run."""
    try:
        TopologicalSorter({name: list(_uses(text)) for name, text in modules.items()}).prepare()
    except CycleError as exc:
        raise ValueError(f"modules import one another: {' → '.join(exc.args[1])}") from exc


def _as_function(name: str, text: str, bundled: Mapping[str, str]) -> str:
    """The body of the function that a module becomes."""

    def loaded(found: re.Match[str]) -> str:
        return f'load("{found[1]}")' if found[1] in bundled else found[0]

    body = _EXPORT.sub("", _IMPORT.sub(_needed, text))
    if left := _LEFT.search(body):
        raise ValueError(f"{name}: {left[0]!r} is in no form that can be bundled; see bundle.py")
    return f"{_DYNAMIC.sub(loaded, body)}return {{ {', '.join(_exports(text))} }};\n"


def _needed(found: re.Match[str]) -> str:
    """What an import is inside a function; a name that is changed is written another way there."""
    source = f'need("{found["file"]}");'
    if found["all"]:
        return f"const {found['all']} = {source}"
    if found["names"] is None:
        return source
    return f"const {{{found['names'].replace(' as ', ': ')}}} = {source}"


def _exports(text: str) -> list[str]:
    return [found["name"] for found in _EXPORT.finditer(text)]
