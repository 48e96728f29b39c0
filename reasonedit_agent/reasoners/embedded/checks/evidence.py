"""Laying the source over a candidate, and gathering what the checks need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.perception.regions import align, warp
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks.base import Evidence
from reasonedit_agent.reasoners.embedded.checks.expected import MOVES_TONE, Place, play
from reasonedit_agent.reasoners.embedded.checks.where import (
    is_local,
    mask_of,
    meets,
    on_whole,
    pairs,
    placed,
    places_of,
    union,
)
from reasonedit_agent.schemas import Affine, Candidate, EditRequest, EditStep, Geometry, ImageRef

__all__ = ["LONG_SIDE", "Exhibits", "pixels_of"]

LONG_SIDE = 1344
"""Pictures are measured at no more than this many pixels per side: a photo of one megapixel is not reduced."""


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
        origin: The source.
    """

    steps: tuple[EditStep, ...]
    places: tuple[Place, ...]
    common: Evidence
    same_pixels: bool
    touched: Mask
    whole: bool
    free_look: bool
    interact: tuple[bool, ...]
    origin: ImageRef

    @classmethod
    def of(
        cls, request: EditRequest, steps: tuple[EditStep, ...], candidate: Candidate, images: ImageStore
    ) -> Exhibits:
        """Perceive the candidate afresh and lay the source over it."""
        steps = tuple(placed(step, request) for step in steps)
        source, source_alpha = pixels_of(images, request.image)
        result, alpha = pixels_of(images, candidate.image)
        same = source.shape == result.shape and bool((source == result).all() and (source_alpha == alpha).all())
        full = (result.shape[1], result.shape[0])
        shrink, size = _reduced(full)
        geometry = candidate.geometry.then(shrink)
        small = warp(result, shrink, size)
        laid, covered = align(source, geometry, size)
        laid_alpha = np.clip(warp(source_alpha, geometry.matrix, size), 0, 1)
        places, planned, planned_size = places_of(steps, images, geometry, size, source, laid)
        source_lab = to_lab(laid)
        wanted, known = play(steps, places, source_lab)
        common = Evidence(
            source=laid,
            result=small,
            source_lab=source_lab,
            result_lab=to_lab(small),
            alpha=np.clip(warp(alpha, shrink, size), 0, 1),
            source_alpha=laid_alpha,
            valid=(covered > 0.99) & (laid_alpha > 0.02),
            region=union([place.mask for place in places], size),
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
        return cls._about(steps, places, common, same, request.image)

    @classmethod
    def _about(
        cls, steps: tuple[EditStep, ...], places: tuple[Place, ...], common: Evidence, same: bool, source: ImageRef
    ) -> Exhibits:
        """Say of the plan what reaches the whole picture, and which of its steps meet."""
        size = (common.result.shape[1], common.result.shape[0])
        everywhere = [s.operation for s, p in pairs(steps, places) if on_whole(s, p, common.valid)]
        return cls(
            steps=steps,
            places=places,
            common=common,
            same_pixels=same,
            touched=union([p.extent for s, p in pairs(steps, places) if is_local(s)], size),
            whole=any(isinstance(operation, _PLAYED) for operation in everywhere),
            free_look=any(isinstance(operation, ops.Stylise) for operation in everywhere),
            interact=tuple(meets(k, steps, places) for k in range(len(steps))),
            origin=source,
        )

    def on_source(self, index: int, images: ImageStore) -> Evidence:
        """Return evidence on a step's place in all of the source, of which a crop shows a part; nothing is edited."""
        source, _ = pixels_of(images, self.origin)
        full = (source.shape[1], source.shape[0])
        shrink, size = _reduced(full)
        geometry = Geometry(valid=(0.0, 0.0, float(full[0]), float(full[1]))).then(shrink)
        small = warp(source, shrink, size)
        scene = Scene.of(small, self.origin.sha256 if small is source else None)
        region = mask_of(self.steps[index], images, geometry, size, small)
        return replace(self.common, source=small, region=region, geometry=geometry, before=scene, after=scene)

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
        for other, (step, place) in enumerate(pairs(self.steps, self.places)):
            if other == index or not isinstance(step.operation, MOVES_TONE):
                continue
            left = free & (place.mask < 0.02)
            if int((left & own).sum()) >= 0.25 * int(own.sum()):
                free = left
        return free


def _reduced(full: tuple[int, int]) -> tuple[Affine, tuple[int, int]]:
    """Return the map from a picture of a size to the arrays that are measured, and their width and height."""
    factor = min(1.0, LONG_SIDE / max(full))
    size = (max(1, round(full[0] * factor)), max(1, round(full[1] * factor)))
    return (size[0] / full[0], 0.0, 0.0, 0.0, size[1] / full[1], 0.0), size


def _references(request: EditRequest, steps: Sequence[EditStep]) -> tuple[ImageRef, ...]:
    uses = any(isinstance(s.operation, ops.ReplaceBackground) and s.operation.fill.reference is not None for s in steps)
    return request.references if uses else ()
