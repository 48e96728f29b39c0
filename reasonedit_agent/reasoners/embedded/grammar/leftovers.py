"""What a clause says that its operations do not use: a wish that would be dropped in silence.

A clause with such a rest counts as not understood. The table names, for each operation, the kinds of words that it can
take; words of things, colours, strengths and glue are for the patterns to place.
"""

from __future__ import annotations

from reasonedit_agent.reasoners.embedded.grammar.frames import Frame
from reasonedit_agent.reasoners.embedded.grammar.patterns import Outcome

__all__ = ["leftovers"]

_ANY = frozenset("word size turn axis dims ratio dim quote fill style num mult new".split())
"""Kinds of words that carry a wish by themselves."""

_PICTURE = frozenset(["fill:reference", "fill:reference2"])
"""Where no other photo is meant, "this photo" is the picture."""

_AMOUNT = frozenset(["num", "mult"])
_TAKES: dict[str, frozenset[str]] = {
    "adjust": _AMOUNT,
    "recolour": _AMOUNT,
    "black_and_white": _AMOUNT,
    "sepia": _AMOUNT,
    "vignette": _AMOUNT,
    "stylise": _AMOUNT | {"style", "fill"},
    "blur": _AMOUNT | {"ratio"},  # "blurry like a portrait"
    "sharpen": _AMOUNT,
    "redact": _AMOUNT,
    "crop": _AMOUNT | {"ratio", "dims", "axis"},
    "resize": _AMOUNT | {"size", "dim", "dims", "ratio"},
    "upscale": _AMOUNT | {"size", "dim", "dims"},
    "rotate": frozenset(["num", "turn", "axis"]),
    "flip": frozenset(["axis", "turn"]),
    "replace_background": frozenset(["fill", "axis", "ratio"]),
    "remove": frozenset(),
    "cut_out": frozenset(["fill"]),
}

_COMPARED = frozenset(["adjust", "blur", "sharpen", "vignette", "crop", "remove"])
"""Operations that nothing else in the picture can set the measure for: "as bright as the table"."""


def leftovers(frame: Frame, answer: Outcome) -> list[str]:
    """Return the words of a clause that none of its operations uses; "write" takes all words."""
    names = {operation.op for operation in answer.operations}
    if "add_text" in names:
        return []
    takes = frozenset().union(*(_TAKES[name] for name in names))
    rest = [t.value for t in frame.free if t.kind in _ANY - takes and t.key not in _PICTURE]
    if names <= _COMPARED:
        rest += [p.text for p in frame.things if p.prep == "like" and p.known]
    if frame.things and all(p.prep == "beside" for p in frame.things):
        rest += [p.text for p in frame.things]  # "blur above the cup": that place has no mask
    return rest
