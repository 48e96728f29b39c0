"""What holds for every policy, on random legal histories."""

import builtins
import os
import time
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import SOURCE, Candidate, Continue, History, Stop, derive_seed, standing
from tests.policies.histories import COSTS, GAINS, KEEPS, NEXTS, expressions, histories, policies

often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def forbidden(*args: object, **kwargs: object) -> Any:
    raise AssertionError("a policy asked for more than its history")


@often
@given(policies, histories())
def test_no_policy_raises_and_each_answers_with_what_is_there(text: str, seen: History) -> None:
    policy = parse_policy(text)
    decision = policy.decide(seen)
    assert decision.after == len(seen.rounds) and decision.author == "policy"
    assert isinstance(seen.candidate(decision.keep), Candidate)
    assert decision.keep == SOURCE or not seen.rounds[decision.keep.round - 1].shadow
    for action in (decision.action, policy.next(seen)):
        if isinstance(action, Continue):
            assert isinstance(seen.candidate(action.base), Candidate)
            assert action.steps and action.seeds


@often
@given(policies, histories())
def test_what_is_printed_reads_the_same(text: str, seen: History) -> None:
    policy = parse_policy(text)
    again = parse_policy(policy.text)
    assert again == policy and again.text == policy.text
    assert again.fitted == policy.fitted and again.needs == policy.needs
    assert again.decide(seen) == policy.decide(seen)


@often
@given(policies, histories())
def test_a_decision_depends_on_nothing_but_the_history(text: str, seen: History) -> None:
    """Not on the clock, the disk, chance, an object's identity, or what the policy was asked before."""
    policy = parse_policy(text)
    first = policy.decide(seen)
    copy = History.model_validate_json(seen.model_dump_json())
    with (
        mock.patch.object(time, "time", forbidden),
        mock.patch.object(time, "monotonic", forbidden),
        mock.patch.object(os, "urandom", forbidden),
        mock.patch.object(builtins, "open", forbidden),
        mock.patch.object(Path, "read_text", forbidden),
    ):
        for k in range(len(seen.rounds)):
            policy.decide(seen.model_copy(update={"rounds": seen.rounds[:k]}))
        assert policy.decide(copy) == first == policy.decide(seen)


def test_a_history_holds_no_id_and_no_clock() -> None:
    """So that no policy can depend on them."""
    assert set(History.model_fields) == {
        *("request", "thought", "rounds", "decisions", "spent", "unpriced", "elapsed", "human"),
    }


# -- more never stops earlier ---------------------------------------------------------------------------------------------

amounts = st.tuples(st.floats(0, 300), st.floats(0, 300)).map(sorted)


def never_stops_earlier(less: str, more: str, seen: History) -> None:
    if isinstance(parse_policy(more).stop(seen), Stop):
        assert isinstance(parse_policy(less).stop(seen), Stop)


@often
@given(
    st.sampled_from(["seconds", "gpu_seconds", "prompt_tokens", "completion_tokens", "usd", "edits"]),
    amounts,
    st.sampled_from(["", f", fit={COSTS}", ", seconds=20", ", usd=0.1"]),
    histories(),
)
def test_a_larger_budget_never_stops_earlier(name: str, limits: list[float], rest: str, seen: History) -> None:
    rest = "" if rest.startswith(f", {name}=") else rest
    never_stops_earlier(*(f"budget({name}={limit!r}{rest})" for limit in limits), seen)


@often
@given(
    st.sampled_from(["budget(60)", "budget(usd=0.2)"]),
    st.sampled_from([(0.1, 9.0), (2.0, 2.0), (30.0, 60.0)]),
    histories(),
)
def test_a_dearer_reserve_never_stops_later(budget: str, costs: tuple[float, float], seen: History) -> None:
    dear, cheap = (f"{budget[:-1]}, fit=costs(seconds={c!r}, usd={c / 100!r}))" for c in sorted(costs, reverse=True))
    never_stops_earlier(dear, cheap, seen)


@often
@given(
    st.sampled_from(
        [
            ("rounds({})", [0, 1, 3, 6]),
            ("no_improvement({})", [1, 2, 3]),
            ("score_at_least({})", [0, 3.5, 7, 10]),
            ("score_at_least(naturalness={})", [0, 3.5, 7, 10]),
            ("drift({})", [0, 1, 4, 20]),
            ("confident({})", [0, 0.3, 0.8, 1]),
            ("expected_gain(seconds={}, fit=" + GAINS + ")", [0.1, 2, 9, 500]),
            ("expected_gain(usd={}, fit=" + GAINS + ")", [0.001, 0.01, 0.1, 3]),
        ]
    ),
    st.data(),
    histories(),
)
def test_more_patience_never_stops_earlier(family: tuple[str, list[float]], data: st.DataObject, seen: History) -> None:
    text, values = family
    less, more = sorted(data.draw(st.tuples(st.sampled_from(values), st.sampled_from(values))))
    never_stops_earlier(text.format(less), text.format(more), seen)


@often
@given(expressions, expressions, histories())
def test_or_stops_where_one_does_and_and_where_both_do(a: str, b: str, seen: History) -> None:
    def stops(text: str) -> bool:
        return isinstance(parse_policy(text).stop(seen), Stop)

    def goes_on(text: str) -> bool:
        return parse_policy(text).stop(seen) is None

    assert stops(f"({a}) | ({b})") == (stops(a) or stops(b))
    assert stops(f"({a}) & ({b})") == (stops(a) and stops(b))
    assert goes_on(f"({a}) & ({b})") == (goes_on(a) or goes_on(b))
    assert stops(f"not ({a})") == goes_on(a)


# -- next and keep --------------------------------------------------------------------------------------------------------


@often
@given(st.sampled_from(NEXTS), histories(least=1))
def test_every_round_has_new_seeds_and_accepted_is_done_again(text: str, seen: History) -> None:
    found = parse_policy(f"accepted; next={text}").next(seen)
    expected = tuple(derive_seed(seen.request, len(seen.rounds) + 1, n) for n in range(seen.request.candidates))
    assert found.seeds == expected
    if standing(seen.rounds[-1])[1].kind == "accepted" and text in ("rollback", "previous"):
        last = seen.rounds[-1].call
        assert (seen.candidate(found.base).image, found.steps) == (last.base.image, last.steps)


@often
@given(st.sampled_from(["source", "reanchored"]), histories())
def test_the_base_is_always_the_source(text: str, seen: History) -> None:
    assert parse_policy(f"accepted; next={text}").next(seen).base == SOURCE


@often
@given(st.sampled_from(KEEPS), st.sampled_from(NEXTS), histories(shadows=False))
def test_a_shadow_round_changes_nothing_that_is_kept(text: str, following: str, seen: History) -> None:
    keep = parse_policy(f"accepted; keep={text}; next={following}").keep
    if seen.rounds:
        shadow = seen.rounds[-1].model_copy(update={"shadow": True})
        before = seen.model_copy(update={"rounds": seen.rounds[:-1]})
        assert keep(seen.model_copy(update={"rounds": (*seen.rounds[:-1], shadow)})) == keep(before)


@often
@given(data=st.data())
def test_a_fitted_budget_is_never_overrun(data: st.DataObject) -> None:
    """A loop whose rounds cost at most what was fitted ends within its budget, whatever each of them costs."""
    limit, dearest = data.draw(st.floats(0, 50)), data.draw(st.floats(0.1, 9))
    policy = parse_policy(f"budget(seconds={limit!r}, fit=costs(seconds={dearest!r})) | rounds(20)")
    seen = data.draw(histories(most=0)).model_copy(update={"elapsed": data.draw(st.floats(0, limit))})
    pool = data.draw(histories(least=1, shadows=False))
    while not policy.stop(seen):
        cost = data.draw(st.floats(0, dearest))
        index = len(seen.rounds) + 1
        round_ = pool.rounds[0].model_copy(update={"index": index, "seconds": cost})
        seen = seen.model_copy(update={"rounds": (*seen.rounds, round_), "elapsed": seen.elapsed + cost})
    assert seen.elapsed <= limit
