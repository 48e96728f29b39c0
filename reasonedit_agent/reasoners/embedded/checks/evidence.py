"""Laying the source over a candidate, and gathering what the checks need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.errors import Unsupported
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.perception.regions import align, region_mask, warp
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks.base import Evidence
from reasonedit_agent.reasoners.embedded.checks.expected import MOVES_TONE, Place, play
from reasonedit_agent.reasoners.embedded.checks.geometry import plan_geometry, region_box
from reasonedit_agent.schemas import Box, Candidate, EditRequest, EditStep, Geometry, ImageRef, Phrase

__all__ = ["LONG_SIDE", "Exhibits", "pixels_of"]

LONG_SIDE = 1344
"""Pictures are measured at no more than this many pixels per side: a photo of one megapixel is not reduced."""

_WHOLE = 0.97
"""Share of the picture from which a region counts as all of it."""


def pixels_of(images: ImageStore, ref: ImageRef) -> tuple[Rgb, Mask]:
    """Return colours, shape (height, width, 3), and opacity, 0 to 1, of a stored picture."""
    picture = images.open(ref)
    if picture.mode in ("RGBA", "LA"):
        array = np.asarray(picture.convert("RGBA"), np.uint8)
        return np.ascontiguousarray(array[..., :3]), np.asarray(array[..., 3] / np.float32(255), np.float32)
    rgb = np.asarray(picture.convert("RGB"), np.uint8)
    return rgb, np.ones(rgb.shape[:2], np.float32)


@dataclass(frozen=True, slots=True)
class Exhibits:
    """Everything about one candidate that the checks of all steps share.

    Attributes:
        steps: The plan in force.
        places: Where each step acts, in the evidence's pixels.
        common: Evidence of the plan as a whole; its region is that of all steps.
        same_pixels: Whether the candidate is the source, byte for byte.
        touched: Union of the places that the plan may change, for the steps that are not on the whole picture.
        whole: Whether a step moves the tone or the detail of the whole picture.
        free_look: Whether a step changes the whole picture in a way that cannot be computed.
        interact: For each step, whether another one moves tone on the same pixels.
    """

    steps: tuple[EditStep, ...]
    places: tuple[Place, ...]
    common: Evidence
    same_pixels: bool
    touched: Mask
    whole: bool
    free_look: bool
    interact: tuple[bool, ...]

    @classmethod
    def of(
        cls, request: EditRequest, steps: tuple[EditStep, ...], candidate: Candidate, images: ImageStore
    ) -> Exhibits:
        """Perceive the candidate afresh and lay the source over it."""
        steps = tuple(_placed(step, request) for step in steps)
        source, source_alpha = pixels_of(images, request.image)
        result, alpha = pixels_of(images, candidate.image)
        same = source.shape == result.shape and bool((source == result).all() and (source_alpha == alpha).all())
        full = (result.shape[1], result.shape[0])
        factor = min(1.0, LONG_SIDE / max(full))
        size = (max(1, round(full[0] * factor)), max(1, round(full[1] * factor)))
        shrink = (size[0] / full[0], 0.0, 0.0, 0.0, size[1] / full[1], 0.0)
        geometry = candidate.geometry.then(shrink)
        small = warp(result, shrink, size)
        laid, covered = align(source, geometry, size)
        laid_alpha = np.clip(warp(source_alpha, geometry.matrix, size), 0, 1)
        valid = (covered > 0.99) & (laid_alpha > 0.02)
        masks = tuple(_mask(step, images, geometry, size, laid) for step in steps)
        boxes = [_source_box(step, images, source) for step in steps]
        planned, planned_size, scales = plan_geometry(steps, boxes, (source.shape[1], source.shape[0]))
        places = tuple(
            Place(mask, geometry.scale / max(scale, 1e-9), _reach(step, mask, geometry.scale / max(scale, 1e-9)))
            for step, mask, scale in zip(steps, masks, scales, strict=True)
        )
        source_lab = to_lab(laid)
        wanted, known = play(steps, places, source_lab)
        touched = _union([p.extent for s, p in _pairs(steps, places) if _is_local(s)], size)
        common = Evidence(
            source=laid,
            result=small,
            source_lab=source_lab,
            result_lab=to_lab(small),
            alpha=np.clip(warp(alpha, shrink, size), 0, 1),
            source_alpha=laid_alpha,
            valid=valid,
            region=_union(list(masks), size),
            wanted=wanted,
            without=source_lab,
            known=known,
            alone=len(steps) == 1,
            pixels=geometry.scale,
            geometry=geometry,
            planned=planned,
            planned_size=planned_size,
            size=full,
            source_size=(source.shape[1], source.shape[0]),
            # Under the names that thinking used, so that no model looks at the same pixels twice.
            before=Scene.of(laid, request.image.sha256 if laid is source else None),
            after=Scene.of(small, candidate.image.sha256 if small is result else None),
            references=tuple(pixels_of(images, ref)[0] for ref in _references(request, steps)),
        )
        return cls(
            steps=steps,
            places=places,
            common=common,
            same_pixels=same,
            touched=touched,
            whole=any(_on_whole(s, p, valid) and isinstance(s.operation, _PLAYED) for s, p in _pairs(steps, places)),
            free_look=any(
                _on_whole(s, p, valid) and isinstance(s.operation, ops.Stylise) for s, p in _pairs(steps, places)
            ),
            interact=tuple(_meets(k, steps, places) for k in range(len(steps))),
        )

    def for_step(
        self, index: int, last: ops.PlainOperation | None = None, apart: bool = False, replaced: bool = False
    ) -> Evidence:
        """Return the evidence on one step: the plan is played without it.

        Args:
            index: Of the step.
            last: Its operation as it was last run from the source.
            replaced: Whether an earlier verdict put another region in the place of the plan's.
            apart: Whether to measure away from the places of other steps, where enough is left.
        """
        others = [s for k, s in enumerate(self.steps) if k != index and isinstance(s.operation, _PLAYED)]
        without = self.common.source_lab
        known = self.common.known
        if others:
            without, _ = play(self.steps, self.places, self.common.source_lab, skip=index)
        if not self.interact[index]:
            # What this step itself makes unknown (a hole, a style) must not hide it from its own check.
            known = np.ones_like(known)
        if apart:
            known = known & self._free(index)
        place = self.places[index]
        return replace(
            self.common,
            region=place.mask,
            without=without,
            known=known,
            alone=not self.interact[index],
            pixels=place.pixels,
            last=last,
            replaced=replaced,
        )

    def _free(self, index: int) -> npt.NDArray[np.bool_]:
        """Return where no other step in a smaller place interferes, so that its fault is not taken for this step's.

        Everything, where too little would be left to measure in.
        """
        own = (self.places[index].mask > 0.5) & self.common.valid
        free = np.ones_like(own)
        for other, (step, place) in enumerate(_pairs(self.steps, self.places)):
            if other == index or not isinstance(step.operation, MOVES_TONE):
                continue
            left = free & (place.mask < 0.02)
            if int((left & own).sum()) >= 0.25 * int(own.sum()):
                free = left
        return free


def _placed(step: EditStep, request: EditRequest) -> EditStep:
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


_PLAYED = (
    ops.Recolour,
    ops.Adjust,
    ops.Blur,
    ops.Sharpen,
    ops.BlackAndWhite,
    ops.Sepia,
    ops.Vignette,
    ops.ReplaceBackground,
)


def _pairs(steps: Sequence[EditStep], places: Sequence[Place]) -> list[tuple[EditStep, Place]]:
    return list(zip(steps, places, strict=True))


def _references(request: EditRequest, steps: Sequence[EditStep]) -> tuple[ImageRef, ...]:
    uses = any(isinstance(s.operation, ops.ReplaceBackground) and s.operation.fill.reference is not None for s in steps)
    return request.references if uses else ()


def _mask(step: EditStep, images: ImageStore, geometry: Geometry, size: tuple[int, int], laid: Rgb) -> Mask:
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
    return region_box(_mask(step, images, geometry, size, source), 1.0)


def _union(masks: list[Mask], size: tuple[int, int]) -> Mask:
    out = np.zeros((size[1], size[0]), np.float32)
    for mask in masks:
        out = np.maximum(out, mask)
    return out


def _on_whole(step: EditStep, place: Place, valid: npt.NDArray[np.bool_]) -> bool:
    if step.region is None:
        return True
    return bool(valid.any()) and float((place.mask > 0.5)[valid].mean()) >= _WHOLE


def _is_local(step: EditStep) -> bool:
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


def _meets(index: int, steps: Sequence[EditStep], places: Sequence[Place]) -> bool:
    """Return whether another step moves colours or light where this one acts."""
    own = places[index].mask > 0.5
    area = max(1, int(own.sum()))
    for other, (step, place) in enumerate(_pairs(steps, places)):
        if other == index or not isinstance(step.operation, MOVES_TONE):
            continue
        if int(((place.mask > 0.5) & own).sum()) >= 0.05 * area:
            return True
    return False
