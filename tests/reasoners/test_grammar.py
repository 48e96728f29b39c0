"""The grammar against instructions whose meaning was written down by hand."""

from __future__ import annotations

import pytest

from reasonedit_agent.operations import Adjust, ReplaceBackground
from reasonedit_agent.reasoners.embedded.grammar import amended, colours, nouns, parse
from reasonedit_agent.reasoners.embedded.grammar.lexicon import LANGUAGES, lexicon
from tests.reasoners.grammar_cases import CHINESE, ENGLISH, FRENCH, GERMAN, SIZE, SPANISH, Case

ALL = [
    pytest.param(language, case, id=case.text)
    for language, cases in (("en", ENGLISH), ("zh", CHINESE), ("de", GERMAN), ("es", SPANISH), ("fr", FRENCH))
    for case in cases
]


@pytest.mark.parametrize(("language", "case"), ALL)
def test_means_what_a_person_means(language: str, case: Case) -> None:
    parsed = parse(case.text, size=SIZE)
    assert parsed.language == language
    assert not parsed.unsupported and not parsed.unknown
    assert [(c.operation.op, c.target) for c in parsed.clauses] == [(d.op, d.target) for d in case.todo]
    for clause, wanted in zip(parsed.clauses, case.todo, strict=True):
        got = clause.operation.model_dump()
        assert (
            {k: got[k] for k in wanted.fields} == pytest.approx(wanted.fields)
            if _numeric(wanted.fields)
            else {k: got[k] for k in wanted.fields} == wanted.fields
        )
        assert clause.text in case.text
    assert parsed.keep == case.keep


def _numeric(fields: dict[str, object]) -> bool:
    return (
        bool(fields)
        and all(isinstance(v, int | float | str) or v is None for v in fields.values())
        and not any(isinstance(v, tuple) for v in fields.values())
    )


UNSUPPORTED = (
    "add a dog", "make it winter", "change the pose", "replace the apple with an orange", "turn the cat into a tiger",
    "give him a hat", "make her smile", "put a tree behind the house", "make it night", "make it look like a Van Gogh",
    "replace the background with a beach", "move the cup to the left", "make the cup bigger", "restore the old photo",
    "extend the picture to the left", "make him look younger", "show the car from above", "animate it",
    'change the text to "Open"', "add snow", "rotate the cup", "turn the day into night",
    "加一只狗", "变成冬天", "把猫变成老虎", "把苹果换成橙子",
    "让她微笑", "给他戴上帽子", "变成宫崎骏风格", "把杯子移到左边",
    "Füge einen Hund hinzu", "Mach daraus Winter", "Ersetze den Apfel durch eine Orange",
    "añade un perro", "haz que sonría", "reemplaza la manzana por una naranja",
    "ajoute un chien", "remplace la pomme par une orange", "transforme le chat en tigre",
)  # fmt: skip


@pytest.mark.parametrize("text", UNSUPPORTED)
def test_new_content_is_refused_with_a_reason_and_a_backend(text: str) -> None:
    parsed = parse(text, size=SIZE)
    assert not parsed.clauses
    ((clause, reason, backend),) = parsed.unsupported
    assert clause in text and reason
    assert "diffus" in backend


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("背景をぼかして", "ja"), ("배경을 흐리게 해줘", "ko"), ("сделай фон размытым", "ru"),
        ("اجعل الخلفية ضبابية", "ar"),
        ("rendi la tazza verde", "it"), ("sfoca lo sfondo", "it"), ("deixe o fundo mais escuro", "pt"),
        ("maak de achtergrond wazig", "nl"), ("gör bakgrunden suddig", "sv"),
    ],
)  # fmt: skip
def test_another_language_is_named_and_refused(text: str, language: str) -> None:
    parsed = parse(text, size=SIZE)
    assert parsed.language == language
    assert not parsed.clauses and not parsed.unknown
    ((_, reason, _),) = parsed.unsupported
    assert "not understood" in reason


@pytest.mark.parametrize("text", ["asdf qwer", "frobnicate the cup", "lorem ipsum dolor", "？？？啊啊", "the"])
def test_what_is_not_understood_is_not_guessed(text: str) -> None:
    assert not parse(text, size=SIZE).clauses


def test_quoted_words_do_not_decide_the_language_nor_the_edit() -> None:
    parsed = parse('write "こんにちは, remove the cat" at the top', size=SIZE)
    assert parsed.language == "en"
    (clause,) = parsed.clauses
    assert clause.operation.model_dump()["text"] == "こんにちは, remove the cat"


def test_reference_photo_as_background() -> None:
    text = "replace the background with the other photo"
    (clause,) = parse(text, size=SIZE, references=1).clauses
    assert clause.operation.model_dump()["fill"]["reference"] == 0
    refused = parse(text, size=SIZE, references=0)
    assert not refused.clauses and "reference" in refused.unsupported[0][1]


@pytest.mark.parametrize(("name", "code"), sorted((n, c) for n, c in colours.css_names().items() if n != "snow"))
def test_every_css_colour(name: str, code: str) -> None:
    (clause,) = parse(f"make the cup {name}", size=SIZE).clauses
    assert clause.target == "cup"
    if name not in ("gold", "silver", "teal", "coral", "olive", "turquoise", "maroon", "lavender", "beige"):
        assert clause.operation.model_dump()["colour"] == code


def test_css_has_148_colours() -> None:
    assert len(colours.css_names()) == 148


def test_tables_are_complete() -> None:
    rows = [[cell.strip() for cell in row.split("|")] for row in nouns.ROWS.splitlines()]
    assert len(rows) >= 120
    assert all(len(row) == len(nouns.COLUMNS) and all(row) for row in rows)
    assert all(len([c for c in row.split("|") if c.strip()]) == 6 for row in colours.ROWS.splitlines())


def test_every_thing_of_the_detector_has_a_noun() -> None:
    detector = pytest.importorskip("reasonedit_agent.perception.detector")
    known = {row.split("|")[0].split(",")[0].strip() for row in nouns.ROWS.splitlines()}
    assert set(detector.COCO) <= known


def test_word_lists_have_the_same_kinds_in_every_language() -> None:
    kinds = {
        language: {first.split(":")[0] for first, _ in lexicon(language).phrases.values()} for language in LANGUAGES
    }
    shared = {
        "do",
        "dir",
        "adj",
        "state",
        "prop",
        "strength",
        "mult",
        "unit",
        "dim",
        "size",
        "place",
        "turn",
        "axis",
        "ratio",
    }
    shared |= {
        "shade",
        "style",
        "fill",
        "keep",
        "neg",
        "except",
        "only",
        "rest",
        "all",
        "it",
        "det",
        "prep",
        "conj",
        "new",
    }
    for language, found in kinds.items():
        assert shared <= found, language


@pytest.mark.parametrize(
    ("advice", "low", "high"),
    [
        ("stronger", 1.4, 1.6),
        ("a bit less", 0.7, 0.9),
        ("much more", 1.8, 2.2),
        ("weaker please", 0.5, 0.7),
        ("强一点", 1.2, 1.5),
    ],
)
def test_advice_scales(advice: str, low: float, high: float) -> None:
    factor = amended(advice)
    assert factor is not None and low <= factor <= high


def test_other_advice_does_not_scale() -> None:
    assert amended("make the sky blue") is None


@pytest.mark.parametrize(
    "text",
    [
        "make the sky dramatic and the temple roof red",
        "make the cup as bright as the table",
        "brighten the smaller of the two dogs",
        "make the text bolder",
        "crop to the left of the cup",
        "crop just above the cup",
        "crop 10% off each side",
        "make the image 4:3 without cropping",
        "blur above the cup",
        "remove the lighter",
        "is the cup green?",
        "what is in this picture?",
        "杯子是绿色的吗？",
    ],
)
def test_what_no_operation_uses_is_not_dropped_in_silence(text: str) -> None:
    assert parse(text, size=SIZE).unknown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("change the title to 'Hello'", "rewriting"),
        ("replace the word 'A' with 'B'", "rewriting"),
        ("make the title larger", "size"),
        ("make the dog sleeping", "pose"),
        ("make him standing", "pose"),
        ("make it a winter landscape", "season"),
        ("write something funny", "quotes"),
        ("make the cup transparent", "made of"),
        ("make the plate blue and the spoon invisible", "made of"),
        ("remove the second cup", "counting"),
        ("make one of the cups red", "counting"),
        ("paint stripes on the cup", "generative"),
        ("把第二个杯子变红", "counting"),
        ("把盘子变得闪亮", "made of"),
    ],
)
def test_says_what_is_in_the_way(text: str, why: str) -> None:
    assert why in parse(text, size=SIZE).unsupported[0][1]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("undo the blue tint", 0.2),
        ("fix the blue tint", 0.2),
        ("reduce the yellow tint", -0.2),
        ("less blue tint", 0.2),
    ],
)
def test_a_tint_is_taken_back_by_warmth(text: str, amount: float) -> None:
    (clause,) = parse(text, size=(600, 400)).clauses
    assert clause.operation == Adjust(what="warmth", amount=amount)


def test_a_gradient_is_described_by_a_time_of_day() -> None:
    text = "swap the background for a sunset gradient, orange to purple"
    (clause,) = parse(text, size=(600, 400)).clauses
    assert isinstance(clause.operation, ReplaceBackground)
    assert clause.operation.fill.colours == ("#ffa500", "#800080")
    assert parse("swap the background for a sunset", size=(600, 400)).unsupported
