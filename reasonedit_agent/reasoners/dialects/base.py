"""What a dialect is: pure text on one side, typed values on the other.

A dialect answers each question of the loop with a *conversation*: a generator that yields `Prompt` values, is sent what
each prompt's ``read`` made of the reply, and returns the typed value. It calls nobody, so a test plays the model with
plain text; `reasonedit_agent.reasoners.prompted` plays it with a backend.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from pydantic import JsonValue

from reasonedit_agent.schemas import (
    Candidate,
    Card,
    EditCall,
    EditRequest,
    History,
    ImageRef,
    Preference,
    Thought,
    Verdict,
)

__all__ = ["Choice", "Conversation", "Dialect", "Prompt", "Reply", "Turn"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message.

    Attributes:
        role: Who speaks.
        parts: Texts and pictures, in order.
    """

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | ImageRef, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A place in the reply where one of a few words must stand, and whose probabilities are wanted.

    Attributes:
        before: The text that ends right before the word.
        words: The words.
    """

    before: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    Attributes:
        text: Without its reasoning.
        chances: Probability of each word of the prompt's `Choice`; they sum to 1. None where the backend gives none.
    """

    text: str
    chances: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a model.

    Attributes:
        name: Of the words that ask it, with their version: ``json/reflect@1``.
        sha256: Of those words.
        turns: The messages; the source image stands first, so that a server's prefix cache holds it over all rounds.
        read: Makes a value of the reply; raises `reasonedit_agent.errors.Malformed` where it cannot, with a message
            that the model can act on, `Refused` or `Unsupported`.
        schema: JSON schema that a backend can hold the reply to.
        max_tokens: Of the reply.
        temperature: 0 is greedy.
        top_p: Nucleus.
        seed: Of the sampling; None where it is greedy.
        choice: Whose probabilities are wanted.
    """

    name: str
    sha256: str
    turns: tuple[Turn, ...]
    read: Callable[[Reply], Any]
    schema: dict[str, JsonValue] | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    choice: Choice | None = None

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """The pictures, in order."""
        return tuple(part for turn in self.turns for part in turn.parts if isinstance(part, ImageRef))


Conversation: TypeAlias = Generator[Prompt, Any, T]
"""Yields prompts, is sent what each ``read`` returned, returns the value."""


class Dialect(Protocol):
    """One way of asking a model, and of reading what it says."""

    @property
    def name(self) -> str:
        """As users write it."""
        ...

    @property
    def settings(self) -> dict[str, JsonValue]:
        """That change what is asked, with the version and the hash of the words; for the trace."""
        ...

    def think(self, request: EditRequest, card: Card, history: History) -> Conversation[Thought]:
        """Ask for a plan."""
        ...

    def reflect(
        self, request: EditRequest, thought: Thought, call: EditCall, candidate: Candidate, history: History
    ) -> Conversation[Verdict]:
        """Ask for a verdict."""
        ...

    def compare(self, request: EditRequest, a: Candidate, b: Candidate) -> Conversation[Preference]:
        """Ask which is better, with ``a`` shown first."""
        ...
