"""The sky: flat texture that touches the upper edge, cut out along the image's edges. A heuristic, not a model."""

from __future__ import annotations

import cv2
import numpy as np

from reasonedit_agent.perception.arrays import Mask, Rgb, bounded, resize_mask
from reasonedit_agent.perception.masks import grabcut, grow, guided, straightness

__all__ = ["find_sky"]

_LONG_SIDE = 512
_FLAT = 18.0  # gradient (Sobel, grey levels) below which a pixel has no texture
_LEAST = 0.03  # of the image's area
_PATCH = 0.002  # of the image's area: smaller flat spots behind branches are left to the colours' gradient
_CONTINUES = 14.0  # distance in Lab of a flat patch from the sky's gradient
_GLOW_WIDE = 0.3  # of the image's width
_STRAIGHT = 1.5  # clouds have less, walls and towers in the sun more
_GLOW_DOWN = 0.7  # of its height, from the upper edge
_LIKELY = 0.45  # score below which it is rather a wall


def find_sky(rgb: Rgb) -> tuple[Mask, float] | None:
    """Return a soft mask of the sky and how sure it is (0 to 1), or None where there seems to be none.

    Args:
        rgb: Image, shape (height, width, 3).
    """
    small = bounded(rgb, _LONG_SIDE)
    height, width = small.shape[:2]
    if min(height, width) < 16:
        return None
    seed = _flat_from_top(small)
    if seed.mean() < _LEAST:
        return None
    sure = np.zeros_like(seed)
    sure[: height // 30 + 1] = seed[: height // 30 + 1]
    ground = np.zeros_like(seed)
    ground[int(height * 0.93) :] = 1
    cut = grabcut(small, seed, sure, ground)
    mask = _touching_top(cut)
    if mask.mean() < _LEAST:
        return None
    score = _score(small, mask)
    if score < _LIKELY:
        return None
    mask = _with_glow(small, _with_patches(small, mask), ground)
    mask = resize_mask(_same_gradient(small, mask), rgb.shape[0], rgb.shape[1])
    return guided(rgb, mask, max(2, max(rgb.shape[:2]) // 300), 1e-3), score


def _flat_from_top(rgb: Rgb) -> Mask:
    return _touching_top(_flat(rgb))


def _flat(rgb: Rgb) -> Mask:
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    edge = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    flat = cv2.morphologyEx((edge < _FLAT).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(flat, np.float32)


def _touching_top(mask: Mask) -> Mask:
    """Keep the parts that reach the upper edge over at least 3 % of the width."""
    _, labels = cv2.connectedComponents((mask > 0.5).astype(np.uint8))
    strip = labels[: max(4, len(mask) // 40)]
    wide = [k for k in np.unique(strip) if k and int((strip == k).sum()) > mask.shape[1] * 0.03]
    return np.isin(labels, wide).astype(np.float32)


def _off_gradient(rgb: Rgb, mask: Mask) -> Mask:
    """Return the distance in Lab from a quadratic surface of colour that is fitted to the mask."""
    height, width = mask.shape
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    inside = mask > 0.5
    surface, *_ = np.linalg.lstsq(terms[inside], lab[inside], rcond=None)
    return np.asarray(np.linalg.norm(lab - terms @ surface, axis=-1), np.float32)


def _lowest(mask: Mask) -> int:
    return int(np.flatnonzero((mask > 0.5).any(axis=1))[-1])


def _with_patches(rgb: Rgb, mask: Mask) -> Mask:
    """Add the flat patches that something cuts off from the upper edge, a tree for example."""
    off = _off_gradient(rgb, mask)
    flat = (_flat(rgb) > 0.5) & (mask < 0.5)
    flat[_lowest(mask) + 1 :] = False
    count, labels = cv2.connectedComponents(flat.astype(np.uint8))
    size = np.bincount(labels.ravel(), minlength=count)
    mean = np.bincount(labels.ravel(), weights=off.ravel(), minlength=count) / np.maximum(size, 1)
    add = (size > _PATCH * mask.size) & (mean < _CONTINUES)
    add[0] = False
    return np.asarray(np.maximum(mask, add[labels]), np.float32)


def _with_glow(rgb: Rgb, mask: Mask, ground: Mask) -> Mask:
    """Add the glow of a low sun under the clouds: bright, warm, smooth, and next to the sky; then cut anew."""
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 2).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    inside = mask > 0.5
    darker = lab[..., 0][inside].mean()
    warm = (lab[..., 2] > 15) & (lab[..., 1] > -5) & (lab[..., 0] > max(darker, 45.0)) & ~inside
    warm[int(len(warm) * _GLOW_DOWN) :] = False
    near = cv2.dilate(mask, np.ones((len(mask) // 20 | 1,) * 2, np.uint8)) > 0.5
    _, labels = cv2.connectedComponents(warm.astype(np.uint8))
    touching = np.unique(labels[near & warm])
    glow = np.isin(labels, touching[touching > 0])
    wide = float(glow.any(axis=0).mean())
    if wide < _GLOW_WIDE or darker > 70 or straightness(rgb, grow(glow.astype(np.float32), -3), 0.03, 2) > _STRAIGHT:
        return mask
    both = np.maximum(mask, glow.astype(np.float32))
    # What lies above the glow, between it and the sky, are clouds as dark as they like.
    last = np.where(glow.any(axis=0), len(glow) - 1 - np.argmax(glow[::-1], axis=0), -1)
    above = np.arange(len(glow))[:, None] <= last[None]
    guess = np.maximum(both, above.astype(np.float32))
    return np.maximum(mask, _touching_top(grabcut(rgb, guess, both, np.maximum(ground, 1 - guess), iterations=2)))


def _same_gradient(rgb: Rgb, mask: Mask) -> Mask:
    """Add what continues the sky's colour: a quadratic surface in Lab, fitted to the mask, that hardly deviates.

    This reaches the sky behind lattices and branches, and the darker or brighter part near the horizon.
    """
    off = _off_gradient(rgb, mask)
    inside = mask > 0.5
    limit = float(np.clip(2.5 * np.median(off[inside]), 3, 7))
    near = (off < limit).astype(np.uint8)
    near[_lowest(mask) + len(mask) // 20 :] = 0
    opened = np.asarray(cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.float32)
    return np.maximum(mask, opened)


def _score(rgb: Rgb, mask: Mask) -> float:
    """Sky spans the top, is bluish, grey, bright or near black, and is not skin, wood or leaves all over."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    inside = lab[mask > 0.5]
    lightness, a, b = (float(v) for v in inside.mean(axis=0))
    spans = float(mask[: max(1, len(mask) // 30)].mean())
    height_share = float((mask > 0.5).any(axis=1).mean())
    sky_like = 1.0 if b < 4 else 0.6 if lightness > 80 else 0.5 if b < 25 else 0.25  # blue, white, dusk, else
    if a < -12:  # green
        sky_like *= 0.3
    darkness = 0.6 if lightness < 12 else 1.0  # a black studio wall looks the same
    return float(min(0.95, spans * 1.1) * sky_like * darkness * (0.6 if height_share > 0.97 else 1.0))
