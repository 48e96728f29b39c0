"""Array types of this room, and resizing to a bounded working size."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Mask", "Rgb", "bounded", "box_area", "box_mask", "mask_box", "resize_mask"]

Rgb: TypeAlias = npt.NDArray[np.uint8]
"""An image, shape (height, width, 3), sRGB, 0 to 255."""

Mask: TypeAlias = npt.NDArray[np.float32]
"""A soft mask, shape (height, width), 0 (outside) to 1 (inside)."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; right and bottom are exclusive."""


def bounded(rgb: Rgb, long_side: int) -> Rgb:
    """Return the image, made smaller where its longer side exceeds ``long_side`` pixels; never larger."""
    height, width = rgb.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(rgb)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def resize_mask(mask: Mask, height: int, width: int) -> Mask:
    """Return the mask at another size, without ringing."""
    if mask.shape == (height, width):
        return mask
    shrink = height * width < mask.size
    out = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return np.asarray(out, dtype=np.float32)


def mask_box(mask: Mask, level: float = 0.5) -> Box | None:
    """Return the smallest box around the pixels at or above ``level``, or None if there are none."""
    rows = np.flatnonzero((mask >= level).any(axis=1))
    columns = np.flatnonzero((mask >= level).any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def box_area(box: Box) -> float:
    """Return the area of a box in pixels."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def box_mask(box: Box, height: int, width: int) -> Mask:
    """Return a hard mask of a box, cut to the image."""
    left, top, right, bottom = (round(v) for v in box)
    mask = np.zeros((height, width), np.float32)
    mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    return mask
