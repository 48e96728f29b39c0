"""The reasoner and the comparer of a recorded run."""

from __future__ import annotations

from reasonedit_agent.events import PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.recording import Recording
from reasonedit_agent.schemas import Candidate, Card, EditCall, EditRequest, History, Preference, Thought, Verdict

__all__ = ["RecordedComparer", "RecordedReasoner"]


class RecordedReasoner:
    """Thinks and reflects as it is written in a trace; a changed input is an error that names it.

    Args:
        run: Id or path of the run.
        more: Further runs that answer too.
        runs: Where an id is looked for.

    Raises:
        UsageError: There is no such run.
    """

    def __init__(self, run: str, *more: str, runs: str | None = None) -> None:
        self.recording = Recording(run, *more, runs=runs)

    @property
    def info(self) -> PartInfo:
        """Of the recorded reasoner."""
        return self.recording.info("reasoner")

    @property
    def seed(self) -> int | None:
        """The recorded run's, for a new run that is given none."""
        return self.recording.request.seed

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Return the recorded plan, or raise the recorded failure.

        Raises:
            NotRecorded: The run was asked something else.
        """
        return self.recording.thought(request, history, ctx)

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Return the recorded verdict; raises like `think`."""
        return self.recording.verdict(request, thought, candidate, history, ctx)


class RecordedComparer:
    """Compares as it is written in a trace; arguments and errors as `RecordedReasoner`."""

    def __init__(self, run: str, *more: str, runs: str | None = None) -> None:
        self.recording = Recording(run, *more, runs=runs)

    @property
    def info(self) -> PartInfo:
        """Of the recorded comparer."""
        return self.recording.info("comparer")

    async def compare(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Return the recorded preference."""
        return self.recording.preference(request, a, b, ctx)
