"""What the next round does. Each answers after Accepted too: the same base and steps with new seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from reasonedit_agent import registry
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.chains import chain, drift_of, place_of
from reasonedit_agent.policies.fitting import call_text, check_number
from reasonedit_agent.protocols import NextPolicy
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Candidate,
    Continue,
    EditStep,
    Failure,
    History,
    Pick,
    Preference,
    Refine,
    Rejected,
    Stop,
    derive_seed,
    join_texts,
    standing,
)

__all__ = ["Closing", "DraftThenFinal", "Previous", "Reanchored", "Rollback", "Source", "seeds_for"]


def seeds_for(history: History) -> tuple[int, ...]:
    """Return the seeds of the next round's candidates."""
    request = history.request
    return tuple(derive_seed(request, len(history.rounds) + 1, index) for index in range(request.candidates))


def _fresh(history: History, steps: tuple[EditStep, ...] | None = None, base: Pick = SOURCE) -> Continue:
    """Return a round with these steps, or with the plan's; on the source where no base is given."""
    if history.thought is None:
        raise UsageError("There is no plan to go on with.")
    text = history.thought.instruction if steps is None else join_texts(steps)
    done = history.thought.steps if steps is None else steps
    return Continue(base=base, steps=done, instruction=text, seeds=seeds_for(history))


def _again(history: History) -> Continue:
    """Return the last round once more, with new seeds."""
    last = history.rounds[-1]
    for decision in history.decisions:
        if decision.after == last.index - 1 and isinstance(decision.action, Continue):
            return decision.action.model_copy(update={"seeds": seeds_for(history)})
    call = last.call
    base = place_of(history, call.base, before=last.index)
    return Continue(
        base=base, steps=call.steps, instruction=call.instruction, seeds=seeds_for(history), quality=call.quality
    )


@dataclass(frozen=True)
class Rollback:
    """ReasonEdit's rule: refine the edited picture, or go back to the source and roll again.

    After Refine the edited picture is the base and the verdict's steps are done; after Rejected, or a Failure, the
    source is, with the verdict's steps or the Thought's. After Accepted (a round past the stop) the same again.
    """

    def next(self, history: History) -> Continue:
        """Return the next round."""
        if history.thought is None or not history.rounds:
            return _fresh(history)
        index, verdict = standing(history.rounds[-1])
        if isinstance(verdict, Refine):
            return _fresh(history, verdict.steps, Pick(round=history.rounds[-1].index, candidate=index))
        if isinstance(verdict, Rejected):
            return _fresh(history, verdict.steps)
        return _again(history) if isinstance(verdict, Accepted) else _fresh(history)

    def __str__(self) -> str:
        return "rollback"


@dataclass(frozen=True)
class Source:
    """Always the source, with the verdict's steps, or the Thought's where it has none (EditThinker).

    For a Reasoner whose next instruction is whole, such as EditThinker's: what an earlier round did is lost unless the
    steps say it again. `Reanchored` merges them.
    """

    def next(self, history: History) -> Continue:
        """Return the next round."""
        return Rollback().next(history).model_copy(update={"base": SOURCE})

    def __str__(self) -> str:
        return "source"


@dataclass(frozen=True)
class Previous:
    """Always on from the last picture, also from a rejected one (JarvisEvo).

    A failure does the same round again.
    """

    def next(self, history: History) -> Continue:
        """Return the next round."""
        if history.thought is None or not history.rounds:
            return _fresh(history)
        last = history.rounds[-1]
        index, verdict = standing(last)
        if isinstance(verdict, Accepted | Failure):
            return _again(history)
        return _fresh(history, verdict.steps, Pick(round=last.index, candidate=index))

    def __str__(self) -> str:
        return "previous"


@dataclass(frozen=True)
class Reanchored:
    """Like roll-back, but what would be done on an edited picture is merged and done on the source, in one edit.

    So no edit stands on another and nothing adds up (the maintainer's advice in Step1X-Edit #18). Merged are the steps
    of the chain, in order, then the verdict's; a step of plain text that is there already is not said twice.

    Args:
        drift: Merge only once the chain has changed more than that outside of the region (CIEDE2000), or was not
            measured; up to then the edited picture is refined.
    """

    drift: float | None = None

    @property
    def needs(self) -> frozenset[str]:
        """The drift, where it decides."""
        return frozenset() if self.drift is None else frozenset({"drift_outside"})

    def __post_init__(self) -> None:
        check_number(self.drift, "reanchored: drift", 0)

    def next(self, history: History) -> Continue:
        """Return the next round."""
        plain = Rollback().next(history)
        if plain.base == SOURCE:
            return plain
        if self.drift is not None:
            found = drift_of(history, plain.base)
            if found is not None and found <= self.drift:
                return plain
        links = [history.rounds[link.round - 1].call.steps for link in chain(history, plain.base)]
        merged: list[EditStep] = []
        for step in (step for steps in (*links, plain.steps) for step in steps):
            if step.operation is not None or step not in merged:
                merged.append(step)
        return _fresh(history, tuple(merged))

    def __str__(self) -> str:
        return call_text("reanchored", drift=self.drift)


class Closing(Protocol):
    """What a next policy may offer besides ``next``: a say in how the run ends. Pure as well."""

    def close(self, history: History, stop: Stop | None, keep: Pick) -> Continue | Stop | None:
        """Return what is done in place of ``stop``; None goes on with ``next``."""
        ...

    def settle(self, history: History, keep: Pick) -> Pick:
        """Return what is kept in place of ``keep``."""
        ...


_RANK = {"rejected": 1, "refine": 2, "accepted": 3}


@dataclass(frozen=True)
class DraftThenFinal:
    """Draft rounds until the policy would stop; then the kept draft's call once more, at full quality.

    It has a say in two more things, which `reasonedit_agent.policies.CombinedPolicy` asks it for. `close` turns the
    stop into that one last round (the kept candidate's base, steps and seed), and ends the run after it, whatever its
    verdict. `settle` keeps the final picture in place of its draft, unless its verdict ranks lower, it failed, or a
    comparison liked the draft better. The graph knows nothing of it: to it a decision is a decision.

    The last round comes on top of ``rounds(n)``. A budget that is spent is spent: there is no last round then, and the
    draft is kept. A budget knows what drafts cost; what the last round costs it only knows from a fit. Where a person
    stops the run, or the deadline does, the draft is kept too.

    Args:
        inner: What the draft rounds do: a next policy, or its text.
    """

    inner: NextPolicy = field(default_factory=Rollback)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inner", registry.build("next_policies", self.inner))
        if not hasattr(self.inner, "next") or isinstance(self.inner, DraftThenFinal):
            raise UsageError(f"draft_then_final takes another next policy, not {self.inner!s}.", hint="Such as source.")

    @property
    def needs(self) -> frozenset[str]:
        """What the inner policy needs."""
        return frozenset(getattr(self.inner, "needs", ()))

    def next(self, history: History) -> Continue:
        """Return the next draft."""
        return self.inner.next(history).model_copy(update={"quality": "draft"})

    def close(self, history: History, stop: Stop | None, keep: Pick) -> Continue | Stop | None:
        """Return what is done in place of ``stop``; None goes on with drafts."""
        if history.rounds and history.rounds[-1].call.quality == "final":
            return stop or Stop(reason="final", detail="The kept draft was made again at full quality.")
        if stop is None or keep == SOURCE:
            return stop
        round_ = history.rounds[keep.round - 1]
        call = round_.call
        if call.quality == "final":
            return stop
        base = place_of(history, call.base, before=round_.index)
        seed = call.seeds[min(keep.candidate, len(call.seeds) - 1)]
        return Continue(base=base, steps=call.steps, instruction=call.instruction, seeds=(seed,), quality="final")

    def settle(self, history: History, keep: Pick) -> Pick:
        """Return the final picture in place of the draft that ``keep`` names, if it is as good."""
        last = next((round_ for round_ in reversed(history.rounds) if not round_.shadow), None)
        if last is None or last.call.quality != "final" or keep.round in (0, last.index):
            return keep
        index, verdict = standing(last)
        draft = history.rounds[keep.round - 1].verdicts[keep.candidate]
        worse = any(
            isinstance(compared.result, Preference) and compared.result.better == "a"
            for compared in last.comparisons
            if compared.candidate == index and compared.incumbent == keep
        )
        drawn = isinstance(last.candidates[index], Candidate)
        if worse or not drawn or _RANK.get(verdict.kind, 0) < _RANK.get(draft.kind, 0):
            return keep
        return Pick(round=last.index, candidate=index)

    def __str__(self) -> str:
        return "draft_then_final" if self.inner == Rollback() else f"draft_then_final({self.inner})"
