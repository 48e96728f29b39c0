"""Whether another round is worth its cost. Each answers `Stop`, `Ask`, or None to go on."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.errors import UsageError
from reasonedit_agent.protocols import StoppingPolicy
from reasonedit_agent.schemas import Ask, Candidate, Failure, History, Round, Stop, keep_key, standing

__all__ = ["AcceptedPolicy", "AllOf", "AnyOf", "Budget", "NoImprovement", "Not", "Rounds"]


@dataclass(frozen=True)
class AcceptedPolicy:
    """Stop when the verdict that stands for the last round is Accepted (ReasonEdit)."""

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` after an accepted round."""
        if history.rounds and standing(history.rounds[-1])[1].kind == "accepted":
            return Stop(reason="accepted", detail=f"Round {len(history.rounds)} was accepted.")
        return None

    def __str__(self) -> str:
        return "accepted"


@dataclass(frozen=True)
class Rounds:
    """Stop after ``n`` rounds (ReasonEdit's ``max_try_cnt``).

    Args:
        n: Number of rounds; 0 edits nothing.
    """

    n: int

    def __post_init__(self) -> None:
        if not isinstance(self.n, int) or isinstance(self.n, bool) or self.n < 0:
            raise UsageError(f"rounds takes a whole number from 0, not {self.n!r}.", hint="For example rounds(3).")

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when that many rounds are done."""
        done = len(history.rounds)
        return Stop(reason="rounds", detail=f"{done} of {self.n} rounds are done.") if done >= self.n else None

    def __str__(self) -> str:
        return f"rounds({self.n})"


@dataclass(frozen=True)
class Budget:
    """Stop before a round that would not fit into the active seconds that are left.

    The next round is taken to cost as much as the dearest one so far; time spent waiting for a person is free.

    Args:
        seconds: Active seconds for the whole run.
    """

    seconds: float

    def __post_init__(self) -> None:
        if isinstance(self.seconds, bool) or not isinstance(self.seconds, int | float) or self.seconds < 0:
            raise UsageError(f"budget takes seconds from 0, not {self.seconds!r}.", hint="For example budget(60).")

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when the budget is spent, or another round would overrun it."""
        reserve = max((round_.seconds for round_ in history.rounds), default=0.0)
        if history.elapsed < self.seconds and history.elapsed + reserve <= self.seconds:
            return None
        detail = f"{history.elapsed:.1f} s are spent and a round takes up to {reserve:.1f} s, of {self.seconds:g} s."
        return Stop(reason="budget", detail=detail)

    def __str__(self) -> str:
        return f"budget(seconds={self.seconds:g})"


@dataclass(frozen=True)
class NoImprovement:
    """Stop when the last ``patience`` rounds brought nothing better.

    A round is better when its keep key is above all before it, and its picture is not one that was seen already.

    Args:
        patience: How many such rounds are borne.
    """

    patience: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.patience, int) or isinstance(self.patience, bool) or self.patience < 1:
            raise UsageError(f"no_improvement takes a whole number from 1, not {self.patience!r}.")

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when too many rounds in a row were no better."""
        best: tuple[float, bool] | None = None
        seen = {history.request.image.sha256}
        idle = 0
        for round_ in history.rounds:
            key = _key(round_, seen)
            if key is not None and (best is None or key > best):
                best, idle = key, 0
            else:
                idle += 1
            seen |= {found.image.sha256 for found in round_.candidates if isinstance(found, Candidate)}
        if idle < self.patience:
            return None
        return Stop(reason="no_improvement", detail=f"The last {idle} round(s) brought nothing better.")

    def __str__(self) -> str:
        return "no_improvement" if self.patience == 1 else f"no_improvement({self.patience})"


def _key(round_: Round, seen: set[str]) -> tuple[float, bool] | None:
    """Return the best keep key among the round's new pictures; None when there is none."""
    keys = [
        keep_key(verdict)
        for found, verdict in zip(round_.candidates, round_.verdicts, strict=True)
        if isinstance(found, Candidate) and not isinstance(verdict, Failure) and found.image.sha256 not in seen
    ]
    return max(keys, default=None)


@dataclass(frozen=True)
class AnyOf:
    """Stop when one of them stops; else ask when one of them asks."""

    members: tuple[StoppingPolicy, ...]

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
