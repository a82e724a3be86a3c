"""Dicts that report every change, for a run's config and summary. They store nothing themselves."""

from collections.abc import Callable, Mapping
from typing import Any

Change = Callable[[dict[str, Any]], None]


class Observed(dict[str, Any]):
    """A dict with attribute access whose changes are reported as they are made.

    Dicts in it are such dicts too, which report to it. What is taken out is reported as None.
    """

    def __init__(self, data: Mapping[str, Any], on_change: Change) -> None:
        super().__init__()
        object.__setattr__(self, "_on_change", on_change)
        self.show(data)

    def show(self, data: Mapping[str, Any]) -> None:
        """Take values in without reporting them."""
        super().update({key: self._adopt(key, value) for key, value in data.items()})

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._on_change({key: None})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(map(str, self))
            raise AttributeError(f"there is no {name!r} here; known: {known}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def update(self, *args: Any, allow_val_change: bool | None = None, **kwargs: Any) -> None:
        """As `dict.update`, also with an `argparse.Namespace`, a dataclass or the like.

        `allow_val_change` is accepted for wandb's sake: everything may change, and each value
        that there was is kept in the run's history.
        """
        del allow_val_change
        changed = dict(*(as_mapping(arg) for arg in args), **kwargs)
        self.show(changed)
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

    def setdefaults(self, defaults: Any) -> None:
        """Take in what has no value yet, as wandb's config does."""
        self.update({k: v for k, v in as_mapping(defaults).items() if k not in self})

    def as_dict(self) -> dict[str, Any]:
        """A plain copy."""
        return {
            key: value.as_dict() if isinstance(value, Observed) else value
            for key, value in self.items()
        }

    def pop(self, key: str, *default: Any) -> Any:
        """As `dict.pop`."""
        was_there = key in self
        value = super().pop(key, *default)
        if was_there:
            self._on_change({key: None})
        return value

    def popitem(self) -> tuple[str, Any]:
        """As `dict.popitem`."""
        key, value = super().popitem()
        self._on_change({key: None})
        return key, value

    def clear(self) -> None:
        """As `dict.clear`."""
        gone = dict.fromkeys(self)
        super().clear()
        self._on_change(gone)

    def _adopt(self, key: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return Observed(value, lambda changed: self._on_change({key: changed}))


def as_mapping(given: Any) -> Mapping[Any, Any]:
    """What a config is given as: a mapping, pairs, or an object that holds its values.

    Raises:
        TypeError: it holds none.
    """
    if isinstance(given, Mapping):
        return given
    for method in ("to_dict", "model_dump", "_asdict"):
        if callable(convert := getattr(given, method, None)) and not isinstance(given, type):
            found = convert()
            if isinstance(found, Mapping):
                return found
    if isinstance(given, (str, bytes)):
        raise TypeError(f"takes a dict, not a {type(given).__name__}")
    if hasattr(given, "__dataclass_fields__"):
        return {name: getattr(given, name) for name in given.__dataclass_fields__}
    if hasattr(given, "__dict__") and not isinstance(given, type) and not callable(given):
        return {key: value for key, value in vars(given).items() if not key.startswith("_")}
    try:
        return dict(given)
    except (TypeError, ValueError) as exc:
        raise TypeError(f"takes a dict, not a {type(given).__name__}") from exc
