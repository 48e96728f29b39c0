"""Is the colour gone, or is there one ink only?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Finding, Remedy, blame, changed, say_progress
from reasonedit_agent.reasoners.embedded.checks.tone import TOLERANCE, hue_of, way_score
from reasonedit_agent.schemas import EditStep

__all__ = ["black_and_white", "sepia"]


def black_and_white(step: EditStep, seen: Evidence) -> Finding:
    """Is the chroma gone, and the light still there?"""
    op = step.operation
    assert isinstance(op, ops.BlackAndWhite)
    question = "Is it black and white?"
    where = seen.inside()
    if not where.any():
        return Finding(question, None, "the region is not in the picture", 5)
    now, wanted, without = (
        np.hypot(lab[where][:, 1], lab[where][:, 2]) for lab in (seen.result_lab, seen.wanted, seen.without)
    )
    before, after, goal = float(without.mean()), float(now.mean()), float(wanted.mean())
    left, allowed = float(np.percentile(now, 95)), float(np.percentile(wanted, 95)) + 6
    kept = _light_kept(seen, where)
    room = max(before - goal, 1e-3)
    progress = (before - after) / room if room > 1 else 1.0
    yes = left <= allowed and progress >= 1 - TOLERANCE and (progress <= 1 + TOLERANCE or op.strength > 0.9)
    yes = yes and kept >= 0.8
    note = f"mean chroma {before:.1f} -> {after:.1f}, light kept {kept:.2f} {say_progress(progress)}"
    measures = {"chroma": after, "chroma95": left, "light_correlation": kept, "progress": progress}
    success = min(way_score(min(progress, 1.0)), blame(1 - kept, 0.1, 0.6), blame(left - allowed, 0, 40))
    remedies = () if yes else (Remedy("refine", step, "once more"), Remedy("restart", _full(step, op), "in full"))
    return Finding(question, yes, note, success, remedies, min(1.0, abs(left - allowed) / 6), measures)


def _full(step: EditStep, op: ops.BlackAndWhite | ops.Sepia) -> EditStep:
    return changed(step, op.model_copy(update={"strength": 1.0}))


def _light_kept(seen: Evidence, where: npt.NDArray[np.bool_]) -> float:
    """Return the correlation of L* with what it should be: 1 when the picture's light is still the same picture."""
    a, b = seen.result_lab[where][:, 0], seen.wanted[where][:, 0]
    if min(float(a.std()), float(b.std())) < 1.5:
        return 1.0 if abs(float(a.mean() - b.mean())) < 12 else 0.0
    return float(np.corrcoef(a, b)[0, 1])


def sepia(step: EditStep, seen: Evidence) -> Finding:
    """Is there one brown hue, and the light still there?"""
    op = step.operation
    assert isinstance(op, ops.Sepia)
    question = "Is it in sepia?"
    where = seen.inside()
    if not where.any():
        return Finding(question, None, "the region is not in the picture", 5)
    lab, before = seen.result_lab[where], seen.without[where]
    mean = lab.mean(axis=0)
    hue, chroma = hue_of(mean), float(np.hypot(mean[1], mean[2]))
    # One ink: its chroma may follow the light, but no colour lies beside the line of its hue.
    beside = np.array([-mean[2], mean[1]], np.float32) / max(chroma, 1e-3)
    spread, old = float((lab[:, 1:] @ beside).std()), float((before[:, 1:] @ beside).std())
    one_hue = spread <= max(2.0, (1.25 - op.strength) * old)
    brown = (op.strength < 0.5 or 40 <= hue <= 105) and 4 <= chroma <= 55
    kept = _light_kept(seen, where)
    yes = one_hue and brown and kept >= 0.75
    note = f"hue {hue:.0f}°, chroma {chroma:.1f}, spread of colours {old:.1f} -> {spread:.1f}, light kept {kept:.2f}"
    success = 9.0 if yes else (5.0 if one_hue or brown else 1.0) * max(0.0, kept)
    remedies = () if yes else (Remedy("refine", _full(step, op), "in full"), Remedy("restart", _full(step, op), "anew"))
    measures = {"hue": hue, "chroma": chroma, "spread": spread, "light_correlation": kept}
    return Finding(question, yes, note, success, remedies, 0.6, measures)
