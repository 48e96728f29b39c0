"""Live progress: one line per node, a spinner while it works."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from reasonedit_agent.cli.console import PlainConsole
from reasonedit_agent.events import AnyEvent
from reasonedit_agent.schemas import Stop

__all__ = ["Narrator"]

_DOING = {"think": "thinking", "edit": "editing", "reflect": "looking at the result", "compare": "comparing"}


class Narrator:
    """Tells a person on standard error what happens.

    Args:
        quiet: Say nothing (for ``--json``).
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = PlainConsole(stderr=True, highlight=False, soft_wrap=True)
        self._status: Any = None

    def __enter__(self) -> Narrator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stop()

    def tell(self, event: AnyEvent) -> None:
        """Show one event."""
        if self._quiet:
            return
        if event.type == "asked":
            self._start(f"{_place(event)}{_DOING.get(event.node, event.node)}")
        elif event.type == "progress":
            share = "" if event.fraction is None else f" {event.fraction:.0%}"
            self._start(f"{_place(event)}{event.message or _DOING.get(event.node, '')}{share}")
        else:
            line = _line(event)
            if line:
                self._stop()
                self._console.print(line, markup=False)

    def _start(self, text: str) -> None:
        if not self._console.is_terminal:
            return
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _place(event: AnyEvent) -> str:
    return f"round {event.round}: " if event.round else ""


def _line(event: AnyEvent) -> str:
    """Return the line that an event is worth, or an empty text."""
    if event.type == "planned":
        return f"think    {event.seconds:5.1f} s  {event.thought.instruction}"
    if event.type == "edited":
        note = " (done before)" if event.reused else ""
        return f"edit     {event.seconds:5.1f} s  {_place(event)}{len(event.candidates)} result(s){note}"
    if event.type == "judged":
        verdict = event.verdict
        note = f": {verdict.critique}" if verdict.critique else ""
        return f"reflect  {event.seconds:5.1f} s  {_place(event)}{verdict.kind} {verdict.scores.overall:.1f}/10{note}"
    if event.type == "failed":
        return f"{event.node:8} {event.seconds:5.1f} s  {_place(event)}{event.failure.reason}: {event.failure.message}"
    if event.type == "decided" and isinstance(event.decision.action, Stop):
        return f"decide            stop: {event.decision.action.detail or event.decision.action.reason}"
    if event.type == "noted":
        return f"note              {event.text}"
    return ""
