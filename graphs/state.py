"""What LangGraph carries: plain JSON in the state, everything else in the Runtime context.

The trace is the source of truth. The state says where the run is and shows this round's values to those who watch
the graph; nodes read the fold of the trace, never the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import SkipJsonSchema

# On Python before 3.12 `typing.TypedDict` has no JSON schema, and LangGraph's server would list no inputs.
from typing_extensions import TypedDict

__all__ = ["Context", "Json", "RunInput", "State"]

Json = dict[str, Any]


class RunInput(TypedDict, total=False):
    """What a run starts from: the id of one whose trace exists, or an image and an instruction.

    Keys:
        run: Of a trace that exists (the agent makes it; a server's client may name one to go on with).
        image: Path of the source on the machine that runs the graph.
        instruction: As the user wrote it.
        references: Paths of further photos.
    """

    run: str
    image: str
    instruction: str
    references: list[str]


class State(RunInput, total=False):
    """Where the run is.

    Keys:
        round: Under way; 0 before the first.
        next: The node that comes next.
        thought: The plan in force.
        candidates: This round's candidates, or failures.
        verdicts: This round's verdicts, or failures.
        decision: The last one.
        status: How it ended.
        image_path: The kept image, once it ended.
    """

    round: int
    next: str
    thought: Json | None
    candidates: list[Json]
    verdicts: list[Json]
    decision: Json | None
    status: str
    image_path: str


@dataclass
class Context:
    """What the nodes are handed and nobody checkpoints.

    Attributes:
        reasoner: Text of the part, for a server that opens the run itself.
        tool: Likewise.
        policy: Likewise; empty is the default policy.
        runs: Folder of the runs; None is the user's.
        approve: Whether a person approves the plan.
        review: Whether a person reviews each round.
        candidates: Per round.
        session: The open run. The agent hands it over; without one the first node opens it.
    """

    reasoner: str = "embedded"
    tool: str = "classical"
    policy: str = ""
    runs: str | None = None
    approve: bool = False
    review: bool = False
    candidates: int = 1
    session: SkipJsonSchema[Any] = None
