"""Taking back what was just said: "make the cup blue. No wait, make it green", "rotate it by 90, sorry, 180 degrees".

A few words ("no, green") stand in the place of those of their kind; a clause of its own is marked, and the reader
finds out which earlier one it replaces.
"""

from __future__ import annotations

from collections.abc import Sequence

from reasonedit_agent.reasoners.embedded.grammar.model import Clause
from reasonedit_agent.reasoners.embedded.grammar.tokens import Token

__all__ = ["CORRECTS", "MAY_CORRECT", "corrected", "replaced"]

CORRECTS = "ignore:corrects"
"""Opens a clause that replaces an earlier one, or takes it back where nothing follows."""

MAY_CORRECT = "ignore:correct"
"""Stands in a clause that replaces an earlier one of its kind and place, if there is one ("actually", "instead")."""

_THING = {"noun", "word"}
_BEFORE_THING = _THING | {"adjective", "det", "colour", "place", "shade", "size"}
_FAMILIES: tuple[tuple[frozenset[str], bool], ...] = (
    (frozenset({"colour", "shade"}), False),
    (frozenset({"num", "unit", "mult"}), True),
    (frozenset({"ratio", "dims"}), False),
    (frozenset({"quote"}), False),
    (frozenset({"style"}), False),
    (frozenset({"place"}), True),
    (frozenset({"turn"}), True),
    (frozenset({"axis"}), True),
    (frozenset({"size"}), True),
    (frozenset({"strength"}), True),
)
"""Kinds that take each other's place, and whether they may be added where there is none."""

_GLUE = {"det", "ignore", "link", "prep"}
_Piece = tuple[frozenset[str] | None, bool, list[Token]]


def corrected(tokens: list[Token]) -> list[Token]:
    """Carry out corrections of a few words; put `CORRECTS` before corrections that are clauses."""
    out: list[Token] = []
    rest = _settled(tokens)
    while rest:
        mark, rest = rest[0], rest[1:]
        weak = mark.key == MAY_CORRECT and bool(out) and out[-1].kind == "conj"
        if mark.kind != "correct" and not weak:
            out.append(mark)
            continue
        while rest and (rest[0].kind in ("conj", "correct") or rest[0].key in (MAY_CORRECT, "ignore:")):
            rest = rest[1:]
        spoken = _stripped(out)
        if not spoken:
            continue  # "sorry, could you ...": nothing was said yet
        end = next((i for i, t in enumerate(rest) if t.kind in ("conj", "correct")), len(rest))
        changed = _substituted(spoken, rest[:end], loose=not weak)
        if changed is not None:
            out, rest = changed, rest[end + 1 :] if _goes_on(rest, end) else rest[end:]
        elif weak:
            out.append(mark)
        else:
            stop = Token("conj", ".", mark.start, mark.start)
            out = [*spoken, stop, Token("ignore", "corrects", mark.start, mark.end)]
    return out


def replaced(before: Sequence[Clause], new: Sequence[Clause], *, names: list[str], sure: bool) -> list[Clause] | None:
    """Return the clauses that a correction replaces: those of its kind and place; else the only one it can mean.

    Args:
        before: What was asked for so far.
        new: What the correction asks for; nothing where it only takes something back.
        names: The things that the correction names.
        sure: Whether something is surely taken back. If not, a clause without a counterpart is added.

    Returns:
        None where it is not clear which clauses are meant. They are several where one clause had several things.
    """
    kinds, targets = {c.kind for c in new}, {c.target for c in new} | set(names)
    same = [c for c in before if new and c.kind in kinds and c.target in targets]
    if not same and not sure:
        return []
    if not same:
        same = [c for c in before if c.kind in kinds or (c.target is not None and c.target in targets)]
    if not same and not new and names:
        return []  # "no, keep the face sharp": that forbids nothing that was asked for
    same = same or list(before)
    said = {c.text for c in same}
    if len(said) > 1:
        return None
    if names:
        return same
    return [c for c in before if c.text in said and c.kind == same[0].kind]


def _goes_on(rest: list[Token], end: int) -> bool:
    """Whether the clause that was corrected goes on: "make the cup, I mean the saucer, green"."""
    if len(rest) < end + 2 or rest[end].key != "conj:,":
        return False
    return rest[end + 1].kind not in ("do", "conj", "keep", "neg", "correct")


def _stripped(tokens: list[Token]) -> list[Token]:
    """Return the tokens without conjunctions and glue at their end; none where they say nothing."""
    end = len(tokens)
    while end and (tokens[end - 1].kind == "conj" or tokens[end - 1].key in (MAY_CORRECT, "ignore:")):
        end -= 1
    return tokens[:end] if any(t.kind not in _GLUE | {"conj"} for t in tokens[:end]) else []


def _settled(tokens: list[Token]) -> list[Token]:
    """Decide which words correct by where they stand; let "actually, ..." be part of its clause."""
    out: list[Token] = []
    for i, token in enumerate(tokens):
        before = out[-1] if out else None
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        opens = before is None or before.kind in ("conj", "correct") or before.key == MAY_CORRECT
        if token.alternative == "correct:" and opens and (after is None or after.kind in ("conj", "correct")):
            out.append(Token("correct", "", token.start, token.end))  # "..., no, ..."
        elif token.kind == "conj" and before is not None and before.key == MAY_CORRECT and _opens(out):
            continue
        else:
            out.append(token)
    return out


def _opens(out: list[Token]) -> bool:
    return len(out) < 2 or out[-2].kind in ("conj", "correct")


def _pieces(fragment: list[Token]) -> list[_Piece] | None:
    """Cut a fragment into a thing and details; None where it says more than that, or nothing."""
    fragment = [t for t in fragment if t.kind not in ("ignore", "link", "only")]
    heads = [i for i, t in enumerate(fragment) if t.kind in _THING]
    out: list[_Piece] = []
    left = list(fragment)
    if heads:
        first, last = heads[0], heads[-1]
        while first and fragment[first - 1].kind in _BEFORE_THING:
            first -= 1
        if any(t.kind not in _BEFORE_THING for t in fragment[first : last + 1]):
            return None
        out.append((None, False, fragment[first : last + 1]))
        left = fragment[:first] + fragment[last + 1 :]
    for family, free in _FAMILIES:
        if own := [t for t in left if t.kind in family]:
            out.append((family, free, own))
            left = [t for t in left if t.kind not in family]
    return out if out and all(t.kind in _GLUE for t in left) else None


def _substituted(spoken: list[Token], fragment: list[Token], *, loose: bool) -> list[Token] | None:
    """Return what was said with a fragment in the place of words of its kind, or None where that cannot be.

    Args:
        spoken: What was said so far.
        fragment: The words of the correction.
        loose: Whether an amount or a place may be added where there was none.
    """
    pieces = _pieces(fragment)
    if pieces is None:
        return None
    out = list(spoken)
    for family, free, words in pieces:
        span = _span(out, family)
        if span is None and not (free and loose):
            return None
        start, end = span or (len(out), len(out))
        out[start:end] = words
    return out


def _span(spoken: list[Token], family: frozenset[str] | None) -> tuple[int, int] | None:
    """Return where the last clause has words of a family (None: names a thing); else the one clause that has some."""
    kinds = _THING | {"all", "it"} if family is None else family
    clause = 0
    places: dict[int, int] = {}
    for i, token in enumerate(spoken):
        clause += token.kind == "conj"
        if token.kind in kinds:
            places[clause] = i
    if not places or (clause not in places and len(places) > 1):
        return None
    last = places[max(places)]
    around = _BEFORE_THING if family is None else family
    start = last
    while start and spoken[start - 1].kind in around:
        start -= 1
    return start, last + 1
