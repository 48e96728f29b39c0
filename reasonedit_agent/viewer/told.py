"""What a page tells of a run: values, in the order in which a reader asks."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.events import Called, RunEnded, RunStarted
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Comparison,
    Decision,
    EditCall,
    EditStep,
    Failure,
    HumanAnswer,
    ImageRef,
    Pick,
    Refine,
    Rejected,
    Scores,
    Thought,
    Usage,
)

__all__ = ["AXES", "Judgement", "NodeCost", "Result", "RoundTold", "RunTold", "pick_name"]

AXES = (
    ("edit_success", "Edit success"),
    ("over_editing", "Rest kept"),
    ("naturalness", "Naturalness"),
    ("artefacts", "No artefacts"),
)
"""The four axes with their names for people; 10 is best on each."""

Judgement = Accepted | Refine | Rejected


def pick_name(pick: Pick, several: bool = False) -> str:
    """Return a place in words; its candidate only where a round has several."""
    if pick.round == 0:
        return "the source"
    return f"round {pick.round}, candidate {pick.candidate + 1}" if several else f"round {pick.round}"


@dataclass(frozen=True)
class Result:
    """A candidate of a round, and what was said of it.

    Attributes:
        index: In the round, from 0.
        candidate: Its picture; None where there is none (yet).
        verdict: Of the Reasoner, or the failure; None where there is none yet.
        overruled: Whether a person rejected it whatever the verdict was.
        kept: Whether it is the result of the run.
        comparison: With the incumbent, if one was made.
        failed_node: Where the failure came from.
    """

    index: int
    candidate: Candidate | None
    verdict: Judgement | Failure | None
    overruled: bool = False
    kept: bool = False
    comparison: Comparison | None = None
    failed_node: str = ""

    @property
    def failure(self) -> Failure | None:
        """The failure, if it is one."""
        return self.verdict if isinstance(self.verdict, Failure) else None

    @property
    def judged(self) -> Judgement | None:
        """The verdict, if it is one."""
        return None if isinstance(self.verdict, Failure) else self.verdict

    @property
    def scores(self) -> Scores | None:
        """The Reasoner's scores."""
        return self.judged.scores if self.judged else None

    @property
    def steps(self) -> tuple[EditStep, ...]:
        """What the verdict asks for next."""
        return getattr(self.verdict, "steps", None) or ()


@dataclass(frozen=True)
class RoundTold:
    """A round, or one that is under way.

    Attributes:
        index: From 1.
        call: What the tool was asked.
        base: Where it started.
        results: Its candidates.
        shadow: Whether it was recorded past the stop.
        complete: Whether it is.
        seconds: Active time; None while it is under way.
        decision: After it.
        people: What people said after it.
        calls: That were made in it.
        notes: That were taken in it.
    """

    index: int
    call: EditCall
    base: Pick
    results: tuple[Result, ...]
    shadow: bool
    complete: bool
    seconds: float | None
    decision: Decision | None
    people: tuple[HumanAnswer, ...]
    calls: tuple[Called, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NodeCost:
    """What a node of the graph took over the whole run; ``usage`` has None where nobody told."""

    node: str
    seconds: float | None
    answered_by: str
    calls: int
    attempts: int
    errors: int
    usage: Usage


@dataclass(frozen=True)
class RunTold:
    """A run, as a page tells it.

    Attributes:
        started: The first event.
        ended: The outcome; None while the run is going on.
        next: The node that comes next, when it is going on.
        waiting: The question that a person has not answered.
        thought: The plan in force.
        earlier: Plans that were given up for it.
        failure: Why there is no plan.
        first: The decision before round 1.
        people: What people said before round 1.
        calls: Before round 1.
        notes: Before round 1.
        rounds: In order.
        nodes: What each node took.
        spent: By all calls; None where nobody told.
        unpriced: Calls without a price.
        elapsed: Active seconds.
        keep: What is best now.
        kept: Its picture.
        torn: Whether the trace's last line was torn.
    """

    started: RunStarted
    ended: RunEnded | None
    next: str
    waiting: str
    thought: Thought | None
    earlier: tuple[Thought, ...]
    failure: Failure | None
    first: Decision | None
    people: tuple[HumanAnswer, ...]
    calls: tuple[Called, ...]
    notes: tuple[str, ...]
    rounds: tuple[RoundTold, ...]
    nodes: tuple[NodeCost, ...]
    spent: Usage
    unpriced: int
    elapsed: float
    keep: Pick
    kept: Candidate
    torn: bool = False

    @property
    def status(self) -> str:
        """The status of the outcome; ``waiting`` or ``open`` while there is none."""
        return self.ended.status if self.ended else "waiting" if self.waiting else "open"

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """All pictures of the run, the source first, each once."""
        request = self.started.request
        found = [request.image, *request.references]
        found += [r.candidate.image for round_ in self.rounds for r in round_.results if r.candidate]
        return tuple({ref.sha256: ref for ref in found}.values())

    @property
    def kept_scores(self) -> Scores | None:
        """The scores of what is kept."""
        return next((r.scores for round_ in self.rounds for r in round_.results if r.kept), None)
