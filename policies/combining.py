"""Stopping policies made of others: ``|``, ``&`` and ``not`` in a policy's text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reasonedit_agent.protocols import StoppingPolicy
from reasonedit_agent.schemas import Ask, History, Stop

__all__ = ["AllOf", "AnyOf", "Not", "parts_of"]


@dataclass(frozen=True)
class AnyOf:
    """Stop when one of them stops; else ask when one of them asks."""

    members: tuple[StoppingPolicy, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", _flat(self.members, AnyOf))

    def stop(self, history: History) -> Stop | Ask | None:
        """Return the first `Stop`, else the first `Ask`, else None."""
        answers = [member.stop(history) for member in self.members]
        for wanted in (Stop, Ask):
            for answer in answers:
                if isinstance(answer, wanted):
                    return answer
        return None

    def __str__(self) -> str:
        return " | ".join(str(member) for member in self.members)


@dataclass(frozen=True)
class AllOf:
    """Stop when all of them stop; ask when all of them stop or ask."""

    members: tuple[StoppingPolicy, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", _flat(self.members, AllOf))

    def stop(self, history: History) -> Stop | Ask | None:
        """Return None as soon as one of them would go on."""
        answers = [member.stop(history) for member in self.members]
        if any(answer is None for answer in answers):
            return None
        for answer in answers:
            if isinstance(answer, Ask):
                return answer
        stops = [answer for answer in answers if isinstance(answer, Stop)]
        return Stop(reason=" & ".join(s.reason for s in stops), detail=" ".join(s.detail for s in stops))

    def __str__(self) -> str:
        return " & ".join(f"({member})" if isinstance(member, AnyOf) else str(member) for member in self.members)


@dataclass(frozen=True)
class Not:
    """Stop when it would go on, and go on when it would stop; a question stays one."""

    member: StoppingPolicy

    def stop(self, history: History) -> Stop | Ask | None:
        """Return the opposite."""
        answer = self.member.stop(history)
        if isinstance(answer, Ask):
            return answer
        return Stop(reason=str(self), detail=f"{self.member} does not hold.") if answer is None else None

    def __str__(self) -> str:
        return f"not ({self.member})" if isinstance(self.member, AnyOf | AllOf) else f"not {self.member}"


def _flat(members: tuple[StoppingPolicy, ...], kind: type[AnyOf | AllOf]) -> tuple[StoppingPolicy, ...]:
    """Return the members with those of the same kind opened: ``(a | b) | c`` is ``a | b | c``."""
    flat: list[StoppingPolicy] = []
    for member in members:
        flat += member.members if isinstance(member, kind) else (member,)
    return tuple(flat)


def parts_of(policy: object) -> Iterator[object]:
    """Yield a policy and all that it is made of."""
    yield policy
    inside = getattr(policy, "members", ())
    for name in ("member", "inner"):
        inside = (*inside, *([getattr(policy, name)] if hasattr(policy, name) else []))
    for part in inside:
        yield from parts_of(part)
