"""Fallback and Panel over scripted members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.errors import Lost, Unsupported, UsageError
from reasonedit_agent.events import Called, Noted
from reasonedit_agent.reasoners.compositions import Fallback, Panel
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import Accepted, Answer, Card, EditStep, Failure, Refine, Rejected, Thought
from reasonedit_agent.testing import ScriptedReasoner, SimpleContext, scores
from tests.reasoners.dialects.play import CALL, CANDIDATE, HISTORY, REQUEST, THOUGHT

LOST = Failure(reason="lost", message="gone")
YES, NO = Accepted(scores=scores(9)), Rejected(scores=scores(3))
MORE = Refine(scores=scores(6), critique="pale", steps=(EditStep(text="darker"),))


async def judged(part: Any, folder: Path) -> tuple[Any, SimpleContext]:
    ctx = SimpleContext(folder)
    return await part.reflect(REQUEST, THOUGHT, CALL, CANDIDATE, HISTORY, ctx), ctx


async def test_the_next_is_asked_where_one_fails(tmp_path: Path) -> None:
    plan = Thought(instruction="b", steps=(EditStep(text="b"),))
    first, second = (
        ScriptedReasoner([LOST], [Failure(reason="unsupported", message="no dogs")]),
        ScriptedReasoner([YES], [plan]),
    )
    both = Fallback(first, second)
    ctx = SimpleContext(tmp_path)
    assert await both.think(REQUEST, Card(), HISTORY, ctx) == plan
    verdict, told = await judged(both, tmp_path)
    assert verdict == YES
    notes = [e.text for e in (*ctx.events, *told.events) if isinstance(e, Noted)]
    assert "no dogs" in notes[0] and "gone" in notes[1]
    with pytest.raises(Lost):
        await judged(Fallback(ScriptedReasoner([LOST]), ScriptedReasoner([LOST])), tmp_path)


@pytest.mark.parametrize(
    ("votes", "kind", "confidence"),
    [
        ([YES, YES, NO], "accepted", 2 / 3),
        ([YES, NO, NO], "rejected", 1 / 3),
        ([YES, MORE], "refine", 1 / 2),  # a tie goes to the stricter side
        ([YES, MORE, NO], "rejected", 1 / 3),
        ([YES, LOST], "accepted", 1.0),
    ],
)
async def test_the_majority_decides(tmp_path: Path, votes: list[Any], kind: str, confidence: float) -> None:
    verdict, ctx = await judged(Panel(*(ScriptedReasoner([vote]) for vote in votes)), tmp_path)
    assert verdict.kind == kind and verdict.confidence == pytest.approx(confidence)
    told = [e.note for e in ctx.events if isinstance(e, Called)]
    assert f"{sum(v is LOST for v in votes)} failed" in told[0]
    if kind == "refine":
        assert verdict.steps == MORE.steps and verdict.scores.edit_success == pytest.approx(7.5)


async def test_the_panel_answers_the_checklist_by_majority(tmp_path: Path) -> None:
    green, saucer = THOUGHT.checklist
    first = YES.model_copy(update={"answers": (Answer(question=green, yes=True), Answer(question=saucer, yes=True))})
    second = YES.model_copy(update={"answers": (Answer(question=green, yes=True), Answer(question=saucer, yes=False))})
    verdict, _ = await judged(Panel(ScriptedReasoner([first]), ScriptedReasoner([second])), tmp_path)
    assert [a.yes for a in verdict.answers] == [True, None]


async def test_a_panel_of_the_lost_is_lost(tmp_path: Path) -> None:
    with pytest.raises(Lost, match="gone"):
        await judged(Panel(ScriptedReasoner([LOST]), ScriptedReasoner([LOST])), tmp_path)


def test_made_from_a_text() -> None:
    part = build("reasoners", "fallback(openai(url=http://localhost:9/v1, dialect=reasonedit), embedded)")
    assert [m["name"] for m in part.info.settings["members"]] == ["openai", "embedded"]
    with pytest.raises(UsageError, match="at least one"):
        build("reasoners", "panel")


class Buggy(ScriptedReasoner):
    """A stranger's part with a bug."""

    async def think(self, *_: Any) -> Any:
        raise KeyError("x")

    async def reflect(self, *_: Any) -> Any:
        raise KeyError("x")


async def test_a_strangers_bug_is_a_member_that_fails(tmp_path: Path) -> None:
    verdict, ctx = await judged(Fallback(Buggy(), ScriptedReasoner([YES])), tmp_path)
    assert verdict == YES and any("KeyError" in e.text for e in ctx.events if isinstance(e, Noted))
    verdict, ctx = await judged(Panel(ScriptedReasoner([YES]), Buggy()), tmp_path)
    assert verdict.kind == "accepted" and any("1 failed" in e.note for e in ctx.events if isinstance(e, Called))


async def test_that_it_cannot_be_done_is_the_better_answer(tmp_path: Path) -> None:
    cannot = ScriptedReasoner(thoughts=[Failure(reason="unsupported", message="no dogs")])
    lost = ScriptedReasoner(thoughts=[LOST])
    with pytest.raises(Unsupported, match="no dogs"):
        await Fallback(cannot, lost).think(REQUEST, Card(), HISTORY, SimpleContext(tmp_path))
