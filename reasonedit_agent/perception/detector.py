"""The 80 kinds of things of COCO, by a CenterNet on MobileNetV3 (Zhou et al., "Objects as Points", 2019).

The model is small (8 MB, committed in ``data/``) and modest: ask for what the user named, with a lower threshold,
rather than for everything.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reasonedit_agent.perception.arrays import Box, Rgb
from reasonedit_agent.perception.sessions import onnx_session

__all__ = ["COCO", "Detection", "detect", "overlap", "strongest"]

COCO: tuple[str, ...] = tuple(
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,"
    "stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,"
    "backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,"
    "baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,"
    "banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,"
    "oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush".split(",")
)

_MODEL = Path(__file__).parent / "data" / "centernet_mobilenetv3_coco_fp16.onnx"
_SIDE = 512
_MOST_SQUARES = 8
_TINY = 0.02  # of the longer side; specks of texture look like birds


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing that the detector saw.

    Attributes:
        label: A name of `COCO`.
        box: Where, in pixels, cut to the image.
        score: 0 to 1; above about 0.4 it can be believed unprompted.
    """

    label: str
    box: Box
    score: float


def detect(rgb: Rgb, close: bool = False) -> list[Detection]:
    """Return what the detector sees, the surest first; most of it is noise below about 0.3.

    Two views are searched: the image, and the image in a grey frame, in which things that fill the image look as small
    as those that the model was trained on; of a panorama, squares along it as well.

    Args:
        rgb: Image, shape (height, width, 3).
        close: Also search four overlapping quarters, for small things.
    """
    height, width = rgb.shape[:2]
    framed = cv2.copyMakeBorder(
        rgb, height // 2, height // 2, width // 2, width // 2, cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )
    views: list[tuple[Rgb, int, int]] = [(rgb, 0, 0), (np.asarray(framed, np.uint8), -(width // 2), -(height // 2))]
    views += _squares(rgb)
    if close:
        tall, wide = max(1, round(height * 0.6)), max(1, round(width * 0.6))
        for top in (0, height - tall):
            for left in (0, width - wide):
                views.append((rgb[top : top + tall, left : left + wide], left, top))
    found = []
    for view, left, top in views:
        for d in _detect_view(view):
            box = (
                min(max(d.box[0] + left, 0.0), float(width)),
                min(max(d.box[1] + top, 0.0), float(height)),
                min(max(d.box[2] + left, 0.0), float(width)),
                min(max(d.box[3] + top, 0.0), float(height)),
            )
            if min(box[2] - box[0], box[3] - box[1]) < 1:
                continue
            tiny = max(box[2] - box[0], box[3] - box[1]) < _TINY * max(view.shape[:2])
            found.append(Detection(d.label, box, d.score * (0.5 if tiny else 1.0)))
    return sorted(found, key=lambda d: -d.score)


def _squares(rgb: Rgb) -> list[tuple[Rgb, int, int]]:
    """Overlapping squares along a panorama: the model sees a square, and things squeezed by half are not recognised."""
    height, width = rgb.shape[:2]
    short, long = min(height, width), max(height, width)
    if long < 2 * short or short < 32:
        return []
    count = min(_MOST_SQUARES, -(-2 * (long - short) // short) + 1)
    starts = [round(k * (long - short) / (count - 1)) for k in range(count)]
    if width > height:
        return [(rgb[:, left : left + short], left, 0) for left in starts]
    return [(rgb[top : top + short], 0, top) for top in starts]


def _detect_view(rgb: Rgb) -> list[Detection]:
    height, width = rgb.shape[:2]
    session = onnx_session(_MODEL, arena=True)
    pixels = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)[None]
    (rows,) = session.run(["tower_0/detections"], {session.get_inputs()[0].name: pixels})
    scale_x, scale_y = width / _SIDE, height / _SIDE
    return [
        Detection(COCO[int(label)], (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y), score)
        for left, top, right, bottom, score, label in np.asarray(rows, np.float64).reshape(-1, 6).tolist()
        if 0 <= int(label) < len(COCO)
    ]


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def strongest(detections: Collection[Detection], labels: Collection[str], threshold: float) -> list[Detection]:
    """Return the detections with one of ``labels`` and at least ``threshold``, the surest first, one for each place.

    The detector lists near-copies of a thing under several sizes and labels; of those that overlap by half, or
    of one label and inside one another, the surest is kept.
    """
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        if detection.label not in labels or detection.score < threshold:
            continue
        if not any(_same_place(detection, other) for other in kept):
            kept.append(detection)
    return kept


def _same_place(a: Detection, b: Detection) -> bool:
    if overlap(a.box, b.box) >= 0.5:
        return True
    width = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    height = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a.box, b.box))
    return a.label == b.label and width > 0 and height > 0 and width * height > 0.8 * smaller
