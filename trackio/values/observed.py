"""Dicts that report every change, for a run's config and summary. They store nothing themselves."""

from collections.abc import Callable, Mapping
from typing import Any


class Observed(dict[str, Any]):
    """A dict with attribute access whose changes are reported as they are made."""

    def __init__(
        self, data: Mapping[str, Any], on_change: Callable[[dict[str, Any]], None]
    ) -> None:
        super().__init__(data)
        object.__setattr__(self, "_on_change", on_change)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} here; known: {', '.join(self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *args: Any, allow_val_change: bool | None = None, **kwargs: Any) -> None:
        """As `dict.update`; `allow_val_change` is accepted for wandb's sake: all may change."""
        del allow_val_change
        changed = dict(*args, **kwargs)
        super().update(changed)
        self._on_change(changed)

    def __ior__(self, changed: Any) -> "Observed":  # type: ignore[override,misc]
        self.update(changed)
        return self

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)  # a copy in another process, or of another run, reports nothing

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As `dict.setdefault`."""
        if key not in self:
            self[key] = default
        return self[key]
