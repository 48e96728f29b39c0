"""A clause's tokens sorted into roles: the things that it names, and the words that say what happens to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reasonedit_agent.reasoners.embedded.grammar.colours import name_of
from reasonedit_agent.reasoners.embedded.grammar.naming import ALWAYS_ALL, OWNERS, many, places_first, without_unknown
from reasonedit_agent.reasoners.embedded.grammar.tokens import Token

__all__ = ["Frame", "Phrase", "Segment", "frame_of"]

_HEADS = {"noun", "word"}
_MODIFIERS = {"colour", "place", "shade", "size", "state", "link", "adjective"}
_SPOKEN = {"place", "adjective"}  # modifiers that stay in the phrase by their own words; colours stay by their name
_REFERENCES = {"all", "it", "rest"}
_RESULT_VERBS = {"do:turn", "do:change", "do:replace"}
_GLUE = {"det", "ignore", "link"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase.

    Attributes:
        kind: ``noun``, or ``all``, ``it``, ``rest`` for a word that stands for one.
        text: Normalised English.
        prep: The preposition before it, or "".
        colours: Tokens of colours that describe it.
        start: Index of its first token in the frame.
        offset: Of its first character in the instruction.
        known: Whether the lexicon knows one of its nouns.
        det: Whether an article stands before it.
    """

    kind: str
    text: str
    prep: str
    colours: tuple[Token, ...]
    start: int
    offset: int
    known: bool = True
    det: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A clause as it stands in the text.

    Attributes:
        tokens: In order.
        joined: The conjunction before it: "", "and", "then", "but", "," or ".".
        extra: Things named by a neighbour that shares this clause's verb.
    """

    tokens: tuple[Token, ...]
    joined: str = ""
    extra: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class Frame:
    """A clause, its things taken out.

    Attributes:
        language: Of the instruction.
        text: The user's words.
        tokens: All of them.
        free: Those that are not part of a phrase.
        phrases: Things that the clause is about.
        excluded: Things after "except".
        size: Of the picture, width and height in pixels.
        references: How many reference photos there are.
        joined: The conjunction before it.
        keys: Concepts of the free tokens, ``kind:value`` and ``kind:``.
    """

    language: str
    text: str
    tokens: tuple[Token, ...]
    free: tuple[Token, ...]
    phrases: tuple[Phrase, ...]
    excluded: tuple[Phrase, ...]
    size: tuple[int, int]
    references: int
    joined: str = ""
    keys: frozenset[str] = field(default=frozenset())

    def has(self, *keys: str) -> bool:
        """Whether one of the concepts stands in the clause; ``kind:`` means any of the kind."""
        return any(key in self.keys for key in keys)

    def all(self, kind: str) -> list[Token]:
        """Return the free tokens of a kind."""
        return [t for t in self.free if t.kind == kind]

    def first(self, kind: str) -> Token | None:
        """Return the first free token of a kind."""
        return next((t for t in self.free if t.kind == kind), None)

    @property
    def things(self) -> tuple[Phrase, ...]:
        """The phrases that name something of their own."""
        return tuple(p for p in self.phrases if p.kind == "noun")

    def nouns(self, *texts: str) -> bool:
        """Whether one of the nouns is named, alone or with a modifier."""
        return any(p.text.split(" ")[-1] in texts or p.text in texts for p in self.things)

    @property
    def short_side(self) -> int:
        """Of the picture, in pixels."""
        return min(self.size)


def frame_of(
    segment: Segment, *, language: str, source: str, size: tuple[int, int], references: int, release: bool = True
) -> Frame:
    """Sort a segment's tokens.

    Args:
        segment: The clause.
        language: Its language; in Spanish and French adjectives follow their noun.
        source: The whole instruction, for the words of the user.
        size: Of the picture.
        references: How many reference photos there are.
        release: Give a colour back that would describe a noun when the clause wants a colour and has no other.
    """
    tokens = segment.tokens
    phrases, used = _phrases(tokens, after=language in ("es", "fr"))
    if release and language in ("es", "fr") and _wants_colour(tokens, phrases, used):
        last = max((p for p in phrases if p.colours), key=lambda p: p.start, default=None)
        if last is not None:
            used -= {tokens.index(t) for t in last.colours}
            bare = replace(last, text=_without_colours(last, tokens), colours=())
            phrases = [bare if p is last else p for p in phrases]
    excluded: list[Phrase] = []
    for index, token in enumerate(tokens):
        if token.kind == "except":
            nouns = [p for p in phrases if p.kind == "noun" and p not in excluded]
            after = token.value == "after"  # Chinese: "the cat | except"
            named = [p for p in nouns if p.start < index][-1:] if after else [p for p in nouns if p.start > index][:1]
            excluded += named
    phrases = [p for p in _joined_by_of(phrases) if p not in excluded and p.prep != "for"]
    free = tuple(t for i, t in enumerate(tokens) if i not in used)
    text = source[tokens[0].start : tokens[-1].end].strip() if tokens else ""
    keys = frozenset(k for t in free for k in (t.key, t.kind + ":"))
    return Frame(
        language,
        text,
        tokens,
        free,
        tuple(sorted((*segment.extra, *phrases), key=lambda p: p.offset)),
        tuple(excluded),
        size,
        references,
        segment.joined,
        keys,
    )


def _phrases(tokens: Sequence[Token], *, after: bool) -> tuple[list[Phrase], set[int]]:
    """Find the noun phrases and the indices of their tokens; ``after``: adjectives follow their noun."""
    found: list[Phrase] = []
    used: set[int] = set()
    i = 0
    while i < len(tokens):
        token = tokens[i]
        start, stop, end = i, i, i + 1
        if token.kind in _REFERENCES:
            found.append(Phrase(token.kind, "", _prep(tokens, i), (), i, token.start))
            stop = i + 1
        elif token.kind in _HEADS | _MODIFIERS:
            end = _end_of_run(tokens, i, after=after)
            if not (found and _is_stray(tokens, i, end)):
                start, stop = (_with_colour_after if after else _with_colour_before)(tokens, i, end)
            if stop > start:
                found.append(_phrase(tokens, start, stop))
                end = stop
        used.update(range(start, stop))
        i = end
    return found, used


def _end_of_run(tokens: Sequence[Token], start: int, *, after: bool) -> int:
    end = start
    while end < len(tokens) and tokens[end].kind in _HEADS | _MODIFIERS:
        named = any(t.kind == "noun" for t in tokens[start:end])
        if not after and named and tokens[end].kind in _MODIFIERS - {"link"} and tokens[end - 1].kind != "link":
            break  # "the cup | green": what follows a noun does not describe it
        end += 1
    return end


def _with_colour_before(tokens: Sequence[Token], start: int, end: int) -> tuple[int, int]:
    """The run up to its last noun; (start, start) where there is none."""
    heads = [k for k in range(start, end) if tokens[k].kind in _HEADS]
    return start, heads[-1] + 1 if heads else start


def _with_colour_after(tokens: Sequence[Token], start: int, end: int) -> tuple[int, int]:
    """The first noun, what stands directly before it and is no colour, and one colour after it."""
    heads = [k for k in range(start, end) if tokens[k].kind in _HEADS]
    if not heads:
        return start, start
    last = _last_of_first_noun(tokens, heads)
    first, stop = heads[0], last + 1
    while stop < end and tokens[stop].kind in ("colour", "shade", "adjective"):
        # a second colour is what it shall become ("haz la taza roja azul")
        if tokens[stop].kind == "colour" and any(t.kind == "colour" for t in tokens[last + 1 : stop]):
            break
        stop += 1
    while first > start and tokens[first - 1].kind in ("place", "size", "state"):
        first -= 1
    return first, stop


def _is_stray(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Unknown words after the thing, with no article or preposition before them: "the cup green asap"."""
    unknown = not any(t.kind == "noun" for t in tokens[start:end])
    return unknown and tokens[start - 1].kind not in ("det", "prep", "do", "mark", "link", "adjective")


def _last_of_first_noun(tokens: Sequence[Token], heads: list[int]) -> int:
    last = heads[0]
    for k in heads[1:]:
        if k != last + 1:
            break
        last = k
    return last


def _phrase(tokens: Sequence[Token], start: int, stop: int) -> Phrase:
    own = tokens[start:stop]
    words, colours = [], []
    every = start > 0 and tokens[start - 1].key == "det:all" and not any(t.plural for t in own)
    for token in own:
        if token.kind in _HEADS:
            words.append(many(token.value) if token.plural or every else token.value)
        elif token.kind == "colour":
            colours.append(token)
        elif token.kind in _SPOKEN and token.value:
            words.append(token.value.replace("-", " "))
    if len(words) == 2 and words[1] in ALWAYS_ALL and words[0] in OWNERS:
        del words[0]  # "her face"
    names = [_colour_name(t) for t in colours]
    words = without_unknown(words, own)
    before = tokens[start - 1].kind if start else ""
    return Phrase(
        "noun",
        " ".join([*names, *places_first(words)]),
        _prep(tokens, start),
        tuple(colours),
        start,
        tokens[start].start,
        any(t.kind == "noun" for t in own),
        before == "det",
    )


def _colour_name(token: Token) -> str:
    return name_of(token.value)


def _without_colours(phrase: Phrase, tokens: Sequence[Token]) -> str:
    text = phrase.text
    for colour in phrase.colours:
        text = text.removeprefix(_colour_name(colour)).strip()
    return text


def _prep(tokens: Sequence[Token], index: int) -> str:
    for place in range(index - 1, -1, -1):
        token = tokens[place]
        if token.kind == "prep":
            return token.value
        if token.key in _RESULT_VERBS and any(t.kind in _HEADS | _REFERENCES for t in tokens[:place]):
            return "into"  # Chinese: "the cat turn tiger"
        if token.kind not in _GLUE:
            return ""
    return ""


def _joined_by_of(phrases: list[Phrase]) -> list[Phrase]:
    """Make one phrase of "the face of the cat" (cat face); "left half of the picture" stays "left half"."""
    out: list[Phrase] = []
    for phrase in phrases:
        last = out[-1] if out else None
        if phrase.prep == "of" and last and last.kind == "noun":
            if phrase.kind == "noun" and not (last.text in ALWAYS_ALL and phrase.text in OWNERS):
                out[-1] = replace(last, text=f"{phrase.text} {last.text}", known=last.known or phrase.known)
            continue
        out.append(phrase)
    return out


def _wants_colour(tokens: Sequence[Token], phrases: list[Phrase], used: set[int]) -> bool:
    free = [t for i, t in enumerate(tokens) if i not in used]
    if any(t.kind == "colour" for t in free) or not any(p.colours for p in phrases):
        return False
    effects = {"make", "turn", "change", "recolour", "put"}
    return (
        bool(free)
        and all(t.value in effects for t in free if t.kind == "do")
        and any(t.kind == "do" for t in free)
        and not any(
            t.kind in ("adj", "prop", "state", "new", "style", "quote", "dims", "ratio", "keep", "neg", "dir")
            for t in free
        )
    )
