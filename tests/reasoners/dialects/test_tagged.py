"""The reasonedit and editthinker dialects, played with text alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonedit_agent.errors import Malformed, Refused, UsageError
from reasonedit_agent.reasoners.dialects import make_dialect
from reasonedit_agent.reasoners.dialects.editthinker import EditThinkerDialect
from reasonedit_agent.reasoners.dialects.reasonedit import Assessment, ReasonEditDialect, capped, read_tags
from reasonedit_agent.schemas import (
    Accepted,
    Box,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    HumanAnswer,
    ImageRef,
    Refine,
    Rejected,
    Round,
    Scores,
)
from reasonedit_agent.testing import scores
from tests.reasoners.dialects.play import CALL, CANDIDATE, HISTORY, REQUEST, RESULT, SOURCE, THOUGHT, play, text_of

TEXT = Card(reads_text=True)
RE, ET = ReasonEditDialect(), EditThinkerDialect()


def assessed(**changes: Any) -> str:
    told = {
        "meets_instruction": "yes",
        "major_conflicts": 0,
        "minor_conflicts": 0,
        "omissions": 0,
        "raw_score": 9,
        "reason": "fine",
    }
    return "```json\n" + json.dumps(told | changes) + "\n```"


def rated(first: float, second: float) -> str:
    return json.dumps({"score": [first, second], "reasoning": "so"})


def cascade(conclusion: str, **changes: Any) -> list[str]:
    return ["A green cup.", assessed(**changes), conclusion, rated(8, 7), rated(6, 9)]


def test_thinking_is_plain_text() -> None:
    thought, (prompt,) = play(RE.think(REQUEST, TEXT, HISTORY), ['  Change the colour of the cup to "green".  \n'])
    assert thought.instruction == 'Change the colour of the cup to "green".' and thought.changed
    assert thought.steps == (EditStep(text=thought.instruction),)
    assert prompt.schema is None and (prompt.temperature, prompt.top_p) == (0.7, 0.9)


def test_reflection_is_five_calls_and_seven_pictures() -> None:
    verdict, asked = play(RE.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), cascade("<#Think>good<#Success>"))
    assert [p.name.split("@")[0].split("/")[1] for p in asked] == [
        "describe",
        "assess",
        "conclude",
        "score_edit",
        "score_look",
    ]
    assert [p.images for p in asked] == [(SOURCE,), (RESULT,), (SOURCE, RESULT), (SOURCE, RESULT), (RESULT,)]
    assert isinstance(verdict, Accepted) and verdict.critique == "good"
    assert verdict.scores == Scores(edit_success=8, over_editing=7, naturalness=6, artefacts=9)
    assert "A green cup." in text_of(asked[1]) and "9 of 10: fine" in text_of(asked[2])
    assert len({p.seed for p in asked}) == 5, "each call draws for itself"
    again = play(RE.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), cascade("<#Think>good<#Success>"))[1]
    assert [p.seed for p in again] == [p.seed for p in asked], "and the same in a second run"


@pytest.mark.parametrize(
    ("conclusion", "kind"),
    [
        ("noise <#Think>good<#Others>", Accepted),
        ("<#Think>a bit pale<#Reflection>Make the green darker.", Refine),
        ("<#Think>wrong cup<#Failed>", Rejected),
    ],
)
def test_each_tag_is_a_verdict(conclusion: str, kind: type) -> None:
    verdict, _ = play(RE.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), cascade(conclusion))
    assert type(verdict) is kind
    if isinstance(verdict, Refine):
        assert verdict.steps == (EditStep(text="Make the green darker."),)
    if isinstance(verdict, Rejected):
        assert verdict.steps is None, "back to the source, with the Thought's steps"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "good",
        "<#Think>x",
        "<#Success>",
        "<#Success><#Think>x",
        "<#Think>x<#Success><#Failed>",
        "<#Think>a<#Think>b<#Failed>",
        "<#Think>x<#Reflection>  ",
    ],
)
def test_a_conclusion_without_one_decision_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        play(RE.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), ["t", assessed(), text, "", ""])


# Worked out by hand from the published rules, one row per rule and some that meet.
@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"raw_score": 9.5}, 9.5),
        ({"raw_score": 0.95}, 9.5),
        ({"raw_score": 14}, 10),
        ({"raw_score": -3}, 0),
        ({"raw_score": 9, "meets_instruction": "no"}, 2),
        ({"raw_score": 9, "meets_instruction": "Partial"}, 5),
        ({"raw_score": 9, "major_conflicts": 2}, 5),
        ({"raw_score": 9, "major_conflicts": 1}, 8),
        ({"raw_score": 9, "omissions": 1}, 7),
        ({"raw_score": 9, "hallucinations": 1}, 7),
        ({"raw_score": 9.5, "minor_conflicts": 3}, 9.5),
        ({"raw_score": 1, "meets_instruction": "no"}, 2),
        ({"raw_score": 4, "major_conflicts": 1}, 4),
    ],
)
def test_the_caps_of_the_released_code(changes: dict[str, Any], score: float) -> None:
    found = Assessment(**{"meets_instruction": "yes", "raw_score": 9} | changes)
    assert capped(found) == pytest.approx(score)


def test_judged_against_the_users_words_or_the_rewritten_ones() -> None:
    released = make_dialect("reasonedit(judge=rewritten)")
    for dialect, words in ((RE, REQUEST.instruction), (released, THOUGHT.instruction)):
        _, asked = play(dialect.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), cascade("<#Think>good<#Success>"))
        assert all(words in text_of(asked[i]) for i in (0, 1, 2, 3))
    with pytest.raises(UsageError, match="original, rewritten"):
        make_dialect("reasonedit(judge=mine)")
    with pytest.raises(UsageError, match="cannot be made"):
        make_dialect("reasonedit(juge=mine)")


def test_a_chinese_wish_is_answered_in_chinese() -> None:
    request = EditRequest(image=SOURCE, instruction="把杯子变成绿色", seed=1)
    for dialect in (RE, ET):
        conversation = dialect.think(request, TEXT, History(request=request))
        assert "中文" in text_of(next(conversation))


PIECES = ["<#Think>", "<#Success>", "<#Failed>", "<#Reflection>", "x ", "\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_tags_in_any_order_give_one_decision_or_malformed(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        reasons, tag, after = read_tags(text)
    except Malformed:
        return
    assert tag in ("Success", "Failed", "Reflection") and "<#" not in reasons + after


# -- editthinker ------------------------------------------------------------------------------------------------------


def judged(semantic: float, quality: float, answer: str, think: str = "too pale") -> str:
    return f'<think>{think}</think>\n<score>{{"semantic": {semantic}, "quality": {quality}}}</score>\n<answer>{answer}</answer>'


def test_the_first_turn_polishes_the_prompt() -> None:
    thought, _ = play(
        ET.think(REQUEST, TEXT, HISTORY), ["<think>which cup?</think><answer>Make the left cup green.</answer>"]
    )
    assert thought.instruction == "Make the left cup green."
    open_ended, _ = play(ET.think(REQUEST, TEXT, HISTORY), ["<answer>Make it green."])
    assert open_ended.instruction == "Make it green."


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (judged(8, 8, "another prompt"), Accepted),
        (judged(3, 4, "make the cup  green"), Accepted),  # unchanged: it would do the same again
        (judged(8, 7.9, "make the cup a darker green"), Rejected),
    ],
)
def test_it_stops_on_two_eights_or_an_unchanged_prompt(reply: str, kind: type) -> None:
    verdict, (prompt,) = play(ET.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), [reply])
    assert type(verdict) is kind and prompt.images == (SOURCE, RESULT)
    if isinstance(verdict, Rejected):
        assert verdict.steps == (EditStep(text="make the cup a darker green"),), "from the source, with the new prompt"
        assert (verdict.scores.semantic, verdict.scores.perceptual) == (8, 7.9)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "<think>x</think>",
        judged(11, 1, "x"),
        judged(1, 1, ""),
        "<think>x</think><score>8</score><answer>y</answer>",
    ],
)
def test_a_verdict_that_lacks_a_part_is_malformed(reply: str) -> None:
    with pytest.raises((Malformed, Refused)):
        play(ET.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY), [reply])


def test_a_later_round_judges_the_prompt_of_that_round() -> None:
    call = EditCall(base=Candidate.of(SOURCE), instruction="x", steps=(EditStep(text="a darker green"),), seeds=(1,))
    verdict, (prompt,) = play(ET.reflect(REQUEST, THOUGHT, call, CANDIDATE, HISTORY), [judged(1, 1, "a darker green")])
    assert isinstance(verdict, Accepted) and "a darker green" in text_of(prompt)


@pytest.mark.parametrize("dialect", [RE, ET])
def test_both_compare_in_the_words_of_json(dialect: Any) -> None:
    preference, _ = play(dialect.compare(REQUEST, CANDIDATE, CANDIDATE), ['{"reason": "same", "better": "tie"}'])
    assert preference.better == "tie"


@pytest.mark.parametrize("dialect", [RE, ET])
def test_a_tool_that_reads_no_text_is_refused_before_anything_is_asked(dialect: Any) -> None:
    with pytest.raises(UsageError, match="dialect=json"):
        next(dialect.think(REQUEST, Card(operations=("crop",)), HISTORY))


@pytest.mark.parametrize("dialect", [RE, ET])
def test_a_refusal_is_no_instruction(dialect: Any) -> None:
    with pytest.raises(Refused):
        play(dialect.think(REQUEST, TEXT, HISTORY), ["I'm sorry, but I can't help with that."])


# -- what goes with the instruction -----------------------------------------------------------------------------------

REFERENCE = ImageRef(sha256="c" * 64, width=10, height=10, media_type="image/png")
MARKED = REQUEST.model_copy(update={"region": Box(left=100, top=50, right=500, bottom=250), "references": (REFERENCE,)})


def long_past(rounds: int) -> History:
    judged_ = Refine(scores=scores(5), critique="far too pale " + "x" * 5000, steps=THOUGHT.steps)
    done = tuple(Round(index=i, call=CALL, candidates=(CANDIDATE,), verdicts=(judged_,)) for i in range(1, rounds + 1))
    said = HumanAnswer(node="review", after=rounds, kind="advice", text="as green as grass")
    return History(request=MARKED, rounds=done, human=(said,))


def test_the_cascade_is_told_of_region_references_advice_and_the_past_where_it_has_room() -> None:
    past = long_past(40)
    _, (think,) = play(RE.think(MARKED, TEXT, past), ["Make the cup green."])
    _, asked = play(RE.reflect(MARKED, THOUGHT, CALL, CANDIDATE, past), cascade("<#Think>good<#Success>"))
    told = {p.name.split("@")[0].split("/")[1]: p for p in (think, *asked)}
    for name in ("think", "describe", "assess", "conclude", "score_edit"):
        assert "the box 100, 100, 500, 500 (thousandths" in text_of(told[name]), name
        assert "as green as grass" in text_of(told[name]), name
    pictures = {name: prompt.images for name, prompt in told.items()}
    assert pictures == {
        "think": (SOURCE, REFERENCE),
        "describe": (SOURCE, REFERENCE),
        "assess": (RESULT,),
        "conclude": (SOURCE, RESULT),
        "score_edit": (SOURCE, RESULT),
        "score_look": (RESULT,),
    }, "the judging calls keep the pictures that they were tuned on"
    assert {name for name, prompt in told.items() if "last 1 of the pictures" in text_of(prompt)} == {
        "think",
        "describe",
    }
    assert {name for name, prompt in told.items() if "Rounds 1 to 35: 35 refine." in text_of(prompt)} == {"conclude"}
    assert "far too pale" in text_of(told["conclude"]) and len(text_of(told["conclude"])) < 5000


def test_editthinker_is_told_of_them_too() -> None:
    past = long_past(40)
    _, (think,) = play(ET.think(MARKED, TEXT, past), ["<answer>Make it green.</answer>"])
    _, (reflect,) = play(ET.reflect(MARKED, THOUGHT, CALL, CANDIDATE, past), [judged(8, 8, "x")])
    assert (think.images, reflect.images) == ((SOURCE, REFERENCE), (SOURCE, RESULT, REFERENCE))
    for prompt in (think, reflect):
        for words in ("the box 100, 100, 500, 500", "as green as grass", "last 1 of the pictures"):
            assert words in text_of(prompt)
    assert "Rounds 1 to 35: 35 refine." in text_of(reflect) and len(text_of(reflect)) < 5000


@pytest.mark.parametrize("dialect", [RE, ET])
def test_a_plain_request_is_asked_plainly(dialect: Any) -> None:
    for conversation in (
        dialect.think(REQUEST, TEXT, HISTORY),
        dialect.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY),
    ):
        prompt = next(conversation)
        assert not any(word in text_of(prompt) for word in ("marked", "references", "since then", "Earlier rounds"))
        assert prompt.name.endswith("@2")
