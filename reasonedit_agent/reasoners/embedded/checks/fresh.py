"""A second look at where things are: does the plan's mask agree with what other eyes see?"""

from __future__ import annotations

import numpy as np
from PIL import Image

from reasonedit_agent.perception.arrays import Box, Mask, mask_box
from reasonedit_agent.perception.detector import overlap
from reasonedit_agent.perception.locate import Located, Source
from reasonedit_agent.perception.masks import iou
from reasonedit_agent.perception.nouns import coco_label
from reasonedit_agent.perception.phrases import parse_phrase
from reasonedit_agent.perception.regions import warp
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Remedy
from reasonedit_agent.reasoners.embedded.checks.guesses import GUESS
from reasonedit_agent.schemas import EditStep
from reasonedit_agent.schemas import Mask as MaskRegion

__all__ = ["Doubt", "other_masks", "same", "second_look", "stored", "support", "view_of", "with_mask"]

_EYES: tuple[Source | None, ...] = (None, "saliency", "detector", "colour")
"""None is the usual way of finding a thing by its name."""

_SAME = 0.58
"""Overlap from which two masks show the same thing: a half of it, or as much again of its neighbours, has 0.5."""

_SAME_SUBJECT = 0.75
"""The same of what a background leaves out: a bite out of the subject is seen at once."""

_GUESSED = 0.04
"""How much less must do where only saliency is asked: its edges are worse on thin things."""

_SURE = 0.3
"""Least score of a view that may contradict a plan (below it, `Located.score` says, it is a guess)."""

_IN_BOX, _FILLS_BOX = 0.5, 0.75
"""Overlap of a mask's bounds with the detector's box below which it misses a part, and from which it does not."""

_BY_NAME: tuple[Source, ...] = ("detector", "sky", "text", "face")
"""Sources that know the thing by its name, as saliency does not."""

_PLACE_TWICE = 0.97
"""IoU from which two masks are one and the same view."""


class Doubt(tuple[float, Mask]):
    """The best overlap of the plan's mask with any fresh view, and the mask that should stand in its place."""

    @property
    def agreement(self) -> float:
        """Overlap of the plan's mask with the nearest fresh one."""
        return self[0]

    @property
    def mask(self) -> Mask:
        """What the others see."""
        return self[1]


def _label(region: object) -> str:
    """Return the name of what a mask shows; empty for a drawn place, several things, a guess, and what is no name."""
    if not isinstance(region, MaskRegion) or " and " in region.label or region.label.endswith(GUESS):
        return ""
    return "" if parse_phrase(region.label).kind == "all" else region.label


def same(a: Mask, b: Mask, label: str) -> float:
    """Return how far two masks agree: their IoU; of backgrounds also that of what they leave out, if it is less."""
    inside = iou(a, b)
    if parse_phrase(label).kind != "background":
        return inside
    return min(inside, iou(np.asarray(1 - a, np.float32), np.asarray(1 - b, np.float32)))


def _least(label: str) -> float:
    return _SAME_SUBJECT if parse_phrase(label).kind == "background" else _SAME


def second_look(step: EditStep, seen: Evidence) -> Doubt | None:
    """Return a doubt about a step's mask when it does not show what its name says.

    The views are those of each source of perception on the source, and the usual one on the candidate. The mask is
    doubted when none of the sure ones agrees with it (which is not asked again of a mask that an earlier verdict
    chose), when another one fills the detector's box and it does not, or when two that contradict it agree with each
    other and outnumber its friends. A place that a person drew (a box, a polygon, a mask without a name) is not
    doubted.
    """
    label = _label(step.region)
    views = _views(label, seen) if label else []
    near = [same(view.mask, seen.region, label) for view in views]
    least = _least(label)
    if all(agreement >= least for agreement in near):
        return None
    # Saliency sees what stands out, be it the thing, or the thing and what it lies on: it is asked where no other is.
    named = [(a, v) for a, v in zip(near, views, strict=True) if v.source in _BY_NAME]
    asked = named or list(zip(near, views, strict=True))
    least -= 0 if named else _GUESSED
    if max(agreement for agreement, _ in asked) < least and not seen.replaced:
        return Doubt((max(near), max(asked, key=lambda pair: pair[1].score)[1].mask))
    masks = [view.mask for view in views]
    if (box := _box_of(label, seen)) is not None and _fits(seen.region, box) < _IN_BOX:
        filling = max(views, key=lambda view: _fits(view.mask, box))
        if _fits(filling.mask, box) >= _FILLS_BOX:
            return Doubt((max(near), filling.mask))
    after = None if seen.after is seen.before else seen.after.find(label)
    if after is not None and after.score >= _SURE:
        masks.append(after.mask)
        near.append(same(after.mask, seen.region, label))
    against = [mask for mask, agreement in zip(masks, near, strict=True) if agreement < 0.5]
    best: list[Mask] = []
    for mask in against:
        friends = [other for other in against if same(mask, other, label) >= 0.6]
        best = friends if len(friends) > len(best) else best
    if len(best) < 2 or len(best) <= len(masks) - len(against):
        return None
    return Doubt((max(near), best[0]))


def _box_of(label: str, seen: Evidence) -> Box | None:
    """Return the detector's box of a thing that it sees once and surely; None of parts and of several."""
    phrase = parse_phrase(label)
    match = coco_label(phrase.noun) if phrase.noun and phrase.part is None and not phrase.several else None
    boxes = [d.box for d in seen.before.detections() if match is not None and d.label == match[0]]
    return boxes[0] if len(boxes) == 1 else None


def _fits(mask: Mask, box: Box) -> float:
    own = mask_box(mask)
    return 0.0 if own is None else overlap(own, box)


def support(step: EditStep, seen: Evidence) -> float | None:
    """Return how far a second view agrees with a step's mask, 0 to 1; None where only one knows such a thing.

    A mask that is one view's own is compared with the others.
    """
    label = _label(step.region)
    views = _views(label, seen) if label else []
    near = sorted((same(view.mask, seen.region, label) for view in views), reverse=True)
    if near and near[0] >= _PLACE_TWICE:
        near = near[1:]
    return near[0] if near else None


def view_of(step: EditStep, seen: Evidence) -> Mask | None:
    """Return where the surest view that knows a step's thing by its name sees it in the source, or None."""
    label = _label(step.region)
    views = [view for view in (_views(label, seen) if label else ()) if view.source in _BY_NAME]
    return max(views, key=lambda view: view.score).mask if views else None


def _views(label: str, seen: Evidence) -> list[Located]:
    """Return what the sources that know such a thing see of it in the source, each once."""
    several = parse_phrase(label).kind in ("thing", "subject", "background")
    found: list[Located] = []
    for eye in _EYES if several else (None,):
        view = seen.before.find(label, prefer=eye)
        if view is None or view.score < _SURE:
            continue
        if all(iou(view.mask, old.mask) < _PLACE_TWICE for old in found):
            found.append(view)
    return found


def other_masks(step: EditStep, seen: Evidence) -> list[Mask]:
    """Return masks of the same thing from other sources that differ from the step's, the surest first."""
    label = _label(step.region)
    sure = sorted(_views(label, seen), key=lambda view: -view.score) if label else []
    return [view.mask for view in sure if 0.2 <= iou(view.mask, seen.region) < 0.9]


def with_mask(step: EditStep, mask: Mask, seen: Evidence, images: ImageStore) -> Remedy:
    """Return the remedy that puts another mask, given in the evidence's pixels, in the step's place."""
    region = stored(mask, seen, images, getattr(step.region, "label", ""))
    return Remedy("restart", step.model_copy(update={"region": region}), "another mask")


def stored(mask: Mask, seen: Evidence, images: ImageStore, label: str = "") -> MaskRegion:
    """Return a mask that is given in the evidence's pixels as a region of the source."""
    a, b, c, d, e, f = seen.geometry.matrix
    det = a * e - b * d
    back = (e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)
    in_source = np.clip(warp(mask, back, seen.source_size), 0, 1)
    ref = images.save(Image.fromarray(np.asarray(np.round(in_source * 255), np.uint8)))
    return MaskRegion(image=ref, label=label)
