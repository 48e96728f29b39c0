"""From the events of a run to what a page tells of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reasonedit_agent.events import (
    AnyEvent,
    Called,
    Compared,
    Edited,
    Failed,
    Judged,
    Noted,
    PersonAsked,
    Planned,
    RunEnded,
)
from reasonedit_agent.folding import Fold
from reasonedit_agent.schemas import (
    SOURCE,
    Candidate,
    Continue,
    Decision,
    Failure,
    HumanAnswer,
    Pick,
    Round,
    Thought,
    Usage,
)
from reasonedit_agent.viewer.told import AXES, Judgement, NodeCost, Result, RoundTold, RunTold, pick_name

__all__ = ["AXES", "NodeCost", "Result", "RoundTold", "RunTold", "pick_name", "tell"]

_Place = tuple[int, int]


@dataclass
class _Gathered:
    """What the fold does not keep."""

    calls: dict[int, list[Called]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    judged: dict[_Place, Judgement] = field(default_factory=dict)
    failed: dict[_Place, str] = field(default_factory=dict)
    plans: list[Thought] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ended: RunEnded | None = None
    question: str = ""

    def add(self, event: AnyEvent) -> None:
        """Take one event."""
        if isinstance(event, Called):
            self.calls[event.round].append(event)
        elif isinstance(event, Noted):
            self.notes[event.round].append(event.text)
        elif isinstance(event, Judged):
            self.judged.setdefault((event.round, event.candidate), event.verdict)
        elif isinstance(event, Failed):
            self.failed[event.round, event.candidate] = event.node
        elif isinstance(event, Planned):
            self.plans.append(event.thought)
        elif isinstance(event, RunEnded):
            self.ended = event
        elif isinstance(event, PersonAsked):
            self.question = event.question
        if isinstance(event, Planned | Edited | Judged | Compared | Failed):
            self.seconds[event.node] = self.seconds.get(event.node, 0.0) + event.seconds


def tell(events: Iterable[AnyEvent], torn: bool = False) -> RunTold:
    """Return what a page tells of a run.

    Args:
        events: Of one run, as far as it is.
        torn: Whether a torn last line was left out.

    Raises:
        TraceError: It is no trace.
    """
    fold, seen = Fold(), _Gathered()
    for event in events:
        fold.add(event)
        seen.add(event)
    history = fold.history
    # Shadow rounds after the outcome do not open the run again.
    past = fold.stop is not None and len(history.rounds) > fold.stop
    ended = seen.ended if past else fold.ended
    decisions = {decision.after: decision for decision in history.decisions}
    keep = ended.keep if ended else fold.decision.keep if fold.decision else _last_keep(decisions)
    try:
        kept = history.candidate(keep)
    except KeyError:
        keep, kept = SOURCE, history.candidate(SOURCE)
    rounds = [_round(round_, seen, decisions, keep, history.human) for round_ in history.rounds]
    if fold.open is not None:
        rounds.append(_open_round(fold, seen, decisions))
    waiting = fold.next in ("approve", "review", "ask") or bool(ended and ended.status == "waiting")
    return RunTold(
        started=fold.run,
        ended=ended,
        next=fold.next or "",
        waiting=seen.question if waiting else "",
        thought=history.thought,
        earlier=tuple(plan for plan in seen.plans if plan != history.thought),
        failure=fold.failure,
        first=decisions.get(0),
        people=tuple(answer for answer in history.human if answer.after == 0),
        calls=tuple(seen.calls[0]),
        notes=tuple(dict.fromkeys(seen.notes[0])),
        rounds=tuple(rounds),
        nodes=tuple(_nodes(seen)),
        spent=history.spent,
        unpriced=history.unpriced,
        elapsed=history.elapsed,
        keep=keep,
        kept=kept,
        torn=torn,
    )


def _last_keep(decisions: dict[int, Decision]) -> Pick:
    return decisions[max(decisions)].keep if decisions else SOURCE


def _base(decisions: dict[int, Decision], index: int) -> Pick:
    before = decisions.get(index - 1)
    return before.action.base if before and isinstance(before.action, Continue) else SOURCE


def _round(
    round_: Round,
    seen: _Gathered,
    decisions: dict[int, Decision],
    keep: Pick,
    human: Sequence[HumanAnswer],
) -> RoundTold:
    compared = {comparison.candidate: comparison for comparison in round_.comparisons}
    results = []
    for index, (found, verdict) in enumerate(zip(round_.candidates, round_.verdicts, strict=True)):
        place = round_.index, index
        first = seen.judged.get(place)
        overruled = first is not None and not isinstance(verdict, Failure) and first is not verdict
        results.append(
            Result(
                index=index,
                candidate=found if isinstance(found, Candidate) else None,
                verdict=first if overruled else verdict,
                overruled=overruled,
                kept=place == (keep.round, keep.candidate),
                comparison=compared.get(index),
                failed_node=seen.failed.get(place, "edit"),
            )
        )
    return RoundTold(
        index=round_.index,
        call=round_.call,
        base=_base(decisions, round_.index),
        results=tuple(results),
        shadow=round_.shadow,
        complete=True,
        seconds=round_.seconds,
        decision=decisions.get(round_.index),
        people=tuple(answer for answer in human if answer.after == round_.index),
        calls=tuple(seen.calls[round_.index]),
        notes=tuple(dict.fromkeys(seen.notes[round_.index])),
    )


def _open_round(fold: Fold, seen: _Gathered, decisions: dict[int, Decision]) -> RoundTold:
    open_ = fold.open
    assert open_ is not None
    results = tuple(
        Result(index, found if isinstance(found, Candidate) else None, open_.verdicts.get(index))
        for index, found in enumerate(open_.candidates or ())
    )
    return RoundTold(
        index=open_.index,
        call=open_.call,
        base=_base(decisions, open_.index),
        results=results,
        shadow=fold.stop is not None and open_.index > fold.stop,
        complete=False,
        seconds=None,
        decision=None,
        people=(),
        calls=tuple(seen.calls[open_.index]),
        notes=tuple(dict.fromkeys(seen.notes[open_.index])),
    )


def _nodes(seen: _Gathered) -> list[NodeCost]:
    """Return what each node took, in the graph's order."""
    by_node: dict[str, list[Called]] = defaultdict(list)
    for calls in seen.calls.values():
        for call in calls:
            if call.raw or call.error or call.usage != Usage():  # else it only explains an answer
                by_node[call.node].append(call)
    order = ("begin", "think", "approve", "edit", "reflect", "compare", "review", "decide", "ask", "finish")
    found = []
    for node in sorted({*by_node, *seen.seconds}, key=order.index):
        calls, total = by_node[node], Usage()
        for call in calls:
            total = total.plus(call.usage)
        errors = sum(bool(call.error) for call in calls)
        names = dict.fromkeys(call.backend for call in calls if not call.error and call.backend)
        found.append(
            NodeCost(node, seen.seconds.get(node), ", ".join(names), len(calls) - errors, len(calls), errors, total)
        )
    return found
