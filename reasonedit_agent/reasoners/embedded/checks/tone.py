"""Did the colours and the light of the region go where they were asked to go?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.measures import ciede2000
from reasonedit_agent.reasoners.embedded.checks.base import (
    Evidence,
    Finding,
    Float,
    Remedy,
    blame,
    changed,
    say_progress,
    tried,
)
from reasonedit_agent.reasoners.embedded.checks.expected import lab_of_hex, to_linear
from reasonedit_agent.reasoners.embedded.checks.overspill import overspill
from reasonedit_agent.schemas import EditStep

__all__ = ["TOLERANCE", "adjust", "colour_difference", "hue_of", "recolour", "vignette", "way_score"]

TOLERANCE = 0.3
"""A measured amount may miss the asked one by this share."""

RELAXED = (0.55, 1.3)
"""The same, short of it and beyond it, where other steps move the same pixels: editors mix them in their own ways."""

HUE_TOLERANCE = 25.0
"""Degrees of hue in CIE LCh within which people give a colour the same name."""

GREY = 8.0
"""Chroma C*ab below which a colour has no hue that people would name."""


def colour_difference(a: Float, b: Float) -> float:
    """Return CIEDE2000 between two single colours, each of shape (3,)."""
    return float(np.asarray(ciede2000(a.reshape(1, 1, 3), b.reshape(1, 1, 3))).ravel()[0])


def way_score(progress: float, tolerance: float = TOLERANCE) -> float:
    """Return 0 to 10 for a step that went ``progress`` of its way: 10 at 1, 8 at the tolerance, 0 at 0 and at 2."""
    miss = abs(1 - progress)
    if miss <= tolerance:
        return 10 - 2 * miss / tolerance
    return max(0.0, 8 * (1 - (miss - tolerance) / (1 - tolerance)))


def _mean(lab: Float, where: npt.NDArray[np.bool_]) -> Float:
    return np.asarray(lab[where].mean(axis=0), np.float32)


def hue_of(lab: Float) -> float:
    """Return the hue of one colour in degrees, 0 to 360."""
    return math.degrees(math.atan2(float(lab[2]), float(lab[1]))) % 360


def _apart(first: float, second: float) -> float:
    return abs((first - second + 180) % 360 - 180)


def _margin(progress: float, tolerance: float = TOLERANCE) -> float:
    return min(1.0, abs(abs(1 - progress) - tolerance) / tolerance)


# -- recolour ---------------------------------------------------------------------------------------------------------


def recolour(step: EditStep, seen: Evidence) -> Finding:
    """Compare the region's mean colour, and how much of the region moved, with what was asked."""
    op = step.operation
    assert isinstance(op, ops.Recolour)
    question = f"Has the region the colour {op.colour}?"
    where = seen.inside()
    if not where.any():
        return Finding(question, None, "the region is not in the picture", 5)
    asked = lab_of_hex(op.colour)
    now, wanted, without = (_mean(lab, where) for lab in (seen.result_lab, seen.wanted, seen.without))
    # The light may follow only in part: texture is kept, and the gamut ends. The colour proper lies in a* and b*.
    axes = slice(0, 3) if float(np.hypot(asked[1], asked[2])) < GREY else slice(1, 3)
    way = (wanted - without)[axes]
    length = float(np.linalg.norm(way))
    miss = colour_difference(now, wanted)
    hue = _apart(hue_of(now), hue_of(wanted))
    has_hue = min(float(np.hypot(c[1], c[2])) for c in (now, wanted)) >= GREY
    progress = float((now - without)[axes] @ way) / length**2 if length > 1e-3 else 1.0
    covered = _covered(seen, where, progress)
    measures = {"dE2000_to_wanted": miss, "hue_off": hue if has_hue else 0.0, "covered": covered}
    if length < 4:
        yes = miss <= 10
        note = f"the region should hardly change here, and is {miss:.1f} dE2000 from what was expected"
        remedy = () if yes else (Remedy("restart", step, "the colour left where it should stay"),)
        return Finding(question, yes, note, blame(miss, 4, 25), remedy, min(1.0, abs(miss - 10) / 10), measures)
    measures["progress"] = progress
    right_hue = not has_hue or hue <= HUE_TOLERANCE * max(1.0, 20 / float(np.hypot(wanted[1], wanted[2])))
    near = miss <= 6
    yes = (near or (1 - TOLERANCE <= progress <= 1 + TOLERANCE + 0.05 and right_hue and miss <= 22)) and covered >= 0.6
    note = f"the region's mean colour is {miss:.1f} dE2000 from the wanted one"
    note += f", hue off by {hue:.0f}°" if has_hue else ""
    note += f", {covered:.0%} of it moved {say_progress(progress)}"
    success = min(way_score(progress), blame(miss, 6, 45), blame(1 - covered, 0.2, 0.8))
    success = max(success, 8.5) if yes else min(success, 7.0)
    spilt, own = overspill(step, seen)
    if own is not None:
        note += f"; {spilt:.0%} of it is another thing (what it holds, or what leans on it) and was painted too"
        yes, success = False, min(success, 6.0)
        again = (Remedy("restart", step, "only the thing itself"),)
        return Finding(question, yes, note, success, again, 0.8, {**measures, "overspill": spilt}, own)
    remedies = () if yes else _recolour_again(step, op, tried(op, seen).strength, progress, covered, now, wanted)
    margin = min(_margin(progress), abs(covered - 0.6) / 0.4, 1.0)
    return Finding(question, yes, note, success, remedies, margin, measures)


def _covered(seen: Evidence, where: npt.NDArray[np.bool_], progress: float) -> float:
    """Return the share of the region's pixels that went along: at least half as far as the mean did."""
    way = (seen.wanted - seen.without)[where]
    went = (seen.result_lab - seen.without)[where]
    length = (way**2).sum(axis=1)
    far = length > 36
    if not far.any():
        return 1.0
    least = 0.5 * float(np.clip(progress, 0.2, 0.8))
    return float(((went * way).sum(axis=1)[far] >= least * length[far]).mean())


def _recolour_again(
    step: EditStep, op: ops.Recolour, ran: float, progress: float, covered: float, now: Float, wanted: Float
) -> tuple[Remedy, ...]:
    if covered < 0.6 and progress > 0.3:
        return (Remedy("restart", step, "only a part of the region changed"),)
    done = float(np.clip(progress * op.strength, 0, 0.98))
    if progress > 1 + TOLERANCE:
        weaker = max(0.05, ran / progress)
        return (Remedy("restart", changed(step, op.model_copy(update={"strength": weaker})), "weaker"),)
    missing = float(np.clip((op.strength - done) / (1 - done), 0.1, 1))
    again = changed(step, op.model_copy(update={"strength": round(missing, 3)}))
    remedies = [Remedy("refine", again, "the same colour again")]
    chroma, goal = (float(np.hypot(c[1], c[2])) for c in (now, wanted))
    if chroma >= GREY and goal > 1.15 * chroma and _apart(hue_of(now), hue_of(wanted)) <= HUE_TOLERANCE:
        more = ops.Adjust(what="saturation", amount=round(min(3.0, goal / chroma - 1), 3))
        remedies.append(Remedy("refine", changed(step, more), "more saturated"))
    if op.strength < 1:
        full = changed(step, op.model_copy(update={"strength": 1.0}))
        remedies.append(Remedy("restart", full, "at full strength"))
    return tuple(remedies)


# -- adjust -----------------------------------------------------------------------------------------------------------


def _light(lab: Float) -> float:
    linear = to_linear(np.ascontiguousarray(lab.reshape(1, -1, 3)))
    return math.log2(max(1e-4, float((linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)).mean())))


_Statistic = Callable[[Float], float]
_STATISTIC: dict[str, tuple[_Statistic, float, str]] = {
    "brightness": (lambda lab: float(lab[:, 0].mean()), 0.8, "mean L*"),
    "contrast": (lambda lab: float(lab[:, 0].std()), 0.5, "spread of L*"),
    "saturation": (lambda lab: float(np.hypot(lab[:, 1], lab[:, 2]).mean()), 0.8, "mean chroma"),
    "warmth": (lambda lab: float(lab[:, 2].mean()), 0.8, "mean b*"),
    "exposure": (_light, 0.05, "light in EV"),
}
"""What each property is measured by, the smallest difference that counts, and its name. Input: shape (pixels, 3)."""


def _moved(what: str, value: float, amount: float) -> float:
    """Return where a property stands after moving it by ``amount`` without any limit (see `operations.Adjust`)."""
    if what == "warmth":
        return value + 50 * amount
    return value + amount if what == "exposure" else value * max(0.0, 1 + amount)


def _amount(what: str, value: float, goal: float) -> float:
    """Return the inverse of `_moved`."""
    if what == "warmth":
        return (goal - value) / 50
    return goal - value if what == "exposure" else goal / max(value, 0.5) - 1


def adjust(step: EditStep, seen: Evidence) -> Finding:
    """Compare how far the property moved with how far it should have."""
    op = step.operation
    assert isinstance(op, ops.Adjust)
    statistic, least, name = _STATISTIC[op.what]
    question = f"Did the {op.what} move by {op.amount:+.2f}?"
    where = seen.inside()
    if not where.any():
        return Finding(question, None, "the region is not in the picture", 5)
    now, wanted, without = (statistic(lab[where]) for lab in (seen.result_lab, seen.wanted, seen.without))
    nominal = _moved(op.what, without, op.amount) if seen.alone else wanted
    sign = 1 if op.amount > 0 else -1
    # The gamut ends: an editor may clip (and fall as short as `wanted` does) or bend its curve and reach the number.
    near, far = sorted((wanted, nominal), key=lambda v: sign * v)
    measures = {"before": without, "now": now, "wanted": near}
    figures = f"{name} went from {without:.2f} to {now:.2f}, wanted {near:.2f}"
    if abs(near - without) < least:
        yes = abs(now - without) <= max(3 * least, abs(far - without))
        note = figures + "; no more room for it" if seen.alone else figures + "; other steps hide it"
        return Finding(question, yes, note, 8.0 if yes else 4.0, (), 0.3, measures)
    low, high = (now - without) / (near - without), (now - without) / (far - without)
    slack = least / abs(near - without)
    short, over = (TOLERANCE, TOLERANCE) if seen.alone else RELAXED
    yes = low >= max(0.2, 1 - short - slack) and high <= 1 + over + slack
    progress = low if low < 1 else max(1.0, high)
    measures["progress"] = progress
    note = f"{figures} {say_progress(progress)}"
    note += "" if seen.alone else ", judged loosely because other steps act on the same pixels"
    if yes:
        return Finding(question, True, note, max(8.0, way_score(progress)), (), _margin(progress), measures)
    missing = _amount(op.what, now, far if seen.alone else wanted)
    more = Remedy("refine", changed(step, op.model_copy(update={"amount": _round(missing)})), "by the missing amount")
    scaled = float(np.clip(tried(op, seen).amount / np.clip(progress, 0.4, 4), -5, 5))
    afresh = Remedy("restart", changed(step, op.model_copy(update={"amount": _round(scaled)})), "another amount")
    order = (more, afresh) if progress < 1 else (afresh, more)
    return Finding(question, False, note, way_score(progress), order, _margin(progress), measures)


def _round(amount: float) -> float:
    amount = float(np.clip(amount, -5, 5))
    return round(amount, 3) or 0.01


# -- vignette ---------------------------------------------------------------------------------------------------------


def vignette(step: EditStep, seen: Evidence) -> Finding:
    """Did the corners lose light against the centre?"""
    op = step.operation
    assert isinstance(op, ops.Vignette)
    height, width = seen.result_lab.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    radius = np.sqrt((x**2 + y**2) / 2)
    corner, centre = (radius > 0.85) & seen.valid, (radius < 0.3) & seen.valid
    question = "Are the corners darker?"
    if not corner.any() or not centre.any():
        return Finding(question, None, "the corners or the centre do not show the source", 5)

    def ratio(lab: Float) -> float:
        return 2 ** (_light(lab[corner]) - _light(lab[centre]))

    before, now, wanted = ratio(seen.without), ratio(seen.result_lab), ratio(seen.wanted)
    lost, goal = 1 - now / before, 1 - wanted / before
    progress = lost / goal if goal > 0.02 else 1.0
    yes = 0.55 <= progress <= 1.6
    note = f"the corners lost {lost:.0%} of their light against the centre, wanted {goal:.0%} {say_progress(progress)}"
    remedies: tuple[Remedy, ...] = ()
    if progress < 0.55:
        missing = float(np.clip((goal - lost) / max(1 - lost, 0.05), 0.05, 1))
        more = changed(step, op.model_copy(update={"strength": round(missing, 3)}))
        full = changed(step, ops.Vignette(strength=1))
        remedies = (Remedy("refine", more, "darker"), Remedy("restart", full, "in full"))
    elif progress > 1.6:
        less = changed(
            step, op.model_copy(update={"strength": round(max(0.05, tried(op, seen).strength / progress), 3)})
        )
        remedies = (Remedy("restart", less, "lighter"),)
    measures = {"lost": lost, "wanted": goal, "progress": progress}
    return Finding(question, yes, note, way_score(progress, 0.45), remedies, _margin(progress, 0.45), measures)
