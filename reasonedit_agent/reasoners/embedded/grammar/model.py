"""What the grammar returns."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.operations import Adjust, PlainOperation

__all__ = ["Clause", "Parsed"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing to do.

    Attributes:
        text: The user's words.
        operation: The same, typed.
        target: Normalised English noun phrase, "everything except cup", or None for the whole picture.
        stated: Whether the user named an amount, so that it is not for us to choose one.
        more: Whether more of a colour is asked for ("bluer").
    """

    text: str
    operation: PlainOperation
    target: str | None = None
    stated: bool = False
    more: bool = False

    @property
    def kind(self) -> str:
        """What of the picture it changes: the operation's name, and which property an adjustment is of."""
        return self.operation.op + (self.operation.what if isinstance(self.operation, Adjust) else "")


@dataclass(frozen=True, slots=True)
class Parsed:
    """An instruction, understood as far as the word lists go.

    Attributes:
        language: BCP 47 code, also of one that is not supported.
        clauses: In the order of the text.
        keep: Normalised nouns that must stay as they are.
        unsupported: ``(words, reason, kind of backend that could, or "")``.
        unknown: Words of clauses that were not understood.
        unused: Normalised nouns that say which of several things is meant ("the man *behind the car*"), which nothing
            here can tell.
        excepted: Those of ``keep`` that are an exception from what is edited ("all text except the title"): to edit
            them as well would be wrong.
        idle: Whether it was understood, and asks for no change.
    """

    language: str
    clauses: tuple[Clause, ...] = ()
    keep: tuple[str, ...] = ()
    unsupported: tuple[tuple[str, str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    idle: bool = False
