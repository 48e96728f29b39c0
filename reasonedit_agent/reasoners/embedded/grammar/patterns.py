"""The pattern table: which concepts of a clause make which operation. The same for all languages.

Each pattern looks at a `Frame` and answers None (not mine), an `Outcome`, or a `Cannot` with a reason of `REASONS`.
They are asked in order; the first answer stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reasonedit_agent.operations import (
    BlackAndWhite,
    Crop,
    CutOut,
    Fill,
    Flip,
    PlainOperation,
    Recolour,
    Redact,
    Remove,
    ReplaceBackground,
    Rotate,
    Sharpen,
)
from reasonedit_agent.reasoners.embedded.grammar.colours import MORE_OF, tint_direction
from reasonedit_agent.reasoners.embedded.grammar.effects import effects
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame
from reasonedit_agent.reasoners.embedded.grammar.geometry import crop, resize, upscale
from reasonedit_agent.reasoners.embedded.grammar.lettering import add_text
from reasonedit_agent.reasoners.embedded.grammar.quantities import (
    adjust,
    clamp,
    colours,
    described,
    factor,
    measure,
    share,
)

__all__ = ["PARTS", "PATTERNS", "Cannot", "Outcome", "Pattern"]

PARTS = ("half", "third")
"""How the names of parts of the picture end."""

_SHARES = {"0.5": "half", "0.5000": "half", "0.3333": "third", "0.25": "quarter", "0.2500": "quarter"}
_OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}

SENSITIVE = ("face", "text", "license plate", "logo", "watermark", "person", "people", "eye")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a clause asks for.

    Attributes:
        operations: At least one, in order.
        target: Where, when the pattern decides it: a noun phrase, or "" for the whole picture. None leaves it to the
            things that the clause names.
    """

    operations: tuple[PlainOperation, ...]
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Cannot:
    """No classical operation does it; ``reason`` is a key of `concepts.REASONS`."""

    reason: str


Pattern = Callable[[Frame], Outcome | Cannot | None]

_EFFECTS = (
    "adj:", "state:", "do:blur", "do:bokeh", "do:sharpen", "do:bw", "do:sepia", "do:vignette", "style:", "prop:"
)  # fmt: skip


def _generative(frame: Frame) -> Cannot | None:
    new = next((t for t in frame.all("new") if t.value != "wording"), None)
    return Cannot(new.value) if new else None


def _text(frame: Frame) -> Outcome | Cannot | None:
    if not frame.has("quote:", "do:write"):
        return None
    if frame.has("do:remove", "do:redact", "do:pixelate", "do:blur") and not frame.has("do:write"):
        return None
    if frame.has("do:replace", "do:change") and frame.has("quote:"):
        return Cannot("text") if not frame.has("colour:") else None  # "change the text 'A' to red"
    if frame.has("new:wording") and not frame.has("quote:"):
        return Cannot("wording")
    operation = add_text(frame)
    if operation is None:
        return None
    on = [p.text for p in frame.things if p.prep in ("on", "in", "to") and p.known and not p.text.endswith("text")]
    return Outcome((operation,), on[-1] if on else "")


def _remove(frame: Frame) -> Outcome | Cannot | None:
    if not frame.has("do:remove"):
        return None
    casts = [d for c in colours(frame) if (d := tint_direction(c))]
    if frame.has("prop:colour", "prop:saturation") and not frame.things:
        return Outcome((BlackAndWhite(),))
    if frame.has("do:blur", "prop:blur") and not frame.things:
        return Outcome((Sharpen(amount=clamp(1.0 * factor(frame), 0.1, 5)),))
    if frame.has("do:denoise", "do:vignette", "do:sepia"):
        return Cannot("restore")
    if casts and not frame.things:
        return Outcome((adjust("warmth", -casts[0], frame),))
    if frame.nouns("background") and len(frame.things) == 1:  # but "the flag in the background" is a flag
        return Outcome((CutOut(),), "subject")
    if frame.excluded and not frame.things:
        return Outcome((CutOut(),), " and ".join(p.text for p in frame.excluded))
    if (parts := _without_parts(frame)) is not None:
        return parts
    if frame.things or any(p.kind == "it" for p in frame.phrases):
        return Outcome((Remove(),))
    return None


def _without_parts(frame: Frame) -> Outcome | None:
    """As in "cut off the top half": nothing could fill that; what is left is the rest of the picture."""
    parts = [p.text for p in frame.things if p.text.endswith(PARTS)]
    place, fraction = frame.first("place"), frame.first("mult")
    if not frame.things and place is not None and fraction is not None:  # "底部三分之一"
        parts = [f"{place.value} {_SHARES[fraction.value]}"] if fraction.value in _SHARES else []
    if not parts:
        return None
    side, _, name = parts[0].partition(" ")
    if side not in _OPPOSITE:
        return None
    return Outcome((Crop(),), f"{_OPPOSITE[side]} half" if name == "half" else f"everything except {parts[0]}")


def _cut_out(frame: Frame) -> Outcome | Cannot | None:
    if frame.has("do:cutout") and (parts := _without_parts(frame)) is not None:
        return parts
    if frame.has("do:clear") and frame.excluded:
        return Outcome((CutOut(),), " and ".join(p.text for p in frame.excluded))
    if frame.has("do:clear") and not frame.things:
        return Outcome((CutOut(),), "subject")
    if frame.has("do:clear") and frame.things:
        return Outcome((CutOut(),), "subject") if frame.nouns("background") else Cannot("material")
    if not frame.has("do:cutout") or described(frame):  # "cut her out and onto a white background"
        return None
    named = [p.text for p in frame.things if not p.text.endswith("background")]
    return Outcome((CutOut(),), " and ".join(named) or "subject")


def _in_front(frame: Frame) -> Outcome | None:
    """Where "a picture" is the one that came along: "put her in front of that photo", "use this as background"."""
    if not frame.references or frame.has("fill:", "colour:", *_EFFECTS) or described(frame):
        return None
    pictured = any(p.kind in ("all", "it") for p in frame.phrases)
    if frame.has("prep:before") and frame.has("do:put", "do:make"):
        meant = bool(frame.phrases)
    elif frame.nouns("background") and frame.has("do:make", "do:put", "do:replace", "prep:with"):
        meant = pictured
    else:
        shown = frame.things[0].text in ("subject", "person", "man", "woman", "people") if frame.things else False
        onto = any(p.prep in ("in", "on") for p in frame.phrases)
        meant = pictured and onto and frame.has("do:put") and shown
    return Outcome((ReplaceBackground(fill=Fill(reference=0)),), "background") if meant else None


def _fill(frame: Frame, asked: list[str]) -> Fill:
    """Return a plain colour, or a gradient in the direction that the named sides give it."""
    first = frame.first("place")
    if frame.has("fill:gradient") and len(asked) == 2 and first and first.value in ("right", "bottom"):
        asked = asked[::-1]  # "from purple (bottom) to orange (top)"
    fill = Fill(
        colours=tuple(asked[:2]) if frame.has("fill:gradient") or len(asked) == 1 else (asked[-1],),
        direction="right" if frame.has("axis:horizontal", "place:left", "place:right") else "down",
    )
    if frame.has("fill:gradient") and len(asked) == 1:
        fill = Fill(colours=(asked[0], "#ffffff"), direction=fill.direction)
    return fill


def _new_background(frame: Frame) -> Outcome | Cannot | None:
    """Background and a colour, a gradient or a reference photo."""
    verbs = frame.has("do:replace", "do:change", "do:make", "do:turn", "do:put", "do:add")
    named = frame.nouns("background")
    asked = colours(frame) or described(frame)
    if frame.has("do:recolour") or (frame.has(*_EFFECTS) and not asked and not frame.has("fill:")):
        return None
    placed = frame.has("do:put", "prep:behind", "prep:before") or (frame.has("do:make", "do:add") and frame.things)
    if frame.has("fill:reference", "fill:reference2") and (named or placed):
        index = 1 if frame.has("fill:reference2") else 0
        if index >= frame.references:
            return Cannot("reference")
        return Outcome((ReplaceBackground(fill=Fill(reference=index)),), "background")
    onto = any(p.prep in ("on", "in", "behind") for p in frame.phrases) or frame.has("prep:on", "prep:behind")
    if not named and not (frame.has("do:put") and onto and asked and frame.phrases):
        return None
    if (
        named
        and len([p for p in frame.things if p.kind == "noun"]) > 1
        and frame.has("do:replace", "do:change", "do:turn")
        and not asked
    ):
        return Cannot("scene")
    if not asked:
        return None
    if frame.has("dir:+", "dir:-", "strength:0.4") and not frame.has("fill:gradient"):
        return None
    if not verbs and frame.has("do:"):
        return None
    return Outcome((ReplaceBackground(fill=_fill(frame, asked)),), "background")


def _swap(frame: Frame) -> Cannot | None:
    """One thing for another; adding things; more or less of a thing's size."""
    things = [p for p in frame.things if p.prep != "for"]
    result = frame.has("colour:", "style:", "ratio:", "dims:", "num:") or frame.has(*_EFFECTS)
    if frame.has("do:replace", "do:turn", "do:change", "do:make") and not result:
        preps = {"into", "with", "to", "like", "x", *(["in"] if frame.has("do:turn") else [])}
        into = [p for p in things if p.prep in preps]
        if (len(things) >= 2 and into) or any(p.prep in ("into", "like") and (p.known or p.det) for p in things):
            return Cannot("scene" if things[0].text.endswith("background") else "swap")
        if frame.has("do:replace") and frame.things and frame.has("fill:"):
            return Cannot("swap")
        if frame.has("do:replace") and things and len(things) == 1 and frame.has("quote:"):
            return Cannot("text")
    grown = frame.has("size:", "do:resize", "dim:", "do:upscale") and not frame.has("quote:", "do:write")
    if (
        grown
        and any(p.known or p.det for p in things)
        and not frame.has("do:crop", "do:remove", *_EFFECTS)
        and not frame.has("colour:")
    ):
        return Cannot("object_size")
    if frame.has("do:make") and not result and len(things) >= 2 and things[-1].known and not things[-1].prep:
        return Cannot("add")  # "give him a hat"
    if frame.has("do:add", "do:put") and things and not result and not frame.has("quote:", "do:blur", "dir:"):
        return Cannot("add")
    return None


def _rotate(frame: Frame) -> Outcome | Cannot | None:
    asked = measure(frame, "degree")
    turned = frame.has("do:turn", "do:make") and (frame.has("turn:") or asked is not None)
    turned = turned or (frame.has("do:turn") and frame.has("place:left", "place:right") and not frame.has("colour:"))
    if not frame.has("do:rotate") and not turned and not (frame.has("turn:") and not frame.has("do:")):
        return None
    if frame.things:
        return Cannot("geometry")
    if asked is None:
        asked = measure(frame, "")
    word = frame.first("turn")
    if asked is None:
        asked = abs(word.number) if word else 90.0
    left = (word is not None and word.number < 0) or frame.has("place:left")
    degrees = -asked if left and asked > 0 else asked
    return Outcome((Rotate(degrees=clamp(degrees, -360, 360)),), "") if degrees else None


def _flip(frame: Frame) -> Outcome | Cannot | None:
    if not frame.has("do:flip"):
        return None
    if any(not p.text.startswith("mirror") for p in frame.things):  # "like in a mirror"
        return Cannot("geometry")
    vertical = frame.has("axis:vertical", "turn:180")
    return Outcome((Flip(axis="vertical" if vertical else "horizontal"),), "")


def _redact(frame: Frame) -> Outcome | None:
    hidden = frame.nouns(*SENSITIVE[:5])
    if frame.has("do:pixelate"):
        return Outcome((Redact(style="pixelate", strength=clamp(factor(frame), 0.2, 4)),))
    if frame.has("do:redact") and frame.phrases:
        style = "fill" if frame.has("do:blackout") else "blur"
        return Outcome((Redact(style="fill" if frame.has("colour:#000000") else style),))
    if frame.has("do:blur") and hidden and not frame.has("dir:-"):
        return Outcome((Redact(style="blur", strength=clamp(factor(frame), 0.2, 4)),))
    return None


def _is_tint(frame: Frame) -> bool:
    """As in "fix the blue tint": the verb stands for what is there, after its colour."""
    verbs, seen = frame.all("do"), frame.first("colour")
    return len(verbs) == 1 and verbs[0].value == "recolour" and seen is not None and seen.end <= verbs[0].start


def _colour_cast(frame: Frame) -> Outcome | None:
    """As in "It is a bit yellow": a complaint about a colour."""
    tint = _is_tint(frame)
    unhappy = frame.has("complain:") or (tint and frame.has("dir:-"))
    if not unhappy or (frame.has("do:") and not tint) or (frame.things and not frame.has("complain:too")):
        return None
    seen = colours(frame)
    casts = [d for c in seen if (d := tint_direction(c))]
    if not casts and seen and len(set(seen[0][i : i + 2] for i in (1, 3, 5))) == 1:  # "too grey" is too flat
        return Outcome((adjust("contrast", 1, frame),))
    return Outcome((adjust("warmth", -casts[0], frame),)) if casts else None


def _effects(frame: Frame) -> Outcome | None:
    if frame.has("do:remove", "do:crop", "do:replace", "do:rotate", "do:flip"):
        return None  # "remove the lighter"
    found, target = effects(frame)
    return Outcome(found, target) if found else None


def _recolour(frame: Frame) -> Outcome | None:
    asked = colours(frame)
    if not asked or frame.has("do:remove", "do:crop", "do:cutout", "do:rotate", "do:add") or frame.has("neg:"):
        return None
    if not (frame.phrases or frame.has("do:recolour", "do:make", "do:turn", "do:change", "do:replace", "dir:")):
        return None
    if frame.has("do:replace") and not frame.phrases:
        return None  # "swap red and blue"
    strength = share(frame)
    if frame.has("dir:+") and not frame.has("unit:percent"):  # "more blue", "bluer"
        strength = clamp(0.4 * factor(frame), 0.01, 1)
    colour = MORE_OF.get(asked[-1], asked[-1]) if frame.has("dir:+") else asked[-1]
    return Outcome((Recolour(colour=colour, strength=strength),))


def _geometry(build: Callable[[Frame], tuple[tuple[PlainOperation, ...], str | None]]) -> Pattern:
    def pattern(frame: Frame) -> Outcome | None:
        operations, target = build(frame)
        return Outcome(operations, target) if operations else None

    return pattern


PATTERNS: tuple[tuple[str, Pattern], ...] = (
    ("text", _text),
    ("generative", _generative),
    ("crop", _geometry(crop)),
    ("remove", _remove),
    ("cut_out", _cut_out),
    ("in_front", _in_front),
    ("background", _new_background),
    ("swap", _swap),
    ("redact", _redact),
    ("upscale", _geometry(upscale)),
    ("rotate", _rotate),
    ("flip", _flip),
    ("colour_cast", _colour_cast),
    ("recolour", lambda frame: _recolour(frame) if not frame.has(*_EFFECTS) or _is_colour_wish(frame) else None),
    ("effects", _effects),
    ("resize", _geometry(resize)),
)
"""Name and pattern, in the order in which they are asked."""


def _is_colour_wish(frame: Frame) -> bool:
    """As in "Change the colour to red", "a darker red": the property or the shade belongs to the colour."""
    others = [
        t
        for i, t in enumerate(frame.free)
        if t.key + ":"
        and any(t.key == e or t.kind + ":" == e for e in _EFFECTS)
        and t.key not in ("prop:colour", "prop:saturation")
        and not _shades(frame, i)
    ]
    return bool(frame.all("colour")) and not others


def _shades(frame: Frame, index: int) -> bool:
    token = frame.free[index]
    following = frame.free[index + 1 : index + 2]
    return (token.kind == "shade" or token.alternative.startswith("shade:")) and any(
        t.kind == "colour" for t in following
    )
