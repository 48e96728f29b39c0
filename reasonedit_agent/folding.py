"""Folding: the one way from events to a `History`, and to the node that comes next.

A fresh run, a resume, a fork and a stale checkpoint take the same path, because all of them ask the fold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reasonedit_agent.errors import TraceError
from reasonedit_agent.events import (
    AnyEvent,
    Asked,
    Called,
    Compared,
    Decided,
    Edited,
    Failed,
    Judged,
    Node,
    PersonAnswered,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Comparison,
    Continue,
    Decision,
    EditCall,
    Failure,
    History,
    HumanAnswer,
    Refine,
    Rejected,
    Round,
    Scores,
    Stop,
    Thought,
    Usage,
)

__all__ = ["Fold", "fold"]


@dataclass
class OpenRound:
    """A round under way, as far as the trace has it."""

    index: int
    call: EditCall
    candidates: tuple[Candidate | Failure, ...] | None = None
    verdicts: dict[int, Accepted | Refine | Rejected | Failure] = field(default_factory=dict)
    comparisons: dict[int, Comparison] = field(default_factory=dict)
    edit_seconds: float = 0.0
    judge_seconds: float = 0.0
    compare_seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)

    def produced(self) -> list[int]:
        """Return the indexes of the candidates that there are."""
        found = self.candidates or ()
        return [index for index, value in enumerate(found) if isinstance(value, Candidate)]


class Fold:
    """The state of a run, folded event by event.

    Attributes:
        started: The first event.
        ended: The outcome, unless the run is open.
        finished_edits: Candidates by the key of their edit.
        failure: Why thinking gave no plan, if it did not.
        open: The round under way, or None.
        refusal: Why a person's advice could not be followed; they are asked again.
    """

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.started: RunStarted | None = None
        self.ended: RunEnded | None = None
        self.finished_edits: dict[str, tuple[Candidate, ...]] = {}
        self.failure: Failure | None = None
        self.open: OpenRound | None = None
        self._thought: Thought | None = None
        self._approval: HumanAnswer | None = None
        self._before_advice: (
            tuple[Thought | None, HumanAnswer | None, tuple[Round, ...], tuple[HumanAnswer, ...]] | None
        ) = None
        self.refusal: Failure | None = None
        self._rounds: tuple[Round, ...] = ()
        self._decisions: dict[int, Decision] = {}
        self._human: tuple[HumanAnswer, ...] = ()
        self._spent = Usage()
        self._unpriced = 0
        self._elapsed = 0.0
        self._asked: dict[tuple[Node, int, int], int] = {}
        self._history: History | None = None
        for event in events:
            self.add(event)

    # what is known

    @property
    def run(self) -> RunStarted:
        """The first event.

        Raises:
            TraceError: There is none yet.
        """
        if self.started is None:
            raise TraceError("The trace has no run_started event.")
        return self.started

    @property
    def history(self) -> History:
        """All that a policy sees now."""
        if self._history is None:
            decisions = tuple(self._decisions[k] for k in sorted(self._decisions))
            self._history = History.model_construct(
                request=self.run.request,
                thought=self._thought,
                rounds=self._rounds,
                decisions=decisions,
                spent=self._spent,
                unpriced=self._unpriced,
                elapsed=self._elapsed,
                human=self._human,
            )
        return self._history

    def attempt(self, node: Node, round_: int, candidate: int = 0) -> int:
        """Return the number of the next attempt at a call."""
        return self._asked.get((node, round_, candidate), 0) + 1

    @property
    def stop(self) -> int | None:
        """After how many rounds the run stopped; what is recorded beyond are shadow rounds."""
        stops = [k for k, decision in self._decisions.items() if isinstance(decision.action, Stop)]
        return min(stops, default=None)

    @property
    def decision(self) -> Decision | None:
        """The decision after the rounds so far, if it was taken; the one that stopped the run stands."""
        stop = self.stop
        return self._decisions.get(len(self._rounds) if stop is None else stop)

    def _beyond(self, round_: int) -> bool:
        """Whether a round is a shadow round."""
        stop = self.stop
        return stop is not None and round_ > stop

    @property
    def next(self) -> Node | None:
        """The node that comes next; None when the run has ended."""
        if self.started is None:
            return "begin"
        if self.ended is not None:
            return None
        if self._beyond(len(self._rounds) + (self.open is not None)):
            return "finish"  # a shadow round is not gone on with
        if self._thought is None:
            return "think" if self.failure is None else "finish"
        if self.open is not None:
            return self._next_in_round(self.open)
        if self.started.approve and self._approval is None:
            return "approve"
        return self._next_between_rounds(self.started)

    def _next_between_rounds(self, started: RunStarted) -> Node:
        done = len(self._rounds)
        if started.review and done and self.history.answer("review", done) is None and self._action is None:
            return "review"
        action = self._action
        if action is None:
            return "decide"
        if isinstance(action, Stop):
            return "finish"
        if isinstance(action, Continue):
            return "edit"
        return "decide" if self.history.answer("decide", done) else "ask"

    @property
    def _action(self) -> object:
        return self.decision.action if self.decision else None

    def _next_in_round(self, open_: OpenRound) -> Node:
        if open_.candidates is None:
            return "edit"
        if len(open_.verdicts) < len(open_.candidates):
            return "reflect"
        return "compare"

    # what happens

    def add(self, event: AnyEvent) -> None:
        """Take one event in; a repeat of a fact that is known changes nothing."""
        self._history = None
        if self.ended is not None and not isinstance(event, RunEnded):
            self.ended = None
        if isinstance(event, Edited | Judged | Compared):
            self._add_result(event)
        elif isinstance(event, Failed):
            self._add_failure(event)
        else:
            self._add_fact(event)

    def _add_fact(self, event: AnyEvent) -> None:
        if isinstance(event, RunStarted):
            self.started = self.started or event
        elif isinstance(event, Asked):
            self._add_asked(event)
        elif isinstance(event, Planned):
            self._add_plan(event)
        elif isinstance(event, Called):
            self._add_cost(event)
        elif isinstance(event, Decided):
            self._add_decision(event)
        elif isinstance(event, PersonAnswered):
            self._add_answer(event.answer)
        elif isinstance(event, RunEnded):
            self.ended = event

    def _add_cost(self, event: Called) -> None:
        if not self._beyond(event.round):
            self._spent = self._spent.plus(event.usage)
            # An attempt without a reply is not billed, as far as it does not say otherwise.
            if event.usage.usd is None and event.usage != Usage() and not event.error:
                self._unpriced += 1
        if self.open is not None and event.round == self.open.index:
            self.open.usage = self.open.usage.plus(event.usage)

    def _add_asked(self, event: Asked) -> None:
        place = (event.node, event.round, event.candidate)
        self._asked[place] = max(self._asked.get(place, 0), event.attempt)
        if event.call is not None and self.open is None and event.round == len(self._rounds) + 1:
            self.open = OpenRound(event.round, event.call)

    def _add_plan(self, event: Planned) -> None:
        if self._thought is None:
            self._thought = event.thought
            self._approval = None
            self._before_advice = None
            self.failure = None
            self._elapsed += event.seconds

    def _add_result(self, event: Edited | Judged | Compared) -> None:
        open_ = self.open
        if isinstance(event, Edited) and event.key:
            self.finished_edits.setdefault(event.key, event.candidates)
        if open_ is None or event.round != open_.index:
            return
        if isinstance(event, Edited):
            if open_.candidates is None:
                open_.candidates = event.candidates
                open_.edit_seconds = event.seconds
        elif isinstance(event, Judged):
            if event.candidate not in open_.verdicts:
                open_.verdicts[event.candidate] = event.verdict
                open_.judge_seconds = max(open_.judge_seconds, event.seconds)
        elif event.candidate not in open_.comparisons:
            open_.comparisons[event.candidate] = event.comparison
            open_.compare_seconds = max(open_.compare_seconds, event.seconds)
        self._close_round()

    def _add_failure(self, event: Failed) -> None:
        if event.node == "think":
            if self._thought is None:
                self._elapsed += event.seconds
                self._without_plan(event.failure)
            return
        open_ = self.open
        if open_ is None or event.round != open_.index:
            return
        if event.node == "edit" and open_.candidates is None:
            open_.candidates = (event.failure,) * len(open_.call.seeds)
            open_.verdicts = dict.fromkeys(range(len(open_.call.seeds)), event.failure)
            open_.edit_seconds = event.seconds
        elif event.node == "reflect":
            open_.verdicts.setdefault(event.candidate, event.failure)
            open_.judge_seconds = max(open_.judge_seconds, event.seconds)
        self._close_round()

    def _without_plan(self, failure: Failure) -> None:
        """No plan ends the run; advice that cannot be followed only asks again."""
        if self._before_advice is None:
            self.failure = failure
            return
        self._thought, self._approval, self._rounds, self._human = self._before_advice
        self._before_advice = None
        self.refusal = failure

    def _close_round(self) -> None:
        open_ = self.open
        if open_ is None or open_.candidates is None or len(open_.verdicts) < len(open_.candidates):
            return
        # The rounds of a fork's parent were compared, or not, by the parent's comparer.
        taken = open_.index <= self.run.parent_round
        compared = open_.index in self.run.parent_compared if taken else self.run.comparer is not None
        if compared and len(open_.comparisons) < len(open_.produced()):
            return
        seconds = open_.edit_seconds + open_.judge_seconds + open_.compare_seconds
        shadow = self._beyond(open_.index)
        self._elapsed += 0 if shadow else seconds
        done = Round.model_construct(
            index=open_.index,
            call=open_.call,
            candidates=open_.candidates,
            verdicts=tuple(open_.verdicts[index] for index in range(len(open_.candidates))),
            comparisons=tuple(open_.comparisons[index] for index in sorted(open_.comparisons)),
            shadow=shadow,
            seconds=seconds,
            usage=open_.usage,
        )
        self._rounds = (*self._rounds, done)
        self.open = None

    def _add_decision(self, event: Decided) -> None:
        decision = event.decision
        known = self._decisions.get(decision.after)
        # The first decision of an author stands; a person's or the graph's goes over the policy's.
        if known is None or (known.author == "policy" and decision.author != "policy"):
            self._decisions[decision.after] = decision

    def _add_answer(self, answer: HumanAnswer) -> None:
        self.refusal = None
        if answer.kind == "advice":
            self._before_advice = (self._thought, self._approval, self._rounds, self._human)
        self._human = (*self._human, answer)
        if answer.node == "approve":
            self._approval = answer
            self._thought = answer.thought or self._thought
        elif answer.kind in ("reject", "advice") and self._rounds:
            self._rounds = (*self._rounds[:-1], _overruled(self._rounds[-1], answer))
        if answer.kind == "advice":
            self._thought = None


def _overruled(round_: Round, answer: HumanAnswer) -> Round:
    """Return the round with a person's rejection in place of the Reasoner's verdicts."""
    nothing = Scores(edit_success=0, over_editing=0, naturalness=0, artefacts=0)
    rejected = Rejected(scores=nothing, critique=answer.text or "A person rejected it.")
    verdicts = tuple(verdict if isinstance(verdict, Failure) else rejected for verdict in round_.verdicts)
    return round_.model_copy(update={"verdicts": verdicts})


def fold(events: Iterable[AnyEvent]) -> History:
    """Return the History of a trace, or of a prefix of it."""
    return Fold(events).history
