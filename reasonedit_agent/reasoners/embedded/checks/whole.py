"""What every edit owes the picture: the rest is kept, it looks like a photo, it has no artefacts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.perception.measures import ciede2000, ssim
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Finding, Float, blame

__all__ = ["Whole", "keeps", "look_at_whole"]


_KEPT = 7.0
"""Over-editing score from which the rest counts as kept."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Scores and figures of the picture as a whole.

    Attributes:
        over_editing: 0 to 10; 10 when nothing changed that should not have.
        naturalness: 0 to 10.
        artefacts: 0 to 10; 10 when there are none.
        kept: Whether the rest was kept well enough to accept.
        sound: Whether there is nothing that spoils the picture.
        note: The figures that matter, in words.
        measures: All figures.
    """

    over_editing: float
    naturalness: float
    artefacts: float
    kept: bool
    sound: bool
    note: str
    measures: dict[str, float]


def look_at_whole(seen: Evidence, touched: Mask, played: bool, free_look: bool) -> Whole:
    """Measure what lies outside of the steps' regions, and the picture's health.

    Args:
        seen: Evidence of the whole plan: ``wanted`` is what the plan should give.
        touched: Union of the regions of all steps that act on a place; empty for steps of geometry alone.
        played: Whether a step on the whole picture moves its tone, so that `wanted` stands for the source outside.
        free_look: Whether the plan changes the look of everything in a way that cannot be computed (a style).
    """
    measures: dict[str, float] = {}
    over, kept, note = 10.0, True, "nothing else to keep"
    if not free_look:
        margin = max(3, round(0.015 * max(touched.shape)))
        outside = (grow((touched > 0.05).astype(np.float32), margin) < 0.5) & (seen.alpha > 0.9)
        outside &= seen.valid & seen.known
        over, kept, note = _outside(seen, outside, played, measures)
    natural = _naturalness(seen, touched, measures)
    clean, flaws = _artefacts(seen, touched, free_look, measures)
    sound = clean >= 4 and natural >= 3
    return Whole(over, natural, clean, kept, sound, "; ".join(filter(None, (note, flaws))), measures)


def _outside(
    seen: Evidence, outside: npt.NDArray[np.bool_], played: bool, measures: dict[str, float]
) -> tuple[float, bool, str]:
    if int(outside.sum()) < 64:
        return 10.0, True, "nothing lies outside"
    before = seen.wanted if played else seen.source_lab
    difference = _sampled_difference(before, seen.result_lab, outside)
    mean, high = float(difference.mean()), float(np.percentile(difference, 95))
    measures.update(outside_mean=mean, outside_p95=high)
    if played:
        # The curve of an editor is not the one that was played: only the mean colour tells an unasked tint.
        tint = _tint(seen, outside)
        measures["tint"] = tint
        note = f"unasked tint of {tint:.1f} Lab (only this is asked: the whole picture was to change)"
        score = blame(tint, 4, 17.4)  # 7 at 8 Lab
        return score, score >= _KEPT, note
    alike = float(ssim(seen.source, seen.result)[outside].mean())
    measures["outside_ssim"] = alike
    # Each is 7 where people begin to see it beside the source: mean 3 dE2000, 10 in the worst places, SSIM 0.85.
    score = min(blame(mean, 1, 7.7), blame(high, 4, 24), blame(1 - alike, 0.03, 0.43))
    kept = score >= _KEPT
    return score, kept, f"outside dE2000 {mean:.1f} (95 %: {high:.1f}), SSIM {alike:.2f}"


def _tint(seen: Evidence, outside: npt.NDArray[np.bool_]) -> float:
    """Return how far the mean colour left the line on which the plan moves it, in a* and b*.

    How far it went along that line is for the steps' own checks.
    """
    start, goal, now = (lab[outside].mean(axis=0) for lab in (seen.source_lab, seen.wanted, seen.result_lab))
    way, off = goal - start, now - goal
    length = float(way @ way)
    if length > 1:
        off = off - way * float(off @ way) / length
    return float(np.linalg.norm(off[1:]))


def _sampled_difference(a: Float, b: Float, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return CIEDE2000 of an even sample of the pixels: its mean is exact to far below what matters."""
    chosen = np.flatnonzero(where)
    chosen = chosen[:: max(1, len(chosen) // 60_000)]
    return ciede2000(a.reshape(-1, 3)[chosen], b.reshape(-1, 3)[chosen])


def _clipped(picture: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_]) -> float:
    inside = picture[where]
    return float(((inside <= 1).all(axis=1) | (inside >= 254).all(axis=1)).mean()) if len(inside) else 0.0


def _naturalness(seen: Evidence, touched: Mask, measures: dict[str, float]) -> float:
    """Return 10, less for highlights and shadows lost beyond the plan's, and for an outline along the mask's edge."""
    opaque = seen.valid & (seen.alpha > 0.5)
    where = opaque & seen.known
    score = 10.0
    if int(where.sum()) >= 64:
        planned = np.clip(cv2.cvtColor(seen.wanted, cv2.COLOR_LAB2RGB) * 255, 0, 255).astype(np.uint8)
        more = _clipped(seen.result, where) - max(_clipped(seen.source, where), _clipped(planned, where))
        measures["clipping_added"] = more
        score -= 8 * float(np.clip((more - 0.02) / 0.4, 0, 1))
    hard = (touched > 0.5).astype(np.float32)
    rim = (grow(hard, 3) > 0.5) & (grow(hard, -3) < 0.5) & opaque
    if 0 < float(hard.mean()) < 0.98 and int(rim.sum()) >= 64:
        planned_light = np.where(seen.known, seen.wanted[..., 0], seen.source_lab[..., 0]).astype(np.float32)
        lights = (planned_light, seen.source_lab[..., 0], seen.result_lab[..., 0])
        steep = [float(_slope(light)[rim].mean()) for light in lights]
        outline = float((steep[2] + 1) / (max(steep[0], steep[1]) + 1))
        measures["outline"] = outline
        score -= 6 * float(np.clip((outline - 1.4) / 2.0, 0, 1))
    return max(0.0, score)


def _slope(light: Float) -> Float:
    return np.asarray(np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8, np.float32)


def _artefacts(seen: Evidence, touched: Mask, free_look: bool, measures: dict[str, float]) -> tuple[float, str]:
    """Return 10, less for a picture without content, for 8 x 8 blocks, and for tones that were torn apart."""
    where = seen.valid & (seen.alpha > 0.5)
    if int(where.sum()) < 64:
        return (0.0, "the picture is empty") if float(seen.alpha.mean()) < 0.002 else (10.0, "")
    light, old = seen.result_lab[..., 0], seen.source_lab[..., 0]
    score, flaws = 10.0, []
    if float(light[where].std()) < 0.6 < 0.2 * float(old[where].std()) and float(seen.wanted[..., 0].std()) > 3:
        return 0.0, "the picture is one plain colour"
    elsewhere = where & (touched < 0.05)  # a mosaic that was asked for is no artefact
    blocks = _blockiness(light, elsewhere) / max(_blockiness(old, elsewhere), 1.0)
    measures["blockiness"] = blocks
    if blocks > 1.25 and not free_look:
        score -= 5 * float(np.clip((blocks - 1.25) / 1.0, 0, 1))
        flaws.append(f"blocks {blocks:.2f} times as visible")
    gaps = _comb(light[where]) - _comb(old[where])
    measures["banding"] = gaps
    if gaps > 0.3 and not free_look:
        score -= 4 * float(np.clip((gaps - 0.3) / 0.5, 0, 1))
        flaws.append(f"{gaps:.0%} more gaps between tones")
    return max(0.0, score), ", ".join(flaws)


def _blockiness(light: Float, where: npt.NDArray[np.bool_]) -> float:
    """Return the mean step across 8-pixel borders over that elsewhere, as JPEG's blocks show it."""
    ratios = []
    for axis in (0, 1):
        step = np.abs(np.diff(light, axis=axis))
        use = where[1:] if axis == 0 else where[:, 1:]
        border = np.arange(step.shape[axis]) % 8 == 7
        border = border[:, None] & use if axis == 0 else border[None] & use
        other = use & ~border
        if int(border.sum()) >= 500 and int(other.sum()) >= 500:
            ratios.append(float(step[border].mean()) / max(float(step[other].mean()), 0.05))
    return float(np.mean(ratios)) if ratios else 1.0


def _comb(light: Float) -> float:
    """Return the share of empty levels between the darkest and the lightest hundredth."""
    low, high = np.percentile(light, [1, 99])
    if high - low < 8:
        return 0.0
    counts, _ = np.histogram(light, bins=max(4, int(high - low)), range=(float(low), float(high)))
    return float((counts == 0).mean())


def keeps(question: str, mask: Mask, seen: Evidence, played: bool) -> Finding:
    """Compare a thing that must stay with what it was; where the plan moves the whole picture, with what that gives."""
    where = (mask > 0.5) & seen.valid & (seen.alpha > 0.5) & seen.known
    if int(where.sum()) < 16:
        return Finding(question, None, "it is not in the picture any more, or cannot be measured", 8)
    before = seen.wanted if played else seen.source_lab
    moved = float(_sampled_difference(before, seen.result_lab, where).mean())
    limit = 10.0 if played else 5.0
    note = f"it moved by {moved:.1f} dE2000"
    return Finding(question, moved <= limit, note, blame(moved, 1, 15), (), min(1.0, abs(moved - limit) / limit))
