"""What is drawn over an image: masks, boxes and the names of their classes, as wandb has them."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from trackio.values.files import hold_file, is_path
from trackio.values.pixels import to_array
from trackio.values.plain import MAX_INLINE, UnstorableError, dump_text
from trackio.values.rich import Held, Hold


def encode_classes(classes: Any) -> dict[str, str] | None:
    """Names by class id, of `[{"id", "name"}, …]`, a dict, or an object that holds either."""
    if classes is None:
        return None
    classes = getattr(classes, "_class_set", classes)
    if isinstance(classes, Mapping):
        return _labels(classes)
    if isinstance(classes, Iterable):
        return {str(one["id"]): str(one["name"]) for one in classes}
    raise UnstorableError('classes takes [{"id": 0, "name": "sky"}, …]')


def encode_masks(masks: Mapping[str, Any] | None, hold: Hold) -> dict[str, Any] | None:
    """Each mask as a grey PNG whose levels are class ids, with the names of the classes."""
    if not masks:
        return None
    if not isinstance(masks, Mapping):
        raise UnstorableError('masks takes {"name": {"mask_data": …, "class_labels": {…}}}')
    return {str(name): _encode_mask(mask, hold) for name, mask in masks.items()}


def encode_boxes(boxes: Mapping[str, Any] | None, hold: Hold) -> Any:
    """Boxes as they were given; very many of them as a file."""
    if not boxes:
        return None
    if not isinstance(boxes, Mapping):
        raise UnstorableError('boxes takes {"name": {"box_data": […], "class_labels": {…}}}')
    said = {str(name): _boxes(said) for name, said in boxes.items()}
    text = dump_text(said)
    return said if len(text) <= MAX_INLINE else hold(text.encode(), "json")._asdict()


def _encode_mask(mask: Any, hold: Hold) -> dict[str, Any]:
    said = mask if isinstance(mask, Mapping) else {"mask_data": mask}
    if is_path(path := said.get("path")):
        held = hold_file(path, hold, "png")
    elif said.get("mask_data") is not None:
        held = _hold_levels(said["mask_data"], hold)
    else:
        raise UnstorableError("a mask needs mask_data, an array of class ids, or a path")
    labels = said.get("class_labels")
    return {**held._asdict(), **({"class_labels": _labels(labels)} if labels else {})}


def _hold_levels(data: Any, hold: Hold) -> Held:
    import numpy as np
    from PIL import Image as Pillow

    levels = to_array(data)
    if levels.ndim == 3 and 1 in (levels.shape[0], levels.shape[-1]):  # a single channel
        levels = levels[0] if levels.shape[0] == 1 else levels[..., 0]
    if levels.ndim != 2 or levels.min() < 0 or levels.max() > 0xFFFF:
        raise UnstorableError(
            f"a mask is an array H×W of class ids from 0 to 65535, not of shape {levels.shape}"
        )
    out = BytesIO()
    small = levels.max() <= 0xFF
    Pillow.fromarray(levels.astype(np.uint8 if small else np.uint16)).save(out, format="PNG")
    return hold(out.getvalue(), "png")


def _boxes(said: Any) -> dict[str, Any]:
    if not isinstance(said, Mapping) or "box_data" not in said:
        raise UnstorableError('boxes need box_data, such as [{"position": {…}, "class_id": 1}]')
    labels = said.get("class_labels")
    return {**said, **({"class_labels": _labels(labels)} if labels else {})}


def _labels(labels: Mapping[Any, Any]) -> dict[str, str]:
    return {str(number): str(name) for number, name in labels.items()}
