"""What the models see in one image, computed once: detections, faces, text, what stands out, masks of things."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from reasonedit_agent.perception.arrays import Box, Mask, Rgb, bounded, box_area, box_mask, resize_mask
from reasonedit_agent.perception.colour import colour_mask
from reasonedit_agent.perception.detector import Detection, detect, overlap, strongest
from reasonedit_agent.perception.faces import Face, find_faces
from reasonedit_agent.perception.instances import instance_mask
from reasonedit_agent.perception.masks import sharpen_edge
from reasonedit_agent.perception.nouns import BACKDROP, FIGURES, group_of
from reasonedit_agent.perception.saliency import saliency
from reasonedit_agent.perception.sky import find_sky
from reasonedit_agent.perception.text import TextLine, read_text

__all__ = ["MISTAKEN", "PROMPTED", "Sight"]

_LONG_SIDE = 1024  # masks are made at this size
_DETAIL = 2048  # text is read at this size
PROMPTED = 0.15  # a label that the user named is believed from this score on
MISTAKEN = 0.3  # a label that the detector takes for it, from this one on
_CLEAR = 0.4  # what the detector sees unprompted

_T = TypeVar("_T")


class Sight:
    """What is seen in one image; every answer is computed once. Masks and boxes are in the image's pixels.

    Attributes:
        width: Of the image.
        height: Of the image.
    """

    def __init__(self, rgb: Rgb) -> None:
        self.height, self.width = rgb.shape[:2]
        self._small = bounded(rgb, _LONG_SIDE)
        self._detail = bounded(rgb, _DETAIL)
        self._scale = self.width / self._small.shape[1], self.height / self._small.shape[0]
        self._lock = threading.RLock()
        self._memory: dict[object, object] = {}

    def detections(self) -> list[Detection]:
        """Return what the detector sees unprompted, one for each place, the surest first."""
        return [replace(d, box=self._grown(d.box)) for d in self._clear()]

    def faces(self) -> list[Face]:
        """Return the faces, the surest first."""
        sx, sy = self._scale
        return [
            Face(self._grown(f.box), f.score, tuple((x * sx, y * sy) for x, y in f.landmarks)) for f in self._faces()
        ]

    def text_lines(self) -> list[TextLine]:
        """Return the lines of text, from top to bottom."""
        sx, sy = self.width / self._detail.shape[1], self.height / self._detail.shape[0]
        return [replace(line, quad=tuple((x * sx, y * sy) for x, y in line.quad)) for line in self._lines()]

    def saliency(self) -> Mask:
        """Return the soft mask of what stands out."""
        return resize_mask(self._subject(), self.height, self.width)

    # Below, everything is at the working size: `_small`, or `_detail` for text.

    def _instances(self, label: str) -> list[Detection]:
        """The label's own detections; else those of a label that is taken for it; else a closer look."""
        everything = self._detections()
        own = [self._doubted(d) for d in strongest(everything, {label}, PROMPTED)]
        own = sorted((d for d in own if d.score >= PROMPTED), key=lambda d: -d.score)
        if not own:
            taken = strongest(everything, group_of(label) - {label}, MISTAKEN)
            own = [replace(d, score=d.score * 0.6) for d in taken if d.score < 0.6]
        if not own and label not in BACKDROP:  # a part of a plate looks like a table from near
            closer = self._once("closer", lambda: detect(self._small, close=True))
            own = [d for d in strongest(closer, {label}, MISTAKEN) if self._doubted(d) is d]
        return [self._widened(d, everything) for d in own if d.score >= 0.5 * own[0].score]

    @staticmethod
    def _widened(detection: Detection, everything: list[Detection]) -> Detection:
        """Join the near-copies of a detection: the surest box often leaves out a handle or a tail."""
        left, top, right, bottom = detection.box
        for other in everything:
            if other.label == detection.label and other.score > 0.5 * detection.score:
                if overlap(other.box, detection.box) > 0.8:
                    left, top = min(left, other.box[0]), min(top, other.box[1])
                    right, bottom = max(right, other.box[2]), max(bottom, other.box[3])
        return replace(detection, box=(left, top, right, bottom))

    def _doubted(self, detection: Detection) -> Detection:
        """Lower the score where the detector is surer of another label for the same place."""
        for other in self._clear():
            if other.label != detection.label and other.score > detection.score:
                if overlap(other.box, detection.box) > 0.5:
                    related = other.label in group_of(detection.label)
                    return replace(detection, score=detection.score * (0.4 if related else 0.2))
        return detection

    def _look_alikes(self) -> list[Detection]:
        """What the detector takes for some animal, also with little conviction."""
        everything = self._detections()
        animals = strongest(everything, group_of("cat"), MISTAKEN)
        kept: list[Detection] = []
        for d in animals:  # of all kinds together, one for each place
            if not any(overlap(d.box, other.box) > 0.4 for other in kept):
                kept.append(self._widened(d, everything))
        return kept

    def _figures(self) -> Mask:
        return self._once("figures", self._all_figures)

    def _all_figures(self) -> Mask:
        """The subject, with those of its kind and size beside it: saliency often takes one of two."""
        subject = self._subject()
        shares = [(d, self._instance(d.box)) for d in self._clear()[:5]]
        main = [d for d, mask in shares if float((mask * subject).sum()) > 0.6 * float(mask.sum()) > 0]
        kinds = frozenset[str]().union(*(group_of(d.label) for d in main))
        least = 0.3 * max((box_area(d.box) for d in main), default=0.0)
        beside = [mask for d, mask in shares if d.label in kinds and box_area(d.box) >= least]
        return np.asarray(np.maximum.reduce([subject, *beside]), np.float32)

    def _is_something_else(self, label: str) -> bool:
        """Whether the subject is, clearly, a thing of another kind."""
        height, width = self._small.shape[:2]
        subject = self._subject() > 0.5
        for d in self._clear():
            inside = box_mask(d.box, height, width) > 0.5
            if label not in group_of(d.label) and (subject & inside).sum() > 0.6 * max(1, int(subject.sum())):
                return True
        return False

    def _most_coloured(self, seen: list[Detection], colour: str) -> list[Detection]:
        mask = self._colour(colour)
        if mask is None:
            return []
        shares = [float((mask * self._instance(d.box)).sum() / max(1.0, self._instance(d.box).sum())) for d in seen]
        return [d for d, share in zip(seen, shares, strict=True) if share >= max(0.1, 0.6 * max(shares))]

    def _unhidden(self, detection: Detection) -> Mask:
        """The mask of a detection without the people and animals before it."""
        mask = self._instance(detection.box)
        if detection.label in FIGURES:
            return mask
        people = strongest(self._detections(), {"person"}, MISTAKEN)
        for other in (*people, *(d for d in self._clear() if d.label in FIGURES)):
            if overlap(other.box, detection.box) < 0.5:
                rest = np.minimum(mask, 1 - self._instance(other.box))
                mask = np.asarray(rest, np.float32) if rest.sum() > 0.4 * mask.sum() else mask
        return mask

    @staticmethod
    def _clarity(mask: Mask) -> float:
        """0.2 to 0.9: little of a good mask is half-way between in and out."""
        unclear = float(((mask > 0.2) & (mask < 0.8)).sum())
        return float(np.clip(0.9 - unclear / max(1.0, float((mask > 0.5).sum())), 0.2, 0.9))

    def _once(self, key: object, compute: Callable[[], _T]) -> _T:
        with self._lock:
            if key not in self._memory:
                self._memory[key] = compute()
            return self._memory[key]  # type: ignore[return-value]

    def _detections(self) -> list[Detection]:
        return self._once("detections", lambda: detect(self._small))

    def _clear(self) -> list[Detection]:
        return self._once("clear", self._all_clear)

    def _all_clear(self) -> list[Detection]:
        everything = self._detections()
        return [self._widened(d, everything) for d in strongest(everything, {d.label for d in everything}, _CLEAR)]

    def _faces(self) -> list[Face]:
        return self._once("faces", lambda: find_faces(self._small))

    def _lines(self) -> list[TextLine]:
        return self._once("lines", lambda: read_text(self._detail))

    def _colour(self, colour: str) -> Mask | None:
        return self._once(("colour", colour), lambda: colour_mask(self._small, colour))

    def _sky_mask(self) -> tuple[Mask, float] | None:
        return self._once("sky", lambda: find_sky(self._small))

    def _raw(self) -> Mask:
        return self._once("raw", lambda: saliency(self._small))

    def _subject(self) -> Mask:
        return self._once("subject", lambda: sharpen_edge(self._small, self._raw()))

    def _instance(self, box: Box) -> Mask:
        return self._once(("instance", box), lambda: instance_mask(self._small, box, self._raw))

    def _grown(self, box: Box) -> Box:
        sx, sy = self._scale
        return box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy
