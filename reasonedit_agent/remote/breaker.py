"""A memory of who does not answer, so that not every call waits for it: a circuit breaker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reasonedit_agent.protocols import Context

__all__ = ["Breaker", "late"]

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 120.0
"""Seconds that an open circuit stays open; each further failure doubles them."""

_PROBE = 0.5
"""Seconds to wait while somebody else finds out whether it is back."""


@dataclass
class Breaker:
    """Leaves alone what failed some times in a row, for a pause that doubles; then a single call finds out.

    Attributes:
        threshold: Failures in a row that open the circuit.
        clock: Seconds that never go back.
        failures: Those in a row, so far.
    """

    threshold: int = 3
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    failures: int = 0
    _until: float = 0.0
    _trying: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it failed too often in a row."""
        return self.failures >= self.threshold

    @property
    def ready(self) -> bool:
        """Whether it may be called: it works, or its pause is over and nobody else finds out whether it is back."""
        return not self.is_open or (self.clock() >= self._until and not self._trying)

    @property
    def pause(self) -> float:
        """Seconds until it may be tried again; 0 if it may now."""
        return max(self._until - self.clock(), _PROBE) if self.is_open else 0.0

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Surround a call, so that of an open circuit there is one at a time."""
        tries = self.is_open
        self._trying = self._trying or tries
        try:
            yield
        finally:
            if tries:
                self._trying = False

    def succeeded(self) -> None:
        """Note that it answered."""
        self.failures = 0

    def failed(self) -> None:
        """Note that it did not answer; calls that were under way when the circuit opened tell nothing new."""
        if self.is_open and self.clock() < self._until:
            return
        self.failures += 1
        if self.is_open:
            pause = min(_FIRST_PAUSE * 2 ** (self.failures - self.threshold), _LONGEST_PAUSE)
            self._until = self.clock() + pause


def late(ctx: Context) -> bool:
    """Return whether the run was given up or its time is over: what fails then tells nothing of who was called."""
    return ctx.cancelled() or (ctx.deadline is not None and time.monotonic() >= ctx.deadline)
