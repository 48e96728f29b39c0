"""Things taken out, backgrounds changed, subjects cut out."""

from __future__ import annotations

import math
import re

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.arrays import mask_box
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.detector import overlap
from reasonedit_agent.perception.masks import grow, iou, shrink
from reasonedit_agent.perception.nouns import coco_label, group_of
from reasonedit_agent.reasoners.embedded.checks.base import (
    Evidence,
    Finding,
    Float,
    Remedy,
    blame,
    changed,
    say_progress,
    tried,
)
from reasonedit_agent.reasoners.embedded.checks.detail import detail
from reasonedit_agent.reasoners.embedded.checks.fresh import view_of
from reasonedit_agent.reasoners.embedded.checks.remnant import find_remnant, foreign, ghost
from reasonedit_agent.schemas import EditStep

__all__ = ["cut_out", "remove", "replace_background"]


def name_of(step: EditStep) -> str:
    """Return what a step's region is called, in lower case, or an empty text."""
    region = step.region
    name = getattr(region, "label", "") or getattr(region, "text", "")
    return str(name).lower().strip()


# -- remove -----------------------------------------------------------------------------------------------------------


def remove(step: EditStep, seen: Evidence) -> Finding:
    """Is the thing gone for those who could see it, and does the fill go on with what is around it?"""
    op = step.operation
    assert isinstance(op, ops.Remove)
    question = f"Is the {name_of(step) or 'region'} gone?"
    where = (seen.region > 0.5) & seen.valid
    if int(where.sum()) < 4:
        return Finding(question, None, "the region is not in the picture", 5)
    difference = np.linalg.norm(seen.result_lab - seen.source_lab, axis=2)
    touched = float((difference[where] > 4).mean())
    stays = _still_there(step, seen, where)
    alike = _alike(seen, where)
    left = _leftover(seen, where)
    ran = tried(op, seen)
    # Only of a thing with a name, and only once: what lies beyond a larger hole is another thing.
    look = touched >= 0.35 and bool(name_of(step)) and ran.grow <= op.grow and not seen.replaced
    remnant = find_remnant(seen, where, round(ran.grow * seen.pixels), view_of(step, seen)) if look else None
    through, strange = ghost(seen.source_lab, seen.result_lab, where), foreign(seen, where)
    gone = touched >= 0.35 and not stays and left <= 0.15 and through <= 0.15 and remnant is None
    other = _another_thing(step, seen, where)
    fits = alike.colour <= 14 and 0.2 <= alike.texture <= 3.0 and strange <= 0.15
    note = f"{touched:.0%} of it changed, {stays or 'nothing of it is recognised'}, {left:.0%} looks as before; "
    note += f"the fill is {alike.colour:.1f} Lab from its surroundings, with {alike.texture:.2f} times their texture"
    note += f"; {through:.0%} of its structure shines through" if through > 0.15 else ""
    note += f"; {strange:.0%} of the fill is much busier than what is around" if strange > 0.15 else ""
    if gone and other:
        note = f"what was taken out looks like a {other}; {note}"
        return Finding(question, False, note, 3.0, (), 0.5, {"touched": touched})
    measures = {"touched": touched, "leftover": left, "fill_colour": alike.colour, "fill_texture": alike.texture}
    measures |= {"ghost": through, "foreign": strange}
    if remnant is not None:
        note = f"a part of it ({remnant.share:.0%} of its size) is left {remnant.reach:.0f} px beyond the hole; {note}"
        measures["remnant"] = remnant.share
        reach = min(500, math.ceil((remnant.reach + 4) / seen.pixels))
        larger = changed(step, op.model_copy(update={"grow": max(reach, ran.grow + 4)}))
        # The remnant joins the mask where it can: a larger hole all round takes more of the picture.
        whole = np.maximum(seen.region, grow(remnant.where.astype(np.float32), 2))
        wider = (Remedy("restart", larger, "a hole that reaches it"),)
        margin = min(1.0, remnant.share / 0.1)
        return Finding(question, False, note, 6.0, wider, margin, measures, np.asarray(whole, np.float32))
    if gone and fits:
        # Worth little where nothing had recognised the thing before either.
        sure = 0.6 if _recognised(step, seen) else 0.2
        return Finding(question, True, note, 10 - alike.colour / 7, (), sure, measures)
    remedies = _remove_again(step, op, seen, gone, alike.texture)
    return Finding(question, False, note, 5.5 if gone else min(2.0, 2 * touched), remedies, 0.6, measures)


def _remove_again(step: EditStep, op: ops.Remove, seen: Evidence, gone: bool, texture: float) -> tuple[Remedy, ...]:
    grown = tried(op, seen).grow
    wider = max(grown + 6, 2 * grown, round(0.012 * max(seen.size)))
    other = "smooth" if op.method == "patch" else "patch"
    if gone and texture > 3.0:
        other = "smooth"
    larger = Remedy("restart", changed(step, op.model_copy(update={"grow": wider})), "a larger hole")
    method = Remedy("restart", changed(step, op.model_copy(update={"method": other})), f"a {other} fill")
    both = Remedy("restart", changed(step, ops.Remove(method=other, grow=min(500, wider))), "both")
    first = (method, larger) if gone and op.method != other else (larger, method)
    return (*first, both)


class _Alike(tuple[float, float]):
    """Distance of mean colours, and ratio of textures, between a fill and its surroundings."""

    @property
    def colour(self) -> float:
        return self[0]

    @property
    def texture(self) -> float:
        return self[1]


def _alike(seen: Evidence, where: npt.NDArray[np.bool_]) -> _Alike:
    hard = where.astype(np.float32)
    reach = max(3, round(0.02 * max(hard.shape)))
    hole = grow(hard, 2) > 0.5
    ring = (grow(hard, 2 + reach) > 0.5) & ~hole & seen.valid
    if int(ring.sum()) < 16:
        return _Alike((0.0, 1.0))
    # Surroundings differ from side to side, so every part of the fill is compared with the ring next to it.
    near = _spread(seen.result_lab, ring, reach * 2)
    own = cv2.GaussianBlur(seen.result_lab, (0, 0), max(1.0, reach / 3))
    rim = where & (shrink(hard, reach) < 0.5)
    rim = rim if int(rim.sum()) >= 16 else where
    colour = float(np.median(np.linalg.norm(near - own, axis=2)[rim]))
    light = seen.result_lab[..., 0]
    texture = (detail(light, where) + 0.15) / (detail(light, ring) + 0.15)
    return _Alike((colour, texture))


def _spread(lab: Float, ring: npt.NDArray[np.bool_], width: int) -> Float:
    """Return the mean of the ring's colours around each pixel (normalised convolution)."""
    weight = ring.astype(np.float32)
    total = cv2.GaussianBlur(lab * weight[..., None], (0, 0), width)
    count = cv2.GaussianBlur(weight, (0, 0), width)
    return np.asarray(total / np.maximum(count, 1e-6)[..., None], np.float32)


def _leftover(seen: Evidence, where: npt.NDArray[np.bool_]) -> float:
    """Return the share of the thing that stood out from its surroundings and looks as before still."""
    hard = where.astype(np.float32)
    reach = max(3, round(0.03 * max(hard.shape)))
    ring = (grow(hard, 2 + reach) > 0.5) & (grow(hard, 2) < 0.5) & seen.valid
    if int(ring.sum()) < 16:
        return 0.0
    around = _spread(seen.source_lab, ring, reach * 2)
    stood_out = where & (np.linalg.norm(seen.source_lab - around, axis=2) > 15)
    if int(stood_out.sum()) < 16:
        return 0.0
    same = np.linalg.norm(seen.result_lab - seen.source_lab, axis=2) < 6
    return float(same[stood_out].mean())


def _still_there(step: EditStep, seen: Evidence, where: npt.NDArray[np.bool_]) -> str:
    """Return what recognises the thing still, or an empty text."""
    name, box = name_of(step), mask_box(where.astype(np.float32))
    if box is None:
        return ""
    words = set(re.findall(r"[a-z]+", name))
    if words & {"face", "faces"}:
        hits = [f for f in seen.after.faces() if _inside(f.box, where)]
        return f"{len(hits)} face(s) are found there" if hits else ""
    if words & {"text", "writing", "words", "caption", "lettering", "watermark", "title"}:
        lines = [line.text for line in seen.after.text_lines() if _inside(line.box, where)]
        return f"the text {' '.join(lines)[:40]!r} is read there" if lines else ""
    for one in name.split(" and "):
        if not one or one in _NOT_THINGS:
            continue
        old, new = seen.before.find(one), seen.after.find(one)
        if old is None or new is None or old.source != "detector" or new.source != "detector":
            continue
        if overlap(old.box, box) >= 0.3 and overlap(new.box, old.box) >= 0.5 and new.score >= 0.6 * old.score:
            return f"a {new.label} is detected there still (score {new.score:.2f}, before {old.score:.2f})"
    return ""


def _another_thing(step: EditStep, seen: Evidence, where: npt.NDArray[np.bool_]) -> str:
    """Return what the region clearly is, where that is of another kind than what the step names, or an empty text."""
    named = coco_label(name_of(step))
    if named is None:
        return ""
    for thing in seen.before.detections():
        left, top, right, bottom = (max(0, round(v)) for v in thing.box)
        covered = float(where[top:bottom, left:right].sum()) / int(where.sum())
        filled = float(where[top:bottom, left:right].mean()) if right > left and bottom > top else 0.0
        if thing.label in group_of(named[0]):
            return ""
        if covered >= 0.75 and filled >= 0.45 and thing.score >= 0.4:
            return thing.label
    return ""


_NOT_THINGS = frozenset({"background", "sky", "subject", "image", "position"})


def _recognised(step: EditStep, seen: Evidence) -> bool:
    name = name_of(step)
    if not name or name in _NOT_THINGS:
        return False
    found = seen.before.find(name)
    return found is not None and found.score >= 0.3


def _inside(box: tuple[float, float, float, float], where: npt.NDArray[np.bool_]) -> bool:
    left, top, right, bottom = (max(0, round(v)) for v in box)
    part = where[top:bottom, left:right]
    return bool(part.size) and float(part.mean()) >= 0.35


# -- backgrounds ------------------------------------------------------------------------------------------------------


def replace_background(step: EditStep, seen: Evidence) -> Finding:
    """Is the new background there, is the old one gone, and is the subject as it was?"""
    op = step.operation
    assert isinstance(op, ops.ReplaceBackground)
    question = "Is the background replaced, and the subject kept?"
    reach = max(2, round(0.004 * max(seen.region.shape)))
    back = (shrink((seen.region > 0.5).astype(np.float32), reach) > 0.5) & seen.valid
    subject = (grow((seen.region > 0.1).astype(np.float32), reach) < 0.5) & seen.valid
    if int(back.sum()) < 64:
        return Finding(question, None, "there is hardly any background", 5)
    moved = float((np.linalg.norm(seen.result_lab - seen.source_lab, axis=2)[back] > 4).mean())
    if op.fill.reference is None:
        off = np.linalg.norm(seen.result_lab - seen.wanted, axis=2)[back]
        far = float(np.mean(off))
        covered = float((off <= 15).mean())
        progress = covered
    else:
        far = _unlike_reference(op.fill.reference, seen, back)
        covered, progress = moved, moved
    kept = 0.0
    if int(subject.sum()) >= 64:
        kept = float(np.median(np.linalg.norm(seen.result_lab - _without_tone(seen), axis=2)[subject]))
    yes = far <= 12 and covered >= 0.85 and kept <= 6
    note = f"the background is {far:.1f} Lab from the wanted one, {covered:.0%} of it is new, "
    note += f"the subject moved by {kept:.1f} Lab {say_progress(progress)}"
    measures = {"background_off": far, "covered": covered, "subject_moved": kept, "progress": progress}
    success = min(blame(far, 4, 40), blame(1 - covered, 0.05, 0.7), blame(kept, 3, 20))
    remedies = () if yes else (Remedy("restart", step, "the background anew"),)
    return Finding(question, yes, note, max(success, 7.5) if yes else min(success, 6.5), remedies, 0.5, measures)


def _without_tone(seen: Evidence) -> Float:
    """Return what the subject should look like: the source, or what other steps of the plan make of it."""
    return seen.source_lab if seen.alone else seen.wanted


def _unlike_reference(index: int, seen: Evidence, back: npt.NDArray[np.bool_]) -> float:
    """Return the mean Lab distance of the background's broad colours from the photo, scaled to cover the picture."""
    if index >= len(seen.references):
        return 0.0
    tall, wide = back.shape
    photo = seen.references[index]
    scale = max(tall / photo.shape[0], wide / photo.shape[1])
    size = (max(wide, round(photo.shape[1] * scale)), max(tall, round(photo.shape[0] * scale)))
    fitted = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = (size[0] - wide) // 2, (size[1] - tall) // 2
    fitted = fitted[top : top + tall, left : left + wide]
    soft = [cv2.GaussianBlur(lab, (0, 0), 0.02 * max(tall, wide)) for lab in (to_lab(fitted), seen.result_lab)]
    core = shrink(back.astype(np.float32), max(1, round(0.03 * max(tall, wide)))) > 0.5
    core = core if int(core.sum()) >= 64 else back
    return float(np.linalg.norm(soft[0] - soft[1], axis=2)[core].mean())


# -- cut out ----------------------------------------------------------------------------------------------------------


def cut_out(step: EditStep, seen: Evidence) -> Finding:
    """Is exactly the region opaque, and does it agree with the subject as it is perceived afresh?"""
    question = "Is everything but the subject transparent?"
    shown = seen.alpha * seen.valid
    agrees = iou(np.asarray(shown, np.float32), seen.region)
    outside = (grow((seen.region > 0.05).astype(np.float32), 3) < 0.5) & seen.valid
    left = float(seen.alpha[outside].mean()) if outside.any() else 0.0
    core = shrink((seen.region > 0.5).astype(np.float32), 3) > 0.5
    held = float(seen.alpha[core].mean()) if core.any() else 1.0
    share = float((shown > 0.5).mean())
    some = 0.002 <= share <= 0.995
    yes = agrees >= 0.85 and left <= 0.1 and held >= 0.9 and some
    note = f"the opaque part overlaps the region by {agrees:.2f}, {held:.0%} of it stays, {left:.0%} of the rest too"
    measures = {"iou": agrees, "left": left, "held": held, "share": share}
    remedies = () if yes else (Remedy("restart", step, "cut out anew"),)
    success = 10 * agrees if yes else min(6.0, 6 * agrees * (1 - left))
    # Where a name stood for everything or for nothing, what stands out is the best guess.
    subject = None if some else seen.before.find("subject")
    mask = None if subject is None else subject.mask
    return Finding(question, yes, note, success, remedies, min(1.0, abs(agrees - 0.85) / 0.15), measures, mask)
