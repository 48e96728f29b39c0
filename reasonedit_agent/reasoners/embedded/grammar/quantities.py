"""Numbers, strengths, colours and sizes of one clause."""

from __future__ import annotations

import math
from typing import Literal, cast

from reasonedit_agent.operations import Adjust
from reasonedit_agent.reasoners.embedded.grammar.colours import shade
from reasonedit_agent.reasoners.embedded.grammar.concepts import DEFAULTS
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame
from reasonedit_agent.reasoners.embedded.grammar.tokens import Token

__all__ = ["adjust", "clamp", "colours", "factor", "measure", "percent", "share"]

Property = Literal["brightness", "contrast", "saturation", "warmth", "exposure"]


def clamp(value: float, low: float, high: float) -> float:
    """Return the value inside the bounds, to four decimals."""
    return round(min(max(value, low), high), 4)


def measure(frame: Frame, *units: str) -> float | None:
    """Return the number that stands before one of the units ("" for a bare number), or None."""
    tokens = frame.free
    for i, token in enumerate(tokens):
        if token.kind != "num":
            continue
        nearby = tokens[i + 1 : i + 2] + (tokens[i - 1 : i] if frame.language == "zh" and i else ())
        unit = next((t.value for t in nearby if t.kind == "unit"), "")
        if unit in units:
            return token.number
    return None


def percent(frame: Frame) -> float | None:
    """Return a percentage as a share ("20 %" and, for amounts, a bare "20" are 0.2), or None."""
    value = measure(frame, "percent")
    if value is None:
        value = measure(frame, "")
    return None if value is None else value / 100


def factor(frame: Frame) -> float:
    """Return what the strength words multiply the default by; 1 without any.

    A complaint that is softened out of politeness ("it's a bit dark") still wants a visible change.
    """
    values = [t.number for t in frame.all("strength")]
    strength = 1.0
    if values:
        strength = min(values) if min(values) < 1 else max(values)
    return max(strength, 0.7) if frame.has("complain:") else strength


def share(frame: Frame, default: float = 1.0) -> float:
    """Return a strength from 0 to 1: what is named in per cent, else the default times the strength words."""
    named = measure(frame, "percent")
    if named is not None:
        return clamp(abs(named) / 100, 0.01, 1)
    half = frame.first("mult")
    if half is not None and half.number < 1:
        return clamp(half.number, 0.01, 1)
    return clamp(default * factor(frame), 0.01, 1)


def adjust(what: str, sign: int, frame: Frame) -> Adjust:
    """Build an adjustment with the amount that the clause names."""
    stops = measure(frame, "stop")
    number, multiple = percent(frame), frame.first("mult")
    if what == "exposure" or (stops is not None and what == "brightness"):
        amount = _stops(frame, stops, number, sign)
        return Adjust(what="exposure", amount=clamp(amount, -5, 5))
    if number is not None and not frame.has("unit:px", "unit:degree"):
        amount = number if number < 0 and sign > 0 else sign * number
    elif multiple is not None:
        amount = _multiplied(multiple.number, sign, frame)
    elif what == "saturation" and sign < 0 and frame.has("strength:2.2"):
        amount = -1.0
    else:
        amount = sign * DEFAULTS[what] * factor(frame)
    return Adjust(what=cast(Property, what), amount=clamp(amount, -5, 5))


def _multiplied(factor: float, sign: int, frame: Frame) -> float:
    """Return the change that "double", "to a third", "by a third" or "a third more" mean."""
    if factor >= 1:
        return sign * (factor - 1)
    if sign > 0 and frame.has("dir:+"):
        return factor
    part = sign < 0 and frame.has("dir:-", "adj:") and not frame.has("prep:to")
    return -factor if part else factor - 1


def _stops(frame: Frame, stops: float | None, number: float | None, sign: int) -> float:
    if stops is None:
        stops = measure(frame, "")
        number = None if stops is not None else number
    if stops is not None:
        return stops if stops < 0 and sign > 0 else sign * stops
    if number is not None and number > -1:
        return sign * math.log2(1 + abs(number))
    return sign * DEFAULTS["exposure"] * factor(frame)


def colours(frame: Frame) -> list[str]:
    """Return the colours that the clause asks for, in order, shades applied ("a darker red")."""
    return [_shaded(frame.tokens, token) for token in frame.all("colour")]


def described(frame: Frame) -> list[str]:
    """Return the colours that stand beside the word background ("on a white background")."""
    return [
        _shaded(frame.tokens, token)
        for phrase in frame.things
        if phrase.text.endswith("background")
        for token in phrase.colours
    ]


def _shaded(tokens: tuple[Token, ...], colour: Token) -> str:
    index = tokens.index(colour)
    for near in (index - 1, index - 2, index + 1):
        if not 0 <= near < len(tokens):
            continue
        token = tokens[near]
        which = token.value if token.kind == "shade" else token.alternative.removeprefix("shade:")
        if which in ("dark", "light", "vivid") and (
            near == index - 1 or tokens[max(near, index) - 1].kind in ("link", "shade", "adj", "colour")
        ):
            return shade(colour.value, which)
    return colour.value
