"""From an instruction to typed clauses: cut into clauses, share what they share, build each with the pattern table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pydantic import ValidationError

from reasonedit_agent.operations import (
    Adjust,
    BlackAndWhite,
    Blur,
    Crop,
    CutOut,
    Flip,
    PlainOperation,
    Recolour,
    Remove,
    ReplaceBackground,
    Sharpen,
)
from reasonedit_agent.reasoners.embedded.grammar.concepts import BACKEND, DEFAULTS, REASONS
from reasonedit_agent.reasoners.embedded.grammar.corrections import CORRECTS, MAY_CORRECT, replaced
from reasonedit_agent.reasoners.embedded.grammar.frames import Frame, Phrase, Segment, frame_of
from reasonedit_agent.reasoners.embedded.grammar.languages import LANGUAGE_NAMES, detect
from reasonedit_agent.reasoners.embedded.grammar.leftovers import leftovers
from reasonedit_agent.reasoners.embedded.grammar.lexicon import LANGUAGES, lexicon
from reasonedit_agent.reasoners.embedded.grammar.model import Clause, Parsed
from reasonedit_agent.reasoners.embedded.grammar.patterns import PARTS, PATTERNS, Cannot, Outcome
from reasonedit_agent.reasoners.embedded.grammar.segments import is_kept, segments

__all__ = ["amended", "parse", "things_in"]

_BESIDE = ("in", "on", "around", "behind", "beside")
"""Prepositions of what only says where a thing is."""


def parse(instruction: str, *, size: tuple[int, int], references: int = 0) -> Parsed:
    """Understand an instruction as far as the word lists go; pure, and it never raises for a text.

    Args:
        instruction: In English, Chinese, German, Spanish or French.
        size: Width and height of the picture in pixels; some amounts depend on it.
        references: Number of reference photos that come with the request.
    """
    language = detect(instruction)
    if language not in LANGUAGES:
        name = LANGUAGE_NAMES.get(language, language)
        reason = f"instructions in {name} are not understood; English, Chinese, German, Spanish and French are"
        return Parsed(language, unsupported=((instruction.strip(), reason, "a vision-language Reasoner"),))
    bare = without_asides(instruction)
    read = _read(bare, instruction, language, size, references)
    if bare != instruction and (read.unknown or not (read.clauses or read.unsupported)):
        again = _read(instruction, instruction, language, size, references)  # "a solid background (white)"
        return again if again.clauses and not again.unknown else read
    return read


def _read(text: str, source: str, language: str, size: tuple[int, int], references: int) -> Parsed:
    reader = _Reader(language, source, size, references)
    for part in segments(lexicon(language).tokens(text), language=language):
        reader.read(part)
    return reader.result()


def without_asides(text: str) -> str:
    """Return the text, as long as it was, with blanks for what stands in parentheses; quantities stay: "(16:9)"."""
    language = detect(text)
    if language not in LANGUAGES:
        return text
    book = lexicon(language)
    gradient = any(t.key == "fill:gradient" for t in book.tokens(text))

    def aside(found: re.Match[str]) -> str:
        inside = found.group(1)
        side = gradient and [t.kind for t in book.tokens(inside)] == ["place"]  # says which way it runs
        corrects = any("correct:" in (f"{t.kind}:", t.alternative) for t in book.tokens(inside)[:1])
        if corrects:
            return f",{inside},"  # "make the cup blue (no, green)"
        kept = re.search(r"[\d#]", inside) or side
        return f" {inside if kept else ' ' * len(inside)} "

    bare = re.sub(r"(?<!\w)[(（]([^()（）\"'“”「」]*)[)）]", aside, text)
    return bare if bare.strip() else text


def things_in(text: str, language: str) -> list[str]:
    """Return the known things that a clause names, as normalised nouns."""
    return [t.value for t in lexicon(language).tokens(text) if t.kind == "noun"]


def amended(advice: str) -> float | None:
    """Return the factor that "stronger", "a bit less" or "much more" mean for all amounts, or None for other advice."""
    language = detect(advice)
    if language not in LANGUAGES:
        return None
    tokens = lexicon(language).tokens(advice)
    ways = [t.value for t in tokens if t.kind == "dir"]
    if not ways or any(
        t.kind not in ("dir", "strength", "det", "ignore", "it", "conj", "prep", "link", "complain") for t in tokens
    ):
        return None
    strengths = [t.number for t in tokens if t.kind == "strength"]
    far = 1.0 if not strengths else 0.5 if min(strengths) < 1 else 2.0
    return 1 + 0.5 * far if ways[0] == "+" else 1 / (1 + 0.6 * far)


class _Reader:
    """Reads clause after clause; remembers what "it" and "the rest" can mean."""

    def __init__(self, language: str, source: str, size: tuple[int, int], references: int) -> None:
        self.language, self.source, self.size, self.references = language, source, size, references
        self.clauses: list[Clause] = []
        self.keep: list[str] = []
        self.unsupported: list[tuple[str, str, str]] = []
        self.unknown: list[str] = []
        self.subject: str | None = None  # what "it" means
        self.complaint: Clause | None = None  # the last clause, if it only said what is wrong
        self.topic: tuple[str, str] | None = None  # words and thing of a complaint that was not understood by itself
        self.way: tuple[str, str] | None = None  # words and direction of a clause that was nothing else
        self.unused: list[str] = []
        self.excepted: list[str] = []
        self.withdrawn = False
        self.named: list[str] = []  # what "the rest" is the rest of

    def read(self, segment: Segment) -> None:
        """Turn one segment into clauses, or say why not."""
        topic, self.topic = self.topic, None
        frame = frame_of(
            segment, language=self.language, source=self.source, size=self.size, references=self.references
        )
        if frame.has(CORRECTS, MAY_CORRECT):
            self._correct(segment, frame, topic)
        else:
            self._take(frame, topic)

    def _take(self, frame: Frame, topic: tuple[str, str] | None) -> None:
        if self._is_question(frame):
            self.unknown.append(frame.text)
        elif is_kept(frame) or _only_excludes(frame):
            self._keep(frame)
        elif _selects(frame):
            self.subject = _attached(frame)[-1]
        elif _says_something(frame):
            self._effect(frame, topic)

    def _is_question(self, frame: Frame) -> bool:
        """As in "is the cup green?"; "could you make it green?" is a request."""
        if not frame.tokens or self.source[frame.tokens[-1].end :].lstrip()[:1] not in ("?", "\uff1f"):
            return False
        return frame.tokens[0].key == "complain:is" or (self.language == "zh" and not frame.has("do:", "adj:", "dir:"))

    def _effect(self, frame: Frame, topic: tuple[str, str] | None) -> None:
        answer = None if _starts_unknown(frame) and not frame.has("new:") else _answer(frame)
        if isinstance(answer, Cannot):
            self.unsupported.append((frame.text, REASONS[answer.reason], _who_could(answer.reason)))
        elif answer is not None and leftovers(frame, answer):
            self.unknown.append(frame.text)
        elif answer is not None:
            if topic is not None and not frame.phrases:  # "the background is a mess, blur it"
                self.subject = topic[1]
                self.unknown.remove(topic[0])
                frame = replace(frame, phrases=(Phrase("it", "", "", (), 0, 0),))
            self._add(frame, answer)
        elif frame.excluded and not frame.things and self.clauses:
            self._except(frame)
        elif self.clauses and self._repeats(frame):
            pass
        else:
            self.unknown.append(frame.text)
            ways = [t.value for t in frame.tokens]
            self.way = (frame.text, ways[0]) if [t.kind for t in frame.tokens] == ["dir"] else None
            if frame.has("complain:") and frame.things:
                self.topic = frame.text, _attached(frame)[-1]

    def _correct(self, segment: Segment, frame: Frame, topic: tuple[str, str] | None) -> None:
        """Read a clause, and take out those that it replaces."""
        before, refused = list(self.clauses), (len(self.unknown), len(self.unsupported))
        self._take(frame, topic)
        if (len(self.unknown), len(self.unsupported)) > refused:
            return
        new = [c for c in self.clauses if not any(c is old for old in before)]
        sure = frame.has(CORRECTS) or (not new and frame.has("neg:", "keep:"))
        if sure and not before and sum(refused) == 1:
            self.unknown, self.unsupported = [], []  # "add a dog. No wait, blur the background"
            return
        gone = replaced(before, new, names=[p.text for p in frame.things], sure=sure)
        if gone is None:
            self.unsupported.append((frame.text, REASONS["correction"], ""))
            return
        self.clauses = [c for c in before if not any(c is g for g in gone)]
        unnamed = new and not (frame.things or any(p.kind == "all" for p in frame.phrases))
        if gone and unnamed and isinstance(new[-1].operation, Adjust | Recolour | Blur | Sharpen):
            new = [replace(new[-1], target=target) for target in dict.fromkeys(c.target for c in gone)]
        self.clauses += new
        self.withdrawn = self.withdrawn or bool(gone)

    def _add(self, frame: Frame, answer: Outcome) -> None:
        way, self.way = self.way, None
        for target in self._targets(frame, answer):
            for operation in answer.operations:
                if way is not None and isinstance(operation, Adjust):  # "more and less saturated"
                    self.unknown.remove(way[0])
                    amount = abs(operation.amount) * (1 if way[1] == "+" else -1)
                    both = operation.model_copy(update={"amount": amount})
                    self._put(Clause(frame.text, both, target), complaint=False)
                    way = None
                more = isinstance(operation, Recolour) and frame.has("dir:+")
                clause = Clause(frame.text, operation, target, frame.has("num:", "mult:"), more)
                self._put(clause, complaint=frame.has("complain:"))
            if target is not None and not target.startswith("everything"):
                self.named.append(target)
        self._remember(answer.operations[-1])

    def _put(self, clause: Clause, *, complaint: bool) -> None:
        """Add a clause; "it is too dark, brighten it" asks for one thing, not for two."""
        last = self.clauses[-1] if self.clauses else None
        if last is not None and isinstance(last.operation, Flip) and isinstance(clause.operation, Flip):
            return  # "flip it upside down, like a mirror": said twice, meant once
        if last is not None and isinstance(last.operation, CutOut) and isinstance(clause.operation, CutOut):
            if clause.target == "subject":
                return  # "cut out the dog, with a transparent background"
            if last.target == "subject":
                self.clauses.pop()  # "cut it out, only the dog"
        if last is not None and last is self.complaint and last.kind == clause.kind:
            if clause.target in (last.target, None):
                clause = replace(clause, target=last.target, operation=_both(last, clause))
                self.clauses.pop()
        elif last is not None and (last.operation, last.target) == (clause.operation, clause.target):
            return
        self.clauses.append(clause)
        self.complaint = clause if complaint else None

    def _remember(self, last: PlainOperation) -> None:
        """After a removal or a crop, "it" is the picture again."""
        gone = isinstance(last, Remove | ReplaceBackground | Crop | CutOut)
        self.subject = None if gone else self.clauses[-1].target

    def _targets(self, frame: Frame, answer: Outcome) -> list[str | None]:
        if answer.target is not None:
            return [answer.target or None]
        if frame.excluded and not frame.things:
            return ["everything except " + " and ".join(p.text for p in frame.excluded)]
        self._keep_out([p.text for p in frame.excluded])
        whole = any(p.kind == "all" for p in frame.phrases)
        beyond = [p for p in frame.things if p.prep == "behind" or (p.prep == "around" and whole)]
        things = [] if beyond and whole else _attached(frame)
        if things:
            self.unused += [p.text for p in frame.things if p.prep in _BESIDE and p.text not in things]
            return list(dict.fromkeys(things))
        kinds = {p.kind for p in frame.phrases}
        if "rest" in kinds:
            return [self._rest()]
        if beyond and whole:
            return ["background" if beyond[0].prep == "behind" else f"everything except {beyond[0].text}"]
        half = next((t.value for t in frame.all("place")), None)
        if "all" in kinds and not half:
            return [None]
        if "it" in kinds:
            return [self.subject]
        if half:
            return [f"{half.replace('-', ' ')} {'corner' if '-' in half else 'half' if half != 'center' else 'part'}"]
        # "... and brighter" speaks of the thing before; "... and add contrast" of the picture
        verbs = {t.value for t in frame.all("do")} - {"bw", "sepia"}
        alone = frame.joined != "and" or bool(verbs) or frame.has("dir:", "prop:", "complain:")
        return [None if alone and not frame.has("colour:") else self.subject]

    def _rest(self) -> str:
        """Return what "the rest" is: all but what was named, or what stands behind the subject."""
        around = list(dict.fromkeys(self.named + self.keep))
        if not around:
            return "background"
        return "subject" if "background" in around else "everything except " + " and ".join(around)

    def _keep(self, frame: Frame) -> None:
        names = [p.text for p in (*frame.things, *frame.excluded)]
        if self._forbids(frame, names):
            return
        only = frame.has("only:")
        if only and not names and (side := frame.first("place")):
            if self._narrows(side.value):
                return
            names = self._part_kept(frame, side.value)
        if only and names:
            self.named += names
            target = " and ".join(names)
            if frame.has("prop:colour", "prop:saturation", "colour:"):
                self.clauses.append(Clause(frame.text, BlackAndWhite(), f"everything except {target}"))
            elif all(name.endswith(PARTS) for name in names):
                if self._cropped:
                    self.clauses.pop()  # the same said twice, in Spanish or French the other way round
                self._put(Clause(frame.text, Crop(), target), complaint=False)
            else:
                self._put(Clause(frame.text, CutOut(), target), complaint=False)
            return
        if any(p.kind == "rest" for p in frame.phrases):
            return
        self.keep += [n for n in names if n not in self.keep]
        self.excepted += [p.text for p in frame.excluded]

    @property
    def _cropped(self) -> bool:
        return bool(self.clauses) and isinstance(self.clauses[-1].operation, Crop)

    def _narrows(self, side: str) -> bool:
        """As in "brighten it, but only on the left": the last clause is about a part of the picture."""
        if self.clauses and self.clauses[-1].target is None and not self._cropped:
            self.clauses[-1] = replace(self.clauses[-1], target=f"{side.replace('-', ' ')} half")
            return True
        return False

    def _part_kept(self, frame: Frame, side: str) -> list[str]:
        """As in "cut the right half, keep only the left", "keep only the top left quarter"."""
        quarter = "-" in side and frame.has("mult:0.2500", "mult:0.25")  # half of each side
        side_left = self._cropped and side in ("left", "right", "top", "bottom")
        return [f"{side.replace('-', ' ')} half"] if quarter or side_left else []

    def _forbids(self, frame: Frame, names: list[str]) -> bool:
        """Whether the clause forbids what another asks for; else remember what it was about."""
        done = {t.value for t in frame.all("do")}
        if not frame.has("neg:") or not done:
            return False
        if names:
            self.subject = names[-1]  # "don't blur the background, make it brighter"
        elif any(c.operation.op in done for c in self.clauses):
            self.unknown.append(frame.text)  # "make it 4:3 without cropping"
            return True
        else:
            self.withdrawn = True
        return False

    def _repeats(self, frame: Frame) -> bool:
        """As in "a sepia tone, like an old postcard", "keep the upper half, crop the rest": nothing new is asked."""
        compared = frame.tokens[0].key == "prep:like" and not frame.has("do:", "adj:", "colour:")
        rest = any(p.kind == "rest" for p in frame.phrases) and frame.has("do:crop", "do:remove")
        return compared or (rest and isinstance(self.clauses[-1].operation, Crop | CutOut))

    def _except(self, frame: Frame) -> None:
        names = [p.text for p in frame.excluded]
        last = self.clauses[-1]
        if last.target is None:
            self.clauses[-1] = replace(last, target="everything except " + " and ".join(names))
        else:
            self._keep_out(names)

    def _keep_out(self, names: list[str]) -> None:
        self.keep += names
        self.excepted += names

    def result(self) -> Parsed:
        """Return what was read."""
        targets = {c.target for c in self.clauses}
        keep = tuple(noun for noun in dict.fromkeys(self.keep) if noun not in targets)
        said = tuple(self.unsupported), tuple(self.unknown), tuple(self.unused)
        excepted = tuple(noun for noun in keep if noun in self.excepted)
        idle = bool(keep or self.withdrawn) and not (self.clauses or self.unsupported or self.unknown)
        return Parsed(self.language, tuple(self.clauses), keep, *said, excepted, idle)


def _answer(frame: Frame) -> Outcome | Cannot | None:
    """Return the first pattern's answer; a quantity that no operation allows is not understood."""
    try:
        return next((answer for _, pattern in PATTERNS if (answer := pattern(frame)) is not None), None)
    except ValidationError:
        return None


def _who_could(reason: str) -> str:
    """Return the kind of backend that could, or "" where the wish itself lacks something."""
    return "" if reason in ("wording", "count", "reference", "correction") else BACKEND


def _only_excludes(frame: Frame) -> bool:
    """Whether the clause has nothing but "except the cup" and what that is an exception of."""
    if not (frame.excluded and frame.things):
        return False
    return not frame.has("do:", "adj:", "colour:")


def _selects(frame: Frame) -> bool:
    """Whether the clause only says what the next ones are about: "take the cup on the left"."""
    if not frame.things or frame.has("adj:", "colour:", "dir:"):
        return False
    return {t.key for t in frame.all("do")} == {"do:select"}


def _both(complaining: Clause, wishing: Clause) -> PlainOperation:
    """Return the wish with both amounts' strength words: "way too dark, brighten it a lot"."""
    complaint, wish = complaining.operation, wishing.operation
    if wishing.stated or not (isinstance(complaint, Adjust) and isinstance(wish, Adjust)) or wish.what == "exposure":
        return wish
    plain = DEFAULTS[wish.what]
    said, asked = abs(complaint.amount) / plain, wish.amount / plain
    if complaint.amount * wish.amount <= 0 or said <= 1 or not 1 <= abs(asked) <= 2.2:
        return wish
    return wish.model_copy(update={"amount": round(plain * max(-2.6, min(asked * said, 2.6)), 4)})


def _attached(frame: Frame) -> list[str]:
    """Return the things of a clause; "the man with the hat" and "the cup on the left" are one each."""
    out: list[str] = []
    for phrase in frame.things:
        if out and phrase.prep == "with":
            out[-1] = f"{out[-1]} with {phrase.text}"
        elif not (out and phrase.prep in _BESIDE) and phrase.prep not in ("like", "into"):
            out.append(phrase.text)
    places = [t.value for t in frame.all("place")]
    # "Write it in the middle", "crop with the cup in the middle": that is where it goes, not where it is.
    goes = frame.has("quote:", "do:write", "do:crop", "new:")
    place = next((p for p in places if p in ("left", "right", "top", "bottom") or not goes), None)
    if place and len(out) == 1 and not frame.has("turn:", "axis:"):
        out = [f"{place.replace('-', ' ')} {out[0]}"]
    return out


def _says_something(frame: Frame) -> bool:
    return any(
        t.kind not in ("det", "ignore", "prep", "link", "conj", "strength", "complain") for t in frame.tokens
    ) or bool(frame.phrases)


def _starts_unknown(frame: Frame) -> bool:
    """Whether an unknown word stands where the verb stands: "frobnicate the cup"."""
    tokens = [t for t in frame.tokens if t.kind not in ("ignore", "link")]
    if not tokens or tokens[0].kind != "word" or frame.has("do:write", "quote:"):
        return False
    verb_like = len(tokens) > 1 and tokens[1].kind in ("dir", "it", "all", "det")
    return verb_like or _alone(frame.things, tokens[0].value)


def _alone(things: Iterable[Phrase], word: str) -> bool:
    things = list(things)
    return len(things) > 1 and things[0].text == word and not things[0].known and not things[0].det
