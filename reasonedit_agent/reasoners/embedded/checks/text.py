"""Text that was written, and what was made unreadable."""

from __future__ import annotations

import difflib
import re
import unicodedata

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.arrays import Box, mask_box
from reasonedit_agent.perception.measures import ciede2000
from reasonedit_agent.perception.text import TextLine
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Finding, Remedy, changed, tried
from reasonedit_agent.reasoners.embedded.checks.detail import detail
from reasonedit_agent.reasoners.embedded.checks.expected import lab_of_hex
from reasonedit_agent.schemas import EditStep

__all__ = ["add_text", "likeness", "redact"]

_READABLE = 0.8
"""Likeness from which a text counts as the asked one: OCR mistakes a letter in a handful."""

_READABLE_SHORT = 0.7
"""The same for up to five letters, of which one mistake is a larger share."""


_LEAST_HEIGHT = 0.03
"""Height of a line of text without an asked size, of the picture's short side: less is overlooked."""


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", folded)


def likeness(read: str, asked: str) -> float:
    """Return how alike two texts are, 0 to 1, without case, spaces and punctuation (Ratcliff and Obershelp)."""
    a, b = _plain(read), _plain(asked)
    if not b:
        return 1.0
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _best_reading(lines: list[TextLine], asked: str) -> tuple[float, list[TextLine]]:
    """Return the likeness of the neighbouring lines that together read most like ``asked``, and those lines."""
    best: tuple[float, list[TextLine]] = (0.0, [])
    reach = max(1, asked.count("\n") + 3)
    for first in range(len(lines)):
        for last in range(first + 1, min(len(lines), first + reach) + 1):
            group = lines[first:last]
            score = likeness("".join(line.text for line in group), asked)
            if score > best[0]:
                best = (score, group)
    return best


def _around(lines: list[TextLine]) -> Box:
    boxes = [line.box for line in lines]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _in_place(box: Box, place: str, frame: Box) -> bool:
    """Return whether a box's middle lies where ``place`` says: in that part of the frame, halves counting as near."""
    x = ((box[0] + box[2]) / 2 - frame[0]) / max(1.0, frame[2] - frame[0])
    y = ((box[1] + box[3]) / 2 - frame[1]) / max(1.0, frame[3] - frame[1])
    wide = (box[2] - box[0]) > 0.6 * (frame[2] - frame[0])
    across = "left" if "left" in place else "right" if "right" in place else "middle"
    down = "top" if "top" in place else "bottom" if "bottom" in place else "middle"
    inside = {"left": x <= 0.5, "top": x <= 0.5, "right": x >= 0.5, "middle": 0.25 <= x <= 0.75}
    below = {"top": y <= 0.45, "bottom": y >= 0.55, "middle": 0.25 <= y <= 0.75}
    return (inside[across] or wide) and below[down] and -0.05 <= x <= 1.05 and -0.05 <= y <= 1.05


def add_text(step: EditStep, seen: Evidence) -> Finding:
    """Does the OCR read the text, where it was asked for, in letters that stand out?"""
    op = step.operation
    assert isinstance(op, ops.AddText)
    question = f"Does it say {op.text[:60]!r}?"
    least = _READABLE if len(_plain(op.text)) > 5 else _READABLE_SHORT
    score, group = _best_reading(seen.after.text_lines(), op.text)
    written = _written(seen)
    if score < least and not _can_read(op.text):
        yes = written >= 0.0005
        note = f"this writing cannot be read here; {written:.2%} of the place changed"
        once_more = () if yes else (Remedy("refine", step, "once more"),)
        return Finding(question, None if yes else False, note, 7 if yes else 0, once_more, 0.2, {"written": written})
    before = _best_reading(seen.before.text_lines(), op.text)[0]
    frame = mask_box(seen.region) or (0.0, 0.0, float(seen.region.shape[1]), float(seen.region.shape[0]))
    placed = bool(group) and _in_place(_around(group), op.place, frame)
    contrast, coloured = _ink(seen, _around(group), op.colour) if group else (0.0, False)
    size_ok = not group or _size_fits(_height(group), op, seen)
    yes = score >= least and (before < score or written > 0.0005) and written > 0.0002
    read = "".join(line.text for line in group)[:40]
    note = f"{read!r} is read (likeness {score:.2f}), {'in' if placed else 'not in'} its place, contrast {contrast:.1f}"
    measures = {"likeness": score, "placed": float(placed), "contrast": contrast, "written": written}
    good = yes and placed and contrast >= 1.5 and coloured and size_ok
    success = 10 * score if good else min(6.0, 4 * score + placed + coloured)
    remedies = () if good else _write_again(step, op, seen, written, contrast, score)
    return Finding(question, good, note, max(0.0, success), remedies, min(1.0, abs(score - least) / 0.25), measures)


def _can_read(text: str) -> bool:
    """Whether the OCR knows the script: Latin, digits and Chinese."""
    letters = [c for c in text if c.isalpha()]
    known = [c for c in letters if "LATIN" in unicodedata.name(c, "") or "CJK UNIFIED" in unicodedata.name(c, "")]
    return bool(_plain(text)) and len(known) >= 0.7 * len(letters)


def _written(seen: Evidence) -> float:
    """Return the share of the place that changed."""
    moved = np.linalg.norm(seen.result_lab - seen.source_lab, axis=2) > 8
    where = moved & (seen.region > 0.5) & seen.valid
    return float(where.sum() / max(1, int((seen.region > 0.5).sum())))


def _size_fits(height: float, op: ops.AddText, seen: Evidence) -> bool:
    """Whether letters have the asked size, or, where none was asked, can be read in the picture as a whole."""
    if op.size is None:
        return bool(height >= _LEAST_HEIGHT * min(seen.region.shape))
    return 0.55 <= height / (op.size * seen.pixels) <= 2.2


def _height(group: list[TextLine]) -> float:
    return float(np.median([line.box[3] - line.box[1] for line in group]))


def _ink(seen: Evidence, box: Box, colour: str | None) -> tuple[float, bool]:
    """Return the WCAG contrast between letters and ground in a box, and whether the letters have the asked colour."""
    left, top, right, bottom = (max(0, round(v)) for v in box)
    part, old = (lab[top:bottom, left:right] for lab in (seen.result_lab, seen.source_lab))
    if part.size == 0:
        return 0.0, False
    ink = np.linalg.norm(part - old, axis=2) > 12
    if int(ink.sum()) < 8 or int((~ink).sum()) < 8:
        return 1.0, False
    light = ((part[..., 0] + 16) / 116) ** 3  # CIE Y of L*, well enough for the dark end
    # An outline or a shadow belongs to the ink too: its lightest and darkest tenths are what stands out.
    letters = np.percentile(light[ink], [10, 90])
    ground = float(np.median(light[~ink]))
    contrast = max((max(float(v), ground) + 0.05) / (min(float(v), ground) + 0.05) for v in letters)
    if colour is None:
        return contrast, True
    near = ciede2000(part[ink], lab_of_hex(colour)) <= 14
    return max(contrast, 1.5 if near.mean() > 0.3 else 0.0), bool(near.mean() >= 0.12)


def _write_again(
    step: EditStep, op: ops.AddText, seen: Evidence, written: float, contrast: float, score: float
) -> tuple[Remedy, ...]:
    if written < 0.0005:
        return (Remedy("refine", step, "it was not written"), Remedy("restart", step, "anew"))
    usual = op.size or max(12, round(0.06 * min(seen.size)))
    size = max(usual, tried(op, seen).size or 0)
    bigger = op.model_copy(update={"size": min(5000, round(1.5 * size))})
    plain = op.model_copy(update={"colour": None})
    first = Remedy("restart", changed(step, bigger), "larger letters")
    second = Remedy("restart", changed(step, plain), "a colour that stands out")
    if score >= _READABLE_SHORT and contrast >= 1.5:
        return (Remedy("restart", step, "in its place"), first)
    return (second, first) if contrast < 1.5 and op.colour is not None else (first, second)


# -- redact -----------------------------------------------------------------------------------------------------------


def redact(step: EditStep, seen: Evidence) -> Finding:
    """Can nobody find the face, or read the text, or see the detail any more?"""
    op = step.operation
    assert isinstance(op, ops.Redact)
    question, where = "Is it unrecognisable?", (seen.region > 0.5) & seen.valid
    if int(where.sum()) < 4:
        return Finding(question, None, "the region is not in the picture", 5)
    light = [lab[..., 0] for lab in (seen.source_lab, seen.result_lab)]
    # Fine detail only: the edges of mosaic tiles are strong, but there are few of them.
    old, new = (detail(plane, where) for plane in light)
    moved = float(np.linalg.norm(seen.result_lab - seen.source_lab, axis=2)[where].mean())
    correlation = _fine_correlation(light[0], light[1], where)
    faces = [f for f in seen.after.faces() if _holds(f.box, where)]
    had_faces = any(_holds(f.box, where) for f in seen.before.faces())
    had = "".join(line.text for line in seen.before.text_lines() if _holds(line.box, where))
    has = "".join(line.text for line in seen.after.text_lines() if _holds(line.box, where))
    readable = likeness(has, had) if had else 0.0
    hidden = moved >= 1.0 and correlation <= 0.5 and readable < 0.5 and not (had_faces and faces)
    note = f"detail {old:.2f} -> {new:.2f}, fine structure correlates by {correlation:.2f}"
    if had_faces:
        note += f", {len(faces)} face(s) found there still"
    if had:
        note += f", its text is read with likeness {readable:.2f}"
    measures = {"moved": moved, "correlation": correlation, "faces": float(len(faces)), "readable": readable}
    if hidden:
        return Finding(question, True, note, 10 - 4 * correlation, (), min(1.0, (0.5 - correlation) / 0.3), measures)
    stronger = op.model_copy(update={"strength": min(4.0, round(max(op.strength, 1.8 * tried(op, seen).strength), 2))})
    filled = op.model_copy(update={"style": "fill"})
    remedies = [Remedy("refine", changed(step, stronger), "stronger")] if stronger != op else []
    if op.style != "fill":
        remedies.append(Remedy("refine", changed(step, filled), "covered by a plain colour"))
    else:
        remedies.append(Remedy("restart", step, "anew"))
    success = 4 * float(np.clip(1 - correlation, 0, 1))
    return Finding(question, False, note, success, tuple(remedies), 0.6, measures)


def _fine_correlation(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], where: npt.NDArray[np.bool_]) -> float:
    """Return how far the region's fine structure is still the source's, 0 to 1: a least-squares gain."""
    radius = max(1.5, 0.03 * float(np.sqrt(where.sum())))
    fine = [plane - cv2.GaussianBlur(plane, (0, 0), radius) for plane in (a, b)]
    x, y = fine[0][where], fine[1][where]
    power = float((x * x).sum())
    return float(np.clip((x * y).sum() / power, 0, 1)) if power > 1e-3 * x.size else 0.0


def _holds(box: Box, where: npt.NDArray[np.bool_]) -> bool:
    left, top, right, bottom = (max(0, round(v)) for v in box)
    part = where[top:bottom, left:right]
    return bool(part.size) and float(part.mean()) >= 0.4
