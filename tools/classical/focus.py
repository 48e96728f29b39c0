"""Blur and sharpen."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.operations import Blur, Sharpen
from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.tools.classical.picture import Bench, Floats, Picture, blend, opacity

__all__ = ["blur", "gaussian", "masked_blur", "sharpen"]

_EXACT = 6.0  # a wider Gaussian is computed on a smaller image, which differs by less than a grey level


def gaussian(values: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Return a Gaussian blur of one or more channels; the border repeats the edge.

    Args:
        values: Shape (height, width) or (height, width, channels).
        sigma: In pixels; the cost does not grow with it.
    """
    height, width = values.shape[:2]
    factor = int(sigma / _EXACT) + 1
    size = (max(1, -(-width // factor)), max(1, -(-height // factor)))
    if factor == 1 or min(size) < 4:
        reach = min(int(sigma * 4) | 1, 4 * max(height, width) | 1)
        return _as_shape(cv2.GaussianBlur(values, (reach, reach), sigma, borderType=cv2.BORDER_REPLICATE), values)
    # Averages over `factor` pixels and the linear way back blur too: what is left to do is the rest of the variance.
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    fx, fy = width / size[0], height / size[1]
    rest = [float(np.sqrt(max((sigma / f) ** 2 - 1 / 12 - 1 / 6, 0.05))) for f in (fx, fy)]
    soft = cv2.GaussianBlur(small, (0, 0), rest[0], sigmaY=rest[1], borderType=cv2.BORDER_REPLICATE)
    return _as_shape(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), values)


def _as_shape(out: npt.NDArray[np.generic], like: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(out, np.float32).reshape(like.shape)


def masked_blur(colours: Floats, weights: Mask, sigma: float) -> tuple[Floats, Mask]:
    """Return a blur in which a pixel counts by its weight, and how much weight each result rests on.

    Source: normalised convolution, Knutsson and Westin 1993.
    """
    mass = gaussian(weights, sigma)
    colour = gaussian(colours * weights[..., None], sigma)
    return np.asarray(colour / np.maximum(mass, 1e-6)[..., None], np.float32), mass


def blur(picture: Picture, operation: Blur, mask: Mask, bench: Bench) -> Picture:
    """Blur the region with colours from the region alone: the subject does not bleed into its background."""
    colours = picture.rgb.astype(np.float32)
    # A pixel of the soft rim is part subject: it hardly counts.
    weights: Mask = np.asarray(mask**4, np.float32)
    if picture.alpha is not None:
        weights = weights * opacity(picture.alpha)
    if float(weights.min()) == 1:
        soft = gaussian(colours, operation.sigma)
    else:
        soft, mass = masked_blur(colours, weights, operation.sigma)
        bench.tell(0.7)
        # Where hardly anything of the region is in reach (a thin remnant), it stays what it was.
        known = np.clip(mass * 2000, 0, 1)[..., None]
        soft = np.asarray(soft * known + colours * (1 - known), np.float32)
    return picture.painted(blend(picture.rgb, soft, mask))


def sharpen(picture: Picture, operation: Sharpen, mask: Mask, bench: Bench) -> Picture:
    """Add the detail of the luma that a blur takes out, without halos and without the colour noise."""
    colours = picture.rgb.astype(np.float32)
    luma = np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY), np.float32)
    sigma = float(np.clip(max(picture.size) / 1000, 0.9, 2.5))
    detail = luma - gaussian(luma, sigma)
    detail = np.sign(detail) * np.maximum(np.abs(detail) - 0.6, 0)  # noise of less than a grey level stays
    sharp = luma + operation.amount * detail
    # No brighter or darker than the neighbours by more than a little: that is what a halo is.
    kernel = np.ones((3, 3), np.uint8)
    room = 4 + 6 * operation.amount
    low, high = (np.asarray(f(luma, kernel), np.float32) for f in (cv2.erode, cv2.dilate))
    sharp = np.clip(sharp, low - room, high + room)
    return picture.painted(blend(picture.rgb, colours + (sharp - luma)[..., None], mask))
