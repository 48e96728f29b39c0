"""How a noun phrase is written in normalised English."""

from __future__ import annotations

from collections.abc import Sequence

from reasonedit_agent.reasoners.embedded.grammar.tokens import Token

__all__ = ["ALWAYS_ALL", "OWNERS", "many", "places_first", "without_unknown"]


def without_unknown(words: list[str], own: Sequence[Token]) -> list[str]:
    """Drop unknown words before a known noun: "that ugly pole" is a pole."""
    known = [t for t in own if t.kind == "noun"]
    if not known or own[-1].kind != "noun":
        return words
    unknown = {t.value for t in own if t.kind == "word"}
    return [w for w in words if w not in unknown]


OWNERS = {
    "person",
    "people",
    "man",
    "men",
    "woman",
    "women",
    "girl",
    "boy",
    "child",
    "children",
    "baby",
    "picture",
    "subject",
}
ALWAYS_ALL = {"face", "text", "license plate", "background", "sky", "people", "subject", "logo", "clothes", "hair"}
_IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "knife": "knives",
    "leaf": "leaves",
}


def many(noun: str) -> str:
    """Return the plural; of what is always meant as a whole, the noun itself."""
    if noun in ALWAYS_ALL or noun.endswith(("half", "third")):
        return noun
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun if noun.endswith("s") else noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"


def places_first(words: list[str]) -> list[str]:
    """Return the words of a phrase with places in front, as English has them: "left cup"."""
    places = {"left", "right", "top", "bottom", "center"}
    return sorted(words, key=lambda w: w not in places)
