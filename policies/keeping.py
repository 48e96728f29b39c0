"""Which round is the result. A shadow round never is."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.schemas import (
    SOURCE,
    Candidate,
    Failure,
    History,
    Pick,
    Preference,
    Round,
    keep_key,
    standing,
)

__all__ = ["Best", "Harmless", "Last", "Reference"]


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


@dataclass(frozen=True)
class Best:
    """The highest overall score ``sqrt(SC * PQ)`` (VIEScore), whatever the verdict; a tie goes to the earlier round.

    The earlier round rests on fewer edits. A picture whose verdict failed is kept only where no other was judged.
    """

    def keep(self, history: History) -> Pick:
        """Return the best pick."""
        best, best_score = SOURCE, -2.0
        for round_ in history.rounds:
            for index, (candidate, verdict) in enumerate(zip(round_.candidates, round_.verdicts, strict=True)):
                score = -1.0 if isinstance(verdict, Failure) else verdict.scores.overall
                if isinstance(candidate, Candidate) and not round_.shadow and score > best_score:
                    best, best_score = Pick(round=round_.index, candidate=index), score
        return best

    def __str__(self) -> str:
        return "best"


@dataclass(frozen=True)
class Last:
    """The last round that made a picture, whatever it is worth (EditThinker, T2I-Copilot)."""

    def keep(self, history: History) -> Pick:
        """Return the last round's standing candidate."""
        for round_ in reversed(history.rounds):
            made = [index for index, found in enumerate(round_.candidates) if isinstance(found, Candidate)]
            if made and not round_.shadow:
                index = standing(round_)[0]
                return Pick(round=round_.index, candidate=index if index in made else made[0])
        return SOURCE

    def __str__(self) -> str:
        return "last"


@dataclass(frozen=True)
class Harmless:
    """A ratchet: a round replaces the incumbent only if a comparison in both orders says that it is better.

    The source is the first incumbent, so a run that makes nothing better returns it. A tie, orders that disagree, a
    comparison that failed, and one with another incumbent (recorded under another policy) change nothing. Of several
    candidates that beat the incumbent, the keep key decides, then the lower index.
    """

    needs = frozenset({"comparison"})

    def keep(self, history: History) -> Pick:
        """Return the incumbent."""
        incumbent = SOURCE
        for round_ in history.rounds:
            if round_.shadow:
                continue
            winners = [
                compared.candidate
                for compared in round_.comparisons
                if compared.incumbent == incumbent
                and isinstance(compared.result, Preference)
                and compared.result.better == "b"
                and compared.candidate < len(round_.candidates)
                and isinstance(round_.candidates[compared.candidate], Candidate)
            ]
            if winners:
                best = max(winners, key=lambda index: (_key(round_, index), -index))
                incumbent = Pick(round=round_.index, candidate=best)
        return incumbent

    def __str__(self) -> str:
        return "harmless"


def _key(round_: Round, index: int) -> tuple[float, bool]:
    verdict = round_.verdicts[index]
    return (-1.0, False) if isinstance(verdict, Failure) else keep_key(verdict)
