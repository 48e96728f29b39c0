"""Progress out of a call that runs in a thread, and the end of the call into it."""

from __future__ import annotations

import asyncio
import threading
import time

from reasonedit_agent.errors import Lost, TimedOut
from reasonedit_agent.events import AnyEvent, Noted, Progress
from reasonedit_agent.protocols import Context

__all__ = ["Watch"]


class Watch:
    """What the thread of an edit looks at, and what it tells.

    Args:
        context: Of the call. Events reach it on the loop that runs now.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._loop = asyncio.get_running_loop()
        self._given_up = threading.Event()
        self._noted: set[str] = set()

    def give_up(self) -> None:
        """Let the thread stop at its next look."""
        self._given_up.set()

    def emit(self, event: AnyEvent) -> None:
        """Hand an event over."""
        self._loop.call_soon_threadsafe(self.context.emit, event)

    def note(self, text: str) -> None:
        """Write a sentence into the trace; the same one again is not written."""
        if text not in self._noted:
            self._noted.add(text)
            self.emit(Noted(text=text))

    def look(self) -> None:
        """Go on, or not.

        Raises:
            Lost: The call was given up.
            TimedOut: The deadline passed.
        """
        if self._given_up.is_set() or self.context.cancelled():
            raise Lost("The edit was cancelled.", retryable=True)
        if self.context.deadline is not None and time.monotonic() > self.context.deadline:
            raise TimedOut("The edit did not end before the deadline.", hint="Give it more time or a smaller picture.")

    def tell(self, fraction: float, message: str) -> None:
        """Look, and report how much is done (0 to 1)."""
        self.look()
        self.emit(Progress(fraction=fraction, message=message))
