"""Crop, resize, rotate, flip, upscale: sizes are exact, or they are wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from reasonedit_agent import operations as ops
from reasonedit_agent.perception import framing
from reasonedit_agent.perception.arrays import Mask, mask_box
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Finding, Float, Remedy
from reasonedit_agent.schemas import EditStep, Geometry

__all__ = ["crop", "flip", "plan_geometry", "resize", "rotate", "same_scene", "upscale"]


# -- what the plan should give ----------------------------------------------------------------------------------------


def plan_geometry(
    steps: Sequence[EditStep], boxes: Sequence[tuple[float, float, float, float] | None], size: tuple[int, int]
) -> tuple[Geometry, tuple[int, int], list[float]]:
    """Follow the plan's geometry steps from the source.

    Args:
        steps: The plan.
        boxes: Bounding box of each step's region in source pixels; None for the whole picture.
        size: Width and height of the source.

    Returns:
        The geometry, the size, and for each step the scale (pixels per source pixel) of the picture it starts from.
    """
    geometry = Geometry(valid=(0.0, 0.0, float(size[0]), float(size[1])))
    scales = []
    for step, box in zip(steps, boxes, strict=True):
        scales.append(geometry.scale)
        geometry, size = _after(step, box, geometry, size)
    return geometry, size, scales


def _after(
    step: EditStep, box: tuple[float, float, float, float] | None, geometry: Geometry, size: tuple[int, int]
) -> tuple[Geometry, tuple[int, int]]:
    op, (width, height) = step.operation, size
    if isinstance(op, ops.Crop):
        left, top, right, bottom = _crop_box(op, box, geometry, size)
        return geometry.cropped(left, top, right, bottom), (right - left, bottom - top)
    if isinstance(op, ops.Resize):
        new = framing.resized(op, size)
        return geometry.then((new[0] / width, 0, 0, 0, new[1] / height, 0)), new
    if isinstance(op, ops.Upscale):
        return geometry.then((op.factor, 0, 0, 0, op.factor, 0)), (width * op.factor, height * op.factor)
    if isinstance(op, ops.Flip):
        matrix = (-1, 0, width, 0, 1, 0) if op.axis == "horizontal" else (1, 0, 0, 0, -1, height)
        return geometry.then(matrix), size
    if isinstance(op, ops.Rotate):
        turn, canvas = framing.turned(op.degrees, size)
        return geometry.then(turn), canvas
    return geometry, size


def _crop_box(
    op: ops.Crop, box: tuple[float, float, float, float] | None, geometry: Geometry, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return the box that `operations.Crop` describes, in the pixels of the picture that the step starts from."""
    corners = None
    if box is not None:
        points = [geometry.to_candidate(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        corners = max(0.0, min(xs)), max(0.0, min(ys)), min(float(size[0]), max(xs)), min(float(size[1]), max(ys))
    return framing.cropped(op, corners, size) or (0, 0, *size)


# -- the checks -------------------------------------------------------------------------------------------------------


def same_scene(seen: Evidence) -> float:
    """Return how well the candidate's outlines lie on those of the source where its geometry puts them, -1 to 1."""
    where = seen.valid & seen.known
    if int(where.sum()) < 64:
        return 1.0
    a, b = (_outlines(lab[..., 0]) for lab in (seen.source_lab, seen.result_lab))
    if min(float(a[where].std()), float(b[where].std())) < 0.05:
        return 1.0
    return float(np.corrcoef(a[where], b[where])[0, 1])


def _outlines(light: Float) -> Float:
    soft = np.asarray(cv2.GaussianBlur(light, (0, 0), 1.5), np.float32)
    return np.asarray(np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)), np.float32)


def _verdict(question: str, step: EditStep, ok: bool, note: str, nearly: bool, measures: dict[str, float]) -> Finding:
    if ok:
        return Finding(question, True, note, 10, (), 1.0, measures)
    return Finding(question, False, note, 5.0 if nearly else 0.0, (Remedy("restart", step, "anew"),), 1.0, measures)


def _size_note(seen: Evidence) -> str:
    (width, height), (wide, tall) = seen.size, seen.planned_size
    return f"{width} x {height} px, wanted {wide} x {tall}"


def _size_off(seen: Evidence) -> int:
    return max(abs(seen.size[0] - seen.planned_size[0]), abs(seen.size[1] - seen.planned_size[1]))


def resize(step: EditStep, seen: Evidence) -> Finding:
    """Is the size exact?"""
    off, scene = _size_off(seen), same_scene(seen)
    op = step.operation
    # A side that follows from the ratio may be rounded either way; a side that was named may not.
    both = isinstance(op, ops.Resize) and op.width is not None and op.height is not None
    ok = off <= (0 if both else 1) and scene >= 0.6 and _named_sides(step, seen)
    note = f"{_size_note(seen)}, outlines agree {scene:.2f}"
    return _verdict("Is the size exact?", step, ok, note, off <= 3, {"size_off": float(off), "scene": scene})


def _named_sides(step: EditStep, seen: Evidence) -> bool:
    op = step.operation
    if not isinstance(op, ops.Resize) or seen.planned_size != framing.resized(op, seen.planned_size):
        return True
    return (op.width in (None, seen.size[0])) and (op.height in (None, seen.size[1]))


def upscale(step: EditStep, seen: Evidence) -> Finding:
    """Is the size exact, and does the enlarged picture, reduced again, equal the source?"""
    off, where = _size_off(seen), seen.valid & seen.known
    soft = [cv2.GaussianBlur(lab, (0, 0), 1.5) for lab in (seen.wanted, seen.result_lab)]
    drift = float(np.linalg.norm(soft[0] - soft[1], axis=2)[where].mean()) if where.any() else 0.0
    ok = off == 0 and drift <= 5
    note = f"{_size_note(seen)}, differs by {drift:.1f} Lab from the source when reduced"
    return _verdict("Is it enlarged and still the same?", step, ok, note, off == 0, {"size_off": off, "drift": drift})


def crop(step: EditStep, seen: Evidence) -> Finding:
    """Has it the asked shape, and does it hold the subject?"""
    op = step.operation
    assert isinstance(op, ops.Crop)
    wide, tall = seen.size
    slack = max(2.0, 0.012 * max(seen.planned_size))
    off, scene = _size_off(seen), same_scene(seen)
    if op.ratio is not None and _has_ratio(seen.planned_size, op.ratio):  # unless a later step changes the shape
        right = _has_ratio(seen.size, op.ratio)
        size_ok = off <= slack or (right and wide * tall >= 0.9 * seen.planned_size[0] * seen.planned_size[1])
    else:
        right, size_ok = True, off <= slack
    held = _held(seen)
    ok = right and size_ok and held >= 0.97 and scene >= 0.6
    note = f"{_size_note(seen)}, {held:.0%} of the wanted part is inside, outlines agree {scene:.2f}"
    measures = {"size_off": float(off), "held": held, "scene": scene}
    return _verdict("Is it cropped as asked?", step, ok, note, held > 0.8 and off < 0.2 * max(seen.size), measures)


def _has_ratio(size: tuple[int, int], ratio: tuple[float, float]) -> bool:
    wide, tall = size
    return abs(wide - tall * ratio[0] / ratio[1]) <= 1.5 + wide / max(tall, 1)


def _held(seen: Evidence) -> float:
    """Return the share of the planned part of the source that the candidate shows."""
    a, b = seen.planned.valid, seen.geometry.valid
    shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return shared / max(1e-6, (a[2] - a[0]) * (a[3] - a[1]))


def _turn(geometry: Geometry) -> float:
    a, _, _, d, _, _ = geometry.matrix
    return math.degrees(math.atan2(d, a))


def _mirrored(geometry: Geometry) -> bool:
    a, b, _, d, e, _ = geometry.matrix
    return a * e - b * d < 0


def rotate(step: EditStep, seen: Evidence) -> Finding:
    """Is it turned by the asked angle, with nothing lost?"""
    off = abs((_turn(seen.geometry) - _turn(seen.planned) + 180) % 360 - 180)
    scene, size_off, held = same_scene(seen), _size_off(seen), _held(seen)
    ok = off <= 0.3 and scene >= 0.5 and size_off <= 3 and held >= 0.99
    note = f"the angle is off by {off:.1f}°, {_size_note(seen)}, outlines agree {scene:.2f}"
    return _verdict("Is it turned as asked?", step, ok, note, off <= 2, {"angle_off": off, "scene": scene})


def flip(step: EditStep, seen: Evidence) -> Finding:
    """Is it mirrored along the asked axis?"""
    scene = same_scene(seen)
    right = _mirrored(seen.geometry) == _mirrored(seen.planned)
    right = right and abs((_turn(seen.geometry) - _turn(seen.planned) + 180) % 360 - 180) <= 1
    ok = right and scene >= 0.6
    note = f"{'mirrored' if right else 'not mirrored'} as asked, outlines agree {scene:.2f}"
    return _verdict("Is it mirrored as asked?", step, ok, note, False, {"scene": scene})


def region_box(mask: Mask, scale: float) -> tuple[float, float, float, float] | None:
    """Return the bounding box of a mask, divided by ``scale``."""
    box = mask_box(mask)
    return None if box is None else (box[0] / scale, box[1] / scale, box[2] / scale, box[3] / scale)
