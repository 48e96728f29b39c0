"""Which round is the result."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.schemas import SOURCE, Candidate, Failure, History, Pick, keep_key

__all__ = ["Reference"]


@dataclass(frozen=True)
class Reference:
    """ReasonEdit's selection: highest ``min(score1) * min(score2)``, then success, then the later round.

    A picture whose verdict failed is kept only where no other was judged; the source only where there is no picture.
    """

    def keep(self, history: History) -> Pick:
        """Return the best pick."""
        best, best_key = SOURCE, (-2.0, False)
        for round_ in history.rounds:
            if round_.shadow:
                continue
            # Within a round a tie goes to the lower index, between rounds to the later one.
            found, found_key = None, (-2.0, False)
            for index, (candidate, verdict) in enumerate(zip(round_.candidates, round_.verdicts, strict=True)):
                if not isinstance(candidate, Candidate):
                    continue
                key = (-1.0, False) if isinstance(verdict, Failure) else keep_key(verdict)
                if found is None or key > found_key:
                    found, found_key = Pick(round=round_.index, candidate=index), key
            if found is not None and found_key >= best_key:
                best, best_key = found, found_key
        return best

    def __str__(self) -> str:
        return "reference"
