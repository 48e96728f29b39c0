"""What lies in a mask and is of another material: what a vessel holds, a spoon that leans on a cup.

A mask of a thing is made of what stands out together. To blur or to cut out a cup with its coffee is right; to paint
the coffee with it is not.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, Rgb, bounded, mask_box, resize_mask
from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.masks import fill_holes, grabcut, grow, guided
from reasonedit_agent.perception.nouns import FIGURES

__all__ = ["VESSELS", "foreign"]

VESSELS = frozenset(["cup", "bowl", "wine glass", "vase"])
"""Things, by the detector's names, whose contents are no part of them."""

_SIDE = 272  # pixels at which it is decided
_CUTS = (300.0, 600.0, 1200.0)  # how large the segments tend to be: contents are one segment at some of them
_CONTENTS = (0.03, 0.45)  # share of the mask
_APART = 14.0  # distance in a* and b* from what surrounds the contents
_CLEAR = 0.7  # of the distance of what differs most: the shaded wall of a cup differs from its rim as well
_ENCLOSED = 0.97  # share of what surrounds the contents that is in the mask
_LOBE = 0.2  # radius of what cuts off a lobe, as a share of the square root of the mask's area
_LEAST = 0.012  # share of the mask of a lobe that counts
_ALIKE = 6.0  # distance in Lab and texture within which two pixels are of one material
_USUAL = 0.03  # share of the thing near by that must be alike
_KNOWN = 0.5  # share of a lobe that is like the thing, below which it is of another material
_BAND = 0.15  # how far what was found may go on, as a share of the square root of the mask's area
_GROWN = 1.8  # times its area that it may become
_MOST = 0.5  # of the mask: what would take away more has mistaken the thing itself

_Floats = npt.NDArray[np.float32]
_Flags = npt.NDArray[np.bool_]


def foreign(rgb: Rgb, mask: Mask, label: str) -> Mask | None:
    """Return what of a thing's mask is another thing, or None where nothing is.

    Args:
        rgb: Image, shape (height, width, 3).
        mask: Of the thing, of the same height and width.
        label: What the detector calls it. People and animals have parts of any colour: of them nothing is foreign.
    """
    if label in FIGURES or float((mask > 0.5).mean()) < 0.004:
        return None
    top, bottom, left, right = _around(mask)
    part = np.ascontiguousarray(rgb[top:bottom, left:right])
    found = _foreign(part, np.ascontiguousarray(mask[top:bottom, left:right]), label)
    if found is None:
        return None
    out = np.zeros_like(mask)
    out[top:bottom, left:right] = found
    return out


def _around(mask: Mask) -> tuple[int, int, int, int]:
    """Return the rows and columns of a mask with a little of what is around it: first, last, first, last."""
    left, top, right, bottom = (int(side) for side in mask_box(mask) or (0, 0, mask.shape[1], mask.shape[0]))
    pad = max(8, max(right - left, bottom - top) // 8)
    height, width = mask.shape
    return max(0, top - pad), min(height, bottom + pad), max(0, left - pad), min(width, right + pad)


def _foreign(rgb: Rgb, mask: Mask, label: str) -> Mask | None:
    small = _exposed(bounded(rgb, _SIDE))
    # Without its holes, so that a mask that spares the contents already is read the same way.
    inside = fill_holes(resize_mask(mask, *small.shape[:2]), largest=1.0) > 0.5
    lab = to_lab(np.asarray(cv2.bilateralFilter(small, 7, 30, 7), np.uint8))
    contents = _contents(small, lab, inside) if label in VESSELS else np.zeros(inside.shape, bool)
    out = contents | _lobes(np.dstack([lab, _texture(small)]), inside, contents)
    if not out.any() or out.sum() > _MOST * inside.sum():
        return None
    out = _completed(small, out, inside)
    rough = resize_mask(out.astype(np.float32), *rgb.shape[:2])
    fine = guided(rgb, rough, max(2, max(rgb.shape[:2]) // 256), 1e-3)
    return np.asarray(np.minimum(fine, mask), np.float32)


def _completed(rgb: Rgb, out: _Flags, inside: _Flags) -> _Flags:
    """Return what was found with what continues it: the neck of a spoon, the rim of the coffee."""
    band = max(3, round(_BAND * float(inside.sum()) ** 0.5))
    found = out.astype(np.float32)
    away = (grow(found, band) < 0.5) | ~inside
    cut = grabcut(rgb, found, grow(found, -2), away.astype(np.float32))
    more = (cut > 0.5) | out
    return more if more.sum() <= min(_GROWN * out.sum(), _MOST * inside.sum()) else out


def _exposed(rgb: Rgb) -> Rgb:
    """Return the image as bright as it can be, so that distances of colours mean the same in a dark photo."""
    white = max(64.0, float(np.percentile(rgb.max(axis=2), 99)))
    return np.asarray(np.clip(rgb * (255 / white), 0, 255), np.uint8)


def _texture(rgb: Rgb) -> _Floats:
    """Return the standard deviation of L* around each pixel: metal glitters, glaze does not."""
    light = to_lab(rgb)[..., 0]
    return np.asarray(np.sqrt(np.maximum(cv2.blur(light**2, (9, 9)) - cv2.blur(light, (9, 9)) ** 2, 0)), np.float32)


def _contents(rgb: Rgb, lab: _Floats, inside: _Flags) -> _Flags:
    """Return the segments that lie wholly in the mask and differ in hue or chroma from what surrounds them."""
    area = float(inside.sum())
    held: list[tuple[float, _Flags]] = []
    flat = np.ascontiguousarray(cv2.bilateralFilter(rgb, 9, 40, 9))
    for scale in _CUTS:  # Felzenszwalb and Huttenlocher, 2004
        cutter = cv2.ximgproc.segmentation.createGraphSegmentation(0.8, scale, max(20, int(0.01 * area)))
        segments = np.asarray(cutter.processImage(flat), np.int32)
        for number in np.unique(segments[inside]):
            own = segments == number
            fits = _CONTENTS[0] * area <= own.sum() <= _CONTENTS[1] * area
            if fits and (apart := _apart(own, lab, inside)) >= _APART:
                held.append((apart, own))
    clearest = max((apart for apart, _ in held), default=0.0)
    out = np.zeros(inside.shape, bool)
    # The coffee, rather than the wall above it or all that the rim surrounds.
    for apart, own in sorted(held, key=lambda pair: int(pair[1].sum())):
        if apart >= _CLEAR * clearest and not (own & out).any():
            out |= own
    return out


def _apart(own: _Flags, lab: _Floats, inside: _Flags) -> float:
    """Return how far a segment's hue and chroma are from those around it; 0 where the thing is not all around it."""
    around = [grow(own.astype(np.float32), pixels) > 0.5 for pixels in (2, 4, 9)]
    ring = around[1] & ~own
    if not ring.any() or float(inside[ring].mean()) < _ENCLOSED:
        return 0.0
    ring = around[2] & ~around[0] & inside
    if not ring.any():
        return 0.0
    apart = np.median(lab[own][:, 1:], axis=0) - np.median(lab[ring][:, 1:], axis=0)
    return float(np.hypot(*apart))


def _lobes(features: _Floats, inside: _Flags, contents: _Flags) -> _Flags:
    """Return the parts that stick out of the mask and are not like the thing where they meet it."""
    area = float(inside.sum())
    radius = max(3, round(_LOBE * area**0.5))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(inside.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[radius:-radius, radius:-radius] > 0
    core = inside & opened & ~contents
    out = np.zeros(inside.shape, bool)
    if core.sum() < 0.2 * area:
        return out
    count, labels, stats, _ = cv2.connectedComponentsWithStats((inside & ~opened).astype(np.uint8))
    for number in range(1, count):
        own = labels == number
        near = core & (cv2.dilate(own.astype(np.uint8), kernel) > 0)
        if stats[number, cv2.CC_STAT_AREA] >= _LEAST * area and near.any():
            out |= own & (_likeness(features[own], features[near]) < _KNOWN)
    return out


def _likeness(own: _Floats, core: _Floats) -> float:
    """Return the share of some pixels that are like a usual part of others."""
    some, others = own[:: max(1, len(own) // 500)], core[:: max(1, len(core) // 2500)]
    near = np.linalg.norm(some[:, None] - others[None], axis=2) < _ALIKE
    return float((near.mean(axis=1) >= _USUAL).mean())
