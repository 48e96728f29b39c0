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
        runs: Where an id is looked for.

    Raises:
        UsageError: There is no such run.
    """

    def __init__(self, run: str, runs: str | None = None) -> None:
        self._recording = Recording(run, runs)

    @property
    def info(self) -> PartInfo:
        """Of the recorded reasoner."""
        return self._recording.info("reasoner")

    @property
    def seed(self) -> int | None:
        """The recorded run's, for a new run that is given none."""
        return self._recording.request.seed

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Return the recorded plan, or raise the recorded failure.

        Raises:
            UsageError: The run was asked something else.
        """
        return self._recording.thought(request, history, ctx)

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
        return self._recording.verdict(request, candidate, history, ctx)


class RecordedComparer:
    """Compares as it is written in a trace; arguments and errors as `RecordedReasoner`."""

    def __init__(self, run: str, runs: str | None = None) -> None:
        self._recording = Recording(run, runs)

    @property
    def info(self) -> PartInfo:
        """Of the recorded comparer."""
        return self._recording.info("comparer")

    async def compare(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Return the recorded preference."""
        return self._recording.preference(request, a, b, ctx)
