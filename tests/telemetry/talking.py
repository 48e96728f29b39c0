"""Parts whose calls cost something, fail and are tried again; and spans as plain values."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from reasonedit_agent.events import Called
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    EditCall,
    EditRequest,
    Failure,
    History,
    Refine,
    Thought,
    Usage,
    Verdict,
)
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, scores
from tests.graphs.scripts import MORE, paint

PIXELS = "iVBORw0KGgo" * 40
WORDS = ["secretly", "the critique says", "the reply says", "quoted words", PIXELS[:60]]
"""What people and models said in these runs, and pixels."""


class Talking(ScriptedReasoner):
    """Each verdict takes two attempts at a model."""

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        words = {"backend": "qwen-vl", "prompt": "reflect@1", "prompt_sha256": "0" * 64}
        error = "http://x/v1 answered 503: quoted words"
        ctx.emit(Called(**words, error=error, usage=Usage(seconds=0.0), note="attempt 1"))
        usage = Usage(seconds=0.0, prompt_tokens=700, cached_tokens=100, completion_tokens=40, images=2)
        raw = f"the reply says data:image/png;base64,{PIXELS} and {PIXELS}"
        ctx.emit(Called(**words, raw=raw, usage=usage, note="attempt 2, ended by stop"))
        return await super().reflect(request, thought, call, candidate, history, ctx)


def talking_agent(runs: str | Path) -> EditAgent:
    verdicts: list[Verdict | Failure] = [
        Accepted(scores=scores(10)),  # for the run before the clock
        Refine(scores=scores(4), steps=(MORE,), critique="the critique says more"),
        Failure(reason="malformed", message="no verdict in: quoted words"),
        Accepted(scores=scores(9), critique="the critique says yes"),
    ]
    return EditAgent(Talking(verdicts), FunctionTool(paint), "accepted | rounds(3)", runs=runs)


def canonical(spans: Iterable[ReadableSpan]) -> list[dict[str, Any]]:
    """Return spans as JSON values, with names for ids: parents and links by the place of the span."""
    spans = list(spans)
    names = {}
    for span in spans:
        told = span.attributes or {}
        place = [told.get(f"reasonedit.{name}") for name in ("round", "candidate", "attempt")]
        names[span.context.span_id] = f"{span.name} {place}"
    plain: list[dict[str, object]] = [
        {
            "name": names[span.context.span_id],
            "parent": names.get(span.parent.span_id, "outside") if span.parent else None,
            "start": span.start_time,
            "end": span.end_time,
            "kind": span.kind.name,
            "status": [span.status.status_code.name, span.status.description],
            "attributes": dict(span.attributes or {}),
            "events": [[event.name, event.timestamp, dict(event.attributes or {})] for event in span.events],
            "links": [names[link.context.span_id] for link in span.links],
        }
        for span in spans
    ]
    made: list[dict[str, Any]] = json.loads(json.dumps(plain))
    return made
