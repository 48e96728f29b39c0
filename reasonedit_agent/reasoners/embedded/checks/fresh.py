"""A second look at where things are: does the plan's mask agree with what other eyes see?"""

from __future__ import annotations

import numpy as np
from PIL import Image

from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.perception.locate import Located, Source
from reasonedit_agent.perception.masks import iou
from reasonedit_agent.perception.phrases import parse_phrase
from reasonedit_agent.perception.regions import warp
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Remedy
from reasonedit_agent.schemas import EditStep
from reasonedit_agent.schemas import Mask as MaskRegion

__all__ = ["Doubt", "other_masks", "second_look", "with_mask"]

_EYES: tuple[Source, ...] = ("saliency", "detector", "colour")
_SAME = 0.5
"""IoU from which two masks show the same thing."""

_SURE = 0.3
"""Least score of a view that may contradict a plan (below it, `Located.score` says, it is a guess)."""


class Doubt(tuple[float, Mask]):
    """The best IoU of the plan's mask with any fresh view, and the mask that most fresh views agree on."""

    @property
    def agreement(self) -> float:
        """IoU of the plan's mask with the nearest fresh one."""
        return self[0]

    @property
    def mask(self) -> Mask:
        """What the others see."""
        return self[1]


def _is_thing(region: object) -> bool:
    """Whether a region is a mask of something that more than one source of perception knows."""
    if not isinstance(region, MaskRegion) or not region.label:
        return False
    return " and " not in region.label and parse_phrase(region.label).kind in ("thing", "subject", "background")


def second_look(step: EditStep, seen: Evidence) -> Doubt | None:
    """Return a doubt when at least two other views agree with each other and contradict the step's mask.

    The views are the other sources of perception on the source, and the usual one on the candidate. A place that
    a person drew (a box, a polygon, a mask without a name) is not doubted.
    """
    if not _is_thing(step.region):
        return None
    assert isinstance(step.region, MaskRegion)
    label = step.region.label
    views = [view.mask for view in _views(label, seen)]
    if all(iou(view, seen.region) >= _SAME for view in views):
        return None
    after = seen.after.find(label)
    if after is not None and after.score >= _SURE:
        views.append(after.mask)
    near = [iou(view, seen.region) for view in views]
    against = [view for view, agreement in zip(views, near, strict=True) if agreement < _SAME]
    best: list[Mask] = []
    for view in against:
        friends = [other for other in against if iou(view, other) >= 0.6]
        best = friends if len(friends) > len(best) else best
    if len(best) < 2 or len(best) <= len(views) - len(against):
        return None
    return Doubt((max(near), best[0]))


def _views(label: str, seen: Evidence) -> list[Located]:
    """Return what the sources that know such a thing see of it in the source, each once."""
    found: list[Located] = []
    for eye in _EYES:
        view = seen.before.find(label, prefer=eye)
        if view is not None and view.score >= _SURE and all(view.source != old.source for old in found):
            found.append(view)
    return found


def other_masks(step: EditStep, seen: Evidence) -> list[Mask]:
    """Return masks of the same thing from other sources that differ from the step's, the surest first."""
    if not _is_thing(step.region):
        return []
    assert isinstance(step.region, MaskRegion)
    sure = sorted(_views(step.region.label, seen), key=lambda view: -view.score)
    return [view.mask for view in sure if 0.2 <= iou(view.mask, seen.region) < 0.9]


def with_mask(step: EditStep, mask: Mask, seen: Evidence, images: ImageStore) -> Remedy:
    """Return the remedy that puts another mask, given in the evidence's pixels, in the step's place."""
    assert isinstance(step.region, MaskRegion)
    a, b, c, d, e, f = seen.geometry.matrix
    det = a * e - b * d
    back = (e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)
    in_source = np.clip(warp(mask, back, seen.source_size), 0, 1)
    ref = images.save(Image.fromarray(np.asarray(np.round(in_source * 255), np.uint8)))
    region = MaskRegion(image=ref, label=step.region.label)
    return Remedy("restart", step.model_copy(update={"region": region}), "another mask")
