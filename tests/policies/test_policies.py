"""Policies: pure, monotone, readable, and the reference's rules against a reference of our own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies import DEFAULT, parse_policy
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Candidate,
    Continue,
    Decision,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    History,
    ImageRef,
    Pick,
    Refine,
    Rejected,
    Round,
    Scores,
    Thought,
    derive_seed,
)
from reasonedit_agent.testing import scores

STEP, NEXT = EditStep(text="first"), EditStep(text="next")
THOUGHT = Thought(instruction="plan", steps=(STEP,))


def ref(number: int) -> ImageRef:
    return ImageRef(sha256=f"{number:064x}", width=8, height=8, media_type="image/png")


def history(*verdicts: Any, seconds: float = 1.0, images: list[int] | None = None, candidates: int = 1) -> History:
    """Return a history of one candidate per round; a Failure stands for the candidate too."""
    rounds = []
    for index, verdict in enumerate(verdicts, 1):
        call = EditCall(base=Candidate.of(ref(0)), instruction="i", steps=(STEP,), seeds=(1,))
        made = Candidate.of(ref(images[index - 1] if images else index))
        found = verdict if isinstance(verdict, Failure) else made
        rounds.append(Round(index=index, call=call, candidates=(found,), verdicts=(verdict,), seconds=seconds))
    go = Continue(base=SOURCE, steps=(STEP,), instruction="plan", seeds=(1,))
    decisions = tuple(Decision(after=k, author="policy", action=go, keep=SOURCE) for k in range(len(rounds)))
    request = EditRequest(image=ref(0), instruction="i", seed=3, candidates=candidates)
    return History(
        request=request,
        thought=THOUGHT,
        rounds=tuple(rounds),
        decisions=decisions,
        elapsed=seconds * len(rounds),
    )


LOST = Failure(reason="lost", message="gone")
OK, BAD = Accepted(scores=scores(8)), Rejected(scores=scores(2))


def refine(value: float) -> Refine:
    return Refine(scores=scores(value), steps=(NEXT,))


def reason(text: str, seen: History) -> str | None:
    answer = parse_policy(text).stop(seen)
    return getattr(answer, "reason", None)


@pytest.mark.parametrize(
    ("text", "seen", "expected"),
    [
        ("accepted", history(), None),
        ("accepted", history(BAD), None),
        ("accepted", history(LOST), None),
        ("accepted", history(BAD, OK), "accepted"),
        ("rounds(0)", history(), "rounds"),
        ("rounds(2)", history(BAD), None),
        ("rounds(2)", history(BAD, BAD), "rounds"),
        ("budget(0)", history(), "budget"),
        ("budget(seconds=5)", history(BAD, seconds=2), None),
        ("budget(seconds=5)", history(BAD, BAD, seconds=2), "budget"),
        ("no_improvement", history(BAD), None),
        ("no_improvement", history(refine(5), refine(5)), "no_improvement"),
        ("no_improvement", history(refine(5), refine(6)), None),
        ("no_improvement", history(refine(5), refine(6), images=[1, 1]), "no_improvement"),
        ("no_improvement", history(refine(5), images=[0]), "no_improvement"),
        ("no_improvement(2)", history(refine(5), LOST), None),
        ("no_improvement(2)", history(refine(5), LOST, BAD), "no_improvement"),
        ("accepted & rounds(2)", history(OK), None),
        ("accepted & rounds(2)", history(BAD, OK), "accepted & rounds"),
        ("not accepted", history(BAD), "not accepted"),
        ("not accepted", history(OK), None),
        ("accepted | rounds(1) & not accepted", history(BAD), "rounds & not accepted"),
        ("(accepted | rounds(1)) & rounds(2)", history(BAD), None),
    ],
)
def test_stopping(text: str, seen: History, expected: str | None) -> None:
    assert reason(text, seen) == expected


# -- keep and next against the released loop, written down independently ---------------------------------------------------

points = st.builds(
    Scores,
    edit_success=st.integers(0, 10),
    over_editing=st.integers(0, 10),
    naturalness=st.integers(0, 10),
    artefacts=st.integers(0, 10),
)
judged = st.one_of(
    st.builds(Accepted, scores=points),
    st.builds(Refine, scores=points, steps=st.just((NEXT,))),
    st.builds(Rejected, scores=points),
)


@given(st.lists(judged, min_size=1, max_size=6))
def test_keep_is_the_released_selection(verdicts: list[Any]) -> None:
    best, best_key = -1, (-1.0, 0)
    for number, verdict in enumerate(verdicts):
        s = verdict.scores
        score = min(s.edit_success, s.over_editing) * min(s.naturalness, s.artefacts)
        key = (score, 1 if verdict.kind == "accepted" else 0)
        if key >= best_key:
            best, best_key = number, key
    assert parse_policy("accepted").keep(history(*verdicts)) == Pick(round=best + 1)


def test_keep_without_a_picture_is_the_source() -> None:
    assert parse_policy("accepted").keep(history()) == SOURCE
    assert parse_policy("accepted").keep(history(LOST, LOST)) == SOURCE


@given(st.lists(st.one_of(judged, st.just(LOST)), max_size=6))
def test_next_is_the_released_roll_back(verdicts: list[Any]) -> None:
    base, text = 0, "plan"
    for number, verdict in enumerate(verdicts, 1):
        if verdict.kind == "refine":
            base, text = number, "next"
        elif verdict.kind in ("rejected", "failure"):
            base, text = 0, "plan"
        else:
            base, text = 0, "plan"  # the released loop stops here; ours does the same round again, with a new seed
    found = parse_policy("accepted").next(history(*verdicts))
    assert (found.base, found.instruction) == (Pick(round=base), text)
    assert found.seeds == (derive_seed(history().request, len(verdicts) + 1, 0),)


def test_rejected_with_steps_goes_back_to_the_source_with_them() -> None:
    found = parse_policy("accepted").next(history(OK, Rejected(scores=scores(1), steps=(NEXT,))))
    assert (found.base, found.steps, found.instruction) == (SOURCE, (NEXT,), "next")


def test_one_seed_per_candidate() -> None:
    assert len(set(parse_policy("accepted").next(history(candidates=4)).seeds)) == 4


# -- properties -------------------------------------------------------------------------------------------------------------

atoms = st.one_of(
    st.just("accepted"),
    st.integers(0, 9).map(lambda n: f"rounds({n})"),
    st.integers(1, 3).map(lambda n: f"no_improvement({n})"),
    st.floats(0, 99).map(lambda s: f"budget(seconds={s:g})"),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} | {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) & ({pair[1]})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=6,
)


@given(expressions, st.lists(st.one_of(judged, st.just(LOST)), max_size=5))
def test_what_is_printed_reads_the_same(text: str, verdicts: list[Any]) -> None:
    policy = parse_policy(text)
    again = parse_policy(policy.text)
    assert again.text == policy.text
    seen = history(*verdicts)
    assert again.decide(seen) == policy.decide(seen) == policy.decide(seen.model_copy(deep=True))


@given(st.floats(0, 50), st.floats(0, 50), st.integers(0, 6))
def test_a_larger_budget_never_stops_earlier(one: float, two: float, rounds: int) -> None:
    low, high = sorted((one, two))
    seen = history(*[BAD] * rounds, seconds=3)
    if reason(f"budget({high:g})", seen):
        assert reason(f"budget({low:g})", seen)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_more_rounds_never_stop_earlier(one: int, two: int, rounds: int) -> None:
    low, high = sorted((one, two))
    seen = history(*[BAD] * rounds)
    if reason(f"rounds({high})", seen):
        assert reason(f"rounds({low})", seen)


def test_the_default_is_a_policy() -> None:
    assert parse_policy(DEFAULT).text.startswith(DEFAULT)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("(" * 3000, 51, "more than 50 parentheses stand in each other"),
        ("rounds(" * 3000, 357, "more than 50 parentheses stand in each other"),
        ("not " * 3000 + "accepted", 205, "more than 50 negations"),
        ("acepted", 1, "There is no policy 'acepted'. Known: accepted, "),
        ("accepted | ", 12, "expected a name"),
        ("accepted rounds(3)", 10, "not expected"),
        ("rounds(-1)", 1, "whole number"),
        ("rounds(3", 9, "expected"),
        ("rounds()", 1, "missing a required argument"),
        ("accepted; keep=worst", 16, "Known: best, harmless, last, reference"),
        ("accepted; stop=x", 11, "keep=... or next=..."),
        ("accepted; keep=reference; keep=reference", 27, "twice"),
        ("(accepted", 10, "expected ')'"),
        ("", 1, ""),
    ],
)
def test_errors_point_at_the_column(text: str, column: int, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_policy(text)
    assert f"at column {column}:" in str(caught.value)
    assert words in str(caught.value)
