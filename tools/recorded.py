"""The tool of a recorded run."""

from __future__ import annotations

from reasonedit_agent.events import PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.recording import Recording
from reasonedit_agent.schemas import Candidate, Card, EditCall

__all__ = ["RecordedTool"]


class RecordedTool:
    """Gives the pictures that it is written in a trace that it gave; a changed input is an error that names it.

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
        """Of the recorded tool."""
        return self.recording.info("tool")

    @property
    def card(self) -> Card:
        """The recorded tool's."""
        return self.recording.started.card

    @property
    def seed(self) -> int | None:
        """The recorded run's, for a new run that is given none."""
        return self.recording.request.seed

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Return the recorded candidates, or raise the recorded failure.

        Raises:
            NotRecorded: The run made no such edit.
        """
        return self.recording.candidates(call, ctx)
