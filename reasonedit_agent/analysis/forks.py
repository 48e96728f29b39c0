"""Forks in the analysis: what a run took over from its parent, and which runs belong together.

A fork's trace begins with the lines of its parent, word for word. They count once, with the parent; and whatever is
said of many runs takes a run and its forks for one, since they share a photo, a plan and rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reasonedit_agent import tracing
from reasonedit_agent.errors import TraceError
from reasonedit_agent.events import AnyEvent, Noted, RunStarted
from reasonedit_agent.folding import Fold

__all__ = ["Find", "Lineage", "Prefix", "lineage", "started_in"]

Find = Callable[[str], RunStarted | None]
"""The first event of a run by its id; None where it is not there."""


class Prefix:
    """Follows a trace, and tells when what it took over from a parent is over."""

    def __init__(self) -> None:
        self._note = ""
        self._rounds = 0

    def ends(self, event: AnyEvent, fold: Fold) -> int | None:
        """Return 1 if an event is the last one taken over, 0 if it is the first own one after a plan, else None.

        Args:
            event: That was just folded.
            fold: Of all events up to it.
        """
        if isinstance(event, RunStarted) and event.parent is not None:
            self._note, self._rounds = f"Forked from the run {event.parent} ", event.parent_round
        elif not self._note:
            return None
        elif self._rounds and len(fold.history.rounds) >= self._rounds:
            self._note = ""
            return 1
        elif not self._rounds and isinstance(event, Noted) and event.text.startswith(self._note):
            self._note = ""
            return 0
        return None


@dataclass(frozen=True)
class Lineage:
    """Where a run comes from.

    Attributes:
        root: The run that it goes back to; its own id when it is no fork.
        ancestors: First events, the parent's first, as far as they are there.
        whole: Whether all of them are there.
    """

    root: str
    ancestors: tuple[RunStarted, ...] = ()
    whole: bool = True


def lineage(started: RunStarted, find: Find) -> Lineage:
    """Return where a run comes from.

    Args:
        started: Its first event.
        find: The first events of other runs.
    """
    found: list[RunStarted] = []
    seen, last = {started.run}, started
    while last.parent is not None and last.parent not in seen:
        seen.add(last.parent)
        if (parent := find(last.parent)) is None:
            return Lineage(last.parent, tuple(found), whole=False)
        found.append(parent)
        last = parent
    return Lineage(last.run, tuple(found))


def started_in(folder: Path) -> Find:
    """Return a way to find first events among the runs of a folder; a trace that cannot be read is not there."""
    known: dict[str, RunStarted | None] = {}

    def find(run: str) -> RunStarted | None:
        if run not in known:
            try:
                known[run] = tracing.read_started(folder / run)
            except TraceError:
                known[run] = None
        return known[run]

    return find
