"""From text to typed tokens: numbers, colours and quotes by their form, all else by longest match in the lexicon."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from reasonedit_agent.reasoners.embedded.grammar.colours import parse_code
from reasonedit_agent.reasoners.embedded.grammar.traditional import SIMPLIFIED

__all__ = ["Atom", "Token", "atoms", "fold", "quoted"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the instruction with its concept.

    Attributes:
        kind: Of the concept, such as ``do`` or ``noun``; ``word`` where the lexicon knows none.
        value: Of the concept; of a ``word`` its folded text; of a ``quote`` the text inside.
        start: Offset in the instruction.
        end: Offset past the last character.
        alternative: A second concept of the same words, ``kind:value`` ("orange" is a colour and a fruit).
        plural: Whether a noun stands in the plural, as far as its ending says.
    """

    kind: str
    value: str
    start: int
    end: int
    alternative: str = ""
    plural: bool = False

    @property
    def key(self) -> str:
        """The concept as it is written in the word lists."""
        return f"{self.kind}:{self.value}"

    @property
    def number(self) -> float:
        """The value as a number."""
        return float(self.value)


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest piece that the lexicon knows: a word, one Chinese character, a mark.

    Attributes:
        text: Folded: lower case, no accents.
        start: Offset in the instruction.
        end: Offset past the last character.
    """

    text: str
    start: int
    end: int

    @property
    def is_cjk(self) -> bool:
        """Whether it is one Chinese character."""
        return "\u3400" <= self.text[:1] <= "\u9fff"


_SPELT = str.maketrans(
    {"’": "'", "ß": "ss", "œ": "oe", "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
)


def fold(text: str) -> str:
    """Return the text in lower case, in compatibility form, without accents, Chinese in simplified characters."""
    spread = unicodedata.normalize("NFKD", text.translate(_SPELT)).casefold()
    return "".join(c for c in spread if not unicodedata.combining(c)).translate(SIMPLIFIED)


# Clitics of French and Italian ("l'image") are words of their own; English "don't" and "cat's" stay whole.
_ATOM = re.compile(
    r"[\u3400-\u9fff]"
    r"|(?:[ldnjmtsc]|qu)['’](?=[^\W\d_]{2})"
    r"|(?:(?![\u3400-\u9fff])[^\W\d_])+(?:['’/](?:(?![\u3400-\u9fff])[^\W\d_])+)*['’]?"
    r"|b&w|\d+|[%°&×]",
    re.IGNORECASE,
)


def atoms(text: str, offset: int = 0) -> list[Atom]:
    """Cut a text into atoms; spaces, hyphens and other marks only separate."""
    out = []
    for match in _ATOM.finditer(text):
        folded = fold(match.group()).rstrip("'") if len(match.group()) > 3 else fold(match.group())
        if folded:
            out.append(Atom(folded, offset + match.start(), offset + match.end()))
    return out


_PAIRS = ("“”", "„“", "„”", "””", '""', "«»", "»«", "‹›", "「」", "『』", "《》", "〈〉", "＂＂", "``")
_QUOTES = re.compile(
    "|".join(f"{re.escape(a)}([^{re.escape(a)}{re.escape(b)}]{{1,500}}){re.escape(b)}" for a, b in map(tuple, _PAIRS))
    # A single quote opens after a space and closes before one: "don't" and "cats'" are not quoted.
    + r"|(?<![^\s(:,：，写])['‘‚]([^'‘’\n]{1,500}(?:['’]\w[^'‘’\n]*)*)['’‘](?![^\W_])"
)


def quoted(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and inside of every quoted piece, in the quote styles of the world."""
    for match in _QUOTES.finditer(text):
        inside = next(group for group in match.groups() if group is not None)
        if inside.strip():
            yield match.start(), match.end(), inside.strip()


_NUMBER = r"[+\-−]?\d+(?:[.,]\d+)*"
_SHAPES = re.compile(
    r"(?P<code>#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|rgb\s*\([^)]{1,40}\))"
    r"|(?P<cnfraction>[一二两三四五六七八九十]+分之[一二两三四五六七八九十]+)"
    r"|(?P<fraction>(?<![\d./])[1-9]/(?:10|[2-9])(?![\d/.]))"
    r"|(?P<ratio>(?<![\d.])\d{1,2}(?:\.\d+)?\s?[:：比]\s?\d{1,2}(?:\.\d+)?(?![\d]))"
    r"|(?P<dims>(?<![\d.])\d{1,5}\s*(?:px|像素)?\s*[x×*✕]\s*\d{1,5}(?![\d.]))"
    r"|(?P<cnshare>百分之(?:\d+(?:\.\d+)?|[零一二两三四五六七八九十百]+))"
    r"|(?P<cn>[零一二两三四五六七八九十百千半]+(?=\s*(?:倍|度|像素|百万像素|个百分点|档|挡)))"
    r"|(?P<times>(?<![\w.])(?:[x×]\s?\d(?:\.\d+)?|\d(?:\.\d+)?\s?[x×])(?![\w]))"
    rf"|(?P<num>(?<![\d.,]){_NUMBER})",
    re.IGNORECASE,
)


def shapes(text: str) -> Iterator[Token]:
    """Yield the tokens that are known by their form: colour codes, ratios, sizes, factors, numbers."""
    for match in _SHAPES.finditer(text):
        kind, found = str(match.lastgroup), match.group()
        start, end = match.span()
        if kind == "code":
            code = parse_code(found)
            yield Token("colour", code, start, end) if code else Token("word", fold(found), start, end)
        elif kind == "ratio":
            first, second = re.split(r"\s?[:：比]\s?", found)
            yield Token("ratio", f"{first}:{second}", start, end)
        elif kind == "dims":
            first, second = re.findall(r"\d+", found)
            yield Token("dims", f"{first}x{second}", start, end)
        elif kind == "cnfraction":
            below, above = found.split("分之")
            yield Token("mult", _quotient(_chinese(above), _chinese(below)), start, end)
        elif kind == "fraction":  # after "crop to" it is a ratio
            above, below = found.split("/")
            yield Token("mult", _quotient(above, below), start, end, f"ratio:{above}:{below}")
        elif kind == "cn":
            yield Token("num", _chinese(found), start, end)
        elif kind == "cnshare":
            yield Token("num", _chinese(found[3:]), start, end - 1)
            yield Token("unit", "percent", end - 1, end)
        elif kind == "times":
            yield Token("mult", re.sub(r"[^\d.]", "", found), start, end)
        else:
            yield Token("num", _decimal(found), start, end)


_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}


def _chinese(text: str) -> str:
    """Read a Chinese numeral up to 9999 ("二十五" is 25), or plain digits."""
    if text[0].isdecimal():
        return text
    if text == "半":
        return "0.5"
    total, digit = 0, 0
    for character in text:
        if character in _TENS:
            total += max(digit, 1) * _TENS[character]
            digit = 0
        else:
            digit = _DIGITS.get(character, 0)
    return str(total + digit)


def _quotient(above: str, below: str) -> str:
    return f"{int(above) / int(below):.4f}"


def _decimal(text: str) -> str:
    """Read "1,200" as a thousand, "1,5" as one and a half."""
    text = text.replace("−", "-").lstrip("+")
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+", text):
        return text.replace(",", "")
    whole, *rest = re.split("[.,]", text)
    return whole[:9] + ("." + "".join(rest)[:6] if rest else "")
