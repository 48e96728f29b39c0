"""The graph's canonical trace equals that of a for loop, whatever the parts answer."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import build_policy
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    EditCall,
    EditStep,
    Failure,
    Preference,
    Refine,
    Rejected,
    Thought,
)
from reasonedit_agent.testing import (
    FunctionTool,
    ScriptedComparer,
    ScriptedReasoner,
    SimpleContext,
    canonical,
    plain_loop,
    scores,
)
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import paint

STEP = EditStep(text="step")
failures = st.builds(
    Failure, reason=st.sampled_from(["unsupported", "malformed", "refused", "timed_out", "lost"]), message=st.just("no")
)
points = st.integers(0, 10).map(scores)
verdicts = st.one_of(
    st.builds(Accepted, scores=points),
    st.builds(Refine, scores=points, steps=st.just((STEP,))),
    st.builds(Rejected, scores=points, steps=st.sampled_from([None, (STEP,)])),
    failures,
)
thoughts = st.one_of(st.just(Thought(instruction="do", steps=(STEP,))), failures)
policies = st.sampled_from(
    [
        "accepted | rounds(3)",
        "rounds(0)",
        "rounds(2); keep=reference; next=rollback",
        "accepted & rounds(2) | no_improvement(2) | rounds(4)",
        "not accepted | rounds(3)",
    ]
)


class FailingTool(FunctionTool):
    """Fails where the script says so."""

    def __init__(self, script: list[bool]) -> None:
        super().__init__(paint)
        self.script = list(script)

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        if self.script.pop(0):
            raise ValueError("a bug in the tool")
        return await super().edit(call, ctx)


@settings(max_examples=40, deadline=None)
@given(
    thought=thoughts,
    script=st.lists(verdicts, min_size=12, max_size=12),
    fails=st.lists(st.booleans(), min_size=4, max_size=4),
    policy=policies,
    candidates=st.integers(1, 3),
    seed=st.integers(0, 2**40),
    compared=st.booleans(),
)
def test_graph_equals_plain_loop(
    thought: Thought | Failure,
    script: list[object],
    fails: list[bool],
    policy: str,
    candidates: int,
    seed: int,
    compared: bool,
) -> None:
    def parts() -> tuple[ScriptedReasoner, FailingTool, ScriptedComparer | None]:
        preferences = [Preference(better="b"), Failure(reason="lost", message="gone"), Preference(better="tie")] * 4
        comparer = ScriptedComparer(preferences) if compared else None
        return ScriptedReasoner(script, [thought]), FailingTool(fails), comparer  # type: ignore[arg-type]

    with tempfile.TemporaryDirectory() as folder:
        reasoner, tool, comparer = parts()
        agent = EditAgent(reasoner, tool, policy, comparer, runs=folder)
        result = asyncio.run(agent.aedit(encoded(), "do it", seed=seed, candidates=candidates))
        events = read_events(result.trace)
        assert result.history is not None
        plain_reasoner, plain_tool, plain_comparer = parts()
        expected = asyncio.run(
            plain_loop(
                plain_reasoner,
                plain_tool,
                build_policy(policy),
                result.history.request,
                SimpleContext(Path(folder) / "images"),
                plain_comparer,
            )
        )
    assert canonical(events) == canonical(expected)


def test_canonical_sees_a_different_verdict(tmp_path: Path, picture: bytes) -> None:
    traces = []
    for value in (3, 4):
        agent = EditAgent(ScriptedReasoner([Accepted(scores=scores(value))]), FunctionTool(paint), runs=tmp_path)
        traces.append(canonical(read_events(agent.edit(picture, "do it", seed=1).trace)))
    assert traces[0] != traces[1]


@pytest.mark.parametrize("policy", ["accepted | rounds(3)", "rounds(2)"])
def test_a_script_is_used_up(tmp_path: Path, picture: bytes, policy: str) -> None:
    reasoner = ScriptedReasoner([Refine(scores=scores(3), steps=(STEP,)), Accepted(scores=scores(8))])
    EditAgent(reasoner, FunctionTool(paint), policy, runs=tmp_path).edit(picture, "do it")
    reasoner.assert_complete()
