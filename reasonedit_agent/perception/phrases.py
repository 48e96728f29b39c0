"""Reading a noun phrase: what is named, its colour, its place, and how many."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reasonedit_agent.perception.arrays import Box
from reasonedit_agent.perception.colour import COLOURS
from reasonedit_agent.perception.nouns import singular

__all__ = ["Kind", "Phrase", "Place", "parse_phrase"]

Kind: TypeAlias = Literal["all", "position", "background", "subject", "sky", "text", "face", "thing"]
Across: TypeAlias = Literal["left", "centre", "right"]
Down: TypeAlias = Literal["top", "centre", "bottom"]

_SLACK = 0.05  # of the picture: nearer to its middle nobody says on which side a thing is


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a rectangle: words for its sides, and how much of it (a half, a third, ...)."""

    horizontal: Across | None
    vertical: Down | None
    share: float

    def cut(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return the part of a rectangle at the origin as left, top, right, bottom."""
        left, right = self._span(self.horizontal, "left", "right")
        top, bottom = self._span(self.vertical, "top", "bottom")
        return left * width, top * height, right * width, bottom * height

    def holds(self, box: Box, width: float, height: float) -> bool:
        """Return whether the middle of a box lies on this side of a picture; a thing in the middle is on either side.

        Half a picture is asked at least: "the left third" of a picture is a place, "the cup in the left third" a cup
        whose middle may be beside it.
        """
        left, top, right, bottom = replace(self, share=max(self.share, 1 / 2)).cut(width, height)
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        across = left - _SLACK * width <= x <= right + _SLACK * width
        return across and top - _SLACK * height <= y <= bottom + _SLACK * height

    def _span(self, side: str | None, low: str, high: str) -> tuple[float, float]:
        if side is None:
            return 0.0, 1.0
        if side == low:
            return 0.0, self.share
        if side == high:
            return 1 - self.share, 1.0
        return (1 - self.share) / 2, (1 + self.share) / 2


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase, read.

    Attributes:
        kind: Which way of searching it asks for.
        noun: The thing's name in the singular, empty if it has none ("the red thing").
        several: Whether all of them are meant ("cats", "both cups").
        colour: A word of `COLOURS`.
        place: Where in the image it is, or which part of the image is meant.
        part: Which part of the thing is meant ("the left half of the cup").
        size: ``1`` for the largest, ``-1`` for the smallest.
        quoted: What the text says that is meant.
    """

    kind: Kind
    noun: str = ""
    several: bool = False
    colour: str | None = None
    place: Place | None = None
    part: Place | None = None
    size: int = 0
    quoted: str | None = None


_SIDES = {
    "left": "left", "leftmost": "left", "right": "right", "rightmost": "right",
    "top": "top", "upper": "top", "topmost": "top", "bottom": "bottom", "lower": "bottom", "bottommost": "bottom",
    "center": "centre", "centre": "centre", "middle": "centre", "central": "centre",
}  # fmt: skip
_SHARES = {
    "half": 1 / 2, "side": 1 / 2, "part": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "corner": 2 / 5, "edge": 1 / 6,
    "area": 1 / 2, "region": 1 / 2, "portion": 1 / 2, "two-thirds": 2 / 3,
}  # fmt: skip
_SIZES = {"largest": 1, "biggest": 1, "big": 1, "large": 1, "smallest": -1, "small": -1, "little": -1, "tiny": -1}
_SEVERAL = frozenset(["all", "both", "every", "each", "two", "three", "four", "five"])
_EMPTY = frozenset(
    "the a an this that these those my your his her its their our of in on at to with and is which from hand dark "
    "light bright one ones thing things object objects item it".split()
)
_WHOLE = frozenset(
    "image photo picture photograph whole entire everything scene frame canvas full all shot pic overall".split()
)
_KINDS: dict[str, Kind] = {
    "background": "background", "backdrop": "background", "surroundings": "background", "scenery": "background",
    "rest": "background",
    "subject": "subject", "foreground": "subject", "main": "subject", "main subject": "subject", "product": "subject",
    "sky": "sky", "heaven": "sky", "heavens": "sky",
    "text": "text", "word": "text", "lettering": "text", "writing": "text", "caption": "text", "letter": "text",
    "watermark": "text", "title": "text", "inscription": "text", "headline": "text", "slogan": "text",
    "face": "face",
}  # fmt: skip
_PART = re.compile(rf"(?:the )?(?:(?:{'|'.join(_SIDES)}) )+(?:{'|'.join(_SHARES)}) of ")
_QUOTES = re.compile(r"[\"“”«»「」『』]([^\"“”«»「」『』]+)[\"“”«»「」『』]")


def parse_phrase(text: str) -> Phrase:
    """Return what an English noun phrase means; it never fails, an unknown noun is a "thing"."""
    quote = _QUOTES.search(text)
    if cut := _PART.match(text.strip().lower()):
        whole = parse_phrase(text.strip()[cut.end() :])
        if whole.kind not in ("all", "position"):
            return replace(whole, part=_place(re.findall("[a-z-]+", cut.group())))
    words = re.findall(r"[a-z][a-z'-]*", _QUOTES.sub(" ", text).lower())
    words = [word.removesuffix("'s") for word in words]
    colour = next((w for k, w in enumerate(words) if w in COLOURS and not _is_noun(words, k)), None)
    size = next((_SIZES[w] for w in words if w in _SIZES), 0)
    several = any(word in _SEVERAL for word in words)
    rest = [
        (k, w)
        for k, w in enumerate(words)
        if w not in _SIDES and w not in _SHARES and w not in _SIZES and w not in _SEVERAL and w not in _EMPTY
        and (w not in COLOURS or _is_noun(words, k))
    ]  # fmt: skip
    named = [(k, w) for k, w in rest if w not in _WHOLE]
    noun, plural = singular(" ".join(w for _, w in named))
    if not quote and any(c.isalpha() and c >= "\u3000" for c in text):
        noun, named = text.strip(), [(0, text.strip())]  # in another script: a thing that no model knows
    place = _place(words)
    kind = _KINDS.get(noun)
    if quote and (not noun or kind == "text"):
        kind = "text"
    if kind is None:
        if named or colour or size:
            kind = "thing"
        else:
            kind = "position" if place else "all" if rest or not words else "subject"
    return Phrase(
        kind,
        noun if kind == "thing" else "",
        plural or several,
        colour,
        place=place,
        size=size,
        quoted=quote.group(1).strip() if quote else None,
    )


def _is_noun(words: list[str], index: int) -> bool:
    """An orange is a fruit when nothing but places or the start stands around it."""
    later = [w for w in words[index + 1 :] if w not in _EMPTY and w not in _SIDES and w not in _SHARES]
    return words[index] == "orange" and not later and not set(words[index + 1 :]) & {"thing", "object", "one", "area"}


def _place(words: list[str]) -> Place | None:
    sides = [_SIDES[w] for w in words if w in _SIDES]
    if not sides:
        return None
    share = next((_SHARES[w] for w in words if w in _SHARES), 1 / 2)
    horizontal: Across | None = "left" if "left" in sides else "right" if "right" in sides else None
    vertical: Down | None = "top" if "top" in sides else "bottom" if "bottom" in sides else None
    if "centre" in sides:
        if horizontal is None and vertical is None:
            both = share == 1 / 2  # "the middle third" is a column, "the middle" a box
            return Place("centre", "centre" if both else None, share)
        if horizontal is None:
            horizontal = "centre"
        elif vertical is None:
            vertical = "centre"
    return Place(horizontal, vertical, share)
