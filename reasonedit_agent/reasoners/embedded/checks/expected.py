"""What a plan should make of a picture, computed here at measuring size and independently of any editor.

Steps that meet on the same pixels cannot be judged one by one: "warmer" and "make the cup green" both move the cup's
colour. So the whole plan is played on the source, once with and once without the step that is judged; how far the
candidate stands on the way between the two is that step's progress. What cannot be computed (an inpainted hole, a
painted style) is marked as unknown instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.reasoners.embedded.checks.base import Float
from reasonedit_agent.schemas import EditStep

__all__ = ["MOVES_TONE", "Place", "lab_of_hex", "play", "to_linear"]

MOVES_TONE = (
    ops.Recolour,
    ops.Adjust,
    ops.BlackAndWhite,
    ops.Sepia,
    ops.Vignette,
    ops.Stylise,
    ops.ReplaceBackground,
    ops.Remove,
)
"""Steps that move mean colours or light, so that another such step on the same pixels must be judged with them."""

SEPIA_AB = (6.0, 22.0)
"""Mean a* and b* of the usual sepia matrix on a grey ramp."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step acts, in the arrays' pixels.

    Attributes:
        mask: Soft, 0 to 1.
        pixels: Array pixels per pixel of the picture that the step starts from.
        reach: Where it may change pixels, where that differs from ``mask`` (the rim of a hole, the place of a text).
    """

    mask: Mask
    pixels: float
    reach: Mask | None = None

    @property
    def extent(self) -> Mask:
        """Where pixels may change."""
        return self.mask if self.reach is None else self.reach


def lab_of_hex(colour: str) -> Float:
    """Return the Lab values, shape (3,), of ``#rrggbb``."""
    return np.asarray(to_lab(np.array([[rgb_of(colour)]], np.uint8))[0, 0], np.float32)


def to_linear(lab: Float) -> Float:
    """Return linear sRGB light, 0 to 1, of a Lab picture; colours outside the gamut are clipped."""
    rgb = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)
    return np.asarray(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), np.float32)


def _from_linear(linear: Float) -> Float:
    """Return the Lab picture of linear sRGB light, clipped to 0..1."""
    light = np.clip(linear, 0, 1)
    rgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2LAB), np.float32)


def _gamut(lab: Float) -> Float:
    return np.asarray(cv2.cvtColor(np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1), cv2.COLOR_RGB2LAB), np.float32)


def _mean(lab: Float, mask: Mask) -> Float:
    weight = float(mask.sum())
    return np.asarray((lab * mask[..., None]).sum(axis=(0, 1)) / max(weight, 1e-6), np.float32)


def _recolour(op: ops.Recolour, lab: Float, place: Place) -> Float:
    return np.asarray(lab + op.strength * (lab_of_hex(op.colour) - _mean(lab, place.mask)), np.float32)


def _adjust(op: ops.Adjust, lab: Float, place: Place) -> Float:
    out, light = lab.copy(), lab[..., 0]
    if op.what == "brightness":
        return _relit(lab, light * max(0.0, 1 + op.amount))
    if op.what == "contrast":
        mean = _mean(lab, place.mask)[0]
        return _relit(lab, mean + (light - mean) * max(0.0, 1 + op.amount))
    if op.what == "saturation":
        out[..., 1:] *= max(0.0, 1 + op.amount)
    elif op.what == "warmth":
        # Light that turns warmer gains red too; by how much differs between editors, so this is their middle.
        out[..., 1:] += 50 * op.amount * np.array([0.33, 1], np.float32)
    else:
        return _from_linear(to_linear(lab) * np.float32(2.0**op.amount))
    return out


def _relit(lab: Float, light: Float) -> Float:
    """Return the colours in another light; chroma follows it in part, as it does between sun and shade."""
    light = np.clip(light, 0, 100)
    ratio = np.sqrt(np.clip(light / np.maximum(lab[..., 0], 1), 0, 4))
    return np.dstack([light, lab[..., 1] * ratio, lab[..., 2] * ratio]).astype(np.float32)


def _blur(op: ops.Blur, lab: Float, place: Place) -> Float:
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.3, op.sigma * place.pixels)), np.float32)


def _sharpen(op: ops.Sharpen, lab: Float, place: Place) -> Float:
    soft = cv2.GaussianBlur(lab, (0, 0), max(0.5, 1.5 * place.pixels))
    out = lab.copy()
    out[..., 0] += op.amount * (lab[..., 0] - soft[..., 0])
    return out


def _black_and_white(op: ops.BlackAndWhite, lab: Float, place: Place) -> Float:
    return np.asarray(lab * np.array([1, 1 - op.strength, 1 - op.strength], np.float32), np.float32)


def _sepia(op: ops.Sepia, lab: Float, place: Place) -> Float:
    out = lab.copy()
    out[..., 1:] += op.strength * (np.array(SEPIA_AB, np.float32) - lab[..., 1:])
    return out


def _vignette(op: ops.Vignette, lab: Float, place: Place) -> Float:
    height, width = lab.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    fall = 1 - op.strength * (x**2 + y**2) / 2
    return _from_linear(to_linear(lab) * fall[..., None])


def _replace_background(op: ops.ReplaceBackground, lab: Float, place: Place) -> Float | None:
    if not op.fill.colours:
        return None
    height, width = lab.shape[:2]
    first, last = (np.array(rgb_of(c), np.float32) for c in (op.fill.colours[0], op.fill.colours[-1]))
    down = op.fill.direction == "down"
    ramp = np.linspace(0, 1, height if down else width, dtype=np.float32)
    line = first + ramp[:, None] * (last - first)
    picture = np.broadcast_to(line[:, None] if down else line[None], (height, width, 3))
    return to_lab(np.ascontiguousarray(np.round(picture), np.uint8))


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


_PLAY: dict[type[ops.PlainOperation], Callable[[Any, Float, Place], Float | None]] = {
    ops.Recolour: _recolour,
    ops.Adjust: _adjust,
    ops.Blur: _blur,
    ops.Sharpen: _sharpen,
    ops.BlackAndWhite: _black_and_white,
    ops.Sepia: _sepia,
    ops.Vignette: _vignette,
    ops.ReplaceBackground: _replace_background,
}

_PIXELS_STAY = (ops.CutOut, ops.Crop, ops.Resize, ops.Rotate, ops.Flip, ops.Upscale)
"""Their effect is in the geometry or in the alpha channel, which the evidence has already followed."""


def play(
    steps: Sequence[EditStep], places: Sequence[Place], lab: Float, skip: int | None = None
) -> tuple[Float, npt.NDArray[np.bool_]]:
    """Return the Lab picture that ``steps`` should give, and where it can be trusted.

    Args:
        steps: The plan.
        places: Where each step acts.
        lab: The source where it stands in the candidate, shape (height, width, 3).
        skip: Index of a step that is left out.
    """
    known = np.ones(lab.shape[:2], np.bool_)
    for index, (step, place) in enumerate(zip(steps, places, strict=True)):
        if index == skip or step.operation is None or isinstance(step.operation, _PIXELS_STAY):
            continue
        rule = _PLAY.get(type(step.operation))
        changed = None if rule is None else rule(step.operation, lab, place)
        if changed is None:
            known &= place.extent < 0.02
            continue
        lab = _gamut(np.asarray(lab + place.mask[..., None] * (changed - lab), np.float32))
    return lab, known
