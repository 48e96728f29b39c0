"""The word lists of one language, compiled: phrase to concept, endings, and tolerance for small typing errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from reasonedit_agent.reasoners.embedded.grammar import colours, nouns
from reasonedit_agent.reasoners.embedded.grammar.guard import REAL_WORDS
from reasonedit_agent.reasoners.embedded.grammar.tokens import Atom, Token, atoms, fold, quoted, shapes

__all__ = ["LANGUAGES", "Lexicon", "lexicon"]

LANGUAGES = nouns.COLUMNS
"""Codes of the languages that are understood (BCP 47)."""

_PUNCTUATION = {**dict.fromkeys(",，、—", ","), **dict.fromkeys(".;!?。；！？\n:：…", ".")}


_INTENSE = (
    "knall",
    "feuer",
    "tief",
    "leuchtend",
    "neon",
    "gras",
    "blut",
    "kirsch",
    "zitronen",
    "pech",
    "raben",
    "satt",
)
"""What German puts before a colour to say that it is a strong one."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All phrases of one language.

    Attributes:
        language: Its code.
        phrases: Folded atoms to ``(concept, second concept or "")``.
        longest: Atoms of the longest phrase.
        words: Every atom of every phrase.
        singles: Phrases of one atom.
        endings: Inflections to undo: (ending, what stands instead).
    """

    language: str
    phrases: dict[tuple[str, ...], tuple[str, str]]
    longest: int
    words: frozenset[str]
    singles: frozenset[str]
    endings: tuple[tuple[str, str], ...]

    def tokens(self, text: str) -> list[Token]:
        """Cut an instruction into tokens, in the order of the text."""
        fixed = [Token("quote", inside, start, end) for start, end, inside in quoted(text)]
        rest = _blank(text, fixed)
        shaped = list(shapes(rest))
        rest = _blank(rest, shaped)
        marks = [Token("conj", _PUNCTUATION[c], i, i + 1) for i, c in enumerate(rest) if c in _PUNCTUATION]
        stops = {t.start for t in (*fixed, *shaped, *marks)}
        found: list[Token] = []
        run: list[Atom] = []
        for atom in atoms(rest):
            if run and any(s in stops for s in range(run[-1].end, atom.start)):
                found += self._match(run)
                run = []
            run.append(atom)
        found += self._match(run)
        return sorted([*fixed, *shaped, *marks, *found], key=lambda t: t.start)

    def _match(self, run: list[Atom]) -> list[Token]:
        words = [self.correct(atom.text) for atom in run]
        out: list[Token] = []
        i = 0
        while i < len(run):
            for length in range(min(self.longest, len(run) - i), 0, -1):
                concept = self.phrases.get(tuple(words[i : i + length]))
                if concept is None and length == 1 and (colour := self._intense(words[i])):
                    words[i], concept = colour, self.phrases[(colour,)]
                if concept is None and length == 1:  # "rote" stands in a phrase only, "rot" by itself
                    words[i] = self._stem(words[i]) or words[i]
                    concept = self.phrases.get((words[i],))
                if concept is not None:
                    kind, _, value = concept[0].partition(":")
                    last = run[i + length - 1]
                    many = kind == "noun" and self._plural(last.text, words[i + length - 1])
                    out.append(Token(kind, value, run[i].start, last.end, concept[1], many))
                    i += length
                    break
            else:
                _add_word(out, run[i])
                i += 1
        return out

    def _stem(self, word: str) -> str | None:
        """Return the word without its ending, if that is a phrase of the lexicon."""
        for ending, instead in self.endings:
            stem = word.removesuffix(ending) + instead
            if word.endswith(ending) and len(stem) > 2:
                if stem in self.singles:
                    return stem
                # "cropping": the consonant is doubled before the ending
                if len(stem) > 3 and stem[-1] == stem[-2] and stem[:-1] in self.singles:
                    return stem[:-1]
        return None

    def _intense(self, word: str) -> str:
        """Return the colour in a German compound such as "knallrot", or an empty text."""
        if self.language != "de":
            return ""
        rest = next((word.removeprefix(p) for p in _INTENSE if word.startswith(p)), "")
        rest = rest if (rest,) in self.phrases else self._stem(rest) or ""
        return rest if self.phrases.get((rest,), ("", ""))[0].startswith("colour:") else ""

    def _plural(self, word: str, known: str) -> bool:
        """German endings mark cases as well, and Chinese has none."""
        return word != known and word.endswith(("s", "x")) and "'" not in word and self.language in ("en", "es", "fr")

    @cache  # noqa: B019 - a lexicon lives as long as the process
    def correct(self, word: str) -> str:
        """Return the word of the lexicon that is meant, or the word itself.

        Known words and their inflections stay. Otherwise the one nearest known word that begins alike stands in: edit
        distance 1 from five letters on, 2 from nine letters on; two as near with other meanings are none.
        """
        if word in self.words or not word.replace("'", "").isalpha() or word[0] >= "\u3400":
            return word
        if stem := self._stem(word):
            return stem
        for kept in (r"\1", r"\1\1"):  # "waaay", "sooo"
            short = re.sub(r"(.)\1{2,}", kept, word)
            if short != word and short in self.words:
                return short
        if self.language == "en" and {word, word.removesuffix("s")} & REAL_WORDS:
            return word
        limit = 2 if len(word) >= 9 else 1 if len(word) >= 5 else 0
        for allowed in range(1, limit + 1):
            near = {
                known
                for known in self.words
                if known[:1] == word[:1]
                and len(known) > 3
                and abs(len(known) - len(word)) <= allowed
                and distance(known, word, allowed) <= allowed
            }
            # A letter too many, too few or out of order is likelier than another letter.
            near = {k for k in near if len(k) != len(word) or sorted(k) == sorted(word)} or near
            concepts = {self.phrases.get((known,)) for known in near}
            if near:  # "blurr" is near to "blur" and to "blurry": the same is meant
                return min(near) if len(near) == 1 or (len(concepts) == 1 and None not in concepts) else word
        return word


def _add_word(out: list[Token], atom: Atom) -> None:
    """Append an unknown word; unknown Chinese characters that touch are one word."""
    if atom.is_cjk and out and out[-1].kind == "word" and out[-1].end == atom.start:
        last = out.pop()
        out.append(Token("word", last.value + atom.text, last.start, atom.end))
    else:
        out.append(Token("word", atom.text, atom.start, atom.end))


def _blank(text: str, taken: list[Token]) -> str:
    for token in taken:
        text = text[: token.start] + "\x00" * (token.end - token.start) + text[token.end :]
    return text


def distance(a: str, b: str, limit: int) -> int:
    """Return the edit distance with transpositions (optimal string alignment), or ``limit + 1`` when it is more."""
    previous2: list[int] = []
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            best = min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, previous2[j - 2] + 1)
            row.append(best)
        if min(row) > limit:
            return limit + 1
        previous2, previous = previous, row
    return previous[-1]


@cache
def lexicon(language: str) -> Lexicon:
    """Return the compiled lexicon of a language of `LANGUAGES`."""
    table = import_module(f"reasonedit_agent.reasoners.embedded.grammar.{language}")
    column = nouns.COLUMNS.index(language)
    entries: dict[tuple[str, ...], tuple[str, str]] = {}

    def add(words: str, concept: str) -> None:
        for phrase in words.split(", "):
            key = tuple(atom.text for atom in atoms(phrase.strip()))
            if not key:
                continue
            first, second = entries.get(key, (concept, ""))
            entries[key] = (first, concept if first != concept and not second else second)

    if language == "en":
        for name, code in colours.css_names().items():
            add(name, f"colour:{code}")
    for row in colours.ROWS.splitlines():
        code, *cells = (cell.strip() for cell in row.split("|"))
        add(cells[column], f"colour:{code}")
    for row in nouns.ROWS.splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        add(cells[column], f"noun:{cells[0].split(', ')[0]}")
    # What stands in the list of the language itself goes before colours and nouns ("light", "square").
    words: dict[tuple[str, ...], tuple[str, str]] = {}
    tables, entries = entries, words
    for concept, phrases in table.WORDS.items():
        add(phrases, concept)
    for key, (first, second) in tables.items():
        entries[key] = (entries[key][0], first) if key in entries else (first, second)
    return Lexicon(
        language,
        entries,
        max(map(len, entries)),
        frozenset(word for key in entries for word in key),
        frozenset(key[0] for key in entries if len(key) == 1),
        tuple((fold(ending), fold(instead)) for ending, instead in table.ENDINGS),
    )
