"""Replay against the truth: what the other policy did when it was really run on the same script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasonedit_agent.analysis.replay import Outcome, overall, record, replay, summarise
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import Accepted, EditStep, Failure, Refine, Rejected
from reasonedit_agent.testing import scores
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import agent

PICTURE = encoded()
HORIZON = 5
POLICIES = (
    "accepted | rounds(5)",
    "rounds(1)",
    "rounds(2)",
    "rounds(3) & accepted | rounds(4)",
    "accepted | rounds(3)",
    "no_improvement(1) | rounds(4)",
    "no_improvement(2) | rounds(5)",
    "score_at_least(overall=6) | rounds(3)",
    "budget(edits=2)",
    "rounds(3); keep=best",
)

values = st.sampled_from([0.0, 2.0, 5.0, 6.0, 8.0, 10.0])
verdicts = st.one_of(
    st.builds(lambda v: Accepted(scores=scores(v)), values),
    st.builds(lambda v: Refine(scores=scores(v), steps=(EditStep(text="more"),)), values),
    st.builds(lambda v: Rejected(scores=scores(v)), values),
    st.just(Failure(reason="lost", message="gone")),
)


def outcome(run: Any, policy: str) -> Outcome:
    recorded = record(read_events(run.trace))
    assert recorded is not None
    return replay(recorded, parse_policy(policy), policy)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(verdicts, min_size=HORIZON, max_size=HORIZON), policy=st.sampled_from(POLICIES))
def test_replay_is_what_the_policy_would_have_done(tmp_path: Path, script: list[Any], policy: str) -> None:
    """One run to the horizon judges every shorter one: rounds, what is kept, and why it stopped."""
    long = agent(tmp_path / "long", *script, policy="rounds(1)").edit(PICTURE, "x", seed=5, shadow=HORIZON - 1)
    said = outcome(long, policy)
    assert said.missing == "", said
    live = agent(tmp_path / "live", *script, policy=policy).edit(PICTURE, "x", seed=5)
    assert live.history is not None
    assert (said.rounds, said.kept, said.stopped_by) == (len(live.history.rounds), live.kept, live.stopped_by)
    assert said.spent.images == live.history.spent.images
    assert said.quality == overall(live.history, live.kept)


def test_the_policy_of_a_run_decides_as_it_did(tmp_path: Path) -> None:
    script = [Refine(scores=scores(4), steps=(EditStep(text="more"),)), Accepted(scores=scores(8))]
    run = agent(tmp_path, *script).edit(PICTURE, "x")
    said = outcome(run, "accepted | rounds(3)")
    assert run.history is not None
    assert (said.rounds, said.kept, said.stopped_by) == (2, run.kept, "accepted")
    assert said.seconds == pytest.approx(run.history.elapsed)
    assert said.quality == 8 and said.best == 8 and said.regret == 0


@pytest.mark.parametrize(
    ("policy", "missing"),
    [
        ("rounds(4)", "it wants round 3, and 2 were recorded"),
        ("rounds(3); next=source", "round 2 would have another base (the source instead of round 1.0)"),
        ("rounds(3); keep=harmless", "it needs comparisons, and none were recorded"),
        ("budget(gpu_seconds=5)", "it needs gpu seconds, and the calls do not tell"),
        ("budget(usd=1)", "it needs what the calls cost in dollars, and some have no price"),
    ],
)
def test_what_a_run_cannot_judge(tmp_path: Path, policy: str, missing: str) -> None:
    script = [Refine(scores=scores(4), steps=(EditStep(text="more"),)), Accepted(scores=scores(8))]
    said = outcome(agent(tmp_path, *script).edit(PICTURE, "x"), policy)
    assert said.missing == missing and said.quality is None


def test_a_run_without_a_plan_judges_nothing(tmp_path: Path) -> None:
    from reasonedit_agent.testing import ScriptedReasoner

    reasoner = ScriptedReasoner([], [Failure(reason="unsupported", message="no")])
    run = agent(tmp_path, reasoner=reasoner).edit(PICTURE, "x")
    assert record(read_events(run.trace)) is None


def test_regret_and_intervals_by_group(tmp_path: Path) -> None:
    low, high = (
        Refine(scores=scores(4), steps=(EditStep(text="more"),)),
        Refine(scores=scores(8), steps=(EditStep(text="a"),)),
    )
    outcomes = []
    for index in range(6):
        script = [low, high] if index % 2 else [high, low]
        run = agent(tmp_path, *script, policy="rounds(2)").edit(PICTURE, "x", seed=index)
        outcomes += [outcome(run, "rounds(1)"), outcome(run, "rounds(2)"), outcome(run, "rounds(3)")]
    one, two, three = summarise(outcomes)
    assert one.runs == 6 and one.quality is not None and one.quality.mean == 6 and one.regret is not None
    assert one.regret.mean == 2 and one.quality.low < 6 < one.quality.high
    assert two.quality is not None and (two.quality.low, two.quality.high) == (8, 8)
    assert three.runs == 0 and three.unjudged == (("it wants round N, and N were recorded", 6),)
