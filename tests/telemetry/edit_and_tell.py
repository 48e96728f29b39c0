"""A user's process: it configures OpenTelemetry, edits a picture inside of a span of its own, and says what came of it.

Arguments: the picture, the runs' folder, the collector's address, and how spans are processed.
"""

import json
import sys
import time
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.telemetry.talking import canonical, talking_agent


class Broken(SpanProcessor):
    def on_start(self, span: object, parent_context: object = None) -> None:
        raise RuntimeError("a processor with an error")


def processor(kind: str, url: str) -> SpanProcessor:
    if kind == "broken":
        return Broken()
    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", timeout=5)
    return SimpleSpanProcessor(exporter) if kind == "simple" else BatchSpanProcessor(exporter)


def main(picture: str, runs: str, url: str, kind: str) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    agent = talking_agent(runs)
    agent.edit(picture, "warm up")  # imports and threads, before the clock runs
    trace.set_tracer_provider(provider)
    provider.add_span_processor(processor(kind, url))
    tracer = trace.get_tracer("a user")
    if kind == "broken":
        started = time.monotonic()
        result = agent.edit(picture, "make it secretly warmer", seed=1)
        seconds = time.monotonic() - started
    else:
        # The user's own span must not wait for a dead collector in this measurement: it ends after the clock.
        with tracer.start_as_current_span("request"):
            started = time.monotonic()
            result = agent.edit(picture, "make it secretly warmer", seed=1)
            seconds = time.monotonic() - started
    spans: Sequence[ReadableSpan] = [span for span in kept.get_finished_spans() if span.name != "request"]
    told = {"run": result.run, "status": result.status, "seconds": seconds, "spans": canonical(spans)}
    print(json.dumps(told), flush=True)
    if kind == "batch" and "--flush" in sys.argv:
        provider.force_flush()


main(*sys.argv[1:5])
