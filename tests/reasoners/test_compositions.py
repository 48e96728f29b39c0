"""Fallback and Panel over scripted members."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.errors import BackendError, Lost, Malformed, TimedOut, Unsupported, UsageError
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


def notes(ctx: SimpleContext) -> list[str]:
    return [event.text for event in ctx.events if isinstance(event, Noted)]


class Remote(ScriptedReasoner):
    """A member that a network may lose."""

    def __init__(self, *errors: Exception | None) -> None:
        super().__init__()
        self.errors, self.asked = list(errors), 0

    async def reflect(self, *_: Any) -> Any:
        self.asked += 1
        error = self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]
        if error is not None:
            raise error
        return YES


def clocked(*members: Any) -> tuple[Fallback, list[float]]:
    now, part = [0.0], Fallback(*members)
    for breaker in part.breakers:
        breaker.clock = lambda: now[0]
    return part, now


@pytest.mark.parametrize("kind", [Lost, TimedOut])
async def test_a_member_that_was_lost_is_skipped_for_a_while(tmp_path: Path, kind: type[BackendError]) -> None:
    gone = kind("gone", retryable=True)
    dead, good = Remote(gone, gone, None), Remote(None)
    part, now = clocked(dead, good)
    for _ in range(3):
        verdict, told = await judged(part, tmp_path)
        assert verdict == YES
    assert (dead.asked, good.asked) == (1, 3) and "skipped for 5.0 s" in notes(told)[0]
    now[0] = 5.0
    await judged(part, tmp_path)  # it is tried, and is still gone: the pause is longer
    now[0] = 10.0
    await judged(part, tmp_path)
    assert (dead.asked, good.asked) == (2, 5)
    now[0] = 15.0
    for _ in range(2):
        assert not notes((await judged(part, tmp_path))[1])
    assert (dead.asked, good.asked) == (4, 5), "it is back"


async def test_one_call_finds_out_whether_a_member_is_back(tmp_path: Path) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    class Slow(Remote):
        async def reflect(self, *_: Any) -> Any:
            if self.asked:
                begun.set()
                await gate.wait()
            return await super().reflect()

    slow, good = Slow(Lost("gone", retryable=True), None), Remote(None)
    part, now = clocked(slow, good)
    await judged(part, tmp_path)
    now[0] = 5.0
    first = asyncio.create_task(judged(part, tmp_path))
    await begun.wait()
    await judged(part, tmp_path)
    gate.set()
    await first
    assert (slow.asked, good.asked) == (2, 2)


async def test_a_skipped_member_is_better_than_none(tmp_path: Path) -> None:
    first, second = Remote(Lost("gone", retryable=True), None), Remote(None, Malformed("what?"))
    part, _ = clocked(first, second)
    await judged(part, tmp_path)
    verdict, told = await judged(part, tmp_path)
    assert verdict == YES and (first.asked, second.asked) == (2, 2) and len(notes(told)) == 2


@pytest.mark.parametrize("error", [Malformed("what?"), Lost("a bad picture"), KeyError("x")])
async def test_what_tells_nothing_of_the_next_call_is_not_remembered(tmp_path: Path, error: Exception) -> None:
    member, good = Remote(error), Remote(None)
    part, _ = clocked(member, good)
    for _ in range(2):
        await judged(part, tmp_path)
    assert member.asked == 2


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
