"""Making a region unreadable for good: what is left holds a few averages of what was there."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from reasonedit_agent.operations import Redact
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.tools.classical.focus import masked_blur
from reasonedit_agent.tools.classical.picture import Bench, Picture, blend

__all__ = ["redact"]


def redact(picture: Picture, operation: Redact, mask: Mask, bench: Bench) -> Picture:
    """Pixelate, blur or cover each connected part of the region, by its own size."""
    hard = (mask > 0.3).astype(np.uint8)
    # Lines of one text stand apart by less than a letter: they are one part.
    joined = np.asarray(cv2.morphologyEx(hard, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    out = picture.rgb
    for part in range(1, count):
        left, top, wide, tall = (int(v) for v in stats[part, :4])
        reach = max(2, round(min(wide, tall) * 0.08))
        rows = slice(max(0, top - reach), top + tall + reach)
        columns = slice(max(0, left - reach), left + wide + reach)
        own = (labels[rows, columns] == part).astype(np.float32)
        # A letter or an outline that the mask cuts may stick out: one more ring is hidden too.
        cover = np.maximum(mask[rows, columns] * own, grow(own, max(1, reach // 2)))
        cover = cv2.GaussianBlur(np.asarray(cover, np.float32), (3, 3), 0) if operation.style == "blur" else cover
        hidden = _STYLES[operation.style](out[rows, columns], own, _block(wide, tall) * operation.strength)
        out = out.copy() if out is picture.rgb else out
        out[rows, columns] = blend(out[rows, columns], hidden, np.asarray(cover, np.float32))
        bench.tell(part / count)
    return picture.painted(out)


def _block(wide: int, tall: int) -> float:
    """Return the side of a block that hides what a part may be: a line of text (long), a word (small) or a face."""
    side = min(wide, tall)
    share = 2 if max(wide, tall) > 2.2 * side else 3 if side < 64 else 6.5
    return max(4.0, side / share)


def _pixelate(rgb: Rgb, own: Mask, block: float) -> Rgb:
    height, width = rgb.shape[:2]
    size = (max(1, round(width / block)), max(1, round(height / block)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    averages = np.asarray(small, np.float32).reshape(size[1], size[0], 3)
    small = np.clip(np.rint(averages / 8) * 8, 0, 255).astype(np.uint8)  # exact averages could be solved for
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _blur(rgb: Rgb, own: Mask, block: float) -> Rgb:
    soft, _ = masked_blur(rgb.astype(np.float32), np.maximum(own, 0.02).astype(np.float32), block)
    # A Gaussian can be undone as far as the rounding allows: coarse averages first leave nothing to undo.
    coarse = _pixelate(np.clip(soft, 0, 255).astype(np.uint8), own, block)
    return np.clip(masked_blur(coarse.astype(np.float32), np.ones_like(own), block * 0.6)[0], 0, 255).astype(np.uint8)


def _fill(rgb: Rgb, own: Mask, block: float) -> Rgb:
    return np.zeros_like(rgb)


_STYLES: dict[str, Callable[[Rgb, Mask, float], Rgb]] = {"pixelate": _pixelate, "blur": _blur, "fill": _fill}
