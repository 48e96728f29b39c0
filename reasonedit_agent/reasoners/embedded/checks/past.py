"""What earlier rounds did: which plan is in force, which remedies were tried, and which of them brought nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from reasonedit_agent.operations import PlainOperation
from reasonedit_agent.reasoners.embedded.checks.base import Remedy, progress_in
from reasonedit_agent.schemas import Candidate, EditCall, EditStep, Failure, History, Rejected, Thought

__all__ = ["Past", "Plan", "Progress", "plan_in_force"]

_GAIN = 0.1
"""A correction must bring a step nearer to its goal by this share of the way, or it is not tried again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is judged, and what was done for it.

    Attributes:
        steps: The thought's steps, each at the place that is in force.
        last: Each step's operation as the last run from the source had it.
        replaced: Whether that place is another one than the thought's.
    """

    steps: tuple[EditStep, ...]
    last: tuple[PlainOperation | None, ...]
    replaced: tuple[bool, ...]


def plan_in_force(thought: Thought, call: EditCall, history: History) -> Plan:
    """Return the thought's plan as the last run from the source had it.

    A verdict may have found that a mask of the thought was wrong, and sent the plan back with another one: from then
    on that one says where to measure. What is asked (the operation) stays the thought's.
    """
    kinds = [type(step.operation) for step in thought.steps]
    run = next(
        (
            run.steps
            for run in reversed([*(round_.call for round_ in history.rounds), call])
            if run.base.image == history.request.image and [type(step.operation) for step in run.steps] == kinds
        ),
        thought.steps,
    )
    ours = [v.steps for round_ in history.rounds for v in round_.verdicts if isinstance(v, Rejected)]
    places = run if run in ours else thought.steps
    pairs = list(zip(thought.steps, places, strict=True))
    return Plan(
        steps=tuple(old.model_copy(update={"region": new.region}) for old, new in pairs),
        last=tuple(step.operation for step in run),
        # A step without a region is given one in a verdict's steps; that is no other place.
        replaced=tuple(old.region is not None and old.region != new.region for old, new in pairs),
    )


Progress: TypeAlias = tuple[float | None, ...]
"""How far each step of the plan went, in its order."""


@dataclass(frozen=True, slots=True)
class _Try:
    """One round so far: what it was asked, and how far each step of the plan was before and after it."""

    call: EditCall
    before: Progress
    after: Progress
    unchanged: bool


class Past:
    """Which remedies were tried, and which of them brought nothing."""

    def __init__(self, call: EditCall, history: History, candidate: Candidate, now: Progress) -> None:
        self._source = history.request.image
        known: dict[str, Progress] = {}
        self._tries: list[_Try] = []
        for round_ in history.rounds:
            for made, verdict in zip(round_.candidates, round_.verdicts, strict=False):
                if isinstance(made, Failure) or isinstance(verdict, Failure):
                    continue
                after = tuple(progress_in(answer.note) for answer in verdict.answers)
                self._add(round_.call, made, after, known)
        self._add(call, candidate, now, known)

    def _add(self, call: EditCall, made: Candidate, after: Progress, known: dict[str, Progress]) -> None:
        before = known.get(call.base.image.sha256, ())
        self._tries.append(_Try(call, before, after, made.image == call.base.image))
        known[made.image.sha256] = after

    @property
    def corrected(self) -> bool:
        """Whether anything but the thought's plan was tried."""
        return len(self._tries) > 1

    def spent(self, index: int, remedy: Remedy) -> bool:
        """Return whether a remedy for step ``index`` was tried and is not worth another time."""
        if remedy.method == "restart":
            return self._restarted_in_vain(index, remedy.step)
        kind, place = type(remedy.step.operation), remedy.step.region
        for run in self._tries:
            if run.call.base.image == self._source:
                continue
            tried = [old for old in run.call.steps if type(old.operation) is kind and old.region == place]
            gained = self._gained(run, index)
            if tried and (gained is False or (gained is None and any(_same(remedy.step, old) for old in tried))):
                return True
        return False

    def _restarted_in_vain(self, index: int, step: EditStep) -> bool:
        runs = [run for run in self._tries if run.call.base.image == self._source]
        if any(_same(step, old) for run in runs for old in run.call.steps):
            return True
        kind = type(step.operation)
        alike = [
            run.after[index]
            for run in runs
            if index < len(run.after)
            and any(type(old.operation) is kind and old.region == step.region for old in run.call.steps)
        ]
        if len(alike) < 2:
            return False
        first, last = alike[-2:]
        return first is not None and last is not None and abs(1 - last) > abs(1 - first) - _GAIN

    @staticmethod
    def _gained(run: _Try, index: int) -> bool | None:
        """Return whether a correction brought its step nearer; None where no figure tells."""
        before = run.before[index] if index < len(run.before) else None
        after = run.after[index] if index < len(run.after) else None
        if run.unchanged:
            return False
        if before is None or after is None:
            return None
        return abs(1 - after) <= abs(1 - before) - _GAIN


def _same(a: EditStep, b: EditStep) -> bool:
    return a.operation == b.operation and a.region == b.region
