"""A recorded run, told to a collector over OTLP: the same spans that it told, or would have told, when it happened."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reasonedit_agent import __version__
from reasonedit_agent.errors import Lost, TraceError, UsageError
from reasonedit_agent.events import AnyEvent, RunStarted

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["endpoint", "export_otlp", "spans_of"]

TIMEOUT = 10.0
"""Seconds for one run, with the exporter's own retries."""


def endpoint(url: str) -> str:
    """Return where spans go: a collector's address with the protocol's path, unless it ends in it.

    Raises:
        UsageError: It is no http address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"{url!r} is no address of a collector.", hint="Give one such as http://localhost:4318.")
    if parts.username or parts.password:
        raise UsageError(
            "A collector's address holds a password.", hint="Put it in $OTEL_EXPORTER_OTLP_HEADERS instead."
        )
    return url if parts.path.endswith("/v1/traces") else f"{url.rstrip('/')}/v1/traces"


def spans_of(events: Iterable[AnyEvent]) -> list[ReadableSpan]:
    """Return a run's spans, each after its children. Ids follow from the run's id: exporting twice makes no new spans.

    Raises:
        TraceError: There is no run_started event.
        UsageError: OpenTelemetry is not installed, or switched off by ``OTEL_SDK_DISABLED``.
    """
    try:
        from opentelemetry.context import Context, attach, detach
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.sdk.trace.id_generator import IdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        from reasonedit_agent.telemetry.spans import Spans
    except ImportError as error:
        raise UsageError("OpenTelemetry is not installed.", hint="pip install 'reasonedit-agent[otel]'") from error

    class Ids(IdGenerator):
        """Ids that are hashes of the run's id and a count."""

        def __init__(self, run: str) -> None:
            self._run, self._count = run, 0

        def generate_span_id(self) -> int:
            self._count += 1
            return int.from_bytes(hashlib.sha256(f"{self._run} {self._count}".encode()).digest()[:8]) or 1

        def generate_trace_id(self) -> int:
            return int.from_bytes(hashlib.sha256(self._run.encode()).digest()[:16]) or 1

    events = list(events)
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    if started is None:
        raise TraceError("The trace has no run_started event.")
    kept = InMemorySpanExporter()
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "reasonedit"}
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource.create(named),
        shutdown_on_exit=False,
        id_generator=Ids(started.run),
    )
    provider.add_span_processor(SimpleSpanProcessor(kept))
    token = attach(Context())  # a root of its own, whatever span is current here
    try:
        spans = Spans(provider.get_tracer("reasonedit_agent", __version__))
    finally:
        detach(token)
    for event in events:
        spans.add(event)
    spans.close()
    made = list(kept.get_finished_spans())
    if not made:
        raise UsageError("OpenTelemetry made no spans.", hint="Is $OTEL_SDK_DISABLED set?")
    return made


def export_otlp(events: Iterable[AnyEvent], url: str, *, timeout: float = TIMEOUT) -> int:
    """Send a run's spans to a collector over OTLP/HTTP; return how many.

    Headers (keys), certificates and compression are those of the ``OTEL_EXPORTER_OTLP_*`` variables.

    Args:
        events: Of one run.
        url: Of the collector, such as ``http://localhost:4318``, or Phoenix's ``http://localhost:6006``.
        timeout: Seconds, with retries.

    Raises:
        UsageError: OpenTelemetry is not installed, or the address is wrong.
        Lost: The collector did not take them.
    """
    address = endpoint(url)
    spans = spans_of(events)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as error:
        raise UsageError(
            "OpenTelemetry's exporter is not installed.", hint="pip install 'reasonedit-agent[otel]'"
        ) from error
    exporter = OTLPSpanExporter(endpoint=address, timeout=timeout)
    with _said() as lines:
        try:
            done = exporter.export(spans)
        finally:
            exporter.shutdown()  # type: ignore[no-untyped-call]
    if done is not SpanExportResult.SUCCESS:
        raise Lost(
            f"{address} did not take the spans: {_why(lines)}.", hint="Is a collector running there?", retryable=True
        )
    return len(spans)


def _why(lines: list[str]) -> str:
    """Return the reason among the exporter's lines: the system's words, else its first line."""
    if not lines:
        return "no reason was given"
    system = re.search(r"\[Errno -?\d+\] ([^\"'>)]+)", lines[0])
    return system[1].strip() if system else " ".join(lines[0].split())[:300].rstrip(".")


@contextmanager
def _said() -> Iterator[list[str]]:
    """Collect what the exporter logs, which is the only place where it says why it failed."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("opentelemetry.exporter"), Kept(logging.WARNING)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
