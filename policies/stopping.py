"""Whether another round is worth its cost, told from the verdicts alone. Each answers `Stop`, or None to go on."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.chains import drift_of
from reasonedit_agent.policies.fitting import call_text, check_number
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    EditStep,
    Failure,
    History,
    Pick,
    Refine,
    Rejected,
    Round,
    Stop,
    join_texts,
    keep_key,
    standing,
)

__all__ = [
    "AcceptedPolicy",
    "ChecklistDone",
    "Drift",
    "NoImprovement",
    "Rounds",
    "ScoreAtLeast",
    "UnchangedInstruction",
]


def _judged(history: History) -> Accepted | Refine | Rejected | None:
    """Return the verdict that stands for the last round; None before round 1, and where it failed."""
    verdict = standing(history.rounds[-1])[1] if history.rounds else None
    return None if isinstance(verdict, Failure) else verdict


@dataclass(frozen=True)
class AcceptedPolicy:
    """Stop when the verdict that stands for the last round is Accepted (ReasonEdit)."""

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` after an accepted round."""
        if isinstance(_judged(history), Accepted):
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


_AXES = ("overall", "edit_success", "over_editing", "naturalness", "artefacts")


@dataclass(frozen=True)
class ScoreAtLeast:
    """Stop when the last round reaches every score that is named, whatever its verdict says.

    EditThinker stops at 8 on both of its axes, T2I-Copilot at 8.0, IMAGAgent at 7.

    Args:
        overall: ``sqrt(SC * PQ)``, 0 to 10 (VIEScore).
        edit_success: The instruction was followed, 0 to 10.
        over_editing: Nothing else changed, 0 to 10 (10: nothing).
        naturalness: It looks like a photo, 0 to 10.
        artefacts: It has none, 0 to 10 (10: none).
    """

    overall: float | None = None
    edit_success: float | None = None
    over_editing: float | None = None
    naturalness: float | None = None
    artefacts: float | None = None

    def __post_init__(self) -> None:
        for axis in _AXES:
            check_number(getattr(self, axis), f"score_at_least: {axis}", 0, 10)
        if not self._wanted():
            raise UsageError("score_at_least names no score.", hint="Such as score_at_least(8) or edit_success=8.")

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when all scores are reached; a failure has none."""
        verdict = _judged(history)
        if verdict is None or any(getattr(verdict.scores, axis) < least for axis, least in self._wanted().items()):
            return None
        reached = ", ".join(f"{axis} {getattr(verdict.scores, axis):.1f}" for axis in self._wanted())
        return Stop(reason="score_at_least", detail=f"Round {len(history.rounds)} reaches {reached}.")

    def _wanted(self) -> dict[str, float]:
        return {axis: value for axis in _AXES if (value := getattr(self, axis)) is not None}

    def __str__(self) -> str:
        return call_text("score_at_least", **self._wanted())


@dataclass(frozen=True)
class ChecklistDone:
    """Stop when every question of the checklist is answered with yes (GEMS).

    A question that could not be told is not done, and neither is a checklist without questions.
    """

    needs = frozenset({"answers"})

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when all is done."""
        verdict = _judged(history)
        answers = verdict.answers if verdict else ()
        asked = len(history.thought.checklist) if history.thought else 0
        if not answers or len(answers) < asked or any(answer.yes is not True for answer in answers):
            return None
        return Stop(reason="checklist_done", detail=f"All {len(answers)} questions are answered with yes.")

    def __str__(self) -> str:
        return "checklist_done"


@dataclass(frozen=True)
class UnchangedInstruction:
    """Stop when the verdict asks for what the round has just done (EditThinker).

    Same are equal steps, and steps of plain text that differ in blanks and case only. A verdict that asks for nothing
    of its own (Accepted; Rejected without steps, which rolls the dice again) is not unchanged.
    """

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when the next instruction is the last one."""
        verdict = _judged(history)
        wanted = None if verdict is None or isinstance(verdict, Accepted) else verdict.steps
        if wanted is None or not _same(wanted, history.rounds[-1].call.steps):
            return None
        return Stop(reason="unchanged_instruction", detail=f"Round {len(history.rounds)} asks for the same again.")

    def __str__(self) -> str:
        return "unchanged_instruction"


def _same(wanted: tuple[EditStep, ...], done: tuple[EditStep, ...]) -> bool:
    if wanted == done:
        return True
    if any(step.operation is not None for step in (*wanted, *done)):
        return False
    first, second = (" ".join(join_texts(steps).casefold().split()) for steps in (wanted, done))
    return first == second and tuple(s.region for s in wanted) == tuple(s.region for s in done)


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
class Drift:
    """Stop when the chain of edits that the last round stands on has changed too much outside of the region.

    Generation loss adds up over chained edits (Step1X-Edit #18, Qwen-Image #200): the drift of a chain is the sum over
    its edits of the mean CIEDE2000 outside of the region, as the tool measured it (``drift_outside``). A rejected round
    does not count, its chain is given up; a chain that nobody measured never stops.

    Args:
        limit: CIEDE2000; about 1 is just noticeable, side by side.
    """

    limit: float

    needs = frozenset({"drift_outside"})

    def __post_init__(self) -> None:
        check_number(self.limit, "drift", 0)
        if self.limit is None:
            raise UsageError("drift takes a limit, such as drift(3).")

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when the last round's chain is beyond the limit."""
        if not history.rounds:
            return None
        last = history.rounds[-1]
        index, verdict = standing(last)
        if isinstance(verdict, Failure | Rejected):
            return None
        found = drift_of(history, Pick(round=last.index, candidate=index))
        if found is None or found <= self.limit:
            return None
        return Stop(
            reason="drift", detail=f"The chain of round {last.index} drifted by {found:.1f} outside the region."
        )

    def __str__(self) -> str:
        return call_text("drift", limit=self.limit)
