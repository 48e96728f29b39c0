"""Where an image has a named colour: regions of CIELAB in cylindrical form (lightness, chroma, hue)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.masks import components, fill_holes

__all__ = ["COLOURS", "colour_mask", "in_range", "tint_mask", "to_lab"]


@dataclass(frozen=True, slots=True)
class _Range:
    """A region of CIELAB: hue in degrees (it may run through 0), chroma, lightness 0 to 100."""

    hue: tuple[float, float]
    chroma: tuple[float, float]
    lightness: tuple[float, float]


_SLACK = 10.0
_MOSTLY = 0.6  # share of a region that has the colour by the narrow limits
_WIDE = 20.0  # of the limits, for what a person calls by a colour because nothing else there comes nearer
_MOST = 0.15  # of the image that such a thing may fill
_APART = 14.0  # distance in a* and b* from what surrounds it
_ANY = (0.0, 360.0)
_RANGES: dict[str, _Range] = {
    "red": _Range((358, 47), (26, 140), (8, 72)),
    "orange": _Range((38, 80), (32, 140), (42, 90)),
    "brown": _Range((35, 88), (9, 50), (12, 58)),
    "yellow": _Range((76, 114), (32, 140), (55, 100)),
    "green": _Range((108, 192), (12, 140), (8, 96)),
    "cyan": _Range((182, 245), (12, 140), (20, 98)),
    "blue": _Range((228, 312), (12, 140), (5, 88)),
    "purple": _Range((296, 338), (12, 140), (8, 75)),
    "pink": _Range((325, 38), (14, 140), (52, 96)),
    "white": _Range(_ANY, (0, 14), (76, 101)),
    "grey": _Range(_ANY, (0, 10), (28, 80)),
    "black": _Range(_ANY, (0, 18), (-1, 24)),
    "beige": _Range((60, 105), (8, 32), (62, 94)),
}
_SAME_AS = {
    "gray": "grey", "silver": "grey", "gold": "yellow", "golden": "yellow", "violet": "purple", "magenta": "pink",
    "turquoise": "cyan", "teal": "cyan", "crimson": "red", "scarlet": "red", "maroon": "red", "navy": "blue",
    "lime": "green", "olive": "green", "tan": "beige", "cream": "beige",
}  # fmt: skip

COLOURS: tuple[str, ...] = (*_RANGES, *_SAME_AS)
"""The colour words that `colour_mask` understands."""


_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(np.float32)
_TO_XYZ = np.array(
    [
        [0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047],
        [0.212671, 0.715160, 0.072169],
        [0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883],
    ],
    np.float32,
)  # linear sRGB to XYZ, relative to the white point


def to_lab(rgb: Rgb) -> npt.NDArray[np.float32]:
    """Return CIELAB (D65): L 0 to 100, a and b about -128 to 127; shape (height, width, 3).

    By the formulas of IEC 61966-2-1 and CIE 15; OpenCV's conversion is faster but off by up to 0.5.
    """
    xyz = _LINEAR[rgb] @ _TO_XYZ.T
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * np.float32(841 / 108) + np.float32(4 / 29))
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def in_range(lab: npt.NDArray[np.float32], colour: str, slack: float = 0.0) -> npt.NDArray[np.bool_]:
    """Return which pixels have a colour, shape (height, width).

    Args:
        lab: CIELAB, shape (height, width, 3).
        colour: A word of `COLOURS`.
        slack: By how much, in degrees of hue and units of lightness, the colour's limits are moved outwards.
    """
    span = _RANGES[_SAME_AS.get(colour, colour)]
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    middle = (span.hue[0] + ((span.hue[1] - span.hue[0]) % 360 or 360) / 2) % 360
    half = ((span.hue[1] - span.hue[0]) % 360 or 360) / 2
    inside = np.abs((hue - middle + 180) % 360 - 180) <= half + slack
    inside &= (chroma >= span.chroma[0] * (1 - slack / 40)) & (chroma <= span.chroma[1])
    inside &= (lab[..., 0] >= span.lightness[0] - slack) & (lab[..., 0] <= span.lightness[1] + slack)
    return np.asarray(inside)


def colour_mask(rgb: Rgb, colour: str) -> Mask | None:
    """Return where the image has a colour, without specks, or None where it hardly has it (below 0.4 % of the area).

    Highlights, shadows and tints just outside the colour's limits count where they continue what is inside.

    Args:
        rgb: Image, shape (height, width, 3).
        colour: A word of `COLOURS`.
    """
    lab = to_lab(np.asarray(cv2.bilateralFilter(rgb, 5, 25, 5), np.uint8))
    size = max(3, max(rgb.shape[:2]) // 200) | 1
    sure, near = (cv2.medianBlur(in_range(lab, colour, s).astype(np.uint8), size) for s in (0, _SLACK))
    count, labels = cv2.connectedComponents(np.maximum(sure, near))
    total = np.bincount(labels.ravel(), minlength=count)
    share = np.bincount(labels.ravel(), weights=sure.ravel(), minlength=count) / np.maximum(total, 1)
    share[0] = 0
    grown = np.where(share[labels] >= _MOSTLY, np.maximum(sure, near), sure).astype(np.float32)
    mask = fill_holes(components(grown, least=0.08), largest=0.003)
    return mask if mask.mean() >= 0.004 else None


def tint_mask(rgb: Rgb, colour: str) -> Mask | None:
    """Return the one thing that comes near a colour that the image hardly has: a pale red lighter on a grey table.

    It must stand out from what surrounds it by its hue. None where there is no such thing, or for a colour that is none
    (white, grey, black).

    Args:
        rgb: Image, shape (height, width, 3).
        colour: A word of `COLOURS`.
    """
    if _RANGES[_SAME_AS.get(colour, colour)].chroma[0] < 8:
        return None
    lab = to_lab(np.asarray(cv2.bilateralFilter(rgb, 5, 25, 5), np.uint8))
    size = max(3, max(rgb.shape[:2]) // 200) | 1
    near = cv2.medianBlur(in_range(lab, colour, _WIDE).astype(np.uint8), size)
    near = np.asarray(cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8)), np.uint8)
    mask = fill_holes(components(near.astype(np.float32), least=0.99), largest=0.003)
    if not 0.002 <= mask.mean() <= _MOST:
        return None
    around = cv2.dilate(mask, np.ones((6 * size, 6 * size), np.uint8)) - mask > 0.5
    if not around.any():
        return None
    apart = np.median(lab[mask > 0.5][:, 1:], axis=0) - np.median(lab[around][:, 1:], axis=0)
    return mask if float(np.hypot(*apart)) >= _APART else None
