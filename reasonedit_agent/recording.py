"""Answers from a trace: what a part said then, for the same question now.

A question is known by its node and by what it was asked about: who asks again with a changed input is told which one.
A question that was asked several times is answered in the order of then.
"""

from __future__ import annotations

import os
import re
from collections import Counter
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

__all__ = ["NotRecorded", "Recording"]

T = TypeVar("T")


class NotRecorded(UsageError):
    """A recording was asked what its run was not asked; the message names the input that differs."""


@dataclass(frozen=True, eq=False)
class _Answer:
    """One question with its answer.

    Attributes:
        asked: What it was about, by name; what differs now is named by its key.
        node: Who was asked.
        event: The answer; None where the run ended before it came.
        calls: What the part's backends did for it.
        images: Where its pictures are.
    """

    asked: dict[str, object]
    node: str
    event: Planned | Edited | Judged | Compared | Failed | None
    images: ImageStore
    calls: tuple[Called, ...] = field(default=())


class Recording:
    """A run that answers for its reasoner, its tool and its comparer; several runs answer as one.

    Args:
        run: Id or path of the run; its card, its seed and its parts are those of the recording.
        more: Further runs that answer too.
        runs: Where an id is looked for; None is the usual place.

    Raises:
        UsageError: There is no such run.
        TraceError: Its trace cannot be read.
    """

    def __init__(
        self, run: str | os.PathLike[str], *more: str | os.PathLike[str], runs: str | os.PathLike[str] | None = None
    ) -> None:
        folders = [tracing.find_run(name, runs) for name in (run, *more)]
        traces = [tracing.read_events(folder) for folder in folders]
        folds = [Fold(events) for events in traces]
        self.started, self.request = folds[0].run, folds[0].run.request
        self.images: ImageStore = open_store(folders[0].parent / tracing.IMAGES)
        self._name = ", ".join(fold.run.run for fold in folds)
        self._open = next((fold.run.run for fold in folds if fold.ended is None), "")
        self._answers = [
            answer
            for folder, events in zip(folders, traces, strict=True)
            for answer in _answers(events, open_store(folder.parent / tracing.IMAGES))
        ]
        self._given: Counter[_Answer] = Counter()

    @property
    def made(self) -> Candidate | None:
        """The first result, if there is one."""
        edits = (answer.event for answer in self._answers if isinstance(answer.event, Edited))
        return next((event.candidates[0] for event in edits), None)

    def info(self, role: str) -> PartInfo:
        """Return the info of the part that was recorded, named as a recording of it."""
        was: PartInfo | None = getattr(self.started, role)
        settings: dict[str, Any] = {"run": self._name, "of": was.name if was else ""}
        return PartInfo(name="recorded", version=was.version if was else "", settings=settings)

    def thought(self, request: EditRequest, history: History, ctx: Context) -> Thought:
        """Return the plan of this moment."""
        event, images = self._find("think", {**_about(request), **_moment(history)}, ctx)
        assert isinstance(event, Planned)
        _copy(event.thought.steps, images, ctx)
        return event.thought

    def candidates(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Return what the edit gave."""
        event, images = self._find("edit", _called(call), ctx)
        assert isinstance(event, Edited)
        for candidate in event.candidates:
            ctx.images.put(images.get(candidate.image))
        return event.candidates

    def verdict(
        self, request: EditRequest, thought: Thought, candidate: Candidate, history: History, ctx: Context
    ) -> Verdict:
        """Return how a candidate was judged."""
        asked = {**_about(request), **_moment(history), "candidate": candidate.image.sha256, "plan": thought}
        event, images = self._find("reflect", asked, ctx)
        assert isinstance(event, Judged)
        _copy(getattr(event.verdict, "steps", None) or (), images, ctx)
        return event.verdict

    def preference(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Return which of two was preferred."""
        asked = {**_about(request), "incumbent": a.image.sha256, "candidate": b.image.sha256}
        event, _ = self._find("compare", asked, ctx)
        assert isinstance(event, Compared) and isinstance(event.comparison.result, Preference)
        return event.comparison.result

    def _find(self, node: str, asked: dict[str, object], ctx: Context) -> tuple[AnyEvent, ImageStore]:
        """Return the answer to a question with its store, and emit again what it cost.

        Raises:
            NotRecorded: The run was never asked this.
            ReasonEditError: The recorded answer is a failure.
        """
        same = [answer for answer in self._answers if answer.node == node]
        found = [answer for answer in same if answer.asked == asked and answer.event is not None]
        if not found:
            raise self._unknown(node, asked, same)
        # First asked, first answered; who starts again, starts with the first.
        answer = min(found, key=lambda one: self._given[one])
        self._given[answer] += 1
        for call in answer.calls:
            ctx.emit(call.model_copy(update={"note": f"recorded; {call.note}".rstrip("; ")}))
        event = answer.event
        assert event is not None
        if isinstance(event, Failed):
            raise event.failure.error()
        if isinstance(event, Compared) and not isinstance(event.comparison.result, Preference):
            raise event.comparison.result.error()
        return event, answer.images

    def _unknown(self, node: str, asked: dict[str, object], same: list[_Answer]) -> NotRecorded:
        known = [answer.asked for answer in same]
        if self._open and all(self._given[answer] for answer in same if answer.event is not None):
            # All that it answered was asked again: what comes now is what it did not get to.
            near = f"; {_difference(node, asked, known)}" if known and asked not in known else ""
            return NotRecorded(
                f"The run {self._open} cannot answer: it is not finished and did not get so far ({node}{near}).",
                hint=f"`reasonedit resume {self._open}` goes on with it.",
            )
        return NotRecorded(
            f"The run {self._name} cannot answer: {_difference(node, asked, known)}.",
            hint="Ask what it was asked, with the same image, words and policy, or use a live part.",
        )


def _copy(steps: Iterable[EditStep], images: ImageStore, ctx: Context) -> None:
    for step in steps:
        if isinstance(step.region, Mask):
            ctx.images.put(images.get(step.region.image))


# -- reading the trace ------------------------------------------------------------------------------------------------


def _answers(events: Iterable[AnyEvent], images: ImageStore) -> Iterable[_Answer]:
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
            yield _Answer(question, event.node, event, images, tuple(calls))
        fold.add(event)
    for (node, _, _), (question, _) in asked.items():
        yield _Answer(question, node, None, images)


_QUESTIONS: dict[str, Callable[[Asked, Fold], dict[str, object]]] = {
    "think": lambda event, fold: {**_about(fold.run.request), **_moment(fold.history)},
    "edit": lambda event, fold: _called(event.call) if event.call else {},
    "reflect": lambda event, fold: {
        **_about(fold.run.request),
        **_moment(fold.history),
        "candidate": _image(fold, event.candidate),
        "plan": fold.history.thought,
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
    if asked in known:
        return f"{node} was asked this and never answered"
    nearest = min(known, key=lambda other: sum(other.get(name) != value for name, value in asked.items()))
    name = next(name for name, value in asked.items() if nearest.get(name) != value)
    return f"{node} was asked with another {name}: {_told(nearest.get(name))} then, {_told(asked[name])} now"


def _told(value: object) -> str:
    text = str(value)
    if re.fullmatch("[0-9a-f]{64}", text):
        return text[:12]
    return text if len(text) <= 80 else text[:77] + "..."
