"""What a span says about a node, a call or a verdict: plain values under the names of the GenAI conventions.

The names are those of OpenTelemetry's conventions for generative AI (open-telemetry/semantic-conventions-genai, status:
development), written out because the Python package no longer carries them. What the conventions have no name
for stands under ``reasonedit.``. Words of people and models (the instruction, replies, critiques, and messages of
errors, which may quote them) are content: they are told only where the conventions' variable asks for it. Pictures are
never told, only the hashes of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from reasonedit_agent import __version__
from reasonedit_agent.events import Called, Compared, Decided, Edited, Failed, Judged, PartInfo, RunEnded, RunStarted
from reasonedit_agent.schemas import Continue, Failure, Stop

__all__ = ["AGENT", "CAPTURE", "EVALUATION", "Attributes", "Content", "Evaluation", "call", "ended", "evaluations"]
__all__ += ["operation", "part_of", "result", "run", "wrong"]

AGENT = "reasonedit"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EVALUATION = "gen_ai.evaluation.result"
Attributes: TypeAlias = dict[str, str | bool | int | float | tuple[str, ...]]

_MOST = 10_000
"""Characters of one text."""
_PICTURE = re.compile(r"data:[^,\s\"]{0,80};base64,[A-Za-z0-9+/_\\=-]*|(?:[A-Za-z0-9+/_\\=-]{60,}\s*){3,}")
_ENDED_BY = re.compile(r"ended by (\w+)")
_ERRORS = (
    (re.compile(r"did not answer in time|deadline|timed? ?out", re.IGNORECASE), "timed_out"),
    (re.compile(r"cannot be reached|connection", re.IGNORECASE), "unreachable"),
)
_STATUS = re.compile(r"(?:answered |\()([45]\d\d)\b")


@dataclass(frozen=True, slots=True)
class Content:
    """Whether words may be told: by spans, and by events."""

    spans: bool = False
    events: bool = False

    @classmethod
    def asked_for(cls) -> Content:
        """Return what ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` asks for; nothing unless it is set."""
        said = os.environ.get(CAPTURE, "").strip().lower()
        both = said in ("true", "1", "span_and_event")
        return cls(both or said == "span_only", both or said == "event_only")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One ``gen_ai.evaluation.result``, but for its time."""

    name: str
    value: float | None = None
    label: str = ""
    explanation: str = ""

    def attributes(self, content: Content) -> Attributes:
        """Return it under the conventions' names."""
        told: Attributes = {"gen_ai.evaluation.name": self.name}
        if self.value is not None:
            told["gen_ai.evaluation.score.value"] = self.value
        if self.label:
            told["gen_ai.evaluation.score.label"] = self.label
        if self.explanation and content.events:
            told["gen_ai.evaluation.explanation"] = _text(self.explanation)
        return told


# -- the run ----------------------------------------------------------------------------------------------------------


def run(started: RunStarted, content: Content, *, resumed: bool) -> Attributes:
    """Return what the root span says when it begins."""
    told: Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": AGENT,
        "gen_ai.agent.name": AGENT,
        "gen_ai.agent.version": __version__,
        "gen_ai.conversation.id": started.run,
        "gen_ai.output.type": "image",
        "reasonedit.policy": started.policy,
        "reasonedit.reasoner": started.reasoner.name,
        "reasonedit.tool": started.tool.name,
        "reasonedit.image.sha256": (started.request.image.sha256,),
    }
    if started.request.seed is not None:
        told["gen_ai.request.seed"] = started.request.seed
    if started.request.candidates != 1:
        told["gen_ai.request.choice.count"] = started.request.candidates
    if started.comparer is not None:
        told["reasonedit.comparer"] = started.comparer.name
    if resumed:
        told["reasonedit.resumed"] = True
    if content.spans:
        told["gen_ai.input.messages"] = _messages("user", started.request.instruction)
    return told


def ended(event: RunEnded | None) -> Attributes:
    """Return what the root span says when it ends; a run that waits for a person, or was cut off, is open."""
    if event is None:
        return {"reasonedit.status": "open"}
    told: Attributes = {
        "reasonedit.status": event.status,
        "reasonedit.stopped_by": event.stopped_by,
        "reasonedit.kept.round": event.keep.round,
        "reasonedit.kept.candidate": event.keep.candidate,
    }
    if event.image is not None:
        told["reasonedit.kept.sha256"] = event.image.sha256
    return told


# -- nodes ------------------------------------------------------------------------------------------------------------

_ROLES = {"think": "reasoner", "edit": "tool", "reflect": "reasoner", "compare": "comparer"}


def part_of(started: RunStarted, node: str) -> PartInfo | None:
    """Return the part that a node asks."""
    part: PartInfo | None = getattr(started, _ROLES[node]) if node in _ROLES else None
    return part


def operation(started: RunStarted, node: str) -> tuple[str, Attributes]:
    """Return a node's name as a span, and what is known when it begins."""
    part = part_of(started, node)
    told: Attributes = {"gen_ai.conversation.id": started.run, "reasonedit.node": node}
    if part is not None:
        told |= {"gen_ai.provider.name": part.name, "reasonedit.part.version": part.version}
    if node == "think":
        told |= {"gen_ai.operation.name": "plan", "gen_ai.agent.name": AGENT}
        return f"plan {AGENT}", told
    if node == "edit":
        told |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": started.tool.name}
        told |= {"gen_ai.tool.type": "function"}
        return f"execute_tool {started.tool.name}", told
    return node, told


def result(event: object) -> Attributes:
    """Return what came of a node."""
    if isinstance(event, Edited):
        pictures = tuple(candidate.image.sha256 for candidate in event.candidates)
        return {"reasonedit.reused": event.reused, "reasonedit.image.sha256": pictures}
    if isinstance(event, Judged):
        return {"reasonedit.verdict": event.verdict.kind}
    if isinstance(event, Decided):
        action = event.decision.action
        told: Attributes = {"reasonedit.decision": action.kind, "reasonedit.decision.author": event.decision.author}
        told |= {"reasonedit.kept.round": event.decision.keep.round}
        if isinstance(action, Stop):
            told["reasonedit.stopped_by"] = action.reason
        if isinstance(action, Continue):
            told["reasonedit.base.round"] = action.base.round
        return told
    return {}


def wrong(event: object, content: Content) -> tuple[str, str] | None:
    """Return the class of an error and, where content may be told, its message; None where nothing is wrong."""
    if isinstance(event, Called):
        return (_kind(event.error), _text(event.error) if content.spans else "") if event.error else None
    if isinstance(event, RunEnded):
        failed = event.status in ("failed", "invalid", "unsupported")
        return (event.stopped_by, _text(event.error) if content.spans else "") if failed else None
    failure = event.failure if isinstance(event, Failed) else None
    if isinstance(event, Compared) and isinstance(event.comparison.result, Failure):
        failure = event.comparison.result
    return (failure.reason, _text(failure.message) if content.spans else "") if failure else None


def _kind(error: str) -> str:
    """Return a class of few values for an attempt's error: an HTTP status, a name, or the conventions' fallback."""
    status = _STATUS.search(error)
    if status:
        return status[1]
    return next((name for pattern, name in _ERRORS if pattern.search(error)), "_OTHER")


# -- calls and verdicts -----------------------------------------------------------------------------------------------


def call(event: Called, part: PartInfo | None, content: Content) -> tuple[str, Attributes]:
    """Return the name of a backend's call as a span, and what it says; an unknown cost is left out, not 0."""
    model, usage = event.backend, event.usage
    told: Attributes = {"gen_ai.operation.name": "generate_content" if event.node == "edit" else "chat"}
    told["gen_ai.provider.name"] = part.name if part else AGENT
    if "://" in model:  # a server that did not say what it serves
        url = urlsplit(model)
        model = told["server.address"] = url.hostname or ""
        if url.port:
            told["server.port"] = url.port
    elif model:
        told["gen_ai.request.model"] = model
    if event.node == "edit":
        told["gen_ai.output.type"] = "image"
    counted = {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "reasonedit.usage.images": usage.images,
        "reasonedit.usage.gpu_seconds": usage.gpu_seconds,
        "reasonedit.usage.usd": usage.usd,
    }
    told |= {name: value for name, value in counted.items() if value is not None}
    if event.prompt:
        told |= {"gen_ai.prompt.name": event.prompt, "reasonedit.prompt.sha256": event.prompt_sha256}
    if finish := _ENDED_BY.search(event.note):
        told["gen_ai.response.finish_reasons"] = (finish[1],)
    if content.spans and event.raw:
        told["gen_ai.output.messages"] = _messages("assistant", event.raw, event.reasoning)
    return f"{told['gen_ai.operation.name']} {model}".rstrip(), told


def evaluations(event: Judged | Compared) -> Iterator[Evaluation]:
    """Yield a verdict with its four axes (0 to 10), or a preference."""
    if isinstance(event, Judged):
        verdict = event.verdict
        yield Evaluation("verdict", verdict.scores.overall, verdict.kind, verdict.critique)
        for axis, value in verdict.scores.model_dump().items():
            yield Evaluation(axis, value)
    elif not isinstance(event.comparison.result, Failure):
        found = event.comparison.result
        label = {"a": "incumbent", "b": "candidate", "tie": "tie"}[found.better]
        yield Evaluation("preference", label=label, explanation=found.reason)


def _messages(role: str, text: str, reasoning: str = "") -> str:
    parts = [{"type": "reasoning", "content": _text(reasoning)}] if reasoning else []
    parts.append({"type": "text", "content": _text(text)})
    return json.dumps([{"role": role, "parts": parts}], ensure_ascii=False)


def _text(text: str) -> str:
    """Return a text without pictures in it, and not too long."""
    text = _PICTURE.sub("[picture left out]", text)
    return text if len(text) <= _MOST else f"{text[:_MOST]} [{len(text) - _MOST} characters left out]"
