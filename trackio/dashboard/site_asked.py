"""Answers to questions with parameters, as files: whatever a page asks beside what `site` knows.

A source gives `Asked` values: the path of a route, the parameters the page will send, and what the
route answers. Each becomes a file, and `asked.json` says which; `static/sitepages.js` looks there.
So a page is exported once its questions are listed here, without a word of it in the browser.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trackio.dashboard.meta import Meta
from trackio.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, without the project, and its answer."""

    path: str
    answer: Any
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The same text in the browser, for the same path and parameters."""
        said = sorted(f"{name}={value}" for name, value in self.params.items() if value is not None)
        return "\n".join((self.path, *said))


Source = Callable[[Store, Meta], Iterator[Asked]]

SOURCES: Final[tuple[Source, ...]] = ()
