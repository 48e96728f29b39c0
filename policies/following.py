"""What the next round does."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import (
    SOURCE,
    Continue,
    History,
    Pick,
    Refine,
    Rejected,
    derive_seed,
    join_texts,
    standing,
)

__all__ = ["Rollback", "seeds_for"]


def seeds_for(history: History) -> tuple[int, ...]:
    """Return the seeds of the next round's candidates."""
    request = history.request
    return tuple(derive_seed(request.seed or 0, len(history.rounds) + 1, index) for index in range(request.candidates))


@dataclass(frozen=True)
class Rollback:
    """ReasonEdit's rule: refine the edited picture, or go back to the source and roll again.

    After Refine the edited picture is the base and the verdict's steps are done; after Rejected, or a Failure, the
    source is, with the verdict's steps or the Thought's. After Accepted (a round past the stop) the same again.
    """

    def next(self, history: History) -> Continue:
        """Return the next round."""
        thought = history.thought
        if thought is None:
            raise UsageError("There is no plan to go on with.")
        seeds = seeds_for(history)
        fresh = Continue(base=SOURCE, steps=thought.steps, instruction=thought.instruction, seeds=seeds)
        if not history.rounds:
            return fresh
        last = history.rounds[-1]
        index, verdict = standing(last)
        if isinstance(verdict, Refine):
            base = Pick(round=last.index, candidate=index)
            return Continue(base=base, steps=verdict.steps, instruction=join_texts(verdict.steps), seeds=seeds)
        if isinstance(verdict, Rejected) and verdict.steps:
            return fresh.model_copy(update={"steps": verdict.steps, "instruction": join_texts(verdict.steps)})
        if verdict.kind == "accepted" and history.decisions:
            action = history.decisions[last.index - 1].action
            if isinstance(action, Continue):
                return action.model_copy(update={"seeds": seeds})
        return fresh

    def __str__(self) -> str:
        return "rollback"
