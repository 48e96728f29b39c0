"""What the command line hands to the page, which may not know the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reasonedit_agent.schemas import Region

__all__ = ["Agent", "Part", "Parts", "Workshop"]

Parts = tuple[str, str, str]
"""Texts of a reasoner, a tool and a policy."""


class Agent(Protocol):
    """What the page needs of `reasonedit_agent.EditAgent`."""

    async def aedit(self, image: Any, instruction: str, **options: Any) -> Any:
        """Edit an image."""
        ...

    async def aresume(self, run: Any, answer: str | None = None, **options: Any) -> Any:
        """Go on with a run."""
        ...


@dataclass(frozen=True)
class Part:
    """A reasoner or a tool that can be chosen.

    Attributes:
        role: ``reasoner`` or ``tool``.
        name: As registered.
        lacks: What this machine has not; empty where it can be used as it is.
        command: That adds what it lacks.
    """

    role: str
    name: str
    lacks: str = ""
    command: str = ""


@dataclass(frozen=True)
class Workshop:
    """What the page needs and may not import.

    Attributes:
        runs: Folder of the runs.
        parts: All that have a name.
        make: Builds an agent from the texts of a reasoner, a tool and a policy.
        of_run: Builds the agent of a recorded run.
        fork: Writes a new run that begins with the first rounds of another, for an agent to go on with; returns its id.
        region: Reads a region as the command line does, but never a file.
    """

    runs: Path
    parts: Sequence[Part]
    make: Callable[[str, str, str], Agent]
    of_run: Callable[[Path], Agent]
    fork: Callable[[Agent, Path, int], str]
    region: Callable[[str], Region]
