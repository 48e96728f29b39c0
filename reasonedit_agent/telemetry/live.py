"""Spans while a run happens, where this process has configured OpenTelemetry.

Nothing is imported and nothing is told where it has not. A run waits for no exporter: a thread of its own makes the
spans, and the end of the run waits for it for `PATIENCE` seconds at most.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from typing import TYPE_CHECKING

from reasonedit_agent.events import AnyEvent, RunStarted

if TYPE_CHECKING:
    from reasonedit_agent.telemetry.spans import Spans

__all__ = ["PATIENCE", "Live", "live"]

PATIENCE = 1.0
"""Seconds that the end of a run waits for its spans to be handed over; those not yet made are made after it."""

_log = logging.getLogger(__name__)


class Live:
    """Hands events over to a thread that makes spans of them.

    Args:
        spans: Of this run.
    """

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._events: queue.SimpleQueue[AnyEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="reasonedit-telemetry", daemon=True)
        self._thread.start()
        self._closed = False

    def add(self, event: AnyEvent) -> None:
        """Take one event in; returns at once."""
        if not self._closed:
            self._events.put(event)

    def close(self) -> None:
        """End the run's spans; returns after `PATIENCE` seconds at the latest. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._events.put(None)
            self._thread.join(PATIENCE)

    def _work(self) -> None:
        try:
            while (event := self._events.get()) is not None:
                self._spans.add(event)
            self._spans.close()
        except Exception:  # somebody's processor, sampler or exporter: no reason for an edit to fail
            _log.warning("This run's spans could not be made.", exc_info=True)


def live(started: RunStarted | None = None) -> Live | None:
    """Return who tells this process's OpenTelemetry of a run, or None where nothing is configured.

    Args:
        started: The run's first event, if it goes on.
    """
    if "opentelemetry.trace" not in sys.modules:  # whoever configures a provider has imported it
        return None
    try:
        from opentelemetry import _logs, trace

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider):
            return None
        from reasonedit_agent import __version__
        from reasonedit_agent.telemetry.spans import Spans

        # The module has no public name for "nobody configured logs": its stand-ins have one type each.
        logs = type(_logs.get_logger_provider()).__name__ not in ("ProxyLoggerProvider", "NoOpLoggerProvider")
        logger = _logs.get_logger("reasonedit_agent", __version__) if logs else None
        return Live(Spans(trace.get_tracer("reasonedit_agent", __version__), logger, started=started))
    except Exception:
        _log.warning("OpenTelemetry is not told of this run.", exc_info=True)
        return None
