"""Faces, by CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019).

The published ONNX file has a fixed input shape that onnxruntime insists on; OpenCV's runtime takes any multiple of 32.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Box, Mask, Rgb
from reasonedit_agent.perception.detector import overlap
from reasonedit_agent.weights import weight_path

__all__ = ["Face", "face_mask", "find_faces"]

_STRIDE = 4
_LONG_SIDE = 800
_OUTPUTS = ["537", "538", "539", "540"]  # heat map, size, offset, landmarks
_lock = threading.Lock()  # OpenCV's networks keep their input as state


@dataclass(frozen=True, slots=True)
class Face:
    """One face.

    Attributes:
        box: Where, in pixels.
        score: 0 to 1.
        landmarks: Eyes, nose and corners of the mouth as (x, y).
    """

    box: Box
    score: float
    landmarks: tuple[tuple[float, float], ...]


@cache
def _network() -> cv2.dnn.Net:
    return cv2.dnn.readNetFromONNX(str(weight_path("centerface.onnx")))


def find_faces(rgb: Rgb, threshold: float = 0.35) -> list[Face]:
    """Return the faces, the surest first.

    Args:
        rgb: Image, shape (height, width, 3).
        threshold: Least score.

    Raises:
        UsageError: The weights are missing or damaged.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _LONG_SIDE / max(height, width))
    side_y, side_x = (max(32, round(v * scale / 32) * 32) for v in (height, width))
    blob = cv2.dnn.blobFromImage(cv2.resize(rgb, (side_x, side_y), interpolation=cv2.INTER_AREA))
    with _lock:
        network = _network()
        network.setInput(blob)
        heat, size, offset, marks = (np.asarray(o, np.float32)[0] for o in network.forward(_OUTPUTS))
    faces = _decode(heat[0], size, offset, marks, threshold, (width / side_x, height / side_y))
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(overlap(face.box, other.box) < 0.3 for other in kept):
            kept.append(face)
    return kept


def _decode(
    heat: npt.NDArray[np.float32],
    size: npt.NDArray[np.float32],
    offset: npt.NDArray[np.float32],
    marks: npt.NDArray[np.float32],
    threshold: float,
    scale: tuple[float, float],
) -> list[Face]:
    """Read the four maps (section 3 of the paper): centre + offset, exp(size), landmarks relative to the box."""
    faces = []
    for row, column in np.argwhere(heat > threshold):
        tall, wide = (float(v) for v in np.exp(size[:, row, column]) * _STRIDE)
        top = (row + float(offset[0, row, column]) + 0.5) * _STRIDE - tall / 2
        left = (column + float(offset[1, row, column]) + 0.5) * _STRIDE - wide / 2
        points = marks[:, row, column].reshape(5, 2)
        landmarks = tuple(((left + float(x) * wide) * scale[0], (top + float(y) * tall) * scale[1]) for y, x in points)
        box = (
            max(0.0, left * scale[0]),
            max(0.0, top * scale[1]),
            min(heat.shape[1] * _STRIDE, left + wide) * scale[0],
            min(heat.shape[0] * _STRIDE, top + tall) * scale[1],
        )
        if box[2] - box[0] >= 1 and box[3] - box[1] >= 1:
            faces.append(Face(box, float(heat[row, column]), landmarks))
    return faces


def face_mask(faces: list[Face], height: int, width: int) -> Mask:
    """Return a soft mask of ellipses a little larger than the faces' boxes."""
    mask = np.zeros((height, width), np.float32)
    for face in faces:
        left, top, right, bottom = face.box
        centre = (round((left + right) / 2), round((top + bottom) / 2))
        axes = (max(1, round((right - left) * 0.58)), max(1, round((bottom - top) * 0.58)))
        one = np.zeros_like(mask)
        cv2.ellipse(one, centre, axes, 0, 0, 360, 1, cv2.FILLED)
        mask = np.maximum(mask, cv2.GaussianBlur(one, (0, 0), max(0.6, min(axes) * 0.04)))
    return mask
