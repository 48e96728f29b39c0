"""Sharper, softer, drawn or painted: did the fine structure change as it was asked to?"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.masks import shrink
from reasonedit_agent.perception.measures import sharpness, ssim
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
from reasonedit_agent.schemas import EditStep

__all__ = ["blur", "detail", "sharpen", "stylise"]


def detail(light: Float, where: npt.NDArray[np.bool_]) -> float:
    """Return the mean gradient of L* in a place: it falls steadily with the width of a blur, down to 0."""
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    return float(slope[where].mean()) if where.any() else 0.0


def _core(seen: Evidence) -> npt.NDArray[np.bool_]:
    """Return the region without its edge, which a soft mask mixes."""
    inside = seen.inside()
    inner = shrink(inside.astype(np.float32), 4) > 0.5
    return inner if int(inner.sum()) >= 64 else inside


def blur(step: EditStep, seen: Evidence) -> Finding:
    """Compare the gradients left with those that a blur of the asked width leaves."""
    op = step.operation
    assert isinstance(op, ops.Blur)
    question, where = "Is the region blurred?", _core(seen)
    without, now, wanted = (detail(lab[..., 0], where) for lab in (seen.without, seen.result_lab, seen.wanted))
    if without < 0.15:
        return Finding(question, None, f"there is hardly any detail to blur (mean gradient {without:.2f})", 7)
    got = _sigma_of(now, seen.without[..., 0], where, op.sigma * seen.pixels) / seen.pixels
    progress = got / op.sigma
    ratio = now / without
    visible = ratio <= 0.9 or wanted / without > 0.85
    yes = 0.65 <= progress <= 1.8 and visible
    note = f"gradients fell to {ratio:.0%} (wanted {wanted / without:.0%}), "
    note += f"as by a blur of {got:.1f} px of {op.sigma:.1f} {say_progress(progress)}"
    measures = {"gradient_ratio": ratio, "sigma": got, "progress": progress}
    if yes:
        return Finding(question, True, note, max(8.0, 10 - abs(1 - progress)), (), min(1.0, progress - 0.65), measures)
    ran = tried(op, seen).sigma
    if progress > 1:
        weaker = changed(step, ops.Blur(sigma=round(max(0.3, ran / progress), 2)))
        return Finding(question, False, note, 4, (Remedy("restart", weaker, "less blur"),), 0.5, measures)
    missing = math.sqrt(max(op.sigma**2 - got**2, 0.25))  # variances of Gaussians add up
    more = changed(step, ops.Blur(sigma=round(missing, 2)))
    twice = changed(step, ops.Blur(sigma=min(500.0, round(1.6 * ran, 2))))
    remedies = (Remedy("refine", more, "the missing blur"), Remedy("restart", twice, "a wider blur"))
    margin = max(0.0, 0.65 - progress)
    return Finding(question, False, note, 8 * min(progress, 1.0), remedies, margin, measures)


def _sigma_of(now: float, light: Float, where: npt.NDArray[np.bool_], asked: float) -> float:
    """Return the width of the Gaussian, in array pixels, that leaves as much gradient as ``now``."""
    low, high = 0.0, 4 * asked
    for _ in range(6):
        middle = (low + high) / 2
        softer = np.asarray(cv2.GaussianBlur(light, (0, 0), max(0.2, middle)), np.float32)
        low, high = (middle, high) if detail(softer, where) > now else (low, middle)
    return (low + high) / 2


def sharpen(step: EditStep, seen: Evidence) -> Finding:
    """Compare the sharpness ratio with that of an unsharp mask of the asked amount."""
    op = step.operation
    assert isinstance(op, ops.Sharpen)
    question, where = "Is the region sharper?", _core(seen)
    mask = where.astype(np.float32)
    without, now = (sharpness(picture, mask) or 0.0 for picture in (_grey(seen.without), seen.result))
    wanted = sharpness(_grey(seen.wanted), mask) or 0.0
    if without < 0.5 or wanted < 1.02 * without:
        return Finding(question, None, "there is hardly any detail to sharpen", 7)
    ratio, goal = now / without, wanted / without
    progress = math.log(max(ratio, 1e-3)) / math.log(goal)
    # Editors differ in the radius of the mask, so the same amount gives quite different ratios.
    yes = ratio >= 1.08 and 0.3 <= progress <= 2.8
    note = f"sharpness rose {ratio:.2f} times, wanted about {goal:.2f} {say_progress(progress)}"
    measures = {"sharpness_ratio": ratio, "progress": progress}
    if yes:
        return Finding(question, True, note, 9, (), min(1.0, progress - 0.3), measures)
    if progress > 2.8:
        less = changed(step, ops.Sharpen(amount=round(max(0.05, tried(op, seen).amount / 2), 3)))
        return Finding(question, False, note, 5, (Remedy("restart", less, "milder"),), 0.5, measures)
    more = changed(step, ops.Sharpen(amount=round(float(np.clip(op.amount * (1 - max(progress, 0)), 0.1, 5)), 3)))
    anew = changed(step, ops.Sharpen(amount=round(min(5.0, 1.8 * tried(op, seen).amount), 3)))
    remedies = (Remedy("refine", more, "the missing sharpness"), Remedy("restart", anew, "stronger"))
    return Finding(question, False, note, float(np.clip(8 * progress, 0, 7)), remedies, 0.5, measures)


def _grey(lab: Float) -> Rgb:
    rgb = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)
    return np.asarray(np.round(rgb * 255), np.uint8)


# -- styles -----------------------------------------------------------------------------------------------------------


def _flatness(light: Float, where: npt.NDArray[np.bool_]) -> float:
    """Return the share of pixels with hardly any gradient."""
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    return float((slope[where] < 0.6).mean())


def _pencil(seen: Evidence, where: npt.NDArray[np.bool_]) -> tuple[bool, str]:
    both = (lab[where] for lab in (seen.without, seen.result_lab))
    before, after = (float(np.hypot(lab[:, 1], lab[:, 2]).mean()) for lab in both)
    lighter = float(seen.result_lab[where][:, 0].mean() - seen.without[where][:, 0].mean())
    # Graphite has no colour; coloured pencils have, on paper that has none.
    lightest = seen.result_lab[where & (seen.result_lab[..., 0] >= np.percentile(seen.result_lab[where][:, 0], 70))]
    paper = float(np.hypot(lightest[:, 1], lightest[:, 2]).mean())
    ok = after <= max(6.0, 0.5 * before) or (lighter > 12 and paper <= 12)
    return ok, f"chroma {before:.1f} -> {after:.1f}, paper {paper:.1f}, {lighter:+.1f} L*"


_TINT = 10.0
"""How far the mean a* and b* may move under a painter's palette."""


def _flat(seen: Evidence, where: npt.NDArray[np.bool_]) -> tuple[bool, str]:
    """A painting or a cartoon replaces the photo's fine texture: by flat areas, or by that of brush and canvas."""
    lights = [lab[..., 0] for lab in (seen.without, seen.result_lab)]
    before, after = (_flatness(light, where) for light in lights)
    own = [np.asarray(light - cv2.GaussianBlur(light, (0, 0), 1.5), np.float32)[where] for light in lights]
    same = float(np.corrcoef(own[0], own[1])[0, 1]) if min(float(f.std()) for f in own) > 0.05 else 0.0
    means = [lab[where][:, 1:].mean(axis=0) for lab in (seen.without, seen.result_lab)]
    tint = float(np.linalg.norm(means[1] - means[0]))
    ok = (after > before + 0.03 or same < 0.8) and tint <= _TINT
    figures = f"flat areas {before:.0%} -> {after:.0%}, fine texture is the photo's by {same:.2f}"
    return ok, figures + (f", with an unasked tint of {tint:.1f} Lab" if tint > _TINT else "")


_STYLE: dict[str, Callable[[Evidence, npt.NDArray[np.bool_]], tuple[bool, str]]] = {
    "pencil": _pencil,
    "painting": _flat,
    "cartoon": _flat,
}


_SAME_SUBJECT = 0.55
"""SSIM of the broad forms: styles of one photo keep 0.7 and more of it, another photo has below 0.5."""


def stylise(step: EditStep, seen: Evidence) -> Finding:
    """Does it carry the marks of the style, and is it still the same subject?"""
    op = step.operation
    assert isinstance(op, ops.Stylise)
    question, where = f"Does it look like a {op.style}?", seen.inside()
    moved = float(np.linalg.norm(seen.result_lab - seen.without, axis=2)[where].mean()) if where.any() else 0.0
    marked, figures = _STYLE[op.style](seen, where) if where.any() else (False, "nothing to see")
    same = _structure(seen.source, seen.result, seen.region)
    yes = moved >= 1.5 and marked and same >= _SAME_SUBJECT
    note = f"moved by {moved:.1f} Lab, {figures}, structure kept {same:.2f}"
    measures = {"moved": moved, "structure": same}
    if yes:
        return Finding(
            question, True, note, min(10.0, 7.5 + 2.5 * same), (), min(1.0, (same - _SAME_SUBJECT) / 0.3), measures
        )
    stronger = changed(step, op.model_copy(update={"strength": 1.0}))
    remedies: tuple[Remedy, ...] = (Remedy("restart", stronger, "stronger"), Remedy("refine", stronger, "once more"))
    if same < _SAME_SUBJECT:
        weaker = changed(step, op.model_copy(update={"strength": round(0.6 * op.strength, 2)}))
        remedies = (Remedy("restart", weaker, "weaker"),)
    return Finding(question, False, note, 2 + blame(1.5 - moved, 0, 1.5) / 5 + 2 * marked, remedies, 0.5, measures)


def _structure(before: Rgb, after: Rgb, region: Mask) -> float:
    """Return the mean SSIM of both pictures' outlines, after a blur that takes brush strokes away."""
    soft = [np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8) for picture in (before, after)]
    where = region > 0.5
    return float(ssim(soft[0], soft[1])[where].mean()) if where.any() else 1.0
