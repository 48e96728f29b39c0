"""The nodes: thin. Each does one thing, writes it to the trace, and says where the fold leads next."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

from langgraph.errors import GraphInterrupt
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from reasonedit_agent import tracing
from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.events import (
    Compared,
    Decided,
    Edited,
    Failed,
    Judged,
    Node,
    Noted,
    PersonAnswered,
    PersonAsked,
    Planned,
    RunEnded,
    Status,
)
from reasonedit_agent.graphs.session import Session, build_parts, edit_key, open_run, start_run, typed
from reasonedit_agent.graphs.state import Context, State
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Candidate,
    Comparison,
    Continue,
    Decision,
    EditCall,
    Failure,
    History,
    HumanAnswer,
    Pick,
    Refine,
    Rejected,
    Stop,
    Thought,
    standing,
)

__all__ = ["approve", "ask", "begin", "compare", "decide", "edit", "enter", "finish", "reflect", "review", "think"]

MAX_ROUNDS = 1000
"""No policy runs longer than this: a loop that nobody bounds is a mistake."""


async def session_of(state: State, runtime: Runtime[Context]) -> Session:
    """Return the open run: the one that the agent handed over, else the one that the state names."""
    context = runtime.context

    def opened() -> Session:
        parts = build_parts(context.reasoner, context.tool, context.policy)
        return open_run(parts, tracing.find_run(state["run"], context.runs))

    if context.session is None:
        context.session = await asyncio.to_thread(opened)
    session: Session = context.session
    return session


def update(session: Session, **values: Any) -> State:
    """Return a node's update: where the run is now, and ``values`` for those who watch."""
    fold = session.fold
    round_ = fold.open.index if fold.open else len(fold.history.rounds)
    return cast(State, {"run": fold.run.run, "round": round_, "next": fold.next or "finish", **values})


async def enter(state: State, runtime: Runtime[Context]) -> str:
    """Name the first node: the same for a fresh run, a resume and a fork."""
    if runtime.context.session is None and not state.get("run"):
        return "begin"
    return (await session_of(state, runtime)).fold.next or "finish"


async def begin(state: State, runtime: Runtime[Context]) -> State:
    """Open a run from an image and an instruction (for a server; the agent opens its own)."""
    context = runtime.context
    if not state.get("image"):
        raise UsageError("There is no image.", hint="Give image and instruction, or the run to go on with.")

    def started() -> Session:
        return start_run(
            build_parts(context.reasoner, context.tool, context.policy),
            state["image"],
            state.get("instruction", ""),
            runs=tracing.runs_folder(context.runs),
            references=state.get("references", []),
            candidates=context.candidates,
            approve=context.approve,
            review=context.review,
        )

    context.session = await asyncio.to_thread(started)
    return update(context.session)


async def think(state: State, runtime: Runtime[Context]) -> State:
    """Let the Reasoner plan."""
    session = await session_of(state, runtime)
    history, card = session.fold.history, session.fold.run.card
    round_ = len(history.rounds)
    thought, place = await session.ask(
        "think",
        lambda ctx: typed(session.parts.reasoner.think(history.request, card, history, ctx), Thought),
        round_=round_,
    )
    if isinstance(thought, Failure):
        session.record(Failed(**place, failure=thought))
        return update(session)
    session.record(Planned(**place, thought=thought))
    return update(session, thought=thought.model_dump(mode="json"))


async def edit(state: State, runtime: Runtime[Context]) -> State:
    """Let the tool make this round's candidates, unless they were made before."""
    session = await session_of(state, runtime)
    return await make_candidates(session)


async def make_candidates(session: Session, action: Continue | None = None) -> State:
    """Make the candidates of a round: of the one under way, of ``action``, or of what the last decision asks."""
    call = session.fold.open.call if session.fold.open else next_call(session.fold.history, action)
    round_ = len(session.fold.history.rounds) + 1
    key = edit_key(call, session.parts.tool)
    known = session.fold.finished_edits.get(key)

    async def make(ctx: Any) -> tuple[Candidate, ...]:
        found = known if known is not None else await session.parts.tool.edit(call, ctx)
        if len(found) != len(call.seeds):
            raise RuntimeError(f"the tool made {len(found)} of {len(call.seeds)} candidates")
        return tuple(found)

    found, place = await session.ask("edit", make, round_=round_, asked={"call": call, "key": key})
    if isinstance(found, Failure):
        session.record(Failed(**place, failure=found))
        return update(session, candidates=[found.model_dump(mode="json")], verdicts=[])
    session.record(Edited(**place, candidates=found, key=key, reused=known is not None))
    return update(session, candidates=[item.model_dump(mode="json") for item in found], verdicts=[])


def next_call(history: History, action: object = None) -> EditCall:
    """Return what an action, or the last decision, asks of the tool."""
    action = action or history.decisions[-1].action
    if not isinstance(action, Continue):
        raise UsageError("The last decision does not go on.")
    return EditCall(
        base=history.candidate(action.base),
        instruction=action.instruction,
        steps=action.steps,
        region=history.request.region,
        references=history.request.references,
        seeds=action.seeds,
        quality=action.quality,
    )


async def reflect(state: State, runtime: Runtime[Context]) -> State:
    """Let the Reasoner judge the candidates that have no verdict yet, all at once."""
    return await judge_candidates(await session_of(state, runtime))


async def judge_candidates(session: Session) -> State:
    """Judge the candidates of the round under way that have no verdict yet."""
    history, open_ = session.fold.history, session.fold.open
    if open_ is None or open_.candidates is None or history.thought is None:
        raise UsageError("There is nothing to reflect on.")
    call, thought, candidates = open_.call, history.thought, open_.candidates

    async def judge(index: int, candidate: Candidate) -> None:
        verdict, place = await session.ask(
            "reflect",
            lambda ctx: typed(
                session.parts.reasoner.reflect(history.request, thought, call, candidate, history, ctx),
                Accepted | Refine | Rejected,
            ),
            round_=open_.index,
            candidate=index,
        )
        failed = isinstance(verdict, Failure)
        session.record(Failed(**place, failure=verdict) if failed else Judged(**place, verdict=verdict))

    missing = [(i, c) for i, c in enumerate(candidates) if i not in open_.verdicts and isinstance(c, Candidate)]
    # All of them end before an error is raised: a verdict that was paid for is written down.
    for error in await asyncio.gather(*(judge(i, c) for i, c in missing), return_exceptions=True):
        if error is not None:
            raise error
    return update(session, verdicts=[open_.verdicts[index].model_dump(mode="json") for index in sorted(open_.verdicts)])


async def compare(state: State, runtime: Runtime[Context]) -> State:
    """Compare the incumbent with each new candidate."""
    return await compare_candidates(await session_of(state, runtime))


async def compare_candidates(session: Session) -> State:
    """Compare the incumbent with each candidate of the round under way."""
    history, open_, comparer = session.fold.history, session.fold.open, session.parts.comparer
    if open_ is None or comparer is None:
        raise UsageError("There is nothing to compare.")
    incumbent = session.parts.policy.keep(history)
    best = history.candidate(incumbent)
    for index in open_.produced():
        rival = (open_.candidates or ())[index]
        if index in open_.comparisons or not isinstance(rival, Candidate):
            continue
        result, place = await session.ask(
            "compare",
            lambda ctx, rival=rival: comparer.compare(history.request, best, rival, ctx),  # type: ignore[misc]
            round_=open_.index,
            candidate=index,
        )
        session.record(Compared(**place, comparison=Comparison(incumbent=incumbent, candidate=index, result=result)))
    return update(session)


async def decide(state: State, runtime: Runtime[Context]) -> State:
    """Let the policy decide, unless a person did, or the graph must."""
    session = await session_of(state, runtime)
    history, policy = session.fold.history, session.parts.policy
    done = len(history.rounds)
    decision = decision_of_person(history, session)
    if decision is None and session.late:
        stop = Stop(reason="deadline", detail="The time limit passed.")
        decision = Decision(after=done, author="graph", action=stop, keep=policy.keep(history))
    if decision is None and done >= MAX_ROUNDS:
        stop = Stop(reason="limit", detail=f"No run has more than {MAX_ROUNDS} rounds.")
        decision = Decision(after=done, author="graph", action=stop, keep=policy.keep(history))
    if decision is None:
        decision = policy.decide(history)
    session.record(Decided(node="decide", round=done, decision=decision))
    return update(session, decision=decision.model_dump(mode="json"))


def decision_of_person(history: History, session: Session) -> Decision | None:
    """Return the decision that a person's answer after this round is, if there is one."""
    done = len(history.rounds)
    policy = session.parts.policy
    keep = policy.keep(history)
    plan = history.answer("approve", done)
    if plan is not None and plan.kind in ("reject", "stop"):
        stop = Stop(reason="person", detail="A person rejected the plan.")
        return Decision(after=done, author="person", action=stop, keep=keep)
    answer = history.answer("decide", done) or history.answer("review", done)
    if answer is None:
        return None
    if answer.kind in ("reject", "advice"):
        return Decision(after=done, author="person", action=policy.next(history), keep=keep)
    if answer.kind == "accept" and done:
        best = standing(history.rounds[-1])[0]
        if isinstance(history.rounds[-1].candidates[best], Candidate):  # a failed edit has nothing to accept
            keep = Pick(round=done, candidate=best)
    detail = "A person accepted it." if answer.kind == "accept" else "A person stopped it."
    return Decision(after=done, author="person", action=Stop(reason="person", detail=detail), keep=keep)


# -- nodes that only ask a person -----------------------------------------------------------------------------------


async def approve(state: State, runtime: Runtime[Context]) -> State:
    """Ask a person whether the plan is what was meant."""
    session = await session_of(state, runtime)
    path = await asyncio.to_thread(session.write_plan)
    person(session, "approve", "Is this the plan? Accept, reject, give advice, or change it.", path)
    return update(session)


async def review(state: State, runtime: Runtime[Context]) -> State:
    """Ask a person what to do with this round's result."""
    session = await session_of(state, runtime)
    person(session, "review", "Is this what you wanted? Accept, reject, stop, or give advice.")
    return update(session)


async def ask(state: State, runtime: Runtime[Context]) -> State:
    """Ask a person what the policy wants to know."""
    session = await session_of(state, runtime)
    action = session.fold.decision.action if session.fold.decision else None
    person(session, "ask", getattr(action, "question", "Go on?"))
    return update(session)


def person(session: Session, node: Node, question: str, file: Path | None = None) -> None:
    """Interrupt the graph with a question, or take the answer that the graph was resumed with.

    An answer that is in the trace already has moved the fold past this node, so nobody is asked twice.
    """
    after = len(session.fold.history.rounds)
    session.record(PersonAsked(node=node, round=after, question=question))
    payload = {"run": session.fold.run.run, "node": node, "question": question, "file": str(file) if file else None}
    try:
        reply = interrupt(payload)
    except GraphInterrupt:
        session.close()
        raise
    where = "decide" if node == "ask" else node
    fields = reply if isinstance(reply, dict) else {"kind": str(reply)}
    answer = HumanAnswer.model_validate({"node": where, "after": after, **fields})
    session.record(PersonAnswered(node=node, round=after, answer=answer))


# -- the end ----------------------------------------------------------------------------------------------------------


async def finish(state: State, runtime: Runtime[Context]) -> State:
    """Write how it ended; what is recorded past the stop changes nothing of it."""
    session = await session_of(state, runtime)
    if session.fold.ended is None:
        session.record(outcome(session))
    ended = session.fold.ended
    if ended is not None:
        await shadow(session, ended)
    session.close()
    path = session.images.path(ended.image) if ended and ended.image else None
    return update(session, status=ended.status if ended else "", image_path=str(path or ""))


async def shadow(session: Session, ended: RunEnded) -> None:
    """Record rounds past the stop, as the next policy would go on, and then the same end again.

    A deterministic tool records none after Accepted: it would make the same picture.
    """
    policy, card, stop = session.parts.policy, session.parts.tool.card, session.fold.stop
    by_policy = session.fold.decision is not None and session.fold.decision.author == "policy"
    if stop is None or not by_policy:
        return
    try:
        while len(session.fold.history.rounds) - stop < session.fold.run.shadow:
            history = session.fold.history
            accepted = bool(history.rounds) and standing(history.rounds[-1])[1].kind == "accepted"
            if session.late or (card.deterministic and accepted):
                why = "the time limit passed" if session.late else "the tool would make the same picture again"
                session.record(Noted(text=f"No more rounds are recorded past the stop: {why}."))
                break
            await make_candidates(session, policy.next(history))
            if session.fold.open is not None:
                await judge_candidates(session)
            if session.fold.open is not None:
                await compare_candidates(session)
    except ReasonEditError as error:
        session.record(Noted(text=f"No more rounds are recorded past the stop: {error}"))
    finally:
        if session.fold.ended is None:
            session.record(ended)


def outcome(session: Session, *, stopped_by: str = "", detail: str = "", error: str = "") -> RunEnded:
    """Return how the run ends now; ``stopped_by`` overrides the last decision (an interruption, an error)."""
    fold, history = session.fold, session.fold.history
    failure = fold.failure
    if failure is not None and not stopped_by:
        stopped_by, error = failure.reason, f"{failure.message} {failure.hint}".strip()
        if not history.rounds:
            ended: Status = "unsupported" if failure.reason == "unsupported" else "failed"
            return RunEnded(node="finish", status=ended, stopped_by=stopped_by, keep=SOURCE, error=error)
    decision = fold.decision
    if decision is not None and isinstance(decision.action, Stop) and not stopped_by:
        keep, stopped_by, detail = decision.keep, decision.action.reason, decision.action.detail
    else:
        keep = session.parts.policy.keep(history)
    status, reason = judge_run(history, keep)
    image = None if keep == SOURCE and status != "best_effort" else history.candidate(keep).image
    return RunEnded(
        node="finish",
        round=len(history.rounds),
        status=status,
        stopped_by=stopped_by,
        detail=detail,
        keep=keep,
        image=image,
        error=error or reason,
    )


def judge_run(history: History, keep: Pick) -> tuple[Status, str]:
    """Return the status that the kept pick gives the run, and why it is no better one."""
    failures = [found for round_ in history.rounds for found in round_.candidates if isinstance(found, Failure)]
    if keep == SOURCE:
        produced = any(isinstance(found, Candidate) for round_ in history.rounds for found in round_.candidates)
        if failures and not produced:
            status: Status = "unsupported" if failures[-1].reason == "unsupported" else "failed"
            return status, f"{failures[-1].message} {failures[-1].hint}".strip()
        return "best_effort", ""
    verdict = history.rounds[keep.round - 1].verdicts[keep.candidate]
    answers = [history.answer(node, keep.round) for node in ("review", "decide")]
    by_person = any(answer is not None and answer.kind == "accept" for answer in answers)
    if verdict.kind == "accepted" or by_person:
        return "accepted", ""
    return "best_effort", "Even the best round was rejected." if verdict.kind == "rejected" else ""
