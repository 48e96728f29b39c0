"""Effects of a clause that can stand side by side: tone, colour, blur, sharpness, monochrome, vignette, style."""

from __future__ import annotations

from typing import Literal, cast

from reasonedit_agent.operations import BlackAndWhite, Blur, PlainOperation, Sepia, Sharpen, Stylise, Vignette
from reasonedit_agent.reasoners.embedded.grammar.concepts import DEFAULTS
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame
from reasonedit_agent.reasoners.embedded.grammar.quantities import adjust, clamp, factor, measure, share
from reasonedit_agent.reasoners.embedded.grammar.tokens import Token

__all__ = ["effects"]

Style = Literal["painting", "pencil", "cartoon"]


def effects(frame: Frame) -> tuple[tuple[PlainOperation, ...], str | None]:
    """Return the clause's effects in the order of its words, and a target when an effect brings its own."""
    found: list[PlainOperation] = []
    target: str | None = None
    wished = {t.value.split(":")[0] for t in frame.free if t.kind in ("adj", "state")}
    single = [t for t in frame.free if t.kind == "do" and t.value in _BUILD]
    for token in frame.free:
        operation: PlainOperation | None = None
        if token.kind == "adj":
            what, sign = token.value.split(":")
            operation = adjust(
                what, _sign(sign) * (-1 if frame.has("complain:too") and not frame.has("neg:") else 1), frame
            )
        elif token.kind == "state":
            what, sign = token.value.split(":")
            operation = adjust(what, _sign(sign) * (-1 if _complains(frame) or frame.has("dir:-") else 1), frame)
        elif (
            token.kind == "prop"
            and token.value not in ("size", *wished)
            and not (token.value == "saturation" and wished)
        ):
            operation = _property(token.value, frame, alone=not single)
        elif token.kind == "style" and not frame.has("do:crop", "do:remove"):
            operation = Stylise(style=cast(Style, token.value), strength=share(frame))
        elif token.kind == "do" and token.value in _BUILD:
            operation = _effect(token, frame)
            if token.value == "bokeh" and not _named(frame):
                target = "background"
        if operation is not None and operation not in found:
            found.append(operation)
    if not found and measure(frame, "stop") is not None:  # "+1 EV"
        found.append(adjust("exposure", -1 if frame.has("dir:-") else 1, frame))
    return tuple(found), target


def _sign(text: str) -> int:
    return -1 if text == "-" else 1


def _named(frame: Frame) -> bool:
    return bool(frame.things)


def _complains(frame: Frame) -> bool:
    """As in "It is dark" complains, "it is not bright enough" wishes, "make it dark" wishes."""
    if frame.has("neg:", "complain:enough"):
        return False
    if frame.has("complain:too"):
        return True
    return frame.has("complain:is") and not frame.has("do:make", "do:turn", "do:change")


def _property(what: str, frame: Frame, *, alone: bool) -> PlainOperation | None:
    down = frame.has("dir:-")
    named = measure(frame, "percent", "", "stop")
    if not (down or frame.has("dir:+", "mult:", "do:add", "strength:") or named is not None):
        return None
    what = "saturation" if what == "colour" else what
    if what in ("sharpness", "blur"):
        if not alone:
            return None
        sharper = (what == "sharpness") != down
        return _sharpen(frame) if sharper else _blur(frame, DEFAULTS["blur"] / 2)
    half = frame.first("mult")
    sign = -1 if down or (half is not None and half.number < 1 and not frame.has("dir:+")) else 1
    return adjust(what, sign, frame)


def _effect(token: Token, frame: Frame) -> PlainOperation | None:
    what = token.value
    less = frame.has("dir:-")
    if what in ("blur", "bokeh"):
        wants_sharp = less or (_complains(frame) and what == "blur") or (frame.has("neg:") and what == "blur")
        return _sharpen(frame) if wants_sharp else _blur(frame, DEFAULTS["blur"])
    if what == "sharpen":
        blunt = less or (_complains(frame) and frame.has("complain:too"))
        return _blur(frame, DEFAULTS["blur"] / 4) if blunt else _sharpen(frame)
    if what == "bw":
        return BlackAndWhite(strength=share(frame))
    if what == "sepia":
        return Sepia(strength=share(frame))
    return Vignette(strength=share(frame, DEFAULTS["vignette"]))


def _emphasis(frame: Frame) -> float:
    """As in "Blur it more" is more than "blur it"; in "more sharpness" the word only says which way."""
    return factor(frame) * (1.5 if frame.has("dir:+") and not frame.has("prop:") else 1.0)


def _blur(frame: Frame, default: float) -> Blur:
    pixels = measure(frame, "px")
    if pixels is not None and pixels != 0:
        return Blur(sigma=clamp(abs(pixels), 0.1, 500))
    named = measure(frame, "percent")
    strength = _emphasis(frame) if named is None else max(abs(named) / 50, 0.05)  # 50 % is the default
    return Blur(sigma=clamp(max(default * frame.short_side, 0.5) * strength, 0.1, 500))


def _sharpen(frame: Frame) -> Sharpen:
    named = measure(frame, "percent")
    return Sharpen(amount=clamp(DEFAULTS["sharpen"] * _emphasis(frame) if named is None else abs(named) / 100, 0.05, 5))


_BUILD = ("blur", "bokeh", "sharpen", "bw", "sepia", "vignette")
