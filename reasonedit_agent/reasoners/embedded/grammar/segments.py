"""Cutting an instruction into clauses, and giving clauses what they share."""

from __future__ import annotations

from dataclasses import replace

from reasonedit_agent.reasoners.embedded.grammar.corrections import CORRECTS, corrected
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame, Phrase, Segment, frame_of
from reasonedit_agent.reasoners.embedded.grammar.tokens import Token

__all__ = ["is_kept", "segments"]

_WEAK = {"make", "turn", "change", "put", "add", "replace", "recolour"}
"""Verbs that say nothing without a result."""

_WHOLE_ONLY = {"crop", "resize", "upscale", "rotate", "flip"}
_RESULTS = {"adj", "state", "prop", "style", "ratio", "dims", "quote", "new", "quality"}
_NAMES = {"noun", "word", "all", "it", "rest"}
_SAYS = _RESULTS | {"do", "dir", "keep", "neg", "dims", "colour"}
"""What a clause cannot be without, if it is one by itself."""


def segments(tokens: list[Token], *, language: str) -> list[Segment]:
    """Cut at conjunctions, punctuation and what must stay; merge fragments; share verbs and things.

    Args:
        tokens: Of the whole instruction.
        language: For the roles of words.
    """
    tokens = corrected(_limited(_resolve(tokens)))
    parts = [p for p in _cut(tokens) if _corrects(p) or any(t.kind not in ("ignore", "det", "link") for t in p.tokens)]
    return _share(_merge(parts), language)


def is_kept(frame: Frame) -> bool:
    """Whether the clause says what must stay ("keep the saucer", "don't touch the face") or what not to do."""
    if frame.has("neg:"):
        wish = frame.has("complain:is", "complain:enough") and not frame.has("complain:too")
        return not (wish and frame.has("state:", "adj:", "do:sharpen"))
    if frame.has("only:") and (frame.things or frame.has("place:")):
        wanted = [t.key for t in frame.free if t.kind in ("do", "adj", "state", "colour", "dir", "prop", "quote")]
        made = {"do:make"} if "prop:colour" in wanted else set()  # "only the cat should be in colour"
        if set(wanted) <= {"prop:colour", "prop:saturation"} | made:
            return True
    if frame.has("keep:same") and not frame.has("do:", "adj:", "colour:"):
        return True
    return frame.has("keep:") and not frame.has("quote:")


# -- words with two senses ---------------------------------------------------------------------------------------------


def _resolve(tokens: list[Token]) -> list[Token]:
    """Decide between two senses by the neighbours, and join a number with "times"."""
    out: list[Token] = []
    for i, given in enumerate(tokens):
        before = out[-1] if out else None
        token = _one_sense(given, before, tokens[i + 1 :])
        if token.kind == "unit" and (half := _halves(out)) is not None:
            out[half] = replace_kind(out[half], f"num:{out[half].value}")
            del out[half + 1 :]
        if token.key == "unit:times" and before is not None and before.kind == "num":
            out[-1] = Token("mult", before.value.lstrip("-"), before.start, token.end)
        elif token.kind == "more":
            out += [Token("dir", "+", token.start, token.start), Token("colour", token.value, token.start, token.end)]
        elif token.key == "do:blackout":
            out += [Token("do", "redact", token.start, token.start), token]
        else:
            out.append(token)
    return _described(out)


_LIMIT = 0.6
"""What is left of an amount that should not be too much: "brighter, but not too bright"."""


def _limited(tokens: list[Token]) -> list[Token]:
    """Read "but not too bright" after "brighter" as a milder "brighter", not as a complaint that it is too bright."""
    out: list[Token] = []
    for token in tokens:
        bound = len(out) > 1 and out[-1].key == "complain:too" and out[-2].kind in ("except", "neg")
        wish = next((k for k, t in enumerate(out) if t.kind in ("adj", "state") and t.value == token.value), None)
        if bound and token.kind in ("adj", "state") and wish is not None:
            del out[-2:]
            while out and out[-1].kind in ("conj", "punct"):
                out.pop()
            start = out[wish].start
            out.insert(wish, Token("strength", f"{_LIMIT}", start, start))
        else:
            out.append(token)
    return out


_DESCRIBING = {"new:posed", "new:material", "new:time", "new:season"}
_WISHED = {"colour", "adj", "state", "prop", "style"}


def _described(tokens: list[Token]) -> list[Token]:
    """Let words beside a noun describe it where the clause asks for something else: "remove the sleeping dog".

    Before a noun they always do ("a wooden table"); after it, where the clause has a verb or a result of its own.
    """
    out = list(tokens)
    for i, token in enumerate(tokens):
        if token.key not in _DESCRIBING:
            continue
        before, after = _neighbour(tokens, i, -1), _neighbour(tokens, i, 1)
        clause = [*_clause(tokens[:i][::-1]), *_clause(tokens[i + 1 :])]
        asked = any(t.kind in _WISHED or (t.kind == "do" and t.value not in _WEAK | {"add"}) for t in clause)
        gradient = after == "fill" and any(t.kind == "colour" for t in tokens[i + 1 :])  # "a sunset gradient, ..."
        if after == "noun" or gradient or (before == "noun" and asked and token.value in ("posed", "material")):
            out[i] = Token("adjective", "", token.start, token.end)
    return out


def _neighbour(tokens: list[Token], index: int, step: int) -> str:
    """Return the kind of the next token that is no link ("站着 | 的 | 人")."""
    index += step
    while 0 <= index < len(tokens) and tokens[index].kind == "link":
        index += step
    return tokens[index].kind if 0 <= index < len(tokens) else ""


def _one_sense(token: Token, before: Token | None, following: list[Token]) -> Token:
    after = following[0] if following else None
    next_kind = after.kind if after else ""
    if token.kind == "colour" and token.alternative.startswith("noun:") and before is not None:
        # "an orange", "remove the rose"; but "the orange cup"
        named = before.kind == "det" or before.key in ("do:remove", "do:crop")
        then = next((t.kind for t in following if t.kind != "colour"), "")  # "the orange blue", "the orange red cup"
        return replace_kind(token, token.alternative) if named and then not in _THINGS else token
    if before is not None and before.kind == "det":
        token = _after_article(token, next_kind)
    if token.kind == "pronoun":  # "her dress", but "put her on white"
        return replace_kind(token, "det:" if next_kind in _THINGS | {"adjective", "colour"} else "noun:subject")
    if token.alternative == "purpose:" and not any(t.kind in ("num", "mult", "unit") for t in _clause(following)):
        return replace_kind(token, token.alternative)  # German "um ... zu", but "um 20 %"
    if token.kind == "verb":
        return _separable(token, following)
    if token.key == "do:crop" and any(t.kind == "particle" for t in _clause(following)):
        return replace_kind(token, "do:remove")  # "crop her out"
    if token.kind == "particle":
        return replace_kind(token, "prep:on" if next_kind == "det" else "ignore:")
    return token


def _after_article(token: Token, next_kind: str) -> Token:
    """Between an article and a noun stands what describes it."""
    if token.key == "do:write" and next_kind not in _WRITTEN:
        return replace_kind(token, "noun:title")  # "make the title red", but "put the title 'Lift-off' on it"
    if next_kind != "noun":
        return token
    if token.key == "do:bw":
        return replace_kind(token, "adjective:monochrome")  # "a black and white cat"
    if token.kind == "num" and len(token.value) == 1:
        return replace_kind(token, "det:")  # "the two dogs"
    return replace_kind(token, "adjective:") if token.kind == "new" else token  # "the night sky"


_THINGS = {"noun", "word"}
_WRITTEN = {"quote", "noun", "word", "new"}
"""What stands after "title" when the title is to be written."""


def _halves(out: list[Token]) -> int | None:
    """Return where "half" stands in "half a stop", if the list ends so."""
    for index in range(len(out) - 1, max(len(out) - 4, -1), -1):
        if out[index].kind == "mult":
            return index
        if out[index].kind != "det" and out[index].key != "prep:of":
            return None
    return None


def _clause(tokens: list[Token]) -> list[Token]:
    """Return the tokens up to the next conjunction."""
    end = next((i for i, t in enumerate(tokens) if t.kind == "conj"), len(tokens))
    return tokens[:end]


def _separable(token: Token, following: list[Token]) -> Token:
    """Tell "take it off", which removes, and "cut her out" from "cut the saturation"; "take" alone says nothing."""
    if any(t.kind == "particle" for t in _clause(following)):
        return replace_kind(token, f"do:{token.value}")
    return replace_kind(token, "dir:-" if token.value == "cutout" else "ignore:")


def replace_kind(token: Token, concept: str) -> Token:
    """Return the token with another concept."""
    kind, _, value = concept.partition(":")
    return Token(kind, value, token.start, token.end)


# -- cutting ----------------------------------------------------------------------------------------------------------


def _cut(tokens: list[Token]) -> list[Segment]:
    out: list[Segment] = []
    current: list[Token] = []
    joined = ""

    def close(next_joined: str) -> None:
        nonlocal current, joined
        if current:
            out.append(Segment(tuple(current), joined))
            joined = next_joined
        elif next_joined and joined != "but":
            joined = next_joined if joined in ("", ",", "and") or next_joined == "but" else joined
        current = []

    reason = False
    for i, token in enumerate(tokens):
        # "so nobody can read it" says why: nothing of it is a step, up to the next sentence.
        reason = token.kind == "purpose" or (reason and not _ends_reason(token, tokens[i + 1 : i + 4]))
        if reason:
            continue
        if token.kind == "conj":
            close(token.value)
            continue
        if current and (
            (_starts_keep(tokens, i) and _evidence(current)) or (token.key == "mark:object" and _evidence(current))
        ):
            close("but" if token.kind in ("neg", "keep") else "and")
        current.append(token)
    close("")
    return out


def _evidence(tokens: list[Token]) -> bool:
    """Whether the tokens hold a result or a thing already."""
    strong = any(t.kind in _RESULTS | {"colour"} or (t.kind == "do" and t.value not in _WEAK) for t in tokens)
    return strong or (any(t.kind == "do" for t in tokens) and any(t.kind in _NAMES for t in tokens))


def _ends_reason(token: Token, following: list[Token]) -> bool:
    """A mark or "then" ends it, "and" where an effect follows: "so that it is easier to read and crop it"."""
    kinds = [t.kind for t in following if t.kind != "det"]
    effect = kinds[:2] == ["dir", "prop"] or (kinds[:1] == ["do"] and following[0].value not in _WEAK)
    return token.key in ("conj:,", "conj:.", "conj:then", "conj:but") or (token.key == "conj:and" and effect)


def _starts_keep(tokens: list[Token], index: int) -> bool:
    """A word of keeping opens a clause when something follows it; at the end ("the sky unchanged") it closes one."""
    if tokens[index].kind != "neg" and tokens[index].key != "keep:keep":
        return False
    rest = []
    for token in tokens[index + 1 :]:
        if token.kind == "conj":
            break
        rest.append(token)
    return any(t.kind in _NAMES | _RESULTS | {"do"} for t in rest)


# -- merging ----------------------------------------------------------------------------------------------------------


def _is_detail(tokens: tuple[Token, ...]) -> bool:
    """Only places, sizes, colours, numbers and strengths: it belongs to its neighbour."""
    details = {
        "colour",
        "place",
        "size",
        "num",
        "unit",
        "strength",
        "prep",
        "det",
        "ignore",
        "link",
        "shade",
        "dim",
        "axis",
        "turn",
        "mult",
        "fill",
    }
    return all(t.kind in details for t in tokens)


def _corrects(part: Segment) -> bool:
    return part.tokens[0].key == CORRECTS


def _is_sized(tokens: tuple[Token, ...]) -> bool:
    kinds = {t.kind for t in tokens}
    return {"num", "unit"} <= kinds and bool({"dim"} & kinds)


def _merge(parts: list[Segment]) -> list[Segment]:
    out: list[Segment] = []
    for part in parts:
        if _corrects(part) or (out and out[-1].tokens[0].key == CORRECTS and len(out[-1].tokens) == 1):
            out.append(part)  # what it corrects is for the reader to find
        elif out and _is_detail(part.tokens) and not (_is_sized(part.tokens) and part.joined in (",", "then", ".")):
            out[-1] = replace(out[-1], tokens=out[-1].tokens + part.tokens)
        elif out and _is_detail(out[-1].tokens) and not _is_sized(out[-1].tokens):
            out[-1] = Segment(out[-1].tokens + part.tokens, out[-1].joined)
        else:
            out.append(part)
    return out


# -- sharing ----------------------------------------------------------------------------------------------------------


def _names_of(segment: Segment, language: str) -> tuple[Phrase, ...]:
    frame = frame_of(segment, language=language, source="", size=(1, 1), references=0, release=False)
    return frame.phrases


def _only_names(segment: Segment) -> bool:
    return all(
        t.kind in _NAMES | {"det", "ignore", "prep", "link", "place", "colour", "adjective"} for t in segment.tokens
    ) and any(t.kind in ("noun", "word") for t in segment.tokens)


def _has_colour_result(segment: Segment, language: str) -> bool:
    frame = frame_of(segment, language=language, source="", size=(1, 1), references=0)
    return bool(frame.all("colour"))


def _complete(segment: Segment, language: str) -> bool:
    if any(t.kind in _RESULTS - {"prop"} or (t.kind == "do" and t.value not in _WEAK) for t in segment.tokens):
        return True
    if any(t.kind == "prop" for t in segment.tokens):
        return any(t.kind in ("dir", "num", "colour", "mult") for t in segment.tokens)
    if any(t.kind in ("keep", "neg", "fill", "num", "dims") for t in segment.tokens):
        return True
    return _has_colour_result(segment, language)


def _share(parts: list[Segment], language: str) -> list[Segment]:
    out: list[Segment] = []
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else None
        joined = following is not None and following.joined in ("and", ",")
        if out and _only_names(part) and part.joined in ("and", ",", "but") and not _has_colour_result(part, language):
            out[-1] = _and_also(out[-1], part, language)
        elif joined and following and not _complete(part, language) and _leads_on(part, following, language):
            parts[index + 1] = _forward(part, following, language)
        elif joined and following and following.joined == "and" and _bare_verb(part):
            out.append(replace(part, extra=_bare_object(parts, index, language)))
        else:
            out.append(_inherit(out[-1], part) if out else part)
    return out


def _and_also(previous: Segment, part: Segment, language: str) -> Segment:
    """As in "Remove the cup and the spoon": the thing joins the clause before it."""
    if any(t.kind == "except" for t in previous.tokens):
        # after "except the cup": that is not about the spoon either
        return replace(previous, tokens=(*previous.tokens, _except_like(previous), *part.tokens))
    if any(t.key in ("do:replace", "do:put", "do:write", "do:add") for t in previous.tokens):
        return replace(previous, tokens=previous.tokens + part.tokens)
    return replace(previous, extra=previous.extra + _names_of(part, language))


def _except_like(segment: Segment) -> Token:
    return next(t for t in segment.tokens if t.kind == "except")


def _leads_on(part: Segment, following: Segment, language: str) -> bool:
    """As in "Make the cup | and the plate green", "the brightness | and contrast up by 20 %"."""
    verbs = any(t.kind == "do" for t in following.tokens)
    ends = next((t.kind for t in reversed(part.tokens) if t.kind not in ("ignore", "det")), "")
    if ends == "strength" and any(t.kind in ("noun", "word") for t in following.tokens):
        return False  # "make the sky dramatic and the roof red": what the sky becomes is said, in a word without effect
    if any(t.kind == "prop" for t in part.tokens):
        return any(t.kind == "prop" for t in following.tokens) and not verbs
    return any(t.kind in ("noun", "word", "it") for t in part.tokens) and not verbs


def _forward(part: Segment, following: Segment, language: str) -> Segment:
    if any(t.kind == "prop" for t in part.tokens):
        return Segment(part.tokens + following.tokens, part.joined, part.extra)
    if not _names_of(following, language):  # "make the cup, slightly, green"
        return Segment(part.tokens + following.tokens, part.joined, part.extra)
    verbs = tuple(t for t in part.tokens if t.kind == "do")
    return Segment(verbs + following.tokens, part.joined, part.extra + _names_of(part, language))


def _bare_verb(part: Segment) -> bool:
    """A verb, and nothing that it acts on."""
    verbs = [t for t in part.tokens if t.kind in ("do", "adj")]
    if not verbs or any(t.value in _WEAK | _WHOLE_ONLY for t in verbs):
        return False
    return not part.extra and all(t.kind in ("do", "adj", "ignore", "strength", "det") for t in part.tokens)


def _bare_object(parts: list[Segment], index: int, language: str) -> tuple[Phrase, ...]:
    """The things of the clause after a bare verb: "brighten and sharpen the cup"."""
    following = parts[index + 1]
    if not any(t.kind in ("do", "adj") for t in following.tokens) or any(
        t.kind in ("keep", "neg", "it") for t in following.tokens
    ):
        return ()
    if any(t.kind == "do" and t.value in _WEAK | _WHOLE_ONLY for t in following.tokens):
        return ()
    return tuple(p for p in _names_of(following, language) if p.kind == "noun")


def _inherit(previous: Segment, part: Segment) -> Segment:
    """As in "More contrast and saturation", "brighten the cup by 20 % and the plate by 40 %": what is not repeated."""
    amount = any(t.kind in ("num", "mult", "strength") for t in part.tokens)
    if amount and part.joined in ("and", ",") and not any(t.kind in _SAYS for t in part.tokens):
        if any(t.kind in _NAMES for t in part.tokens):
            lent = tuple(t for t in previous.tokens if t.kind in _SAYS)
            return replace(part, tokens=(*lent, *part.tokens))
    if part.joined not in ("and", ",") or any(
        t.kind in ("do", "dir", "num", "mult", "keep", "neg") for t in part.tokens
    ):
        return part
    if not any(t.kind == "prop" for t in part.tokens) or any(t.kind in ("adj", "state") for t in part.tokens):
        return part
    lent = tuple(
        t for t in previous.tokens if t.kind in ("dir", "num", "unit", "mult", "strength") or t.key == "do:add"
    )
    return replace(part, tokens=(*lent, *part.tokens)) if lent else part
