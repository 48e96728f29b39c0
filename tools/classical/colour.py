"""Recolouring, black and white, sepia."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reasonedit_agent.operations import BlackAndWhite, Recolour, Sepia
from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.tools.classical.matting import decontaminated
from reasonedit_agent.tools.classical.picture import (
    Bench,
    Floats,
    Picture,
    bands,
    from_lab,
    hex_rgb,
    lab,
    pointwise,
    unit,
)
from reasonedit_agent.tools.classical.tone import Sample, bias, take_sample

__all__ = ["black_and_white", "recolour", "sepia"]

_ROOM = 0.06  # how far L* may be bent beyond black and white before it is cut: bounds the slope of the curve there
_SEPIA_CHROMA, _SEPIA_HUE = 28.0, 70.0  # of the middle tones; degrees


@dataclass(frozen=True, slots=True)
class _Paint:
    """How a region is painted over.

    Attributes:
        old: Its mean CIELAB before.
        goal: The mean that is wanted.
        coloured: 0 for a region without colour of its own, 1 for one with.
        shift: Of the logit of L*.
        tint: The a* and b* that a pixel of middle shade gets.
    """

    old: npt.NDArray[np.float64]
    goal: npt.NDArray[np.float64]
    coloured: float
    shift: float
    tint: npt.NDArray[np.float64]

    def __call__(self, colours: Floats) -> Floats:
        seen = lab(colours)
        light = np.clip(self._lightness(seen[..., 0]), 0, 100)
        # A highlight of the source has less colour than the body, a shadow too: the paint follows.
        chroma = max(float(np.hypot(self.old[1], self.old[2])), 1e-3)
        direction = (self.old[1:] / chroma).astype(np.float32)
        along = (seen[..., 1:] @ direction) / np.float32(chroma)
        follow = 1 - self.coloured * 0.7 * (1 - np.clip(along, 0, 1.4))
        goal = float(np.clip(self.goal[0], 5, 95))
        dark = np.clip(light / goal, 0, 1) ** 0.6
        bright = np.clip((100 - light) / (100 - goal), 0, 1) ** 0.5
        much = (follow * dark * bright)[..., None]
        grain = seen[..., 1:] - along[..., None] * np.float32(chroma) * direction
        painted = self.tint.astype(np.float32) * much + np.float32(0.2 * self.coloured) * grain
        return from_lab(np.dstack([light, painted]).astype(np.float32))

    def _lightness(self, light: Floats) -> Floats:
        inner = np.asarray((light / 100 + _ROOM) / (1 + 2 * _ROOM), np.float32)
        return np.asarray((bias(inner, self.shift) * (1 + 2 * _ROOM) - _ROOM) * 100, np.float32)


def recolour(picture: Picture, operation: Recolour, mask: Mask, bench: Bench) -> Picture:
    """Move the region's mean colour to the target; light and texture stay, within what shading needs."""
    sample = take_sample(picture, mask)
    paint = _mixed(sample, operation)
    strength = np.float32(operation.strength)
    # A pixel of the soft rim is part region, part neighbour: only the region's part changes, so no old rim is left.
    own = decontaminated(picture.rgb, mask)
    out = picture.rgb.copy()
    for rows in bands(out.shape):
        part = mask[rows]
        if not part.any():
            continue
        before = own[rows] / np.float32(255)
        after = paint(before)
        if strength < 1:
            seen = lab(before)
            after = from_lab(seen + (lab(after) - seen) * strength)
        changed = picture.rgb[rows] + (after - before) * 255 * part[..., None]
        out[rows] = np.clip(np.rint(changed), 0, 255)
    return picture.painted(out)


def _mixed(sample: Sample, operation: Recolour) -> _Paint:
    """Return the paint whose result has the target's mean, found by repeated correction."""
    seen = lab(sample.colours)[0]
    old = np.array([sample.mean(seen[:, k]) for k in range(3)])
    spread = float(np.sqrt(sample.mean((seen[:, 0] - old[0]) ** 2)))
    target = unit(np.array(hex_rgb(operation.colour), np.uint8)[None, None])
    goal = lab(target)[0, 0].astype(np.float64)
    # Black or white paint still shows the form: its mean keeps away from the end by some of the region's contrast.
    room = 2 + min(spread * 0.45, 10)
    goal[0] = np.clip(goal[0], min(room, old[0]), max(100 - room * 0.6, old[0]))
    coloured = float(np.clip((np.hypot(old[1], old[2]) - 8) / 17, 0, 1))
    middle = _logit(goal[0]) - _logit(old[0])
    paint = _Paint(old, goal, coloured, middle, goal[1:].copy())
    limit = np.hypot(goal[1], goal[2]) * 1.6 + 2
    for _ in range(12):
        got = sample.after(paint(sample.colours))
        error = goal - np.array([sample.mean(got[:, k]) for k in range(3)])
        if float(np.abs(error).max()) < 0.1:
            break
        tint = paint.tint + error[1:]
        tint *= min(1.0, limit / max(float(np.hypot(*tint)), 1e-6))
        shift = float(np.clip(paint.shift + error[0] * 0.045, -7, 7))
        paint = _Paint(old, goal, coloured, shift, tint)
    return paint


def _logit(lightness: float) -> float:
    share = (lightness / 100 + _ROOM) / (1 + 2 * _ROOM)
    return float(np.log(share / (1 - share)))


def black_and_white(picture: Picture, operation: BlackAndWhite, mask: Mask, bench: Bench) -> Picture:
    """Scale the chroma by ``1 - strength``; L* stays."""
    kept = np.array([1, 1 - operation.strength, 1 - operation.strength], np.float32)
    return picture.painted(pointwise(picture.rgb, mask, lambda part: from_lab(lab(part) * kept)))


def sepia(picture: Picture, operation: Sepia, mask: Mask, bench: Bench) -> Picture:
    """Tone it brown: L* stays, chroma is that of a sepia print (most in the middle tones)."""

    def change(part: Floats) -> Floats:
        before = lab(part)
        light = before[..., 0]
        chroma = _SEPIA_CHROMA * np.sin(np.pi * np.clip(light / 100, 0, 1) ** 0.8)
        hue = np.radians(_SEPIA_HUE)
        toned = np.dstack([light, chroma * np.cos(hue), chroma * np.sin(hue)]).astype(np.float32)
        return from_lab(before + (toned - before) * np.float32(operation.strength))

    return picture.painted(pointwise(picture.rgb, mask, change))
