"""Where the steps of a plan act, in the pixels that are measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.errors import Unsupported
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.perception.regions import region_mask
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks.expected import MOVES_TONE, Place
from reasonedit_agent.reasoners.embedded.checks.geometry import plan_geometry, region_box
from reasonedit_agent.schemas import Box, EditRequest, EditStep, Geometry, Phrase

__all__ = ["is_local", "mask_of", "meets", "on_whole", "pairs", "placed", "places_of", "union"]

_WHOLE = 0.97
"""Share of the picture from which a region counts as all of it."""


def places_of(
    steps: Sequence[EditStep], images: ImageStore, geometry: Geometry, size: tuple[int, int], source: Rgb, laid: Rgb
) -> tuple[tuple[Place, ...], Geometry, tuple[int, int]]:
    """Return where each step acts, and the geometry and the size that the plan should give."""
    masks = [mask_of(step, images, geometry, size, laid) for step in steps]
    boxes = [_source_box(step, images, source) for step in steps]
    planned, planned_size, scales = plan_geometry(steps, boxes, (source.shape[1], source.shape[0]))
    pixels = [geometry.scale / max(scale, 1e-9) for scale in scales]
    places = tuple(
        Place(mask, scale, _reach(step, mask, scale)) for step, mask, scale in zip(steps, masks, pixels, strict=True)
    )
    return places, planned, planned_size


def placed(step: EditStep, request: EditRequest) -> EditStep:
    """Return the step with the region that is meant where it names none: the request's, or what it is for."""
    if isinstance(step.operation, ops.Resize | ops.Rotate | ops.Flip | ops.Upscale):
        return step.model_copy(update={"region": None})
    if step.region is not None or request.region is not None:
        return step if step.region is not None else step.model_copy(update={"region": request.region})
    if isinstance(step.operation, ops.ReplaceBackground):
        return step.model_copy(update={"region": Phrase(text="background")})
    if isinstance(step.operation, ops.CutOut):
        return step.model_copy(update={"region": Phrase(text="subject")})
    return step


def pairs(steps: Sequence[EditStep], places: Sequence[Place]) -> list[tuple[EditStep, Place]]:
    """Return each step with its place."""
    return list(zip(steps, places, strict=True))


def mask_of(step: EditStep, images: ImageStore, geometry: Geometry, size: tuple[int, int], laid: Rgb) -> Mask:
    """Return a step's region, empty where it names what is not found; see `region_mask`."""
    try:
        return region_mask(step.region, images, geometry, size, laid)
    except Unsupported:
        return np.zeros((size[1], size[0]), np.float32)


def _source_box(step: EditStep, images: ImageStore, source: Rgb) -> tuple[float, float, float, float] | None:
    """Return the bounding box of the region of a step that crops, in source pixels."""
    if not isinstance(step.operation, ops.Crop) or step.region is None:
        return None
    if isinstance(step.region, Box):
        return step.region.left, step.region.top, step.region.right, step.region.bottom
    size = (source.shape[1], source.shape[0])
    geometry = Geometry(valid=(0.0, 0.0, float(size[0]), float(size[1])))
    return region_box(mask_of(step, images, geometry, size, source), 1.0)


def union(masks: list[Mask], size: tuple[int, int]) -> Mask:
    """Return where any of some masks is, for pictures of a width and height."""
    out = np.zeros((size[1], size[0]), np.float32)
    for mask in masks:
        out = np.maximum(out, mask)
    return out


def on_whole(step: EditStep, place: Place, valid: npt.NDArray[np.bool_]) -> bool:
    """Return whether a step acts on all of the picture."""
    if step.region is None:
        return True
    return bool(valid.any()) and float((place.mask > 0.5)[valid].mean()) >= _WHOLE


def is_local(step: EditStep) -> bool:
    """Return whether a step changes pixels in one place, and not all of them (`Exhibits.whole`) or none."""
    op = step.operation
    if isinstance(op, ops.CutOut | ops.Crop | ops.Resize | ops.Rotate | ops.Flip | ops.Upscale):
        return False
    return step.region is not None or op is None or isinstance(op, ops.AddText | ops.Remove | ops.Redact)


def _reach(step: EditStep, mask: Mask, pixels: float) -> Mask | None:
    """Return where a step may change pixels beyond its region, or less than it; None if that is its region."""
    op = step.operation
    if isinstance(op, ops.AddText) and step.region is None:
        return _text_part(op.place, mask.shape)
    if isinstance(op, ops.Remove):
        # The restart with a larger hole must not count as a change elsewhere.
        return grow(mask, min(120, round(2 * (op.grow + 6) * pixels)))
    if isinstance(op, ops.Redact):
        return grow(mask, max(3, round(0.015 * max(mask.shape))))
    return None


def _text_part(place: str, shape: tuple[int, ...]) -> Mask:
    height, width = shape
    out = np.zeros((height, width), np.float32)
    top, bottom = (0.0, 0.5) if "top" in place else (0.5, 1.0) if "bottom" in place else (0.2, 0.8)
    left, right = (0.0, 0.9) if "left" in place else (0.1, 1.0) if "right" in place else (0.0, 1.0)
    out[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = 1
    return out


def meets(index: int, steps: Sequence[EditStep], places: Sequence[Place]) -> bool:
    """Return whether another step moves colours or light where this one acts."""
    own = places[index].mask > 0.5
    area = max(1, int(own.sum()))
    for other, (step, place) in enumerate(pairs(steps, places)):
        if other == index or not isinstance(step.operation, MOVES_TONE):
            continue
        if int(((place.mask > 0.5) & own).sum()) >= 0.05 * area:
            return True
    return False
