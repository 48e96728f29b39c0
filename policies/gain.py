"""Stopping when another round is worth less than it costs."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.fitting import Gains, call_text, check_number, quality, read_fit, spent_in
from reasonedit_agent.schemas import History, Stop, standing

__all__ = ["ExpectedGain"]


@dataclass(frozen=True)
class ExpectedGain:
    """Stop when the expected gain of another round is worth less than the round costs.

    The gain over the best round so far, b, is ``E[max(Q - b, 0)]``, with Q the quality (overall score, 0 to 10) of a
    round after one that ended like the last (accepted, refine, rejected, failure), as recorded runs had it. The cost
    is in points too: the mean seconds (and dollars) of a round, divided by what a point is worth in seconds (and
    dollars). The rounds of this run correct the recorded mean, which counts as one of them. Before round 1 b is 0: the
    source fulfils nothing.

    Assumptions. Rounds are independent draws given how the last one ended; the best round can be recalled (the keep
    policy does); a round's cost is known and does not change; quality is worth the same everywhere on its scale; the
    runs that it was fitted on resemble this one. If all rounds were alike, this is optimal stopping with recall: stop
    once b reaches the reservation value z with ``E[max(Q - z, 0)] = c`` (DeGroot, Optimal Statistical Decisions, 1970,
    section 13; Weitzman, "Optimal Search for the Best Alternative", 1979). With states it looks one round ahead only:
    it stops too early where a round that gains nothing opens the way to one that does. The Reasoner's score is the
    quality; a judge that flatters later rounds makes them look worth their cost.

    Args:
        seconds: How many seconds one point of quality is worth.
        usd: How many dollars one point is worth.
        fit: A file, or ``gains(first=..., refine=..., seconds=...)``.
    """

    seconds: float | None = None
    usd: float | None = None
    fit: Gains | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.usd is None:
            raise UsageError("expected_gain needs what a point is worth.", hint="Such as seconds=30 or usd=0.05.")
        if self.fit is None:
            raise UsageError("expected_gain needs what recorded runs gained.", hint="Give fit=FILE.")
        object.__setattr__(self, "fit", read_fit(Gains, self.fit))
        for name in ("seconds", "usd"):
            worth = getattr(self, name)
            check_number(worth, f"expected_gain: {name}", 0)
            if worth is not None and not worth:
                raise UsageError(f"expected_gain: {name} takes a number above 0.")
            if worth is not None and getattr(self.fit, name) is None:
                raise UsageError(
                    f"The gains do not say what a round costs in {name}.", hint="Fit them on runs that do."
                )

    @property
    def needs(self) -> frozenset[str]:
        """What rounds take, in the units that a point is worth."""
        return frozenset(name for name in ("seconds", "usd") if getattr(self, name) is not None)

    def stop(self, history: History) -> Stop | None:
        """Return `Stop` when the expected gain is not above the cost."""
        best = max((found for round_ in history.rounds if (found := quality(round_)) is not None), default=0.0)
        state = standing(history.rounds[-1])[1].kind if history.rounds else "first"
        gain, cost = self.gain(best, state), self.cost(history)
        if gain > cost:
            return None
        detail = f"Another round is expected to gain {gain:.2f} points over {best:.1f} and costs {cost:.2f}."
        return Stop(reason="expected_gain", detail=detail)

    def gain(self, best: float, state: str) -> float:
        """Return the expected gain in points over ``best``, after a round that ended as ``state`` (or "first")."""
        assert self.fit is not None
        sample = self.fit.after(state)
        return sum(max(value - best, 0.0) for value in sample) / len(sample)

    def cost(self, history: History) -> float:
        """Return what another round costs, in points."""
        total = 0.0
        for name in ("seconds", "usd"):
            worth: float | None = getattr(self, name)
            if worth is not None:
                # Where a price is unknown, the dollars of this run are too low to correct anything.
                rounds = () if name == "usd" and history.unpriced else history.rounds
                seen = [v for round_ in rounds if (v := spent_in(round_, name)) is not None]
                total += (sum(seen) + getattr(self.fit, name)) / (len(seen) + 1) / worth
        return total

    def __str__(self) -> str:
        return call_text("expected_gain", seconds=self.seconds, usd=self.usd, fit=self.fit)
