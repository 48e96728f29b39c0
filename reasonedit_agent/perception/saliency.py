"""The salient object of an image, by U2-Net (Qin et al., "U2-Net", Pattern Recognition 2020)."""

from __future__ import annotations

import cv2
import numpy as np

from reasonedit_agent.perception.arrays import Mask, Rgb, resize_mask
from reasonedit_agent.perception.sessions import onnx_session
from reasonedit_agent.weights import weight_path

__all__ = ["saliency"]

_SIDE = 320
_MARGIN = 48
_TOUCHES = 0.12  # share of an edge that the subject must cover for the second pass
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


def saliency(rgb: Rgb, margins: bool = True) -> Mask:
    """Return how much each pixel belongs to what stands out.

    The network answers "what is salient", not "what was named". Its output is stretched to 0..1, so an image without a
    subject has a mask too. Where the subject runs out of the picture, a second pass sees the picture with a replicated
    margin: the network is weak at the border.

    Args:
        rgb: Image, shape (height, width, 3).
        margins: Whether to make the second pass where it may help.

    Returns:
        Soft mask of the same height and width, 0 to 1, with the detail of 320 x 320 pixels.

    Raises:
        UsageError: The weights are missing or damaged.
    """
    height, width = rgb.shape[:2]
    small = np.asarray(cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    mask = _forward(small)
    border = [mask[:2], mask[-2:], mask[:, :2].T, mask[:, -2:].T]
    if margins and max(float((strip > 0.5).mean()) for strip in border) > _TOUCHES:
        wide = np.asarray(cv2.copyMakeBorder(small, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE), np.uint8)
        inner = _forward(np.asarray(cv2.resize(wide, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8))
        inner = resize_mask(inner, _SIDE + 2 * _MARGIN, _SIDE + 2 * _MARGIN)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        mask = np.maximum(mask, inner)
    return np.clip(resize_mask(mask, height, width), 0, 1)


def _forward(square: Rgb) -> Mask:
    pixels = (square.astype(np.float32) / max(float(square.max()), 1.0) - _MEAN) / _STD
    session = onnx_session(weight_path("u2net.onnx"), arena=True)
    output = session.get_outputs()[0].name
    (out,) = session.run([output], {session.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None]})
    mask = np.asarray(out, np.float32).reshape(_SIDE, _SIDE)
    low, high = float(mask.min()), float(mask.max())
    return np.asarray((mask - low) / max(high - low, 1e-6), np.float32)
