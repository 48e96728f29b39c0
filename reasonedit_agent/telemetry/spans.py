"""Spans from events: the one way from a run to OpenTelemetry, whether the run is recorded or happens now.

Every time is that of an event, so that a run tells the same spans while it happens and ten years later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry import context as contexts
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace import set_span_in_context as within

from reasonedit_agent.events import (
    AnyEvent,
    Asked,
    Called,
    Compared,
    Decided,
    Edited,
    Event,
    Failed,
    Judged,
    Noted,
    PersonAnswered,
    PersonAsked,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.schemas import Usage
from reasonedit_agent.telemetry import attributes as attributes_of
from reasonedit_agent.telemetry.attributes import Attributes, Content

__all__ = ["Spans"]

Place: TypeAlias = tuple[str, int, int]
"""Node, round, candidate."""


@dataclass
class _Open:
    """A node that began and has not ended; times in nanoseconds."""

    span: Span
    start: int
    last: int
    attempt: int


class Spans:
    """Tells one run to a tracer, event by event.

    One root span; a span for each node, and for each attempt at it; a span for each attempt at a backend's call inside
    of it. A root's parent is the span that is current where this is made.

    Args:
        tracer: Makes the spans.
        logger: Told the evaluations as log-based events too, parented to the edit that was judged; None tells none.
        started: The run's first event, where it goes on and will not come again.
        content: Which words may be told; by default what the environment asks for.
    """

    def __init__(
        self,
        tracer: Tracer,
        logger: Logger | None = None,
        *,
        started: RunStarted | None = None,
        content: Content | None = None,
    ) -> None:
        self._tracer, self._logger, self._started = tracer, logger, started
        self._content = Content.asked_for() if content is None else content
        self._outer = contexts.get_current()
        self._root: Span | None = None
        self._open: dict[Place, _Open] = {}
        self._edits: dict[int, SpanContext] = {}
        self._ended: RunEnded | None = None
        self._last = 0

    def add(self, event: AnyEvent) -> None:
        """Take one event in; those before the run's first one are left out."""
        if isinstance(event, RunStarted):
            self._started = event
        if self._started is None or event.type == "progress":
            return
        at = _nanoseconds(event.at)
        if self._root is None:
            self._begin(self._started, at, resumed=not isinstance(event, RunStarted))
        self._ended = event if isinstance(event, RunEnded) else None
        if isinstance(event, Asked | PersonAsked):
            self._ask(event, at)
        elif isinstance(event, Called):
            self._call(event, at)
        elif isinstance(event, Planned | Edited | Judged | Compared | Failed | Decided | PersonAnswered | RunEnded):
            self._answer(event, at)
        elif isinstance(event, Noted) and self._content.spans and self._root is not None:
            self._root.add_event("reasonedit.note", {"reasonedit.note": event.text}, timestamp=at)
        self._last = max(self._last, at)

    def close(self) -> None:
        """End what is open: nodes that gave no answer at the last that was heard of them, and the root."""
        for place in list(self._open):
            self._abandon(place)
        if self._root is not None:
            self._root.set_attributes(attributes_of.ended(self._ended))
            _mark(self._root, attributes_of.wrong(self._ended, self._content))
            self._root.end(self._last)
            self._root = None

    def _begin(self, started: RunStarted, at: int, *, resumed: bool) -> None:
        told = attributes_of.run(started, self._content, resumed=resumed)
        name = f"invoke_agent {attributes_of.AGENT}"
        self._root = self._tracer.start_span(name, self._outer, SpanKind.INTERNAL, told, start_time=at)
        self._last = at

    def _start(self, event: Event, start: int) -> Span:
        assert self._started is not None and self._root is not None
        name, told = attributes_of.operation(self._started, event.node)
        told |= {"reasonedit.round": event.round, "reasonedit.candidate": event.candidate}
        told["reasonedit.attempt"] = event.attempt
        judged = self._edits.get(event.round) if event.node in ("reflect", "compare") else None
        links = [Link(judged)] if judged else []
        inside = within(self._root, self._outer)
        span = self._tracer.start_span(name, inside, SpanKind.INTERNAL, told, links, start_time=start)
        if event.node == "edit":
            self._edits[event.round] = span.get_span_context()
        return span

    def _ask(self, event: Asked | PersonAsked, at: int) -> None:
        place = (event.node, event.round, event.candidate)
        if place in self._open:  # an earlier attempt that was cut off
            self._abandon(place)
        self._open[place] = _Open(self._start(event, at), at, at, event.attempt)

    def _abandon(self, place: Place) -> None:
        cut = self._open.pop(place)
        if place[0] in ("think", "edit", "reflect", "compare"):
            _mark(cut.span, ("interrupted", ""))
        cut.span.end(cut.last)

    def _answer(self, event: AnyEvent, at: int) -> None:
        open_ = self._open.pop((event.node, event.round, event.candidate), None)
        if open_ is None:  # nobody was asked: a decision, or an edit whose result was looked up
            start = min(self._last, at)
            open_ = _Open(self._start(event, start), start, start, event.attempt)
        open_.span.set_attributes(attributes_of.result(event))
        _mark(open_.span, attributes_of.wrong(event, self._content))
        if isinstance(event, Judged | Compared):
            for evaluation in attributes_of.evaluations(event):
                self._evaluated(open_.span, evaluation.attributes(self._content), event.round, at)
        open_.span.end(max(open_.start, at))

    def _evaluated(self, span: Span, told: Attributes, round_: int, at: int) -> None:
        span.add_event(attributes_of.EVALUATION, told, timestamp=at)
        if self._logger is not None:
            judged = self._edits.get(round_, span.get_span_context())
            about = within(NonRecordingSpan(judged), self._outer)
            self._logger.emit(
                timestamp=at,
                context=about,
                severity_number=SeverityNumber.INFO,
                event_name=attributes_of.EVALUATION,
                attributes=told,
            )

    def _call(self, event: Called, at: int) -> None:
        if not (event.raw or event.error or event.usage != Usage()):
            return  # it only explains an answer: how a panel voted
        assert self._started is not None and self._root is not None
        open_ = self._open.get((event.node, event.round, event.candidate))
        parent, earliest = (open_.span, open_.start) if open_ else (self._root, at)
        # A call is told when it is over; how long it took is part of what it cost.
        start = max(earliest, at - _nanoseconds(event.usage.seconds or 0.0)) if open_ else at
        part = attributes_of.part_of(self._started, event.node)
        name, told = attributes_of.call(event, part, self._content)
        told |= {"gen_ai.conversation.id": self._started.run, "reasonedit.round": event.round}
        told["reasonedit.candidate"] = event.candidate
        span = self._tracer.start_span(name, within(parent, self._outer), SpanKind.CLIENT, told, start_time=start)
        _mark(span, attributes_of.wrong(event, self._content))
        span.end(max(start, at))
        if open_ is not None:
            open_.last = max(open_.last, at)


def _nanoseconds(seconds: float) -> int:
    """Return whole microseconds in nanoseconds: a float of seconds since 1970 has no more digits."""
    return round(seconds * 1e6) * 1000


def _mark(span: Span, error: tuple[str, str] | None) -> None:
    if error is not None:
        span.set_attribute("error.type", error[0])
        span.set_status(Status(StatusCode.ERROR, error[1] or None))
