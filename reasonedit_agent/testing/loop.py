"""The loop without a graph: the slow reference that the graph must agree with."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.events import (
    AnyEvent,
    Compared,
    Decided,
    Edited,
    Failed,
    Judged,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.protocols import Comparer, Context, EditTool, Policy, Reasoner
from reasonedit_agent.schemas import (
    SOURCE,
    Candidate,
    Comparison,
    Continue,
    EditCall,
    EditRequest,
    Failure,
    History,
    Round,
    Stop,
    Thought,
)

__all__ = ["plain_loop"]

T = TypeVar("T")


async def attempt(work: Awaitable[T]) -> T | Failure:
    """Return the value, or the failure that an exception of a part means."""
    try:
        return await work
    except (UsageError, StoreError):
        raise
    except Exception as error:
        return Failure.of(error)


async def plain_loop(
    reasoner: Reasoner,
    tool: EditTool,
    policy: Policy,
    request: EditRequest,
    ctx: Context,
    comparer: Comparer | None = None,
) -> list[AnyEvent]:
    """Run think-edit-reflect as a ``for`` loop and return its events.

    Its `canonical` trace equals the graph's. It knows no person, no resume, no deadline and no disk.
    """
    who = {"reasoner": reasoner.info, "tool": tool.info, "comparer": comparer.info if comparer else None}
    events: list[AnyEvent] = [RunStarted(run="plain", request=request, policy=policy.text, card=tool.card, **who)]
    thought = await attempt(reasoner.think(request, tool.card, History(request=request), ctx))
    if isinstance(thought, Failure):
        status = "unsupported" if thought.reason == "unsupported" else "failed"
        error = f"{thought.message} {thought.hint}".strip()
        ended = RunEnded(node="finish", status=status, stopped_by=thought.reason, keep=SOURCE, error=error)
        return [*events, Failed(node="think", failure=thought), ended]
    events.append(Planned(node="think", thought=thought))
    history = History(request=request, thought=thought)
    while True:
        done = len(history.rounds)
        decision = policy.decide(history)
        history = history.model_copy(update={"decisions": (*history.decisions, decision)})
        events.append(Decided(node="decide", round=done, decision=decision))
        if isinstance(decision.action, Stop):
            return [*events, ending(history)]
        assert isinstance(decision.action, Continue), "the plain loop has no person to ask"
        round_, more = await one_round(reasoner, tool, policy, history, thought, decision.action, ctx, comparer)
        history = history.model_copy(update={"rounds": (*history.rounds, round_)})
        events += more


async def one_round(
    reasoner: Reasoner,
    tool: EditTool,
    policy: Policy,
    history: History,
    thought: Thought,
    action: Continue,
    ctx: Context,
    comparer: Comparer | None,
) -> tuple[Round, list[AnyEvent]]:
    """Edit, reflect, compare."""
    request, index, events = history.request, len(history.rounds) + 1, list[AnyEvent]()
    call = EditCall(
        base=history.candidate(action.base),
        instruction=action.instruction,
        steps=action.steps,
        region=request.region,
        references=request.references,
        seeds=action.seeds,
        quality=action.quality,
    )
    made = await attempt(tool.edit(call, ctx))
    if isinstance(made, Failure):
        failed = (made,) * len(action.seeds)
        return Round(index=index, call=call, candidates=failed, verdicts=failed), [
            Failed(node="edit", round=index, failure=made)
        ]
    events.append(Edited(node="edit", round=index, candidates=made))
    verdicts, comparisons = [], []
    for number, candidate in enumerate(made):
        verdict = await attempt(reasoner.reflect(request, thought, call, candidate, history, ctx))
        verdicts.append(verdict)
        place = {"node": "reflect", "round": index, "candidate": number}
        failed_ = isinstance(verdict, Failure)
        events.append(Failed(**place, failure=verdict) if failed_ else Judged(**place, verdict=verdict))
    for number, candidate in enumerate(made if comparer else ()):
        assert comparer is not None
        incumbent = policy.keep(history)
        result = await attempt(comparer.compare(request, history.candidate(incumbent), candidate, ctx))
        comparisons.append(Comparison(incumbent=incumbent, candidate=number, result=result))
        events.append(Compared(node="compare", round=index, candidate=number, comparison=comparisons[-1]))
    done = Round(index=index, call=call, candidates=made, verdicts=tuple(verdicts), comparisons=tuple(comparisons))
    return done, events


def ending(history: History) -> RunEnded:
    """Return how a run ends after its last decision."""
    decision = history.decisions[-1]
    keep, action = decision.keep, decision.action
    reason = action.reason if isinstance(action, Stop) else ""
    place = {"node": "finish", "round": len(history.rounds), "stopped_by": reason, "keep": keep}
    if keep == SOURCE:
        found = [candidate for round_ in history.rounds for candidate in round_.candidates]
        if found and not any(isinstance(candidate, Candidate) for candidate in found):
            assert isinstance(found[-1], Failure)
            error = f"{found[-1].message} {found[-1].hint}".strip()
            status = "unsupported" if found[-1].reason == "unsupported" else "failed"
            return RunEnded(**place, status=status, error=error)
        return RunEnded(**place, status="best_effort", image=history.request.image)
    verdict, image = history.rounds[keep.round - 1].verdicts[keep.candidate].kind, history.candidate(keep).image
    if verdict == "accepted":
        return RunEnded(**place, status="accepted", image=image)
    error = "Even the best round was rejected." if verdict == "rejected" else ""
    return RunEnded(**place, status="best_effort", image=image, error=error)
