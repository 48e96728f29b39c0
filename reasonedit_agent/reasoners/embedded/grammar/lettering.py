"""Text that a clause wants written on the picture."""

from __future__ import annotations

from typing import get_args

from reasonedit_agent.operations import AddText, Place
from reasonedit_agent.reasoners.embedded.grammar.concepts import DEFAULTS
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame
from reasonedit_agent.reasoners.embedded.grammar.quantities import colours, measure

__all__ = ["add_text"]

_ENDS = ("place", "size", "colour", "prep", "quote", "unit")


def add_text(frame: Frame) -> AddText | None:
    """Build the operation from the quoted words, or from the words after "write" up to a place, size or colour."""
    quotes = frame.all("quote")
    text = quotes[-1].value if quotes else _unquoted(frame)
    if not text:
        return None
    place = next((t.value for t in frame.tokens if t.kind == "place" and t.value in get_args(Place)), "bottom")
    asked = colours(frame) or [t.value for t in frame.tokens if t.kind == "colour"][-1:]
    return AddText.model_validate(
        {"text": text, "place": place, "size": _size(frame), "colour": asked[-1] if asked else None}
    )


def _size(frame: Frame) -> int | None:
    pixels = measure(frame, "px")
    if pixels is None and frame.has("prop:size"):
        pixels = measure(frame, "")
    if pixels is not None and pixels >= 1:
        return int(min(pixels, 5000))
    for token in frame.tokens:
        if token.kind == "size":
            return max(1, round(DEFAULTS[f"text_{token.value}"] * frame.short_side))
    return None


def _unquoted(frame: Frame) -> str:
    start = next((i for i, t in enumerate(frame.tokens) if t.key == "do:write"), None)
    if start is None:
        return ""
    first = frame.tokens[start].end
    words = frame.tokens[start + 1 :]
    end = frame.tokens[-1].end
    for index, token in enumerate(words):
        if token.kind in _ENDS and index:
            end = token.start
            break
    offset = frame.tokens[0].start
    return frame.text[first - offset : end - offset].strip(" :,.-")
