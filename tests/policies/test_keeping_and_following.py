"""What is kept, what comes next, and the whole policies that have a name."""

from typing import Any

import pytest

from reasonedit_agent.errors import UsageError
from reasonedit_agent.operations import Crop
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Candidate,
    Comparison,
    Continue,
    EditStep,
    Failure,
    History,
    Pick,
    Preference,
    Rejected,
    Stop,
)
from reasonedit_agent.testing import scores
from tests.policies.test_policies import BAD, LOST, NEXT, OK, STEP, history, refine
from tests.policies.test_stopping import chained


def keep(text: str, seen: History) -> int:
    return parse_policy(f"accepted; keep={text}").keep(seen).round


def following(text: str, seen: History) -> Continue:
    return parse_policy(f"accepted; next={text}").next(seen)


# -- keep -----------------------------------------------------------------------------------------------------------------


def test_best_goes_by_the_overall_score_and_ties_go_to_the_earlier() -> None:
    uneven = Accepted(scores=scores(9).model_copy(update={"naturalness": 4.0}))  # 6; the reference's key 36 too
    assert keep("best", history(refine(6), uneven, refine(6))) == 1
    assert keep("reference", history(refine(6), uneven, refine(6))) == 2  # a tie goes to success
    assert keep("best", history(LOST)) == 0
    assert keep("last", history(OK, BAD)) == 2
    assert keep("last", history(OK, BAD, LOST)) == 2
    assert keep("last", history(LOST)) == 0


def compared(seen: History, *results: tuple[int, str | Failure]) -> History:
    """Return the rounds with a comparison each: with the incumbent's round, and what came out."""
    rounds = []
    for round_, (incumbent, better) in zip(seen.rounds, results, strict=True):
        result = better if isinstance(better, Failure) else Preference(better=better)  # type: ignore[arg-type]
        said = Comparison(incumbent=Pick(round=incumbent), candidate=0, result=result)
        rounds.append(round_.model_copy(update={"comparisons": (said,)}))
    return seen.model_copy(update={"rounds": tuple(rounds)})


@pytest.mark.parametrize(
    ("results", "kept"),
    [
        ([(0, "a"), (0, "tie"), (0, LOST)], 0),
        ([(0, "b"), (1, "tie"), (1, "a")], 1),
        ([(0, "b"), (1, "b"), (2, "a")], 2),
        ([(0, "tie"), (0, "b"), (2, "tie")], 2),
        ([(0, "b"), (0, "b"), (1, "tie")], 1),  # round 2 was compared with another incumbent
    ],
)
def test_harmless_moves_only_where_a_comparison_says_so(results: Any, kept: int) -> None:
    assert keep("harmless", compared(history(OK, OK, OK), *results)) == kept


def test_harmless_without_comparisons_keeps_the_source() -> None:
    assert keep("harmless", history(OK, OK)) == 0
    assert parse_policy("accepted; keep=harmless").needs == {"comparison"}


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("accepted | rounds(3) | score_at_least(8)", set()),
        ("budget(60, usd=1, prompt_tokens=9) | not checklist_done", {"seconds", "usd", "prompt_tokens", "answers"}),
        ("confident(0.9) & drift(3); keep=harmless", {"confidence", "drift_outside", "comparison"}),
        ('confident(0.9, fit=calibration(on=overall, knots="0:0 9:1"))', set()),
        ("accepted; next=draft_then_final(reanchored(drift=1))", {"drift_outside"}),
        ("accepted; next=draft_then_final(reanchored)", set()),
    ],
)
def test_a_policy_says_what_must_have_been_recorded(text: str, needs: set[str]) -> None:
    assert parse_policy(text).needs == needs


# -- next -----------------------------------------------------------------------------------------------------------------

MORE = Rejected(scores=scores(2), steps=(NEXT,))


def test_source() -> None:
    assert (following("source", history(refine(5))).base, following("source", history(refine(5))).steps) == (
        SOURCE,
        (NEXT,),
    )
    assert following("source", history(BAD)).steps == (STEP,)
    assert following("source", history(OK)).base == SOURCE


def test_previous_goes_on_from_a_rejected_picture_too() -> None:
    assert (following("previous", history(MORE)).base, following("previous", history(MORE)).steps) == (
        Pick(round=1),
        (NEXT,),
    )
    assert following("previous", history(OK, BAD)).base == Pick(round=2)
    assert following("previous", history(BAD)).steps == (STEP,)
    again = following("previous", history(OK, LOST))
    assert (again.base, again.steps) == (SOURCE, (STEP,))  # as round 2 was


def test_reanchored_merges_the_chain_on_the_source() -> None:
    seen = chained(1, 1, 1)
    words = [EditStep(text=text) for text in ("a plan", "more red", "a frame")]
    rounds = tuple(
        r.model_copy(update={"call": r.call.model_copy(update={"steps": (w,)})})
        for r, w in zip(seen.rounds, words, strict=True)
    )
    seen = seen.model_copy(update={"rounds": rounds})
    found = following("reanchored", seen)
    assert (found.base, found.instruction) == (SOURCE, "a plan; more red; a frame; next")
    assert following("reanchored", history(MORE)).steps == (NEXT,)
    # Words are not said twice; an operation that is wanted twice is done twice.
    assert following("reanchored", history(refine(5), refine(5))).instruction == "first; next"
    twice = chained(None, None)
    crop = (EditStep(text="crop", operation=Crop(ratio=(4, 3))),)
    again = tuple(r.model_copy(update={"call": r.call.model_copy(update={"steps": crop})}) for r in twice.rounds)
    assert following("reanchored", twice.model_copy(update={"rounds": again})).steps == (*crop, *crop, NEXT)
    assert following("reanchored(drift=4)", seen).base == Pick(round=3)
    assert following("reanchored(drift=2.5)", seen).base == SOURCE
    assert following("reanchored(drift=99)", chained(None)).base == SOURCE  # what was not measured may have drifted


# -- draft, then final ----------------------------------------------------------------------------------------------------


def drafted(*verdicts: Any, final: bool = False) -> History:
    """Return draft rounds; the last one at full quality if ``final``."""
    seen = history(*verdicts)
    last = len(verdicts) if final else 0
    rounds = tuple(
        r.model_copy(
            update={
                "call": r.call.model_copy(
                    update={"quality": "final" if r.index == last else "draft", "seeds": (70 + r.index,)}
                )
            }
        )
        for r in seen.rounds
    )
    return seen.model_copy(update={"rounds": rounds})


def drafts(seen: History, stopping: str = "accepted | rounds(2)", keep: str = "reference") -> Any:
    decision = parse_policy(f"{stopping}; keep={keep}; next=draft_then_final").decide(seen)
    return decision.action, decision.keep.round


def test_drafts_until_the_stop_then_the_kept_call_once_more() -> None:
    action, _ = drafts(drafted())
    assert action.quality == "draft"
    action, _ = drafts(drafted(refine(5)))
    assert (action.quality, action.base) == ("draft", Pick(round=1))
    action, kept = drafts(drafted(refine(5), OK))
    assert (action.kind, action.quality, action.seeds, action.steps, kept) == ("continue", "final", (72,), (STEP,), 2)


def test_the_final_round_ends_the_run_whatever_its_verdict() -> None:
    for verdict in (OK, BAD, refine(5), LOST):
        action, kept = drafts(drafted(OK, verdict, final=True), stopping="accepted")
        assert isinstance(action, Stop)
        assert kept == (2 if verdict is OK else 1)
        assert action.reason == ("accepted" if verdict is OK else "final")


def test_the_final_picture_stands_for_its_draft() -> None:
    worse = Accepted(scores=scores(7))
    assert drafts(drafted(OK, worse, final=True))[1] == 2  # a lower score, the same verdict: it is the same edit
    assert drafts(drafted(OK, worse))[1] == 1
    seen = compared(drafted(OK, worse, final=True), (0, "b"), (1, "a"))
    assert drafts(seen)[1] == 1  # a comparison liked the draft better
    assert drafts(seen, keep="harmless")[1] == 1
    assert drafts(compared(drafted(OK, worse, final=True), (0, "b"), (1, "tie")), keep="harmless")[1] == 2


def test_a_final_edit_that_failed_is_never_kept() -> None:
    """Not even in place of a draft that nobody could judge."""
    seen = drafted(OK, LOST, final=True)
    unjudged = seen.rounds[0].model_copy(update={"verdicts": (LOST,)})
    action, kept = drafts(seen.model_copy(update={"rounds": (unjudged, seen.rounds[1])}), stopping="accepted")
    assert (action.reason, kept) == ("final", 1)


def test_nothing_comes_on_top_of_a_budget_and_nothing_is_finished_where_nothing_is_kept() -> None:
    assert drafts(drafted(OK), "accepted | budget(1.5)")[0].kind == "stop"
    assert drafts(drafted(OK), "accepted | budget(15)")[0].kind == "continue"
    assert drafts(drafted(LOST, LOST))[0].kind == "stop"
    assert drafts(drafted(), "rounds(0)")[0].kind == "stop"


def test_drafts_of_drafts_are_refused() -> None:
    with pytest.raises(UsageError, match="another next policy"):
        parse_policy("accepted; next=draft_then_final(draft_then_final)")
    with pytest.raises(UsageError, match="no next policy 'nowhere'"):
        parse_policy("accepted; next=draft_then_final(nowhere)")


# -- whole policies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reasonedit", "accepted | rounds(3); keep=reference; next=rollback"),
        ("reasonedit(tries=5)", "accepted | rounds(5); keep=reference; next=rollback"),
        ("single", "rounds(1); keep=reference; next=rollback"),
        ("reasonedit | budget(60)", "accepted | rounds(3) | budget(seconds=60); keep=reference; next=rollback"),
        ("reasonedit & rounds(2)", "(accepted | rounds(3)) & rounds(2); keep=reference; next=rollback"),
        ("reasonedit; next=source", "accepted | rounds(3); keep=reference; next=source"),
        (
            "editthinker",
            "accepted | unchanged_instruction | score_at_least(edit_success=8, over_editing=8, naturalness=8, artefacts=8)"
            " | rounds(2); keep=last; next=source",
        ),
    ],
)
def test_a_whole_policy_has_a_name(text: str, expected: str) -> None:
    assert parse_policy(text).text == expected
    assert parse_policy(parse_policy(text).text) == parse_policy(text)


def test_two_whole_policies_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="at column 14: there is a whole policy already"):
        parse_policy("reasonedit | single")


def test_candidates_have_places() -> None:
    seen = chained(None, None)
    assert seen.candidate(Pick(round=2)) == Candidate.of(seen.rounds[1].candidates[0].image)  # type: ignore[union-attr]
