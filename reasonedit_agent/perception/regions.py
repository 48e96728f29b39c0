"""Places in candidate pixels: regions as soft masks, and the source laid over a candidate.

A `Region` is in source pixels; `Geometry` says where those stand in a candidate after crops, turns and resizes.
Geometry counts from pixel *edges*, OpenCV from pixel *centres*; `warp` is the one place that knows the difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.schemas import Affine, Box, Geometry, Phrase, Polygon, Region
from reasonedit_agent.schemas import Mask as MaskRegion

__all__ = ["align", "region_mask", "warp"]

_Scalar = TypeVar("_Scalar", np.uint8, np.float32)

_OVERSAMPLE = 4  # per side, where the outline of a polygon is drawn
_DRAWN_PIXELS = 2**24  # more than this is drawn without oversampling


def region_mask(
    region: Region | None,
    images: ImageStore,
    geometry: Geometry,
    size: tuple[int, int],
    rgb: Rgb,
    tell: Callable[[str], None] | None = None,
) -> Mask:
    """Return where a region stands in a candidate.

    Args:
        region: In source pixels, or a phrase; None is the whole picture.
        images: Holds the pixels of a mask.
        geometry: From the source to the candidate.
        size: Width and height of the candidate.
        rgb: The candidate's pixels, in which a phrase is looked for.
        tell: Called with a sentence where the place of a phrase is a guess.

    Returns:
        Soft mask, shape (height, width), 0 to 1. It is empty where nothing of the region is left.

    Raises:
        Unsupported: A phrase names what is not found in the picture.
    """
    width, height = size
    if region is None:
        return np.ones((height, width), np.float32)
    if isinstance(region, Box):
        return _box(region, geometry, size)
    if isinstance(region, Polygon):
        return _polygon([geometry.to_candidate(x, y) for x, y in region.points], size)
    if isinstance(region, Phrase):
        return _located(region.text, rgb, tell)
    return _stored(region, images, geometry, size)


def align(source: Rgb, geometry: Geometry, size: tuple[int, int]) -> tuple[Rgb, Mask]:
    """Lay the source over a candidate, so that the two can be compared pixel by pixel.

    Args:
        source: Pixels of the source, shape (height, width, 3).
        geometry: From the source to the candidate.
        size: Width and height of the candidate.

    Returns:
        The source in candidate pixels, and a soft mask of the pixels that it covers.
    """
    left, top, right, bottom = geometry.valid
    if not (left < right and top < bottom):
        return np.zeros((size[1], size[0], 3), np.uint8), np.zeros((size[1], size[0]), np.float32)
    covered = _box(Box(left=left, top=top, right=right, bottom=bottom), geometry, size)
    return warp(source, geometry.matrix, size), covered


def warp(image: npt.NDArray[_Scalar], matrix: Affine, size: tuple[int, int]) -> npt.NDArray[_Scalar]:
    """Return an image after an affine map; area averages where it shrinks, Lanczos where it grows or turns.

    Args:
        image: Shape (height, width) or (height, width, channels).
        matrix: Maps the image's coordinates to the result's, both counted from pixel edges.
        size: Width and height of the result. What lies beyond the image repeats its edge.
    """
    height, width = image.shape[:2]
    a, b, c, d, e, f = matrix
    # Lanczos samples 8 x 8 pixels whatever the scale: shrinking is done by averages first.
    small = (_shrunk(width, math.hypot(a, d)), _shrunk(height, math.hypot(b, e)))
    if small != (width, height):
        a, d = a * width / small[0], d * width / small[0]
        b, e = b * height / small[1], e * height / small[1]
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), image.dtype)
    if np.allclose((a, b, c, d, e, f), (1, 0, 0, 0, 1, 0), atol=1e-6) and small == size:
        return image
    centres = np.array([[a, b, c + (a + b - 1) / 2], [d, e, f + (d + e - 1) / 2]])
    how = cv2.INTER_LANCZOS4 if image.ndim == 3 else cv2.INTER_LINEAR
    out = cv2.warpAffine(image, centres, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, image.dtype).reshape(size[1], size[0], *image.shape[2:])


def _shrunk(side: int, scale: float) -> int:
    return max(1, round(side * scale)) if scale < 1 - 1e-9 else side


def _box(box: Box, geometry: Geometry, size: tuple[int, int]) -> Mask:
    corners = [geometry.to_candidate(x, y) for x, y in _corners(box)]
    a, b, _, d, e, _ = geometry.matrix
    if (b == d == 0) or (a == e == 0):  # still upright: the exact share of each pixel
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        rows = _cover(min(ys), max(ys), size[1])
        columns = _cover(min(xs), max(xs), size[0])
        return np.outer(rows, columns).astype(np.float32)
    return _polygon(corners, size)


def _corners(box: Box) -> list[tuple[float, float]]:
    return [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]


def _cover(start: float, end: float, count: int) -> npt.NDArray[np.float64]:
    pixels = np.arange(count, dtype=np.float64)
    return np.asarray(np.clip(np.minimum(end, pixels + 1) - np.maximum(start, pixels), 0, 1))


def _polygon(points: list[tuple[float, float]], size: tuple[int, int]) -> Mask:
    width, height = size
    mask = np.zeros((height, width), np.float32)
    corners = np.array(points, np.float64)
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, (width, height))
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, (width, height))
    wide, tall = (int(v) for v in high - low)
    if wide <= 0 or tall <= 0:
        return mask
    fine = _OVERSAMPLE if wide * tall * _OVERSAMPLE**2 <= _DRAWN_PIXELS * 4 else 1
    drawn = np.zeros((tall * fine, wide * fine), np.uint8)
    # Sixteenths of a pixel, from edges to centres; far corners are bounded so that they fit OpenCV's 32 bits.
    spots = np.clip(((corners - low) * fine - 0.5) * 16, -(2**29), 2**29)
    cv2.fillPoly(drawn, [np.rint(spots).astype(np.int32)], 255, shift=4)
    part = cv2.resize(drawn, (wide, tall), interpolation=cv2.INTER_AREA)
    mask[low[1] : high[1], low[0] : high[0]] = np.asarray(part, np.float32) / 255
    return mask


def _stored(region: MaskRegion, images: ImageStore, geometry: Geometry, size: tuple[int, int]) -> Mask:
    grey = np.asarray(images.open(region.image).convert("L"), np.float32) / np.float32(255)
    mask = np.clip(warp(grey, geometry.matrix, size), 0, 1)
    # The edge of the mask was repeated beyond the source; there is no region there.
    tall, wide = grey.shape
    whole = _box(Box(left=0, top=0, right=wide, bottom=tall), geometry, size)
    return np.asarray(mask * whole, np.float32)


def _located(phrase: str, rgb: Rgb, tell: Callable[[str], None] | None) -> Mask:
    from reasonedit_agent.perception.locate import locate  # loads models; a box or a mask needs none

    found = locate(rgb, phrase)
    if found is None:
        raise Unsupported(
            f"Nothing in the picture was recognised as {phrase!r}.",
            hint="Name it otherwise, or give its place as a box or a mask.",
        )
    if tell is not None and found.source == "saliency" and found.label not in ("subject", "background"):
        tell(f"The place of {phrase!r} is a guess: it was not recognised by its name, but told from what stands out.")
    return found.mask
