"""Text: PP-OCRv4 (Du et al., "PP-OCR", 2020), detection by differentiable binarization, recognition by CTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Box, Mask, Rgb
from reasonedit_agent.perception.sessions import onnx_session
from reasonedit_agent.weights import weight_path

__all__ = ["TextLine", "read_text", "text_mask"]

_LONG_SIDE = 1280
_SHORT_SIDE = 640  # smaller images are enlarged: the detector misses letters below about 12 pixels
_INK = 0.3  # probability from which a pixel is text
_LEAST_BOX = 0.4  # mean probability in a box
_LEAST_READ = 0.5  # mean probability of the characters
_LEAST_READ_ONE = 0.85  # the same for a lone character: round things look like an "O"
_UNCLIP = 1.6  # the detector sees the middle of a line; boxes grow by area * this / perimeter
_LINE_HEIGHT = 48
_BATCH = 6

_Quad = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text.

    Attributes:
        text: What it says.
        score: How sure the reading is, 0 to 1.
        quad: Corners as (x, y) in pixels: upper left, upper right, lower right, lower left of the writing.
    """

    text: str
    score: float
    quad: tuple[tuple[float, float], ...]

    @property
    def box(self) -> Box:
        """The upright box around the line."""
        xs, ys = zip(*self.quad, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def read_text(rgb: Rgb) -> list[TextLine]:
    """Return the lines of text, from top to bottom.

    Args:
        rgb: Image, shape (height, width, 3); it is searched at no more than 1280 pixels, and read at its own size.

    Raises:
        UsageError: The weights are missing or damaged.
    """
    quads = _find(rgb)
    read = _read([_cut(rgb, quad) for quad in quads])
    lines = [
        TextLine(text, score, tuple((float(x), float(y)) for x, y in quad))
        for quad, (text, score) in zip(quads, read, strict=True)
        if text.strip() and score >= (_LEAST_READ if len(text.strip()) > 1 else _LEAST_READ_ONE)
    ]
    return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _find(rgb: Rgb) -> list[_Quad]:
    height, width = rgb.shape[:2]
    scale = min(max(1.0, _SHORT_SIDE / min(height, width)), _LONG_SIDE / max(height, width))
    side_y, side_x = (max(32, round(v * scale / 32) * 32) for v in (height, width))
    shrink = side_x < width
    small = cv2.resize(rgb, (side_x, side_y), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    session = onnx_session(weight_path("ppocr-det.onnx"))
    (out,) = session.run(None, {session.get_inputs()[0].name: _normal(np.asarray(small, np.uint8))[None]})
    ink = np.asarray(out, np.float32)[0, 0]
    binary = cv2.dilate((ink > _INK).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    quads = []
    for contour in contours[:1000]:
        centre, (wide, tall), angle = cv2.minAreaRect(contour)
        if min(wide, tall) < 3 or _mean_inside(ink, _corners(centre, wide, tall, angle)) < _LEAST_BOX:
            continue
        grow = 2 * wide * tall * _UNCLIP / (2 * (wide + tall))
        corners = _corners(centre, wide + grow, tall + grow, angle) * [width / side_x, height / side_y]
        quads.append(_ordered(np.clip(corners, 0, [width, height]).astype(np.float32)))
    return quads


def _corners(centre: Sequence[float], wide: float, tall: float, angle: float) -> _Quad:
    return np.asarray(cv2.boxPoints((centre, (wide, tall), angle)), np.float32)


def _normal(rgb: Rgb) -> npt.NDArray[np.float32]:
    """Blue first, -1 to 1, channels first, as the models were trained."""
    return np.ascontiguousarray(rgb[..., ::-1].astype(np.float32).transpose(2, 0, 1) / 127.5 - 1)


def _mean_inside(ink: npt.NDArray[np.float32], corners: npt.NDArray[np.float32]) -> float:
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    part = ink[top:bottom, left:right]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(corners - [left, top]).astype(np.int32)], 1)
    return float(part[inside > 0].mean()) if inside.any() else 0.0


def _ordered(corners: _Quad) -> _Quad:
    """Upper left, upper right, lower right, lower left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    left, right = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def _cut(rgb: Rgb, quad: _Quad) -> Rgb:
    """Return the line upright, 48 pixels high; writing that is much taller than wide is turned by a quarter."""
    sides = np.maximum(np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1), 1)
    wide, tall = float(max(sides[0], sides[2])), float(max(sides[1], sides[3]))
    if tall >= 1.5 * wide:
        quad, wide, tall = np.roll(quad, -1, axis=0), tall, wide
    width = int(np.clip(round(_LINE_HEIGHT * wide / tall), 16, 2400))
    target = np.array([[0, 0], [width, 0], [width, _LINE_HEIGHT], [0, _LINE_HEIGHT]], np.float32)
    warp = cv2.getPerspectiveTransform(quad, target)
    out = cv2.warpPerspective(rgb, warp, (width, _LINE_HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def _read(lines: list[Rgb]) -> list[tuple[str, float]]:
    if not lines:
        return []
    session = onnx_session(weight_path("ppocr-rec.onnx"))
    characters = ["", *session.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
    answers: list[tuple[str, float]] = [("", 0.0)] * len(lines)
    order = sorted(range(len(lines)), key=lambda k: lines[k].shape[1])  # neighbours share a batch with little padding
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        width = max(320, max(lines[k].shape[1] for k in chosen))
        batch = np.zeros((len(chosen), 3, _LINE_HEIGHT, width), np.float32)
        for row, k in enumerate(chosen):
            batch[row, :, :, : lines[k].shape[1]] = _normal(lines[k])
        (out,) = session.run(None, {session.get_inputs()[0].name: batch})
        for row, k in enumerate(chosen):
            answers[k] = _greedy(np.asarray(out, np.float32)[row], characters)
    return answers


def _greedy(steps: npt.NDArray[np.float32], characters: list[str]) -> tuple[str, float]:
    """CTC: the likeliest class of each step, repeats merged, then blanks (class 0) dropped."""
    best = steps.argmax(axis=1)
    new = np.concatenate([[True], best[1:] != best[:-1]]) & (best != 0)
    if not new.any():
        return "", 0.0
    return "".join(characters[k] for k in best[new]), float(steps.max(axis=1)[new].mean())


def text_mask(lines: list[TextLine], height: int, width: int) -> Mask:
    """Return a mask of the lines' areas, a little larger than the writing, with soft edges."""
    mask = np.zeros((height, width), np.float32)
    if not lines:
        return mask
    for line in lines:
        cv2.fillPoly(mask, [np.round(np.array(line.quad)).astype(np.int32)], 1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.6, max(height, width) / 800)), np.float32)
