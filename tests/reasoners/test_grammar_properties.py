"""Properties of the grammar: nothing crashes it, and what carries no meaning changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonedit_agent.reasoners.embedded.grammar import Parsed, parse
from reasonedit_agent.reasoners.embedded.grammar.lexicon import LANGUAGES, distance, lexicon
from tests.reasoners.grammar_cases import ENGLISH, SIZE

_WORDS = sorted({" ".join(key) for language in LANGUAGES for key in lexicon(language).phrases})
_GLUE = st.sampled_from(
    [" ", ", ", " and ", " 20% ", " 3 ", " #ff0000 ", ' "Hi" ', "，", "。", " 16:9 ", " 0x0 ", " -5 px ", "!?"]
)
_UNQUOTED = [case for case in ENGLISH if not any(d.op == "add_text" for d in case.todo)]


def meaning(parsed: Parsed) -> object:
    return [(c.operation, c.target) for c in parsed.clauses], parsed.keep, len(parsed.unsupported), len(parsed.unknown)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_text_crashes_it(text: str) -> None:
    parse(text, size=SIZE)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_WORDS), _GLUE), max_size=14), st.integers(1, 5000), st.integers(1, 5000))
def test_no_salad_of_known_words_crashes_it(words: list[str], width: int, height: int) -> None:
    parsed = parse(" ".join(words), size=(width, height), references=1)
    for clause in parsed.clauses:
        assert clause.target != ""


@pytest.mark.parametrize("case", _UNQUOTED, ids=lambda case: case.text)
def test_case_and_politeness_do_not_matter(case: object) -> None:
    text = case.text  # type: ignore[attr-defined]
    wanted = meaning(parse(text, size=SIZE))
    assert meaning(parse(text.upper(), size=SIZE)) == wanted
    bare = text.rstrip(".?!")
    for polite in (
        f"Please {bare}",
        f"{bare}, please",
        f"Could you {bare}?",
        f"hi, can you please {bare} thanks!",
        f"  {bare} !!",
    ):
        if bare.lower().startswith(
            ("could", "it", "the ", "i'd", "slightly", "a bit", "colder", "ten", "+", "2 ", "more", "blurry", "cut the")
        ):
            continue
        assert meaning(parse(polite, size=SIZE)) == wanted, polite


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_typing_error_in_a_long_word_does_not_matter(data: st.DataObject) -> None:
    case = data.draw(
        st.sampled_from([c for c in _UNQUOTED if "#" not in c.text and "rgb" not in c.text and c.text.isascii()])
    )
    words = case.text.split(" ")
    known = lexicon("en").words
    long = [i for i, w in enumerate(words) if len(w) >= 7 and w.isalpha() and w.lower() in known]
    if not long:
        return
    i = data.draw(st.sampled_from(long))
    at = data.draw(st.integers(1, len(words[i]) - 2))
    broken = words[i][:at] + words[i][at + 1 :]
    near = [w for w in known if w[0] == broken[0].lower() and len(w) > 3 and distance(w, broken.lower(), 1) <= 1]
    if near != [words[i].lower()] or lexicon("en").correct(broken.lower()) != words[i].lower():
        return  # it is, or could be, another word
    wrong = " ".join([*words[:i], broken, *words[i + 1 :]])
    assert meaning(parse(wrong, size=SIZE)) == meaning(parse(case.text, size=SIZE)), wrong


@pytest.mark.parametrize(
    "piece",
    ["make the cup green and ", "zxqwv jkl ", "把杯子变成绿色，", "a,", "'don't ", '"', "9" * 40 + "px ", "-1% "],
)
def test_twenty_thousand_characters_neither_crash_nor_hang(piece: str) -> None:
    parse((piece * 20_000)[:20_000], size=SIZE)


def test_a_known_word_is_never_taken_for_another() -> None:
    for language in LANGUAGES:
        book = lexicon(language)
        assert all(book.correct(word) == word for word in book.words)


@pytest.mark.parametrize(
    "word", ["saucers", "horse", "house", "plane", "plate", "light", "right", "night", "shirt", "short"]
)
def test_look_alikes_stay_apart(word: str) -> None:
    assert lexicon("en").correct(word) in (word, word.removesuffix("s"))
