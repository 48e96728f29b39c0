"""Policies on real runs: the graph asks them, the trace rebuilds them, verify agrees."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import Called, RunStarted
from reasonedit_agent.folding import fold
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.graphs.results import EditResult
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import build_policy
from reasonedit_agent.schemas import Candidate, EditCall, Pick, Preference, Usage
from reasonedit_agent.testing import (
    FunctionTool,
    ScriptedComparer,
    ScriptedReasoner,
    SimpleContext,
    canonical,
    plain_loop,
)
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, REJECTED, agent, paint
from tests.graphs.test_against_plain_loop import FailingTool, verdicts
from tests.policies.histories import CALIBRATED, COSTS, GAINS, KEEPS, NEXTS

FIXTURE = Path(__file__).parents[1] / "fixtures" / "trace_v1.jsonl"
STOPS = [
    "accepted | rounds(3)",
    "reasonedit",
    "editthinker(3)",
    "single",
    f"budget(edits=4, fit={COSTS}) | checklist_done | unchanged_instruction",
    "score_at_least(8) | drift(3) | rounds(4)",
    f"confident(0.5, fit={CALIBRATED}) | not accepted & rounds(3) | rounds(4)",
    f"expected_gain(seconds=50, fit={GAINS}) | rounds(4)",
    "no_improvement(2) | rounds(4)",
]
wholes = st.tuples(st.sampled_from(STOPS), st.sampled_from(KEEPS), st.sampled_from(NEXTS)).map(
    lambda parts: f"{parts[0]}; keep={parts[1]}; next={parts[2]}"
)


def comparer() -> ScriptedComparer:
    return ScriptedComparer([Preference(better="b"), Preference(better="tie"), Preference(better="a")] * 9)


@settings(max_examples=60, deadline=None)
@given(
    policy=wholes,
    script=st.lists(verdicts, min_size=15, max_size=15),
    fails=st.lists(st.booleans(), min_size=5, max_size=5),
    candidates=st.integers(1, 2),
)
def test_the_graph_a_plain_loop_and_verify_agree(
    policy: str, script: list[Any], fails: list[bool], candidates: int
) -> None:
    policy = policy.replace("budget(edits=4", f"budget(edits={4 * candidates}")
    with tempfile.TemporaryDirectory() as folder:
        door = EditAgent(ScriptedReasoner(script), FailingTool(fails), policy, comparer(), runs=folder)
        result = asyncio.run(door.aedit(encoded(), "do it", seed=3, candidates=candidates))
        if result.status == "waiting":  # confident asks where the judge gives no probability
            result = asyncio.run(door.aresume(result.run, "accept"))
            again = verify(read_events(result.trace))
            assert again.passed and again.given
            return
        events = read_events(result.trace)
        assert verify(events).passed
        assert result.history is not None
        context = SimpleContext(Path(folder) / "images")
        parts = (ScriptedReasoner(script), FailingTool(fails), build_policy(policy))
        expected = asyncio.run(plain_loop(*parts, result.history.request, context, comparer()))
    assert canonical(events) == canonical(expected)


def test_verify_agrees_on_the_released_trace_and_no_id_matters(tmp_path: Path) -> None:
    text = FIXTURE.read_text()
    run = text.split('"run":"')[1].split('"')[0]
    for number, content in enumerate((text, text.replace(run, "another-run").replace('"at":17', '"at":99'))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "events.jsonl").write_text(content)
        events = read_events(folder)
        assert verify(events).passed
    for policy in (f"{stop}; keep={keep}; next={following}" for stop in STOPS for keep in KEEPS for following in NEXTS):
        one, two = (build_policy(policy).decide(fold(read_events(tmp_path / name))) for name in ("0", "1"))
        assert one == two


class Qualities(FunctionTool):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(paint)
        self.asked: list[EditCall] = []

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        self.asked.append(call)
        return await super().edit(call, ctx)


def test_drafts_and_then_the_kept_one_at_full_quality(tmp_path: Path, picture: bytes) -> None:
    tool = Qualities()
    script = [REFINE, REJECTED, ACCEPTED, REJECTED, ACCEPTED]  # two candidates in two rounds, then one
    reasoner = ScriptedReasoner(script)
    door = agent(tmp_path, policy="accepted | rounds(3); next=draft_then_final", tool=tool, reasoner=reasoner)
    result = door.edit(picture, "do it", seed=1, candidates=2)
    reasoner.assert_complete()
    assert [call.quality for call in tool.asked] == ["draft", "draft", "final"]
    draft, final = tool.asked[1:]
    assert final == draft.model_copy(update={"quality": "final", "seeds": draft.seeds[:1]})
    assert (result.status, result.kept, result.stopped_by) == ("accepted", Pick(round=3), "accepted")
    assert verify(read_events(result.trace)).passed


def test_harmless_needs_a_comparer_and_keeps_the_source_where_nothing_is_better(tmp_path: Path, picture: bytes) -> None:
    with pytest.raises(UsageError, match="compares results"):
        agent(tmp_path, ACCEPTED, policy="accepted; keep=harmless")
    tie = ScriptedComparer([Preference(better="tie")])
    result = agent(tmp_path, ACCEPTED, policy="accepted; keep=harmless", comparer=tie).edit(picture, "do it")
    assert (result.status, result.kept) == ("best_effort", Pick(round=0))
    assert result.history is not None and result.ref == result.history.request.image


def test_a_person_is_asked_where_the_policy_is_not_sure(tmp_path: Path, picture: bytes) -> None:
    sure = ACCEPTED.model_copy(update={"confidence": 0.97})
    policy = f"confident(0.5, risk=0.1, fit={CALIBRATED}) | rounds(3)"
    unsure = ACCEPTED.model_copy(update={"confidence": 0.7})
    door = agent(tmp_path, unsure, sure, policy=policy)
    waiting = door.edit(picture, "do it", seed=1)
    assert waiting.status == "waiting" and waiting.question is not None
    assert "the risk of 0.1 is bounded from 0.80 on" in waiting.question["question"]
    result = door.resume(waiting.run, "reject")
    assert (result.stopped_by, result.kept) == ("confident", Pick(round=2))
    assert verify(read_events(result.trace)).passed


# -- prices in runs -------------------------------------------------------------------------------------------------------


class Paid(FunctionTool):
    """Says what it used, as a hosted editor does."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(paint)
        self.usage = usage

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        made = await asyncio.to_thread(self._make, call, ctx)
        ctx.emit(Called(backend="my-editor", usage=self.usage))
        return made


PICTURE = Usage(images=1)
PRICES = "[models.my-editor]\nimage = 0.04\n"


def run_paid(tmp_path: Path, policy: str, prices: str, *verdicts: object, usage: Usage = PICTURE) -> EditResult:
    file = tmp_path / "mine.toml"
    file.write_text(prices)
    options: dict[str, Any] = {"prices": file, "tool": Paid(usage)}
    return agent(tmp_path, *verdicts, policy=policy, **options).edit(encoded(), "do it", seed=1)


def test_a_call_gets_its_price_and_the_budget_counts_it(tmp_path: Path) -> None:
    result = run_paid(tmp_path, "budget(usd=0.1)", PRICES, REFINE, REFINE, REFINE)
    assert result.stopped_by == "budget" and result.history is not None
    assert len(result.history.rounds) == 2  # 0.08 spent, a third would make 0.12
    assert result.history.spent.usd == pytest.approx(0.08)
    assert [round_.usage.usd for round_ in result.history.rounds] == [0.04, 0.04]
    started = read_events(result.trace)[0]
    assert isinstance(started, RunStarted)
    assert started.fitted["prices"]["models"]["my-editor"] == {"image": 0.04}  # type: ignore[index,call-overload]
    assert verify(read_events(result.trace)).passed


def test_an_unknown_price_is_asked_about(tmp_path: Path) -> None:
    result = run_paid(tmp_path, "budget(usd=0.1) | rounds(5)", "", REFINE, REFINE)
    assert result.status == "waiting" and result.question is not None
    assert "the price of 1 call(s)" in result.question["question"]
    assert result.history is not None and (result.history.unpriced, result.history.spent.usd) == (1, None)


def test_what_a_part_says_that_it_cost_stands(tmp_path: Path) -> None:
    result = run_paid(tmp_path, "rounds(1)", PRICES, REFINE, usage=Usage(images=1, usd=0.5))
    assert result.history is not None and result.history.spent.usd == 0.5


def test_a_run_that_goes_on_keeps_its_prices(tmp_path: Path, picture: bytes) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(PRICES)
    tool: Any = Paid(Usage(images=1))
    waiting = agent(tmp_path, REFINE, policy="rounds(2)", tool=tool, prices=file).edit(picture, "do it", review=True)
    file.write_text(PRICES.replace("0.04", "4"))
    later = agent(tmp_path, REFINE, policy="rounds(2)", tool=tool, prices=file).resume(waiting.run, "reject")
    assert later.history is not None and later.history.spent.usd == pytest.approx(0.08)


def test_a_failed_attempt_is_not_an_unknown_price(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, LOST, policy="budget(usd=1) | rounds(1)", tool=Paid(Usage(images=1, usd=0.2))).edit(
        picture, "x"
    )
    assert result.history is not None and result.history.unpriced == 0
    events = [*read_events(result.trace), Called(node="edit", round=1, error="gone", usage=Usage(seconds=3.0))]
    assert fold(events).unpriced == 0
    assert fold([*events, Called(node="edit", round=1, usage=Usage(seconds=3.0))]).unpriced == 1
