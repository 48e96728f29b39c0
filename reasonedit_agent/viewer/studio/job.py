"""A run that this process works on, as those who watch it see it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from reasonedit_agent.events import AnyEvent, Progress, RunStarted

__all__ = ["Job"]


@dataclass
class Job:
    """A run that this process works on.

    Attributes:
        events: So far; progress is told in ``progress`` alone.
        progress: The last one of the part at work.
        error: Why there is no run, in one line.
        overhead: Seconds that listening took.
    """

    events: list[AnyEvent] = field(default_factory=list)
    progress: Progress | None = None
    error: str = ""
    done: bool = False
    overhead: float = 0.0
    future: Future[Any] | None = None
    _version: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, event: AnyEvent) -> None:
        """Take an event; called from the thread that emits it."""
        start = time.perf_counter()
        with self._changed:
            if isinstance(event, Progress):
                self.progress = event
            else:
                self.progress = None
                self.events.append(event)
            self._version += 1
            self._changed.notify_all()
        self.overhead += time.perf_counter() - start

    def end(self, error: str = "") -> None:
        """Say that nothing more comes."""
        with self._changed:
            self.done, self.error = True, error
            self._version += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """Wait until there is more than ``seen``, and return the version that there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > seen or self.done, timeout=seconds)
            return self._version

    def rest(self, seconds: float) -> None:
        """Wait so long, or until the end if that is sooner."""
        with self._changed:
            self._changed.wait_for(lambda: self.done, timeout=seconds)

    def interrupt(self, seconds: float) -> bool:
        """Cancel the work, and wait for its end; return whether there was any to cancel."""
        if self.done or self.future is None:
            return False
        self.future.cancel()
        with self._changed:
            return self._changed.wait_for(lambda: self.done, timeout=seconds)

    @property
    def run(self) -> str:
        """The run's id; empty before its first event."""
        first = self.events[0] if self.events else None
        return first.run if isinstance(first, RunStarted) else ""
