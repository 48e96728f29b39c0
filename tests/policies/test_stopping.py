"""Each stopping policy on histories written down by hand, and against an independent reckoning where there is one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies import Budget, Calibration, ExpectedGain, Gains, fit_costs, fit_gains, parse_policy
from reasonedit_agent.policies.fitting import number_text, p95
from reasonedit_agent.schemas import (
    Accepted,
    Answer,
    Ask,
    Candidate,
    EditStep,
    Failure,
    History,
    Refine,
    Rejected,
    Stop,
    Thought,
    Usage,
)
from reasonedit_agent.testing import scores
from tests.policies.histories import ref
from tests.policies.test_policies import BAD, LOST, NEXT, OK, history, refine


def said(text: str, seen: History) -> str:
    answer = parse_policy(text).stop(seen)
    return answer.kind if answer else "go on"


def with_usage(seen: History, *usages: Usage, unpriced: int = 0) -> History:
    spent = Usage()
    for usage in usages:
        spent = spent.plus(usage)
    rounds = tuple(r.model_copy(update={"usage": u}) for r, u in zip(seen.rounds, usages, strict=True))
    return seen.model_copy(update={"rounds": rounds, "spent": spent, "unpriced": unpriced})


# -- budgets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpu_seconds", "prompt_tokens", "completion_tokens", "usd"])
def test_a_budget_reserves_the_dearest_round(name: str) -> None:
    def spent(*values: float) -> History:
        usages = [
            Usage(**{name: value if name.endswith("seconds") or name == "usd" else int(value)}) for value in values
        ]
        return with_usage(history(*[BAD] * len(values)), *usages)

    assert said(f"budget({name}=100)", spent(30)) == "go on"
    assert said(f"budget({name}=100)", spent(30, 20)) == "go on"
    assert said(f"budget({name}=100)", spent(30, 41)) == "stop"  # 71 and up to 41 more
    assert said(f"budget({name}=112)", spent(30, 41)) == "go on"


def test_a_fitted_budget_decides_before_round_one() -> None:
    assert said("budget(10, fit=costs(seconds=10))", history()) == "go on"
    assert said("budget(10, fit=costs(seconds=10.5))", history()) == "stop"
    assert said("budget(usd=0.1, fit=costs(seconds=999, usd=0.2))", history()) == "stop"
    assert said("budget(5)", history()) == "go on"


def test_edits_count_candidates_and_are_known_beforehand() -> None:
    two = history(BAD).model_copy(update={"request": history(candidates=2).request})
    assert said("budget(edits=2)", two) == "stop"  # one was made, a round makes two
    assert said("budget(edits=3)", two) == "go on"
    assert said("budget(edits=0)", history()) == "stop"
    assert said("budget(edits=1)", history(candidates=2)) == "stop"


def test_an_unknown_price_is_asked_about_and_never_free() -> None:
    seen = with_usage(history(BAD), Usage(seconds=1.0, usd=0.01), unpriced=2)
    answer = parse_policy("budget(usd=5)").stop(seen)
    assert isinstance(answer, Ask)
    assert "usd (the price of 2 call(s)" in answer.question and "Accept stops" in answer.question
    assert said("budget(usd=5) | accepted", with_usage(history(OK), Usage(), unpriced=1)) == "stop"
    assert said("budget(usd=5, seconds=0.5)", seen) == "stop"  # the other limit can be judged


def test_tokens_that_nobody_counts_are_asked_about() -> None:
    assert said("budget(prompt_tokens=9)", history(BAD)) == "ask"
    assert said("budget(prompt_tokens=9)", history()) == "go on"
    assert said("budget(prompt_tokens=9)", history(LOST)) == "go on"  # nothing was made, nothing was spent


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=200))
def test_p95_is_the_nearest_rank(values: list[float]) -> None:
    expected = np.percentile(values, 95, method="inverted_cdf")
    assert p95(values) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("budget()", "limits nothing"),
        ("budget(-1)", "from 0"),
        ("budget(nan)", "from 0"),
        ("budget(inf)", "from 0"),
        ("budget(true)", "from 0"),
        ("budget(60, fit=gains(seconds=1))", "fit takes costs"),
        ("budget(60, fit=costs(minutes=1))", "costs has no 'minutes'"),
        ("budget(60, fit=nowhere.json)", "nowhere.json cannot be read"),
    ],
)
def test_a_wrong_budget_points_at_its_column(text: str, words: str) -> None:
    with pytest.raises(UsageError, match="at column 12:") as caught:
        parse_policy(f"accepted | {text}")
    assert words in str(caught.value)


# -- scores, checklists, instructions, drift ------------------------------------------------------------------------------


def test_scores() -> None:
    low = Rejected(scores=scores(9).model_copy(update={"over_editing": 6.0}))  # overall sqrt(6 * 9) = 7.35
    assert said("score_at_least(7.3)", history(low)) == "stop"
    assert said("score_at_least(7.4)", history(low)) == "go on"
    assert said("score_at_least(edit_success=9, naturalness=9)", history(low)) == "stop"
    assert said("score_at_least(edit_success=9, over_editing=7)", history(low)) == "go on"
    assert said("score_at_least(1)", history(OK, LOST)) == "go on"
    with pytest.raises(UsageError, match="names no score"):
        parse_policy("score_at_least()")
    with pytest.raises(UsageError, match="from 0 to 10"):
        parse_policy("score_at_least(80)")


@pytest.mark.parametrize(
    ("answers", "asked", "expected"),
    [
        ([], 0, "go on"),
        ([True], 0, "stop"),
        ([True, True], 2, "stop"),
        ([True], 2, "go on"),
        ([True, False], 2, "go on"),
        ([True, None], 2, "go on"),
    ],
)
def test_checklist(answers: list[bool | None], asked: int, expected: str) -> None:
    given_ = tuple(Answer(question=str(n), yes=yes) for n, yes in enumerate(answers))
    seen = history(Refine(scores=scores(5), steps=(NEXT,), answers=given_))
    thought = Thought(instruction="plan", steps=(NEXT,), checklist=tuple(str(n) for n in range(asked)))
    assert said("checklist_done", seen.model_copy(update={"thought": thought})) == expected


def test_an_unchanged_instruction() -> None:
    def asks(text: str) -> History:
        return history(Rejected(scores=scores(5), steps=(EditStep(text=text),)))

    assert said("unchanged_instruction", asks(" First ")) == "stop"  # the round did "first"
    assert said("unchanged_instruction", asks("first of all")) == "go on"
    assert said("unchanged_instruction", history(BAD)) == "go on"  # asks for nothing of its own
    assert said("unchanged_instruction", history(OK)) == "go on"


def chained(*drifts: float | None, pasted: bool = False) -> History:
    """Return rounds that each refine the one before."""
    seen, base = history(*[refine(5)] * len(drifts)), Candidate.of(ref(0))
    rounds = []
    for round_, drift in zip(seen.rounds, drifts, strict=True):
        measures = {} if drift is None else {"drift_outside": drift, **({"pasted_back": 1.0} if pasted else {})}
        made = Candidate.of(ref(round_.index)).model_copy(update={"measures": measures})
        call = round_.call.model_copy(update={"base": base})
        rounds.append(round_.model_copy(update={"candidates": (made,), "call": call}))
        base = made
    return seen.model_copy(update={"rounds": tuple(rounds)})


def test_drift_adds_up_along_the_chain() -> None:
    assert said("drift(3)", chained(1, 1.5)) == "go on"
    assert said("drift(3)", chained(1, 1.5, 1)) == "stop"
    assert said("drift(3)", chained(1, None, 2.5)) == "stop"
    assert said("drift(3)", chained(None, None)) == "go on"
    assert said("drift(3)", chained(2, 2, 2, pasted=True)) == "go on"  # what was outside is the base's again
    given_up = chained(2, 2)
    last = given_up.rounds[1].model_copy(update={"verdicts": (BAD,)})
    assert said("drift(3)", given_up) == "stop"
    assert said("drift(3)", given_up.model_copy(update={"rounds": (given_up.rounds[0], last)})) == "go on"
    apart = chained(2, 2)
    apart = apart.model_copy(
        update={"rounds": tuple(r.model_copy(update={"call": apart.rounds[0].call}) for r in apart.rounds)}
    )
    assert said("drift(3)", apart) == "go on"  # both edit the source


# -- calibrated acceptance ------------------------------------------------------------------------------------------------

KNOTS = ((0.0, 0.1), (0.4, 0.2), (0.8, 0.9), (1.0, 0.95))
FIT = 'fit=calibration(knots="0:0.1 0.4:0.2 0.8:0.9 1:0.95", risks="0.05:0.94 0.1:0.85")'


def sure(confidence: float | None, kind: Any = Accepted) -> History:
    return history(kind(scores=scores(8), confidence=confidence))


@given(st.floats(-1, 2))
def test_the_calibration_is_linear_between_its_knots(x: float) -> None:
    xs, ps = zip(*KNOTS, strict=True)
    assert Calibration(knots=KNOTS).probability(x) == pytest.approx(np.interp(x, xs, ps))


def test_three_zones() -> None:
    text = f"confident(0.6, risk=0.1, {FIT})"
    assert said(text, sure(0.5)) == "go on"  # 0.375
    assert said(text, sure(0.7)) == "ask"  # 0.725: good, but below 0.85
    assert said(text, sure(0.8)) == "stop"
    assert said(f"confident(0.6, risk=0.05, {FIT})", sure(0.8)) == "ask"
    assert said(f"confident(0.6, {FIT})", sure(0.7)) == "stop"
    assert said(text, sure(None)) == "ask"
    assert said(text, sure(None, Rejected)) == "go on"
    assert said(text, history(LOST)) == "go on" == said(text, history())


def test_an_uncalibrated_confidence_says_so_and_bounds_no_risk() -> None:
    stop = parse_policy("confident(0.9)").stop(sure(0.93))
    assert isinstance(stop, Stop) and "raw confidence, not calibrated" in stop.detail
    assert said("confident(0.9)", sure(0.89)) == "go on"
    assert said("confident(0.9, risk=0.1)", sure(0.99)) == "ask"


def test_a_calibration_on_scores_needs_no_probabilities() -> None:
    text = 'confident(0.5, fit=calibration(on=overall, knots="0:0 8:0.4 10:1"))'
    assert said(text, history(Rejected(scores=scores(9)))) == "stop"  # 0.7
    assert said(text, history(Rejected(scores=scores(8)))) == "go on"


def test_a_risk_that_no_label_bounds_is_refused() -> None:
    with pytest.raises(UsageError, match=r"bounds no risk of 0.01; bounded are: 0.05, 0.1"):
        parse_policy(f"confident(0.5, risk=0.01, {FIT})")


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ("calibration()", "no knots"),
        ('calibration(knots="0:0.5 1:0.4")', "never falls"),
        ('calibration(knots="0:0.1 0:0.4")', "different x"),
        ('calibration(knots="0:0.1 1:1.4")', "between 0 and 1"),
        ('calibration(knots="0.1 1")', "no pairs"),
        ('calibration(knots="0:nan")', "no pairs"),
        ("calibration(on=taste, knots='0:0 1:1')", "on confidence or overall"),
    ],
)
def test_a_wrong_calibration_is_refused(fit: str, words: str) -> None:
    with pytest.raises(UsageError, match="at column 1:") as caught:
        parse_policy(f"confident(0.9, fit={fit})")
    assert words in str(caught.value)


# -- the expected gain ----------------------------------------------------------------------------------------------------


def reservation(sample: list[float], cost: float) -> float:
    """Return z with E[max(Q - z, 0)] = cost, by bisection."""
    low, high = -1e3, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(np.array(sample) - middle, 0).mean() > cost else (low, middle)
    return high


@given(st.lists(st.integers(0, 20).map(lambda n: n / 2), min_size=1, max_size=8), st.floats(0.05, 3))
def test_equal_rounds_stop_at_the_reservation_value(sample: list[float], cost: float) -> None:
    """And that is optimal: value iteration over all qualities, with recall, stops at the same ones."""
    policy = ExpectedGain(seconds=1.0, fit=Gains(first=tuple(sample), seconds=cost))
    levels = sorted({0.0, *sample})
    value = {b: b for b in levels}
    for _ in range(400):
        value = {b: max(b, -cost + np.mean([value[max(b, q)] for q in sample])) for b in levels}
    z = reservation(sample, cost)
    for b in levels:
        if abs(b - z) < 1e-6:
            continue
        stops = policy.gain(b, "refine") <= cost
        assert stops == (b > z) == bool(value[b] <= b + 1e-9)


def test_the_gain_depends_on_how_the_last_round_ended_and_on_the_best() -> None:
    text = (
        'expected_gain(seconds=10, fit=gains(first="5", refine="6 9", rejected="1 2", seconds=10))'  # a round: 1 point
    )
    assert said(text, history()) == "go on"
    assert said(text, history(refine(6), seconds=10)) == "go on"  # 1.5 expected
    assert said(text, history(refine(8), seconds=10)) == "stop"  # 0.5
    assert said(text, history(BAD, seconds=10)) == "stop"
    assert said(text, history(refine(6), seconds=30)) == "stop"  # this run's rounds are slower: 2 points


def test_an_expected_gain_needs_its_worth_and_its_fit() -> None:
    for text, words in [
        ("expected_gain()", "what a point is worth"),
        ("expected_gain(seconds=1)", "Give fit=FILE"),
        ('expected_gain(usd=1, fit=gains(first="5", seconds=1))', "in usd"),
        ('expected_gain(seconds=0, fit=gains(first="5", seconds=1))', "above 0"),
        ("expected_gain(seconds=1, fit=gains(seconds=1))", "empty"),
        ('expected_gain(seconds=1, fit=gains(first="50", seconds=1))', "from 0 to 10"),
    ]:
        with pytest.raises(UsageError, match="at column 1:") as caught:
            parse_policy(text)
        assert words in str(caught.value)


# -- fits -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_a_fit_is_read_once_and_then_stands_in_the_text(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"fit.{suffix}"
    tables: dict[str, Any] = {
        "calibration": {"knots": [[0, 0.1], [1, 0.9]], "risks": [[0.1, 0.8]], "labels": 40},
        "costs": {"seconds": 4.5},
        "gains": {"first": [4, 6.5], "seconds": 3},
    }
    as_toml = "\n".join(
        f"[{n}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in t.items()) for n, t in tables.items()
    )
    file.write_text(json.dumps(tables) if suffix == "json" else as_toml)
    policy = parse_policy(
        f"confident(0.5, risk=0.1, fit={file}) | budget(60, fit='{file}') | expected_gain(seconds=9, fit={file})"
    )
    file.unlink()
    assert policy.text == (
        'confident(p=0.5, risk=0.1, fit=calibration(on=confidence, knots="0:0.1 1:0.9", risks="0.1:0.8", labels=40))'
        " | budget(seconds=60, fit=costs(seconds=4.5))"
        ' | expected_gain(seconds=9, fit=gains(first="4 6.5", seconds=3)); keep=reference; next=rollback'
    )
    assert parse_policy(policy.text) == policy
    assert set(policy.fitted) == {"calibration", "costs", "gains"}
    assert policy.fitted["calibration"]["risks"] == [[0.1, 0.8]]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "is no JSON"), ("[]", "holds no tables"), ('{"costs": {}}', "has no table 'calibration'")],
)
def test_a_file_that_is_no_fit_is_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "fit.json"
    file.write_text(content)
    with pytest.raises(UsageError) as caught:
        parse_policy(f"confident(0.5, fit={file})")
    assert words in str(caught.value)


def test_fitting_on_recorded_runs() -> None:
    one = with_usage(history(refine(4), OK, seconds=2), Usage(usd=0.1), Usage(usd=0.3))
    two = with_usage(history(BAD, LOST, BAD, seconds=6), Usage(), Usage(usd=0.1), Usage(), unpriced=2)
    gains = fit_gains([one, two])
    assert (gains.first, gains.refine, gains.rejected, gains.failure) == ((2.0, 4.0), (8.0,), (0.0,), (2.0,))
    assert gains.seconds == pytest.approx((2 * 2 + 3 * 6) / 5)
    assert gains.usd == pytest.approx(0.2)  # the second run does not know what it cost
    costs = fit_costs([one, two])
    assert (costs.seconds, costs.usd, costs.prompt_tokens) == (6, 0.3, None)


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**20), 10**20)))
def test_a_number_reads_back_as_itself(value: float) -> None:
    assert json.loads(number_text(value)) == value


def test_a_budget_is_the_same_made_by_hand() -> None:
    assert parse_policy("budget(60)").stopping == Budget(60) == Budget(seconds=60.0)


def test_a_failure_is_no_score() -> None:
    gone = Failure(reason="malformed", message="?")
    for text in (
        "score_at_least(0)",
        "checklist_done",
        "unchanged_instruction",
        "drift(0)",
        "confident(0)",
        "accepted",
    ):
        assert said(text, history(gone)) == "go on", text
