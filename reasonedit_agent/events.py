"""What a trace is made of: one frozen, tagged class per fact.

A trace is a file of JSON lines, one event per line, append-only. `RunStarted` stands first and names the version of
this schema; a fixture of every released version must load for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, TypeAdapter

from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Card,
    Comparison,
    Decision,
    EditCall,
    EditRequest,
    Failure,
    HumanAnswer,
    ImageRef,
    Pick,
    Refine,
    Rejected,
    Thought,
    Usage,
    Value,
)

__all__ = [
    "EVENT",
    "VERSION",
    "AnyEvent",
    "Asked",
    "Called",
    "Compared",
    "Decided",
    "Edited",
    "Event",
    "Failed",
    "Judged",
    "Noted",
    "PartInfo",
    "PersonAnswered",
    "PersonAsked",
    "Planned",
    "Progress",
    "RunEnded",
    "RunStarted",
    "Status",
    "images_of",
]

VERSION = 1
"""Of the trace's schema; raised when an old reader could misread a new file."""

Node = Literal["begin", "think", "approve", "edit", "reflect", "compare", "review", "decide", "ask", "finish"]
Status = Literal["accepted", "best_effort", "unsupported", "failed", "waiting", "invalid"]


class Event(Value):
    """Where and when a fact belongs.

    Attributes:
        at: Seconds since 1970.
        node: Of the graph.
        round: 0 before the first.
        candidate: Index in the round.
        attempt: How often this node was asked the same thing, from 1.
    """

    at: float = 0.0
    node: Node = "begin"
    round: int = 0
    candidate: int = 0
    attempt: int = 1


class PartInfo(Value):
    """Which reasoner, tool or comparer took part.

    Attributes:
        name: As registered, or the class's name.
        version: Of the part.
        settings: That change what it answers; no secrets.
        spec: The text that builds it again; empty when it was handed over as an object.
    """

    name: str
    version: str = ""
    spec: str = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class RunStarted(Event):
    """The first line: all that is needed to run it again, and to decide it again.

    Attributes:
        version: Of this schema.
        run: The run's id.
        title: A name for people: the source file's stem.
        request: With its seed drawn.
        reasoner: Who thinks and reflects.
        tool: Who edits.
        comparer: Who compares, if anybody.
        card: The tool's capability card.
        policy: As text.
        fitted: The policy's fitted parameters (prices, calibration), frozen.
        approve: Whether a person approves the plan.
        review: Whether a person reviews each round.
        key: The caller's idempotency key.
        shadow: How many rounds past the stop are recorded, to judge later stops.
        parent: The run that this one was forked from, if it is a fork.
        parent_round: How many rounds, with the decisions between them, were taken over from the parent; its policy
            and its parts made them, not those named here.
        parent_compared: Which of those rounds have comparisons.
    """

    type: Literal["run_started"] = "run_started"
    version: int = VERSION
    run: str
    title: str = "image"
    request: EditRequest
    reasoner: PartInfo
    tool: PartInfo
    comparer: PartInfo | None = None
    card: Card = Card()
    policy: str
    fitted: dict[str, JsonValue] = Field(default_factory=dict)
    approve: bool = False
    review: bool = False
    key: str | None = None
    shadow: int = 0
    parent: str | None = None
    parent_round: int = 0
    parent_compared: tuple[int, ...] = ()


class Asked(Event):
    """A part is about to be called. For an edit: with what, and the key under which its result is looked up."""

    type: Literal["asked"] = "asked"
    call: EditCall | None = None
    key: str = ""


class Planned(Event):
    """The Reasoner's plan, or the plan as a person changed it."""

    type: Literal["planned"] = "planned"
    thought: Thought
    seconds: float = 0.0


class Edited(Event):
    """The candidates of a round; ``reused`` when they were looked up and not made again."""

    type: Literal["edited"] = "edited"
    candidates: tuple[Candidate, ...]
    key: str = ""
    reused: bool = False
    seconds: float = 0.0


class Judged(Event):
    """The verdict on one candidate."""

    type: Literal["judged"] = "judged"
    verdict: Annotated[Accepted | Refine | Rejected, Field(discriminator="kind")]
    seconds: float = 0.0


class Compared(Event):
    """The incumbent against one candidate."""

    type: Literal["compared"] = "compared"
    comparison: Comparison
    seconds: float = 0.0


class Failed(Event):
    """A part gave no value."""

    type: Literal["failed"] = "failed"
    failure: Failure
    seconds: float = 0.0


class Called(Event):
    """One call of a backend inside a part, with what it cost; a part emits it.

    Attributes:
        backend: Who was called (a model's or a server's name).
        prompt: Name and version of the prompt, if there was one.
        prompt_sha256: Of the prompt's template.
        raw: The reply as it came.
        reasoning: What the model thought before it replied, where the backend tells.
        error: Why this attempt gave no reply; a later one may have.
        usage: What it cost.
        note: Anything else that explains the answer.
    """

    type: Literal["called"] = "called"
    backend: str = ""
    prompt: str = ""
    prompt_sha256: str = ""
    raw: str = ""
    reasoning: str = ""
    error: str = ""
    usage: Usage = Usage()
    note: str = ""


class Progress(Event):
    """How far a part is, for people who watch; never written to the trace.

    Attributes:
        fraction: 0 to 1, or None where it is not known.
        message: What it does.
        preview: An unfinished picture.
    """

    type: Literal["progress"] = "progress"
    fraction: float | None = None
    message: str = ""
    preview: ImageRef | None = None


class Noted(Event):
    """Something that a reader should know (a 16-bit source was reduced to 8 bits)."""

    type: Literal["noted"] = "noted"
    text: str


class Decided(Event):
    """A decision; the one after ``decision.after`` rounds."""

    type: Literal["decided"] = "decided"
    decision: Decision


class PersonAsked(Event):
    """The run waits for a person."""

    type: Literal["person_asked"] = "person_asked"
    question: str


class PersonAnswered(Event):
    """What the person said; written before anything acts on it."""

    type: Literal["person_answered"] = "person_answered"
    answer: HumanAnswer


class RunEnded(Event):
    """The outcome. A later event re-opens the run (an interrupted one that is resumed)."""

    type: Literal["run_ended"] = "run_ended"
    status: Status
    stopped_by: str
    detail: str = ""
    keep: Pick
    image: ImageRef | None = None
    error: str = ""


AnyEvent = (
    RunStarted
    | Asked
    | Planned
    | Edited
    | Judged
    | Compared
    | Failed
    | Called
    | Progress
    | Noted
    | Decided
    | PersonAsked
    | PersonAnswered
    | RunEnded
)
"""The plain union, for type hints; `EVENT` is the tagged one that pydantic reads in one step."""

EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])
"""Reads one event: ``EVENT.validate_json(line)``."""


def images_of(events: Iterable[AnyEvent]) -> dict[str, ImageRef]:
    """Return all pictures that events name, by their hash: sources, references, results and masks."""
    found: dict[str, ImageRef] = {}

    def walk(value: Any) -> None:
        if isinstance(value, ImageRef):
            found[value.sha256] = value
        elif isinstance(value, tuple | list):
            for item in value:
                walk(item)
        elif hasattr(type(value), "model_fields"):
            for name in type(value).model_fields:
                walk(getattr(value, name))

    for event in events:
        walk(event)
    return found
