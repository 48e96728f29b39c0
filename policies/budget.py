"""Stopping before the money, the time or the tokens are gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.fitting import SPENT, Costs, call_text, check_number, p95, read_fit, spent_in
from reasonedit_agent.schemas import Ask, Candidate, History, Stop

__all__ = ["Budget"]

_LIMITS = (*SPENT, "edits")
_UNITS = {
    "seconds": ("s", ".1f"),
    "gpu_seconds": ("s of GPU time", ".1f"),
    "prompt_tokens": ("tokens read", ".0f"),
    "completion_tokens": ("tokens written", ".0f"),
    "usd": ("dollars", ".4f"),
    "edits": ("edits", ".0f"),
}


@dataclass(frozen=True)
class Budget:
    """Stop before a round that would not fit into what is left: reserve, then spend.

    A round is taken to cost the 95th percentile of the rounds so far (with fewer than 20 that is the dearest), or that
    of earlier runs (``fit``) where it is more. Before round 1 there is only the fit; without one the first round is let
    through, so only a fitted budget is safe from its first round on. Edits are known beforehand: one per candidate.

    What nobody measured is not free: where a limit cannot be judged (a call whose price is unknown, tokens that no
    backend counts), the question goes to a person.

    Args:
        seconds: Active seconds of the whole run; waiting for a person is free.
        gpu_seconds: Busy seconds of accelerators.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        usd: US dollars.
        edits: Pictures made.
        fit: What a round of earlier runs cost: a file, or ``costs(seconds=..., usd=...)``.
    """

    seconds: float | None = None
    gpu_seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    usd: float | None = None
    edits: int | None = None
    fit: Costs | None = None

    def __post_init__(self) -> None:
        if not any(getattr(self, name) is not None for name in _LIMITS):
            raise UsageError("budget limits nothing.", hint="For example budget(60) or budget(usd=0.5).")
        for name in _LIMITS:
            check_number(getattr(self, name), f"budget: {name}", 0)
        if self.fit is not None:
            object.__setattr__(self, "fit", read_fit(Costs, self.fit))

    @property
    def needs(self) -> frozenset[str]:
        """Which numbers must have been recorded."""
        return frozenset(name for name, _ in self._limits() if name != "edits")

    def stop(self, history: History) -> Stop | Ask | None:
        """Return `Stop` when a limit is reached or another round would overrun it; `Ask` when that cannot be told."""
        blind = []
        for name, limit in self._limits():
            spent = _spent(history, name)
            if spent is None:
                blind.append(name)
                continue
            reserve = self._reserve(history, name)
            if spent >= limit or spent + reserve > limit:
                unit, form = _UNITS[name]
                detail = f"{spent:{form}} {unit} are spent and a round takes up to {reserve:{form}} {unit}, of"
                return Stop(reason="budget", detail=f"{detail} {limit:g} {unit}.")
        if not blind:
            return None
        why = " and ".join(f"{name} ({_why(history, name)})" for name in blind)
        question = f"The budget cannot be judged: unknown is {why}. Stop here? Accept stops, reject goes on."
        return Ask(question=question)

    def _limits(self) -> Iterator[tuple[str, float]]:
        for name in _LIMITS:
            limit: float | None = getattr(self, name)
            if limit is not None:
                yield name, limit

    def _reserve(self, history: History, name: str) -> float:
        if name == "edits":
            return history.request.candidates
        seen = p95(v for round_ in history.rounds if (v := spent_in(round_, name)) is not None)
        return max(seen or 0.0, getattr(self.fit, name, None) or 0.0)

    def __str__(self) -> str:
        return call_text("budget", **dict(self._limits()), fit=self.fit)


def _spent(history: History, name: str) -> float | None:
    """Return what was spent so far; None where it cannot be told."""
    if name == "seconds":
        return history.elapsed
    if name == "edits":
        return sum(len(round_.candidates) for round_ in history.rounds)
    total: float | None = getattr(history.spent, name)
    if name == "usd":
        return None if history.unpriced else total or 0.0
    if total is None and any(isinstance(found, Candidate) for round_ in history.rounds for found in round_.candidates):
        return None
    return total or 0.0


def _why(history: History, name: str) -> str:
    if name == "usd":
        return f"the price of {history.unpriced} call(s); prices.toml can name it"
    return "no backend of this run tells"
