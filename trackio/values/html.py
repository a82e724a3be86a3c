"""Pages: HTML, and figures of Plotly and Matplotlib, which become such. Imports neither."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Final

from trackio.values.files import as_path, read_open
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich, check_text

_BASE: Final = (
    '<base target="_blank"><style>html,body{margin:0;font:14px system-ui,sans-serif}</style>'
)
_LONGEST_PATH: Final = 4096


class Html(Rich):
    """A page.

    Args:
        data: HTML as text, the path of a file, an open file, a figure of Plotly, or a figure
            or an animation of Matplotlib, or `matplotlib.pyplot` itself.
        inject: add a style sheet like the dashboard's, and open links in a new tab.
        data_is_not_path: take a text for HTML even if there is a file called so.
        caption: a text to show with it.
    """

    TYPE: ClassVar[str] = "trackio.html"

    def __init__(
        self,
        data: Any,
        inject: bool = True,
        data_is_not_path: bool = False,
        caption: str | None = None,
    ) -> None:
        self.data = data
        self.inject = inject
        self.caption = caption
        self._is_path = not data_is_not_path

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its file."""
        page = self._page()
        held = hold(_with_style(page).encode() if self.inject else page.encode(), "html")
        return {**held._asdict(), "caption": check_text(self.caption, "caption")}

    def _page(self) -> str:
        draw = find_drawer(self.data)
        if draw is not None:
            return draw(self.data)
        if isinstance(self.data, Path) or (isinstance(self.data, str) and self._names_a_file()):
            return as_path(self.data).read_text(encoding="utf-8")
        if isinstance(self.data, str):
            return self.data
        read = read_open(self.data)
        if read is None:
            raise UnstorableError(f"a {type(self.data).__name__} is no HTML, no file, no figure")
        return read.decode()

    def _names_a_file(self) -> bool:
        text = self.data
        if not self._is_path or "<" in text or "\n" in text or len(text) > _LONGEST_PATH:
            return False
        return text.endswith((".html", ".htm")) or Path(text).is_file()


def find_drawer(value: Any) -> Callable[[Any], str] | None:
    """What turns a figure into HTML; None for anything else. Costs no import."""
    if isinstance(value, ModuleType):
        return _draw_pyplot if value.__name__ == "matplotlib.pyplot" else None
    for base in type(value).__mro__:
        root = base.__module__.partition(".")[0]
        if root == "plotly" and base.__name__ in ("BaseFigure", "Figure", "FigureWidget"):
            return _draw_plotly
        if root == "matplotlib" and base.__name__ == "Figure":
            return _draw_figure
        if root == "matplotlib" and base.__name__ == "Animation":
            return _draw_animation
    return None


def _draw_plotly(figure: Any) -> str:
    # The script comes from a CDN: within each page it would be 4 MB.
    return str(figure.to_html(include_plotlyjs="cdn", full_html=True))


def _draw_figure(figure: Any) -> str:
    out = StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight")
    drawn = out.getvalue()
    return drawn[max(0, drawn.find("<svg")) :]


def _draw_animation(animation: Any) -> str:
    return str(animation.to_jshtml())


def _draw_pyplot(pyplot: Any) -> str:
    return _draw_figure(pyplot.gcf())


def _with_style(page: str) -> str:
    place = page.lower().find("<head>")
    if place < 0:
        return f"{_BASE}{page}"
    place += len("<head>")
    return f"{page[:place]}{_BASE}{page[place:]}"
