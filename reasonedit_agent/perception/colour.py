"""Where an image has a named colour: regions of CIELAB in cylindrical form (lightness, chroma, hue)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.masks import components, fill_holes

__all__ = ["COLOURS", "colour_mask", "to_lab"]


@dataclass(frozen=True, slots=True)
class _Range:
    """A region of CIELAB: hue in degrees (it may run through 0), chroma, lightness 0 to 100."""

    hue: tuple[float, float]
    chroma: tuple[float, float]
    lightness: tuple[float, float]


_ANY = (0.0, 360.0)
_RANGES: dict[str, _Range] = {
    "red": _Range((5, 47), (26, 140), (8, 72)),
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


def colour_mask(rgb: Rgb, colour: str) -> Mask | None:
    """Return where the image has a colour, without specks, or None where it hardly has it (below 0.4 % of the area).

    Args:
        rgb: Image, shape (height, width, 3).
        colour: A word of `COLOURS`.
    """
    span = _RANGES[_SAME_AS.get(colour, colour)]
    lab = to_lab(np.asarray(cv2.bilateralFilter(rgb, 5, 25, 5), np.uint8))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    low, high = span.hue
    in_hue = (hue >= low) & (hue <= high) if low <= high else (hue >= low) | (hue <= high)
    inside = in_hue & (chroma >= span.chroma[0]) & (chroma <= span.chroma[1])
    inside &= (lab[..., 0] >= span.lightness[0]) & (lab[..., 0] <= span.lightness[1])
    size = max(3, max(rgb.shape[:2]) // 200) | 1
    mask = np.asarray(cv2.medianBlur(inside.astype(np.uint8), size), np.float32)
    mask = fill_holes(components(mask, least=0.08), largest=0.003)
    return mask if mask.mean() >= 0.004 else None
