"""What a user asked, in words that fit a prompt: with the marked place, the references, advice, and the past."""

from __future__ import annotations

from reasonedit_agent.reasoners.dialects.past import advice, rounds_in_words
from reasonedit_agent.reasoners.dialects.words import Words
from reasonedit_agent.schemas import Box, EditRequest, History, ImageRef, Phrase, Polygon, Region

__all__ = ["place_in_words", "request_in_words"]


def place_in_words(region: Region, image: ImageRef) -> str:
    """Return where a region is; coordinates are thousandths of the image's width and height."""
    if isinstance(region, Box):
        corners = (region.left, region.top), (region.right, region.bottom)
        (left, top), (right, bottom) = (_thousandths(corner, image) for corner in corners)
        return f"the box {left}, {top}, {right}, {bottom} (thousandths of width and height)"
    if isinstance(region, Polygon):
        return f"the polygon {', '.join(str(_thousandths(p, image)) for p in region.points)} (thousandths)"
    if isinstance(region, Phrase):
        return region.text
    return region.label or "a mask that the editor has"


def _thousandths(point: tuple[float, float], image: ImageRef) -> tuple[int, int]:
    x, y = point
    return round(1000 * x / image.width), round(1000 * y / image.height)


def request_in_words(words: Words, request: EditRequest, history: History, *, shown: bool, past: bool) -> str:
    """Return the instruction, and a line beneath it for each thing that goes with it; alone it stays as it is.

    Args:
        words: With the texts ``region``, ``advice``, ``references`` and ``history`` in the table ``all``.
        request: What was asked.
        history: With what people advised, and the rounds so far.
        shown: Whether the references stand behind the prompt's other pictures.
        past: Whether the earlier rounds are told; long pasts are compressed.
    """
    told = {
        "region": place_in_words(request.region, request.image) if request.region else "",
        "references": str(len(request.references)) if shown and request.references else "",
        "advice": advice(history),
        "history": rounds_in_words(history) if past else "",
    }
    return "\n".join([request.instruction, *(words.say("all", name, said=said) for name, said in told.items() if said)])
