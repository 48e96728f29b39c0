"""What a person wears: the figure without head and skin. A heuristic of faces and colours, not a model."""

from __future__ import annotations

from typing import Literal, TypeAlias

import cv2
import numpy as np

from reasonedit_agent.perception.arrays import Box, Mask, Rgb, box_mask
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.masks import components, fill_holes

__all__ = ["CLOTHES", "Worn", "clothes_mask"]

Worn: TypeAlias = Literal["upper", "lower", "all"]

_GARMENTS: dict[Worn, str] = {
    "upper": "shirt t-shirt tshirt tee blouse sweater jumper pullover hoodie jacket blazer cardigan vest top jersey",
    "lower": "trouser pant jean skirt short legging tights",
    "all": "clothe clothing outfit suit dress coat uniform costume gown robe overall spacesuit kimono garment",
}
CLOTHES: dict[str, Worn] = {noun: worn for worn, nouns in _GARMENTS.items() for noun in nouns.split()}
"""Garments, in the singular as `nouns.singular` makes it, and which part of a figure they cover."""

_SKIN = 16.0  # distance in a* and b* from the face, and
_SKIN_LIGHT = 35.0  # in L*
_WAIST = 3.4  # face heights below the chin
_HEAD = 0.16  # of the figure's height, where no face is seen


def clothes_mask(rgb: Rgb, figure: Mask, box: Box, face: Box | None, worn: Worn) -> Mask | None:
    """Return a soft mask of a person's clothes, or None where hardly anything of the figure is left.

    Args:
        rgb: Image, shape (height, width, 3).
        figure: Soft mask of the person.
        box: Around the person, in pixels.
        face: Around the person's face, if it is seen.
        worn: Which part of the figure; the waist is guessed from the size of the face or the figure.
    """
    _, top, _, bottom = box
    tall = bottom - top
    chin = top + _HEAD * tall if face is None else face[3]
    waist = top + 0.55 * tall if face is None else chin + _WAIST * (face[3] - face[1])
    mask = figure.copy()
    mask[: max(0, round(chin if worn != "lower" else waist))] = 0
    if worn == "upper":
        mask[max(0, round(waist)) :] = 0
    if face is not None:
        mask = np.minimum(mask, 1 - _skin(rgb, face))
    mask = fill_holes(components(mask, least=0.1), largest=0.003)
    return mask if mask.sum() > 0.1 * figure.sum() else None


def _skin(rgb: Rgb, face: Box) -> Mask:
    """Return where the image has the colour of the middle of a face."""
    lab = to_lab(np.asarray(cv2.bilateralFilter(rgb, 5, 30, 5), np.uint8))
    wide, tall = face[2] - face[0], face[3] - face[1]
    inner = (face[0] + wide / 4, face[1] + tall / 4, face[2] - wide / 4, face[3] - tall / 5)
    seen = lab[box_mask(inner, *lab.shape[:2]) > 0]
    if not len(seen):
        return np.zeros(lab.shape[:2], np.float32)
    typical = np.median(seen, axis=0)
    off = np.abs(lab - typical)
    near = (np.hypot(off[..., 1], off[..., 2]) < _SKIN) & (off[..., 0] < _SKIN_LIGHT)
    size = max(3, max(lab.shape[:2]) // 150) | 1
    return np.asarray(cv2.medianBlur(near.astype(np.uint8), size), np.float32)
