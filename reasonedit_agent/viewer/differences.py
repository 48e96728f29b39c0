"""Where two pictures differ, each in the frame of the other; masks as tints."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from reasonedit_agent.schemas import Affine, Candidate

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["CHANGED", "HOTTEST", "between", "chained", "differences", "tinted"]

CHANGED = 8
"""Above this of 255 a pixel counts as changed: what a JPEG of quality 95 changes by itself lies below."""

HOTTEST = 96
"""From this difference of 255 on, a heat map has its hottest colour."""


def chained(first: Affine, then: Affine) -> Affine:
    """Return the map that applies ``first``, then ``then``."""
    a, b, c, d, e, f = then
    g, h, i, j, k, m = first
    return a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f


def between(base: Candidate, made: Candidate) -> Affine:
    """Return the map from pixels of ``base`` to those of ``made``; the identity where it cannot be told."""
    a, b, c, d, e, f = base.geometry.matrix
    det = a * e - b * d
    if abs(det) < 1e-12:
        return 1.0, 0.0, 0.0, 0.0, 1.0, 0.0
    inverse = (e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)
    return chained(inverse, made.geometry.matrix)


def differences(before: Image, after: Image, base: Candidate, made: Candidate) -> tuple[Image, float, float, float]:
    """Return the heat map over the dimmed result, the share that changed, the mean change, the share compared."""
    from PIL import Image, ImageChops, ImageStat

    after_rgb = _flat(after)
    aligned, known = _aligned(_flat(before), after_rgb.size, base, made)
    bands = ImageChops.difference(aligned, after_rgb).split()
    difference = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    difference = ImageChops.multiply(difference, known)
    pixels = difference.width * difference.height
    compared = ImageStat.Stat(known).sum[0] / 255 / pixels
    counts = difference.histogram()
    there = max(1.0, compared * pixels)
    changed, mean = sum(counts[CHANGED + 1 :]) / there, sum(i * n for i, n in enumerate(counts)) / there
    grey = after_rgb.convert("L").point([round(v * 0.42) for v in range(256)]).convert("RGB")
    hot = Image.merge("RGB", [difference.point(curve) for curve in _curves()])
    strength = difference.point([min(255, max(0, round((v - CHANGED / 2) * 255 / 24))) for v in range(256)])
    return Image.composite(hot, grey, strength), min(1.0, changed), mean, compared


def _flat(image: Image) -> Image:
    """Return it as RGB; what is transparent is white."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def _aligned(before: Image, size: tuple[int, int], base: Candidate, made: Candidate) -> tuple[Image, Image]:
    """Return the base as it lies in the result's frame, and a mask of the pixels that it has there."""
    from PIL import Image

    matrix = between(base, made)
    same = all(abs(x - y) < 1e-9 for x, y in zip(matrix, (1, 0, 0, 0, 1, 0), strict=True))
    if same and base.image.size == made.image.size:
        return before.resize(size, Image.Resampling.LANCZOS), Image.new("L", size, 255)
    a, b, c, d, e, f = between(made, base)  # from pixels of the result to those of the base
    sx, sy = made.image.width / size[0], made.image.height / size[1]
    tx, ty = before.width / base.image.width, before.height / base.image.height
    back = (a * sx * tx, b * sy * tx, c * tx, d * sx * ty, e * sy * ty, f * ty)
    known = Image.new("L", before.size, 255).transform(size, Image.Transform.AFFINE, back)
    return before.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR), known


@lru_cache(maxsize=1)
def _curves() -> tuple[list[int], ...]:
    """Return red, green and blue by difference: violet, red, orange, pale yellow."""
    stops = (
        (0, (60, 20, 110)),
        (24, (140, 41, 129)),
        (48, (222, 73, 104)),
        (72, (254, 159, 80)),
        (96, (252, 253, 191)),
    )
    curves: tuple[list[int], ...] = ([], [], [])
    for value in range(256):
        at = min(value, HOTTEST)
        low, high = next((p, q) for p, q in pairwise(stops) if at <= q[0])
        share = (at - low[0]) / (high[0] - low[0])
        for curve, x, y in zip(curves, low[1], high[1], strict=True):
            curve.append(round(x + (y - x) * share))
    return curves


def tinted(mask: Image) -> Image:
    """Return a mask as a tint with a rim: magenta, which photos seldom have."""
    from PIL import Image, ImageChops, ImageFilter

    rim = ImageChops.subtract(mask.filter(ImageFilter.MaxFilter(3)), mask.filter(ImageFilter.MinFilter(3)))
    tint = Image.new("RGB", mask.size, (235, 30, 150))
    tint.putalpha(ImageChops.lighter(mask.point([round(v * 0.4) for v in range(256)]), rim))
    return tint
