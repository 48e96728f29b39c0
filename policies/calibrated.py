"""Stopping on a calibrated probability, and asking a person where it is not sure."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.fitting import Calibration, call_text, check_number, read_fit
from reasonedit_agent.schemas import Accepted, Ask, Failure, History, Refine, Rejected, Stop, standing

__all__ = ["Confident"]


@dataclass(frozen=True)
class Confident:
    """Stop when the last round would be accepted with probability ``p``; ask where the risk is not bounded.

    Three zones: below ``p`` the loop goes on. From ``p`` on it stops; with ``risk``, only from the threshold on at
    which the labels bound the share of bad accepts (at most ``risk``), and between the two a person is asked. Accepting
    without being asked is what the bound is on.

    Without a fit the judge's raw confidence stands for the probability, and the reason says so; a risk cannot be
    bounded then, so each round above ``p`` is asked about. A round that the judge accepts without any probability is
    asked about too.

    Source: selective classification with a controlled risk (Geifman and El-Yaniv, 2017; Angelopoulos et al., "Learn
    then Test", 2021).

    Args:
        p: The probability (0 to 1) from which on a round is good.
        risk: The share of bad accepts (0 to 1) that is borne.
        fit: A file, or ``calibration(knots=..., risks=...)``.
    """

    p: float
    risk: float | None = None
    fit: Calibration | None = None

    def __post_init__(self) -> None:
        check_number(self.p, "confident: p", 0, 1)
        check_number(self.risk, "confident: risk", 0, 1)
        if self.p is None:
            raise UsageError("confident takes a probability, such as confident(0.9).")
        if self.fit is None:
            return
        fit = read_fit(Calibration, self.fit)
        object.__setattr__(self, "fit", fit)
        if self.risk is not None and fit.threshold(self.risk) is None:
            bounds = ", ".join(f"{risk:g}" for risk, _ in fit.risks) or "none"
            raise UsageError(
                f"The calibration bounds no risk of {self.risk:g}; bounded are: {bounds}.",
                hint="A smaller risk needs more labels.",
            )

    @property
    def needs(self) -> frozenset[str]:
        """A judge's confidence, unless the fit goes by its score."""
        return frozenset() if self.fit is not None and self.fit.on == "overall" else frozenset({"confidence"})

    def stop(self, history: History) -> Stop | Ask | None:
        """Return `Stop` when it is sure, `Ask` when it is good but the risk is not bounded, None to go on."""
        if not history.rounds:
            return None
        number, verdict = len(history.rounds), standing(history.rounds[-1])[1]
        if isinstance(verdict, Failure):
            return None
        probability = self._probability(verdict)
        if probability is None:
            if verdict.kind != "accepted":
                return None
            return _asked(f"Round {number} was accepted, with no probability.")
        if probability < self.p:
            return None
        kind = "calibrated" if self.fit else "raw confidence, not calibrated"
        said = f"Round {number} is accepted with probability {probability:.2f} ({kind})"
        if self.risk is not None:
            threshold = self.fit.threshold(self.risk) if self.fit else None
            if threshold is None or probability < threshold:
                bound = f"is bounded from {threshold:.2f} on" if threshold is not None else "cannot be bounded"
                return _asked(f"{said}; the risk of {self.risk:g} {bound}.")
        return Stop(reason="confident", detail=f"{said}.")

    def _probability(self, verdict: Accepted | Refine | Rejected) -> float | None:
        if self.fit is None:
            return verdict.confidence
        said = verdict.scores.overall if self.fit.on == "overall" else verdict.confidence
        return None if said is None else self.fit.probability(said)

    def __str__(self) -> str:
        return call_text("confident", p=self.p, risk=self.risk, fit=self.fit)


def _asked(said: str) -> Ask:
    return Ask(question=f"{said} Is it good enough? Accept stops, reject goes on.")
