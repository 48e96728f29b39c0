"""Comparing two images of one size, inside and outside of a soft mask: CIEDE2000, SSIM, sharpness, seams."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.masks import grow

__all__ = [
    "RegionChange",
    "Seam",
    "ciede2000",
    "delta_e",
    "mean_lab",
    "region_change",
    "seam",
    "sharpness",
    "ssim",
    "weighted_mean",
]

_Map = npt.NDArray[np.float32]
_Float = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegionChange:
    """How much an edit changed, inside and outside of its region.

    Attributes:
        delta_inside: Mean CIEDE2000 inside, 0 (none) to about 100; None if there is no inside.
        delta_outside: The same outside, away from the soft edge; None if there is no outside.
        ssim_inside: Mean SSIM inside, 1 if unchanged.
        ssim_outside: The same outside.
    """

    delta_inside: float | None
    delta_outside: float | None
    ssim_inside: float | None
    ssim_outside: float | None


@dataclass(frozen=True, slots=True)
class Seam:
    """What the edge of an edited region looks like.

    Attributes:
        step_before: CIEDE2000 between the mean colours just inside and just outside of the edge, before the edit.
        step_after: The same after it.
        gradient: Mean gradient along the edge after the edit, divided by before; far above 1 means a visible outline.
    """

    step_before: float
    step_after: float
    gradient: float


def ciede2000(first: npt.ArrayLike, second: npt.ArrayLike) -> _Float:
    """Return the CIEDE2000 colour difference, with all weights 1.

    Follows Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", Color Research & Application 30, 2005.

    Args:
        first: CIELAB colours, shape (..., 3).
        second: CIELAB colours of a shape that broadcasts with the first.

    Returns:
        Shape (...); about 1 is just noticeable.
    """
    l1, a1, b1 = np.moveaxis(np.asarray(first, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(second, np.float64), -1, 0)
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25.0**7))  # 1 + G
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1 = np.degrees(np.arctan2(b1, stretch * a1)) % 360
    h2 = np.degrees(np.arctan2(b2, stretch * a2)) % 360
    grey = c1 * c2 == 0

    turn = (h2 - h1 + 180) % 360 - 180  # the shorter way round; exactly opposite hues count as -180
    turn = np.where(np.abs(h2 - h1) == 180, h2 - h1, turn)
    turn = np.where(grey, 0.0, turn)
    d_l, d_c = l2 - l1, c2 - c1
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))

    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    total = h1 + h2
    far = np.where(total < 360, (total + 360) / 2, (total - 360) / 2)
    mean_h = np.where(grey, total, np.where(np.abs(h1 - h2) <= 180, total / 2, far))
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    lift = (mean_l - 50) ** 2
    s_l = 1 + 0.015 * lift / np.sqrt(20 + lift)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    spread = 2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    rotation = -spread * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    x, y, z = d_l / s_l, d_c / s_c, d_h / s_h
    return np.asarray(np.sqrt(np.maximum(x * x + y * y + z * z + rotation * y * z, 0)), np.float64)


def delta_e(before: Rgb, after: Rgb) -> _Map:
    """Return the CIEDE2000 difference of each pixel of two images, shape (height, width)."""
    out = np.empty(before.shape[:2], np.float32)
    rows = max(1, 500_000 // max(1, before.shape[1]))  # in strips: the formula keeps some twenty arrays at once
    for top in range(0, len(out), rows):
        part = slice(top, top + rows)
        out[part] = ciede2000(to_lab(before[part]), to_lab(after[part]))
    return out


def ssim(before: Rgb, after: Rgb) -> _Map:
    """Return the structural similarity of each pixel's neighbourhood, shape (height, width), 1 if equal.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004: on grey levels, with
    a Gaussian window of sigma 1.5.
    """
    x, y = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (before, after))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blur(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    both = blur(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    return np.asarray(top / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)), np.float32)


def weighted_mean(values: npt.NDArray[np.float32], weight: Mask | None = None) -> float | None:
    """Return the mean of a map under a soft mask, or None if the mask is (nearly) empty."""
    if weight is None:
        return float(values.mean())
    total = float(weight.sum(dtype=np.float64))
    return float((values * weight).sum(dtype=np.float64)) / total if total >= 1 else None


def region_change(before: Rgb, after: Rgb, mask: Mask, margin: int | None = None) -> RegionChange:
    """Return the differences inside and outside of a mask.

    Args:
        before: Image, shape (height, width, 3).
        after: Image of the same shape.
        mask: The edit's region, shape (height, width).
        margin: Pixels around the region that count as neither; 1.5 % of the longer side if None.
    """
    inside = np.where(mask > 0.5, mask, 0).astype(np.float32)
    margin = max(2, round(max(mask.shape) * 0.015)) if margin is None else margin
    outside = np.asarray(1 - grow((mask > 0.05).astype(np.float32), margin), np.float32)
    change, alike = delta_e(before, after), ssim(before, after)
    return RegionChange(
        weighted_mean(change, inside),
        weighted_mean(change, outside),
        weighted_mean(alike, inside),
        weighted_mean(alike, outside),
    )


def mean_lab(rgb: Rgb, mask: Mask | None = None) -> tuple[float, float, float] | None:
    """Return the mean CIELAB colour under a soft mask, or None if the mask is empty."""
    lab = to_lab(rgb)
    means = [weighted_mean(lab[..., channel], mask) for channel in range(3)]
    first, second, third = means
    return None if first is None or second is None or third is None else (first, second, third)


def sharpness(rgb: Rgb, mask: Mask | None = None) -> float | None:
    """Return the variance of the Laplacian of the grey levels under a mask (Pech-Pacheco et al., 2000).

    It grows with sharpness, and depends on the subject: use the ratio of two versions of one image.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    second = np.asarray(cv2.Laplacian(grey, cv2.CV_32F, ksize=3), np.float32)
    weight = None if mask is None else np.asarray(np.where(mask > 0.5, mask, 0), np.float32)
    mean = weighted_mean(second, weight)
    return None if mean is None else weighted_mean((second - mean) ** 2, weight)


def seam(before: Rgb, after: Rgb, mask: Mask, width: int | None = None) -> Seam | None:
    """Return what the edge of a region looks like before and after, or None if the mask has no edge.

    Args:
        before: Image, shape (height, width, 3).
        after: Image of the same shape.
        mask: The edit's region.
        width: Pixels on each side of the edge; 0.8 % of the longer side if None.
    """
    width = max(2, round(max(mask.shape) * 0.008)) if width is None else width
    hard = (mask > 0.5).astype(np.float32)
    inner = np.asarray(hard - grow(hard, -width), np.float32)
    outer = np.asarray(grow(hard, width) - hard, np.float32)
    steps = []
    for image in (before, after):
        a, b = mean_lab(image, inner), mean_lab(image, outer)
        if a is None or b is None:
            return None
        steps.append(float(ciede2000(a, b)))
    edge = np.maximum(inner, outer)
    slopes = [weighted_mean(_gradient(image), edge) or 0.0 for image in (before, after)]
    return Seam(steps[0], steps[1], (slopes[1] + 1) / (slopes[0] + 1))


def _gradient(rgb: Rgb) -> _Map:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4, np.float32)
