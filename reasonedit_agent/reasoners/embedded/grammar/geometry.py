"""Crop, resize and upscale: what a clause says about the frame and the number of pixels."""

from __future__ import annotations

import math
from typing import Literal, cast

from reasonedit_agent.operations import Crop, PlainOperation, Resize, Upscale
from reasonedit_agent.reasoners.embedded.grammar.concepts import DEFAULTS
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame
from reasonedit_agent.reasoners.embedded.grammar.quantities import clamp, measure

__all__ = ["crop", "resize", "upscale"]

Built = tuple[tuple[PlainOperation, ...], str | None]
_NOTHING: Built = ((), None)
_OTHER_EFFECTS = (
    "do:blur", "do:bokeh", "do:bw", "do:sepia", "do:sharpen", "do:vignette", "do:remove", "do:redact", "do:pixelate",
    "do:write", "do:rotate", "do:flip", "do:add", "do:put", "do:replace", "do:cutout", "adj:", "state:",
    "prop:brightness", "style:", "quote:", "colour:",
)  # fmt: skip


def crop(frame: Frame) -> Built:
    """Crop to a ratio, to a thing with a margin, to pixels; "make it square" is a crop too."""
    ratio = _ratio(frame)
    if not frame.has("do:crop") and (ratio is None or frame.has("dims:", *_OTHER_EFFECTS)):
        return _NOTHING
    beside = any(p.kind == "noun" and p.prep == "of" for p in frame.phrases) and bool(frame.all("place"))
    if beside and ratio is None:
        return _NOTHING  # "to the left of the cup"
    named = [p.text for p in frame.things if p.known or p.det]
    named += [_half(t.value) for t in frame.all("place") if not named and ratio is None]
    target = " and ".join(named)
    dims = frame.first("dims")
    if ratio is None and dims is not None:
        width, height = _pair(dims.value)
        if width <= 50 and height <= 50 and width > 0 and height > 0:
            return (Crop(ratio=(width, height)),), target
        if width > 0 and height > 0:
            exact = Resize(width=int(min(width, 30000)), height=int(min(height, 30000)))
            return (Crop(ratio=(width, height)), exact), target
    if ratio is None and (numbers := [t.number for t in frame.all("num")]) and len(numbers) == 2 and min(numbers) > 0:
        ratio = (numbers[0], numbers[1])  # "4 by 3"
    if ratio is None and not target and not any(p.kind == "it" and p.prep for p in frame.phrases):
        return _NOTHING
    built = Crop(ratio=ratio, margin=_margin(frame) if target else 0.0)
    pixels = measure(frame, "px")
    if ratio is not None and pixels is not None and 1 <= pixels <= 3000:  # "a square of 500 pixels"
        height = max(1, round(pixels * ratio[1] / ratio[0]))
        return (built, Resize(width=int(pixels), height=height)), target
    return (built,), target


def _half(place: str) -> str:
    return f"{place.replace('-', ' ')} half" if "-" not in place else f"{place.replace('-', ' ')} corner"


def _margin(frame: Frame) -> float:
    if any(p.text.endswith(("half", "third", "corner", "selection")) for p in frame.things) or not frame.things:
        return 0.0
    named = measure(frame, "percent")
    if named is not None:
        return clamp(abs(named) / 100, 0, 2)
    return 0.3 if frame.nouns("face") else DEFAULTS["crop_margin"]


def _ratio(frame: Frame) -> tuple[float, float] | None:
    token = frame.first("ratio")
    fractions = [t.alternative.removeprefix("ratio:") for t in frame.all("mult") if t.alternative]
    if token is None and not (fractions and frame.has("do:crop")):
        return None
    first, second = (float(v) for v in (token.value if token else fractions[0]).split(":"))
    return (first, second) if first > 0 and second > 0 else None


def _pair(text: str) -> tuple[float, float]:
    first, second = text.split("x")
    return float(first), float(second)


def resize(frame: Frame) -> Built:
    """Resize to pixels, megapixels, or by a factor."""
    wanted = _pixels(frame)
    if wanted is not None:
        return (wanted,), ""
    area = measure(frame, "megapixel")
    if area is not None and area > 0:
        return (Resize(megapixels=clamp(area, 0.01, 400)),), ""
    whole = not frame.things
    asked = frame.has("do:resize", "do:shrink", "prop:size") or (
        whole and frame.has("size:", "do:make", "do:turn") and frame.has("mult:", "size:")
    )
    pictured = any(p.kind in ("all", "it") for p in frame.phrases)
    pictured = pictured or frame.has("prep:to") or not (frame.phrases or frame.joined)
    asked = asked or (pictured and frame.has("dir:-") and frame.has("mult:") and not frame.has("prop:", "adj:"))
    scale = _scale(frame) if asked and whole else None
    return ((Resize(scale=clamp(scale, 0.01, 16)),), "") if scale else _NOTHING


def _pixels(frame: Frame) -> Resize | None:
    dims = frame.first("dims")
    if dims is not None:
        width, height = (min(int(v), 30000) for v in _pair(dims.value))
        return Resize(width=width, height=height) if width > 0 and height > 0 else None
    if frame.has("dim:thumbnail"):
        return _side("long", DEFAULTS["thumbnail"], frame)
    numbers = [t for t in frame.free if t.kind == "num"]
    sides = [t for t in frame.free if t.kind == "dim"]
    pixels = measure(frame, "px")
    if pixels is None and sides and not frame.has("unit:percent", "unit:degree"):
        pixels = measure(frame, "")
    if pixels is None or not 1 <= pixels <= 30000:
        return None
    if not sides and not frame.has("do:resize", "do:make", "prop:size", "do:change", "do:turn", "do:upscale"):
        return None
    if len(sides) == 2 and len(numbers) == 2:  # "800 px wide and 600 px high"
        named = {side.value: int(number.number) for side, number in zip(sides, numbers, strict=True)}
        if set(named) == {"width", "height"} and all(1 <= v <= 30000 for v in named.values()):
            return Resize(width=named["width"], height=named["height"])
    return _side(sides[0].value if sides else "width", pixels, frame)


def _side(which: str, pixels: float, frame: Frame) -> Resize:
    wide = frame.size[0] >= frame.size[1]
    if which == "width" or (which == "long" and wide) or (which == "short" and not wide):
        return Resize(width=int(pixels))
    return Resize(height=int(pixels))


def _scale(frame: Frame) -> float | None:
    named, multiple = measure(frame, "percent"), frame.first("mult")
    down = frame.has("dir:-", "size:small") or _shrinks(frame)
    if named is not None and named > 0:
        share = named / 100
        if frame.has("prep:to") or not frame.has("dir:", "size:", "prep:with", "prep:x"):
            return share
        return max(1 - share, 0.01) if down or not frame.has("dir:+", "size:big") else 1 + share
    if multiple is not None and multiple.number > 0:
        if down and multiple.number < 1 and not frame.has("prep:to"):
            return 1 - multiple.number  # "a third smaller"
        return 1 / multiple.number if down and multiple.number > 1 else multiple.number
    bare = measure(frame, "")
    if frame.has("do:resize") and bare is not None and 0 < bare <= 16:  # "by a factor of 3"
        return bare
    if frame.has("size:small") or (frame.has("dir:-") and frame.has("prop:size")) or _shrinks(frame):
        return DEFAULTS["resize_smaller"]
    if frame.has("size:big", "size:huge") or (frame.has("dir:+") and frame.has("prop:size")):
        return DEFAULTS["resize_bigger"]
    return None


def _shrinks(frame: Frame) -> bool:
    """A verb that says "smaller" by itself; "resize" alone says nothing."""
    return frame.has("do:shrink")


def upscale(frame: Frame) -> Built:
    """Enlarge with super-resolution: by a factor, or until a number of pixels is reached."""
    if not frame.has("do:upscale"):
        return _NOTHING
    exact = _pixels(frame)
    if exact is not None:
        ratio = max((exact.width or 0) / frame.size[0], (exact.height or 0) / frame.size[1])
        return (Upscale(factor=_factor(math.ceil(ratio))), exact), ""
    named, multiple = measure(frame, "percent"), frame.first("mult")
    wanted = multiple.number if multiple else named / 100 if named else measure(frame, "times", "") or 2
    if multiple is not None and multiple.number % 1:  # "放大1.5倍": no model has such a factor
        return (Resize(scale=clamp(multiple.number, 0.01, 16)),), ""
    model: Literal["fast", "quality"] = "quality" if frame.has("quality:") else "fast"
    return (Upscale(factor=_factor(round(wanted)), model=model),), ""


def _factor(value: int) -> Literal[2, 3, 4]:
    return cast(Literal[2, 3, 4], min(max(value, 2), 4))
