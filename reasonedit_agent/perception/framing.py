"""What a crop, a resize or a rotation makes of a picture's size: one rule to do it and to check it."""

from __future__ import annotations

import math

import numpy as np

from reasonedit_agent.operations import Crop, Resize
from reasonedit_agent.schemas import Affine

__all__ = ["cropped", "resized", "turned"]

_Box = tuple[float, float, float, float]


def cropped(operation: Crop, box: _Box | None, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return what a crop keeps: the box with its margin, or the largest part of the ratio that has it in its middle.

    Args:
        operation: The crop.
        box: Left, top, right, bottom of the region, in pixels of the picture; None for the whole picture.
        size: Width and height of the picture.

    Returns:
        Left, top, right, bottom in whole pixels; None where there is neither a box nor a ratio.
    """
    width, height = size
    region = None if box is None else _with_margin(box, operation.margin, size)
    if operation.ratio is None:
        return region
    left, top, right, bottom = region or (0, 0, width, height)
    wanted = operation.ratio[0] / operation.ratio[1]
    wide, tall = width, height
    if width / height > wanted:
        wide = max(1, min(width, round(height * wanted)))
    else:
        tall = max(1, min(height, round(width / wanted)))
    x, y = _hold(left, right, wide, width), _hold(top, bottom, tall, height)
    return x, y, x + wide, y + tall


def _with_margin(box: _Box, margin: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    across, down = (right - left) * margin, (bottom - top) * margin
    x0, y0 = max(0, math.floor(left - across + 1e-6)), max(0, math.floor(top - down + 1e-6))
    x1, y1 = math.ceil(right + across - 1e-6), math.ceil(bottom + down - 1e-6)
    x0, y0 = min(x0, size[0] - 1), min(y0, size[1] - 1)
    return x0, y0, min(size[0], max(x0 + 1, x1)), min(size[1], max(y0 + 1, y1))


def _hold(start: int, end: int, length: int, whole: int) -> int:
    """Return where a window of a length begins that has a span in its middle and stays inside."""
    return int(np.clip(round((start + end - length) / 2), 0, whole - length))


def resized(operation: Resize, size: tuple[int, int]) -> tuple[int, int]:
    """Return the new width and height: as named; what is not named follows from the ratio of the sides."""
    width, height = size
    if operation.scale is not None:
        wide, tall = width * operation.scale, height * operation.scale
    elif operation.megapixels is not None:
        factor = math.sqrt(operation.megapixels * 1e6 / (width * height))
        wide, tall = width * factor, height * factor
    else:
        wide = operation.width or width * (operation.height or height) / height
        tall = operation.height or height * (operation.width or width) / width
    return max(1, round(wide)), max(1, round(tall))


def turned(degrees: float, size: tuple[int, int]) -> tuple[Affine, tuple[int, int]]:
    """Return the map of a clockwise turn about the middle, and the width and height that hold all of it."""
    width, height = size
    angle = math.radians(degrees)
    cos, sin = round(math.cos(angle), 15), round(math.sin(angle), 15)
    wide = math.ceil(width * abs(cos) + height * abs(sin) - 1e-6)
    tall = math.ceil(width * abs(sin) + height * abs(cos) - 1e-6)
    # y points down, so this matrix turns clockwise as seen; the middle of the old canvas becomes that of the new.
    step: Affine = (
        cos, -sin, wide / 2 - cos * width / 2 + sin * height / 2,
        sin, cos, tall / 2 - sin * width / 2 - cos * height / 2,
    )  # fmt: skip
    return step, (wide, tall)
