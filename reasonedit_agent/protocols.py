"""The seams: what a reasoner, a tool, a comparer and a policy must offer, and what they are handed.

A part that raises one of `reasonedit_agent.errors` says precisely what went wrong; anything else that it raises is
recorded as ``lost``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from reasonedit_agent.events import AnyEvent, PartInfo
from reasonedit_agent.schemas import (
    Ask,
    Candidate,
    Card,
    Continue,
    Decision,
    EditCall,
    EditRequest,
    History,
    ImageRef,
    Pick,
    Preference,
    Stop,
    Thought,
    Verdict,
)

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "Comparer",
    "Context",
    "EditTool",
    "ImageStore",
    "KeepPolicy",
    "NextPolicy",
    "Policy",
    "Reasoner",
    "StoppingPolicy",
]


class ImageStore(Protocol):
    """Encoded images by the hash of their bytes."""

    def put(self, data: bytes) -> ImageRef:
        """Store an encoded PNG, JPEG or WebP and return its name; storing it twice is free."""
        ...

    def get(self, ref: ImageRef) -> bytes:
        """Return the encoded bytes.

        Raises:
            StoreError: It is not there, or its hash is wrong.
        """
        ...

    def path(self, ref: ImageRef) -> Path | None:
        """Return the local file, or None where the store has none."""
        ...

    def open(self, ref: ImageRef) -> Image:
        """Return the decoded picture: mode RGB, RGBA, L or LA, 8 bits per channel."""
        ...

    def save(self, image: Image, like: ImageRef | None = None) -> ImageRef:
        """Encode a picture in the format of ``like`` (JPEG 95 4:4:4, or PNG where there is alpha) and store it."""
        ...


class Context(Protocol):
    """What a part is handed with every call.

    Attributes:
        images: The store.
        deadline: On `time.monotonic`'s clock, or None.
    """

    @property
    def images(self) -> ImageStore: ...  # noqa: D102

    @property
    def deadline(self) -> float | None: ...  # noqa: D102

    def emit(self, event: AnyEvent) -> None:
        """Hand over a `Called`, `Progress` or `Noted`; the caller adds where and when."""
        ...

    def cancelled(self) -> bool:
        """Whether the run was given up; a long call looks at it between its steps."""
        ...


@runtime_checkable
class Reasoner(Protocol):
    """The mind: plans the edit and judges its results."""

    @property
    def info(self) -> PartInfo:
        """Name, version and settings, for the trace."""
        ...

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Turn the instruction into a plan that a tool with ``card`` can execute.

        ``history.human`` may hold advice that a person gave since; the plan must follow it.

        Raises:
            Unsupported: No tool with this card can do it.
        """
        ...

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Judge ``candidate`` against the user's instruction. ``history`` holds the rounds before this one."""
        ...


@runtime_checkable
class EditTool(Protocol):
    """The hand: makes pictures."""

    @property
    def info(self) -> PartInfo:
        """Name, version and settings, for the trace and for the key of a finished edit."""
        ...

    @property
    def card(self) -> Card:
        """What it can do."""
        ...

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Run all steps of ``call`` and return one candidate per seed.

        The geometry of each maps from the *source* (composed with the base's); its size is the base's unless a step
        changes it.
        """
        ...


@runtime_checkable
class Comparer(Protocol):
    """Says which of two candidates serves the request better."""

    @property
    def info(self) -> PartInfo:
        """Name, version and settings, for the trace."""
        ...

    async def compare(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Ask in both orders; when they disagree it is a tie."""
        ...


class StoppingPolicy(Protocol):
    """Whether to stop. Pure: no input, no output, no clock."""

    def stop(self, history: History) -> Stop | Ask | None:
        """Return why to stop, a question for a person, or None to go on."""
        ...


class KeepPolicy(Protocol):
    """Which candidate is the result so far. Pure."""

    def keep(self, history: History) -> Pick:
        """Return the best pick of the history; `SOURCE` when nothing is better than doing nothing."""
        ...


class NextPolicy(Protocol):
    """What the next round does. Pure."""

    def next(self, history: History) -> Continue:
        """Return the next round's base, steps and seeds; it answers after Accepted too."""
        ...


class Policy(StoppingPolicy, KeepPolicy, NextPolicy, Protocol):
    """When to stop, what to keep and what comes next, as one value that the graph asks."""

    @property
    def text(self) -> str:
        """The policy in its grammar; reading it again gives the same policy."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """What must be recorded for it to decide, such as ``comparison``."""
        ...

    def decide(self, history: History) -> Decision:
        """Return the decision after the rounds of ``history``."""
        ...
