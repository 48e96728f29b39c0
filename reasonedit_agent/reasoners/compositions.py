"""Reasoners made of reasoners: one after the other, or all at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from statistics import fmean
from typing import TypeVar

from reasonedit_agent import registry
from reasonedit_agent.errors import Lost, ReplyError, StoreError, TimedOut, Unsupported, UsageError
from reasonedit_agent.events import Called, Noted, PartInfo
from reasonedit_agent.protocols import Context, Reasoner
from reasonedit_agent.remote.breaker import Breaker, late
from reasonedit_agent.schemas import (
    Accepted,
    Answer,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Refine,
    Rejected,
    Scores,
    Thought,
    Verdict,
)

__all__ = ["Fallback", "Panel"]

T = TypeVar("T")


class _Composed:
    """Several reasoners.

    Args:
        members: Objects, or texts such as ``openai(url=...)``.

    Raises:
        UsageError: There are none, or one of them cannot be made.
    """

    name = "composed"

    def __init__(self, *members: object) -> None:
        if not members:
            raise UsageError(f"{self.name} needs at least one reasoner.", hint=f"Such as {self.name}(embedded).")
        self.members: tuple[Reasoner, ...] = tuple(registry.build("reasoners", member) for member in members)

    @property
    def info(self) -> PartInfo:
        """The members' names, versions and settings."""
        infos = [member.info.model_dump(mode="json") for member in self.members]
        return PartInfo(name=self.name, version="1", settings={"members": infos})


class Fallback(_Composed):
    """Asks the first; where it fails, or cannot do it, the next. What failed is noted in the trace.

    A member that was lost or late, by a fault that may pass, is skipped for a pause that doubles; then one call finds
    out whether it is back. Where all others fail, it is asked all the same.

    Attributes:
        breakers: The memory of each member.
    """

    name = "fallback"

    def __init__(self, *members: object) -> None:
        super().__init__(*members)
        self.breakers = tuple(Breaker(threshold=1) for _ in self.members)

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Return the first plan that there is.

        Raises:
            ReasonEditError: That of the last member, if all fail.
        """
        return await self._first(ctx, lambda member: member.think(request, card, history, ctx))

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Return the first verdict that there is; raises like `think`."""
        return await self._first(ctx, lambda m: m.reflect(request, thought, call, candidate, history, ctx))

    async def _first(self, ctx: Context, ask: Callable[[Reasoner], Awaitable[T]]) -> T:
        failed: list[Exception] = []
        turns = [(member, breaker, False) for member, breaker in zip(self.members, self.breakers, strict=True)]
        for member, breaker, is_last_resort in turns:
            if not (breaker.ready or is_last_resort):
                told = f"{member.info.name} was lost and is skipped for {breaker.pause:.1f} s, unless all others fail."
                ctx.emit(Noted(text=told))
                turns.append((member, breaker, True))  # which this loop comes to when all others failed
                continue
            try:
                return await _remembered(member, breaker, ctx, ask)
            except StoreError:
                raise
            except Exception as error:  # also a stranger's bug: the next may do better
                failed.append(error)
                ctx.emit(Noted(text=f"{member.info.name} gave no answer: {type(error).__name__}: {error}"))
        # That it cannot be done is a better answer than that somebody did not answer.
        raise next((error for error in failed if isinstance(error, Unsupported)), failed[-1])


async def _remembered(member: Reasoner, breaker: Breaker, ctx: Context, ask: Callable[[Reasoner], Awaitable[T]]) -> T:
    try:
        with breaker.trying():
            answer = await ask(member)
    except (Lost, TimedOut) as error:
        if error.retryable and not late(ctx):
            breaker.failed()
        raise
    except ReplyError:
        breaker.succeeded()  # it answered
        raise
    breaker.succeeded()
    return answer


class Panel(_Composed):
    """The first member plans; all judge, at once, and the majority decides.

    A tie goes to the stricter side. The scores are the means, the confidence is the share of those who accept, and the
    votes stand in the trace. A judge that fails has no vote.
    """

    name = "panel"

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Return the first member's plan."""
        return await self.members[0].think(request, card, history, ctx)

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Return the verdict of the majority.

        Raises:
            ReasonEditError: All judges failed; the first one's error.
        """
        asked = (member.reflect(request, thought, call, candidate, history, ctx) for member in self.members)
        said = await asyncio.gather(*asked, return_exceptions=True)
        verdicts, errors = [], []
        for vote in said:
            if isinstance(vote, StoreError) or (isinstance(vote, BaseException) and not isinstance(vote, Exception)):
                raise vote
            if isinstance(vote, Exception):
                errors.append(vote)
            else:
                verdicts.append(vote)
        if not verdicts:
            raise errors[0]
        votes: Counter[str] = Counter(verdict.kind for verdict in verdicts)
        told = ", ".join(f"{count} {kind}" for kind, count in votes.most_common())
        ctx.emit(Called(backend="panel", note=f"{told}, {len(errors)} failed"))
        return _majority(verdicts, votes, thought)


_STRICT = ("rejected", "refine", "accepted")


def _majority(verdicts: list[Verdict], votes: Counter[str], thought: Thought) -> Verdict:
    most = max(votes.values())
    kind = next(kind for kind in _STRICT if votes[kind] == most)
    named = [verdict for verdict in verdicts if verdict.kind == kind]
    axes = {axis: fmean(getattr(v.scores, axis) for v in verdicts) for axis in Scores.model_fields}
    scores = Scores(**axes)
    answers = tuple(_answered(question, verdicts) for question in thought.checklist)
    critique = " / ".join(v.critique for v in named if v.critique)
    confidence = votes["accepted"] / len(verdicts)
    if kind == "accepted":
        return Accepted(scores=scores, answers=answers, critique=critique, confidence=confidence)
    steps: tuple[EditStep, ...] = next((tuple(s) for v in named if (s := getattr(v, "steps", None))), ())
    if kind == "refine":
        return Refine(scores=scores, answers=answers, critique=critique, confidence=confidence, steps=steps)
    return Rejected(scores=scores, answers=answers, critique=critique, confidence=confidence, steps=steps or None)


def _answered(question: str, verdicts: list[Verdict]) -> Answer:
    """Return the majority's answer; no majority is an answer too."""
    given = [answer.yes for v in verdicts for answer in v.answers if answer.question == question]
    yes, no = given.count(True), given.count(False)
    return Answer(question=question, yes=None if yes == no else yes > no, note=f"{yes} yes, {no} no")
