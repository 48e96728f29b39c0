"""What recorded runs say beforehand of a round: the fits of `budget` and `expected_gain`, of runs of the same parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from reasonedit_agent.analysis.replay import Recorded
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.fitting import Costs, Gains, as_json, fit_costs, fit_gains
from reasonedit_agent.schemas import History

__all__ = ["check_same_parts", "fitted_on"]


def check_same_parts(runs: Iterable[Recorded]) -> None:
    """Raise where runs of different parts would be put together.

    Raises:
        UsageError: They are of different parts.
    """
    groups = {run.group for run in runs}
    if len(groups) > 1:
        told = "; ".join(sorted(" with ".join(group) for group in groups))
        hint = "Choose with --where, such as --where \"tool = 'classical'\"."
        raise UsageError(f"These runs were made by different parts: {told}.", hint=hint)


def fitted_on(runs: Sequence[Recorded]) -> dict[str, dict[str, Any]]:
    """Return what rounds of these runs cost and gained, as the tables of a file for ``fit=FILE``.

    A run and its forks count once, as the one of most rounds.

    Args:
        runs: Of one group; rounds past a stop count too.

    Raises:
        UsageError: They are of different parts, or have no round.
    """
    check_same_parts(runs)
    whole: dict[str, History] = {}
    for run in runs:
        family, history = run.family or run.run, run.prefixes[-1]
        if len(history.rounds) > len(whole[family].rounds if family in whole else ()):
            whole[family] = history
    if not whole:
        raise UsageError("These runs have no round to fit on.")
    fits: list[Costs | Gains] = [fit_costs(whole.values()), fit_gains(whole.values())]
    if not all(run.timed for run in runs):
        fits = [replace(fit, seconds=None) for fit in fits]
    return {fit.name: as_json(fit) for fit in fits}
