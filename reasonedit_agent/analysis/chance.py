"""How sure a mean is: bootstrap intervals by run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reasonedit_agent.errors import UsageError

__all__ = ["Interval", "interval"]


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval.

    Attributes:
        mean: Of the values.
        low: 2.5 % of the resampled means are below; None where one value, or equal ones, tell nothing of the spread.
        high: 2.5 % are above; likewise.
        count: Values.
    """

    mean: float
    low: float | None
    high: float | None
    count: int

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.mean:.2f} [{'one value' if self.count == 1 else f'all {self.count} equal'}]"
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Return a mean and its percentile bootstrap interval.

    Args:
        values: At least one, one per independent run; of a single one, or of equal ones, which resampling would give an
            interval without width, there is a mean and no interval.
        seed: Of the draws, so that the same values give the same interval.

    Raises:
        UsageError: SciPy is missing.
    """
    try:
        import numpy as np
        from scipy.stats import bootstrap
    except ImportError as error:
        raise UsageError(
            "Intervals need SciPy.", hint="Install it: pip install 'reasonedit-agent[analysis]'."
        ) from error
    mean = float(np.mean(values))
    if len(set(values)) == 1:
        return Interval(mean, None, None, len(values))
    draws = bootstrap(
        (values,), np.mean, n_resamples=1000, batch=50, method="percentile", rng=np.random.default_rng(seed)
    )
    low, high = draws.confidence_interval
    return Interval(mean, float(low), float(high), len(values))
