"""Answers from a trace: what a part said then, for the same question now.

A question is known by its node and by what it was asked about: who asks again with a changed input is told which one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reasonedit_agent import tracing
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import AnyEvent, Asked, Called, Compared, Edited, Failed, Judged, PartInfo, Planned
from reasonedit_agent.folding import Fold
from reasonedit_agent.images import open_store
from reasonedit_agent.protocols import Context, ImageStore
from reasonedit_agent.schemas import (
    Candidate,
    EditCall,
    EditRequest,
    EditStep,
    History,
    ImageRef,
    Mask,
    Preference,
    Thought,
    Verdict,
)

__all__ = ["Recording"]

T = TypeVar("T")


@dataclass(frozen=True)
class _Answer:
    """One question with its answer.

    Attributes:
        asked: What it was about, by name; what differs now is named by its key.
        event: The answer.
        calls: What the part's backends did for it.
    """

    asked: dict[str, object]
    event: Planned | Edited | Judged | Compared | Failed
    calls: tuple[Called, ...] = field(default=())


class Recording:
    """A run that answers for its reasoner, its tool and its comparer.

    Args:
        run: Id or path of the run.
        runs: Where an id is looked for; None is the usual place.

    Raises:
        UsageError: There is no such run.
        TraceError: Its trace cannot be read.
    """

    def __init__(self, run: str | os.PathLike[str], runs: str | os.PathLike[str] | None = None) -> None:
        self.folder = tracing.find_run(run, runs)
        events = tracing.read_events(self.folder)
        fold = Fold(events)
        self.started, self.request = fold.run, fold.run.request
        self.images: ImageStore = open_store(self.folder.parent / tracing.IMAGES)
        self._answers = list(_answers(events))

    def info(self, role: str) -> PartInfo:
        """Return the info of the part that was recorded, named as a recording of it."""
        was: PartInfo | None = getattr(self.started, role)
        settings: dict[str, Any] = {"run": self.started.run, "of": was.name if was else ""}
        return PartInfo(name="recorded", version=was.version if was else "", settings=settings)

    def thought(self, request: EditRequest, history: History, ctx: Context) -> Thought:
        """Return the plan of this moment."""
        event = self._find("think", {**_about(request), **_moment(history)}, ctx)
        assert isinstance(event, Planned)
        for step in event.thought.steps:
            self._copy(step, ctx)
        return event.thought

    def candidates(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Return what the edit gave."""
        event = self._find("edit", _called(call), ctx)
        assert isinstance(event, Edited)
        for candidate in event.candidates:
            ctx.images.put(self.images.get(candidate.image))
        return event.candidates

    def verdict(self, request: EditRequest, candidate: Candidate, history: History, ctx: Context) -> Verdict:
        """Return how a candidate was judged."""
        asked = {**_about(request), **_moment(history), "candidate": candidate.image.sha256}
        event = self._find("reflect", asked, ctx)
        assert isinstance(event, Judged)
        for step in getattr(event.verdict, "steps", None) or ():
            self._copy(step, ctx)
        return event.verdict

    def preference(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Return which of two was preferred."""
        asked = {**_about(request), "incumbent": a.image.sha256, "candidate": b.image.sha256}
        event = self._find("compare", asked, ctx)
        assert isinstance(event, Compared) and isinstance(event.comparison.result, Preference)
        return event.comparison.result

    def _find(self, node: str, asked: dict[str, object], ctx: Context) -> AnyEvent:
        """Return the answer to a question, and emit again what it cost.

        Raises:
            UsageError: The run was never asked this; the message names the input that differs.
            ReasonEditError: The recorded answer is a failure.
        """
        same = [answer for answer in self._answers if answer.event.node == node]
        found = [answer for answer in same if answer.asked == asked]
        if not found:
            raise UsageError(
                f"The run {self.started.run} cannot answer: {_difference(node, asked, [a.asked for a in same])}.",
                hint="Ask what it was asked, with the same image, words and policy, or use a live part.",
            )
        answer = found[-1]
        for call in answer.calls:
            ctx.emit(call.model_copy(update={"note": f"recorded; {call.note}".rstrip("; ")}))
        if isinstance(answer.event, Failed):
            raise answer.event.failure.error()
        if isinstance(answer.event, Compared) and not isinstance(answer.event.comparison.result, Preference):
            raise answer.event.comparison.result.error()
        return answer.event

    def _copy(self, step: EditStep, ctx: Context) -> None:
        if isinstance(step.region, Mask):
            ctx.images.put(self.images.get(step.region.image))


# -- reading the trace ------------------------------------------------------------------------------------------------


def _answers(events: Iterable[AnyEvent]) -> Iterable[_Answer]:
    """Pair each question with its answer; ``asked`` is what the part could see then."""
    fold = Fold()
    asked: dict[tuple[str, int, int], tuple[dict[str, object], list[Called]]] = {}
    for event in events:
        place = event.node, event.round, event.candidate
        if isinstance(event, Asked):
            asked[place] = _question(event, fold), []
        elif isinstance(event, Called) and place in asked:
            asked[place][1].append(event)
        elif isinstance(event, Planned | Edited | Judged | Compared | Failed) and place in asked:
            question, calls = asked.pop(place)
            yield _Answer(question, event, tuple(calls))
        fold.add(event)


_QUESTIONS: dict[str, Callable[[Asked, Fold], dict[str, object]]] = {
    "think": lambda event, fold: {**_about(fold.run.request), **_moment(fold.history)},
    "edit": lambda event, fold: _called(event.call) if event.call else {},
    "reflect": lambda event, fold: {
        **_about(fold.run.request),
        **_moment(fold.history),
        "candidate": _image(fold, event.candidate),
    },
    "compare": lambda event, fold: {
        **_about(fold.run.request),
        "incumbent": _incumbent(fold),
        "candidate": _image(fold, event.candidate),
    },
}


def _question(event: Asked, fold: Fold) -> dict[str, object]:
    ask = _QUESTIONS.get(event.node)
    return ask(event, fold) if ask else {}


def _image(fold: Fold, index: int) -> str:
    found = fold.open.candidates[index] if fold.open and fold.open.candidates else None
    return found.image.sha256 if isinstance(found, Candidate) else ""


def _incumbent(fold: Fold) -> str:
    decisions = fold.history.decisions
    return fold.history.candidate(decisions[-1].keep).image.sha256 if decisions else fold.run.request.image.sha256


# -- what a question is known by --------------------------------------------------------------------------------------


def _about(request: EditRequest) -> dict[str, object]:
    return {
        "image": _short(request.image),
        "instruction": request.instruction,
        "references": tuple(_short(ref) for ref in request.references),
        "region": request.region,
    }


def _moment(history: History) -> dict[str, object]:
    """Return the number of rounds, and what people advised: the same question at another time is another one."""
    said = tuple(given.text for given in history.human if given.kind == "advice")
    return {"rounds before": len(history.rounds), "advice": said}


def _called(call: EditCall) -> dict[str, object]:
    return {
        "base": _short(call.base.image),
        "steps": tuple(step.model_dump_json() for step in call.steps),
        "instruction": call.instruction,
        "seeds": call.seeds,
        "quality": call.quality,
        "region": call.region,
        "references": tuple(_short(ref) for ref in call.references),
    }


def _short(ref: ImageRef) -> str:
    return ref.sha256


def _difference(node: str, asked: dict[str, object], known: list[dict[str, object]]) -> str:
    if not known:
        return f"{node} was never asked"
    nearest = min(known, key=lambda other: sum(other.get(name) != value for name, value in asked.items()))
    name = next(name for name, value in asked.items() if nearest.get(name) != value)
    return f"{node} was asked with another {name}: {_told(nearest.get(name))} then, {_told(asked[name])} now"


def _told(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
