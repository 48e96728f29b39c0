"""Taking back what was just said, in five languages: what stands in the end is what is done."""

from __future__ import annotations

import pytest

from reasonedit_agent.reasoners.embedded.grammar import parse
from reasonedit_agent.reasoners.embedded.grammar.lexicon import LANGUAGES, lexicon

SIZE = (600, 400)


def wishes(text: str) -> list[tuple[str, str | None, object]]:
    """Return operation, target and the value that matters; fail where a part was not understood."""
    parsed = parse(text, size=SIZE)
    assert not (parsed.unknown or parsed.unsupported), parsed
    values = ("colour", "degrees", "ratio", "text", "amount", "width")
    return [
        (
            c.operation.op,
            c.target,
            next((getattr(c.operation, v) for v in values if getattr(c.operation, v, None)), None),
        )
        for c in parsed.clauses
    ]


GREEN_CUP = [("recolour", "cup", "#008000")]


@pytest.mark.parametrize(
    "text",
    [
        "make the cup blue. Actually no, make it green.",
        "make the cup blue, no, green",
        "make the cup blue no wait green",
        "make the cup blue. Scratch that, make the cup green",
        "make the cup blue. I mean green",
        "make the cup blue, or rather green",
        "make the cup blue (no, green)",
        "make the cup blue — sorry, green",
        "make the cup blue. Make it green instead",
        "make the cup blue. Actually, make it green",
        "blur the cup. No wait, make it green",
        "make the plate green, I mean the cup",
        "make the plate, I mean the cup, green",
        "把杯子变成蓝色。不对，变成绿色",
        "把杯子变成蓝色，不，绿色",
        "把杯子变成蓝色，我是说绿色",
        "Mach die Tasse blau. Nein, mach sie grün.",
        "Mach die Tasse blau, ich meine grün",
        "haz la taza azul. No, espera, hazla verde",
        "haz la taza azul, digo, verde",
        "rends la tasse bleue. Non, attends, rends-la verte",
        "rends la tasse bleue, je veux dire verte",
    ],
)
def test_only_what_was_said_last_is_done(text: str) -> None:
    assert wishes(text) == GREEN_CUP


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("rotate by 90, sorry, 180 degrees", [("rotate", None, 180.0)]),
        ("crop to 16:9, oops, 4:3", [("crop", None, (4.0, 3.0))]),
        ("write 'Hello', no, 'Bye' at the top", [("add_text", None, "Bye")]),
        ("make the sky brighter, no, darker", [("adjust", "sky", -0.2)]),
        ("resize to 800 px wide, sorry, 600", [("resize", None, 600)]),
        (
            "make the cup and the plate blue. No, make them green",
            [("recolour", "cup", "#008000"), ("recolour", "plate", "#008000")],
        ),
        (
            "make the cup blue and the plate red. Actually no, make the cup green",
            [("recolour", "plate", "#ff0000"), ("recolour", "cup", "#008000")],
        ),
        (
            "make the cup blue, no wait, green, and make the plate red",
            [("recolour", "cup", "#008000"), ("recolour", "plate", "#ff0000")],
        ),
        ("make everything black and white, wait no, just the background", [("black_and_white", "background", None)]),
        # "actually" without a counterpart adds a wish; before anything is said, a correction corrects nothing.
        ("make the cup green. Actually, also blur the plate", [*GREEN_CUP, ("blur", "plate", None)]),
        ("no, make the cup green", GREEN_CUP),
        ("add a dog. No wait, make the cup green", GREEN_CUP),
        # "no" and "sin" still forbid.
        ("make the cup green, no need to change the plate", GREEN_CUP),
    ],
)
def test_the_clause_that_is_corrected_is_replaced(text: str, done: list[tuple[str, str | None, object]]) -> None:
    assert wishes(text) == done


@pytest.mark.parametrize(
    "text",
    [
        "make the cup blue and blur the background. Scratch that, sepia",
        "make the cup blue and blur the background. Scratch that.",
    ],
)
def test_what_could_correct_two_wishes_is_refused(text: str) -> None:
    parsed = parse(text, size=SIZE)
    assert "not clear" in parsed.unsupported[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "make the cup blue. Scratch that.",
        "blur the background. Actually, don't.",
        "blur the background. No wait, don't blur the background",
        "don't blur the background",
        "不要虚化背景",
    ],
)
def test_nothing_may_be_left_to_do(text: str) -> None:
    parsed = parse(text, size=SIZE)
    assert parsed.idle
    assert not parsed.clauses


def test_every_language_has_words_for_it() -> None:
    for language in LANGUAGES:
        concepts = lexicon(language).phrases.values()
        assert any("correct:" in pair for pair in concepts), language
        assert any("ignore:correct" in pair for pair in concepts), language
