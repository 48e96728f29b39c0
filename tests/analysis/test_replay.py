"""Replay against the truth: what the other policy did when it was really run on the same script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasonedit_agent.analysis.chance import interval
from reasonedit_agent.analysis.replay import Outcome, overall, record, replay, summarise
from reasonedit_agent.analysis.tuning import tune
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import PartInfo, RunStarted
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import Accepted, EditStep, Failure, Pick, Refine, Rejected
from reasonedit_agent.testing import FunctionTool, scores
from reasonedit_agent.tracing import read_events
from tests.analysis.making import accepted, by_hand
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, REFINE, agent, paint

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
    assert two.quality is not None and str(two.quality) == "8.00 [all 6 equal]"
    assert three.runs == 0 and three.unjudged == (("it wants round N, and N were recorded", 6),)


SLOW = PartInfo(name="diffusers", version="1", spec="diffusers('m', steps=50)", settings={"model": "m", "steps": 50})
FAST = PartInfo(name="diffusers", version="1", spec="diffusers('m', steps=4)", settings={"model": "m", "steps": 4})
OBJECTS = [part.model_copy(update={"spec": ""}) for part in (SLOW, FAST)]  # handed over as objects: no text builds them


@pytest.mark.parametrize(("tools", "groups"), [((SLOW, SLOW), 1), ((SLOW, FAST), 2), (OBJECTS, 2)])
def test_runs_whose_settings_differ_are_not_put_together(
    tmp_path: Path, tools: tuple[PartInfo, PartInfo], groups: int
) -> None:
    runs = []
    for info in tools:
        tool = FunctionTool(paint)
        tool.info = info
        run = record(read_events(agent(tmp_path, REFINE, ACCEPTED, tool=tool).edit(PICTURE, "x").trace))
        assert run is not None
        runs.append(run)
    text = "rounds(1)"
    found = summarise(replay(run, parse_policy(text), text) for run in runs)
    assert [summary.runs for summary in found] == ([2] if groups == 1 else [1, 1])
    assert len({summary.group for summary in found}) == groups
    if groups == 2:
        assert found[0].quality is not None and (found[0].quality.low, str(found[0].quality)) == (
            None,
            "4.00 [one value]",
        )
        with pytest.raises(UsageError, match="different parts: scripted 1 with diffusers"):
            tune(runs, (text,))


def test_the_policy_of_a_run_is_no_part_but_the_comparer_is() -> None:
    first, *rest = by_hand("a", [accepted(9, 9)], Pick(round=1))
    assert isinstance(first, RunStarted)
    other = first.model_copy(update={"policy": "rounds(1)"})
    compared = first.model_copy(update={"comparer": PartInfo(name="panel", version="2")})
    groups = [run.group for start in (first, other, compared) if (run := record([start, *rest]))]
    assert groups == [("judge 1", "tool"), ("judge 1", "tool"), ("judge 1", "tool", "panel 2")]


def test_what_tells_nothing_of_the_spread_has_no_interval() -> None:
    for values, told in (([4.0], "4.00 [one value]"), ([4.0] * 3, "4.00 [all 3 equal]")):
        one = interval(values)
        assert (one.low, one.high, one.count, str(one)) == (None, None, len(values), told)
    wide = interval([4.0, 8.0])
    assert wide.low == 4 and wide.high == 8
