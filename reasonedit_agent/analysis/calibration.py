"""Calibrating a judge: from what it says to the probability that a person accepts, and the risk that this bounds.

Half of the source images is fitted on, the other half judges the fit, so that no picture of a photo that was fitted on
says how good the fit is. The map is scikit-learn's (isotonic regression, or Platt's sigmoid).

The threshold of a risk is found by Learn then Test (Angelopoulos et al., 2021): at each of a few probabilities, chosen
without a look at the labels, the exact binomial bound (Clopper and Pearson, 1934) on the share of bad ones among what
is accepted from there on is tested at level ``delta`` divided by their number (Bonferroni); the lowest that passes is
taken. That holds with probability 1 - ``delta`` over independent labels, so one label per source image counts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from reasonedit_agent.analysis.labelled import Sample
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.fitting import Calibration

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Bin", "Calibrated", "Risk", "calibrate", "upper_bound"]

LEAST = 10
"""Accepts, and rejects, without which nothing is fitted."""

ISOTONIC = 1000
"""From so many labels on isotonic regression is the better map (scikit-learn, "Probability calibration")."""

BINS = 10
LEVELS = 8
"""At how many thresholds a risk is tested: those that accept all, two thirds, four ninths, ... of the labels."""

TOP = {"confidence": 1.0, "overall": 10.0}
Method = Literal["auto", "isotonic", "platt"]
Per = Literal["source", "run", "label"]


@dataclass(frozen=True)
class Bin:
    """A bar of the reliability diagram, on held-out labels.

    Attributes:
        predicted: Mean probability, 0 to 1.
        accepted: Share that people accepted.
        low: Of its exact 95 % interval.
        high: Likewise.
        count: Labels.
    """

    predicted: float
    accepted: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Risk:
    """A bound on bad accepts.

    Attributes:
        risk: The share of bad accepts that is borne.
        threshold: The probability from which on it is bounded; None where these labels bound it nowhere.
        accepted: Held-out labels from the threshold on (without one: from the strictest one that could be tested).
        bad: How many of them people rejected.
        bound: Upper bound on their share.
        needed: How many accepted labels without a single bad one would bound it.
    """

    risk: float
    threshold: float | None
    accepted: int
    bad: int
    bound: float
    needed: int


@dataclass(frozen=True)
class Calibrated:
    """A fit with what is known of it.

    Attributes:
        calibration: As `reasonedit_agent.policies.Confident` takes it.
        method: ``isotonic`` or ``platt``.
        fitted: Labels that it was fitted on.
        held_out: Labels that judge it, of other source images.
        sources: Source images of both.
        bins: The reliability diagram on the held-out labels; empty bins are left out.
        ece: Expected calibration error on them, 0 to 1.
        ece_before: The same of what the judge said, over 1 or over 10.
        brier: Brier score on them.
        delta: With what probability a bound may be wrong.
        per: What counts as independent: one label of each source, run, or every label.
        bounded_on: How many labels the bounds are on.
        risks: The bounds.
    """

    calibration: Calibration
    method: str
    fitted: int
    held_out: int
    sources: tuple[int, int]
    bins: tuple[Bin, ...]
    ece: float
    ece_before: float
    brier: float
    delta: float
    per: str
    bounded_on: int
    risks: tuple[Risk, ...]


def calibrate(
    samples: Sequence[Sample],
    on: Literal["confidence", "overall"],
    *,
    method: Method = "auto",
    risks: Sequence[float] = (0.05, 0.1, 0.2),
    delta: float = 0.05,
    per: Per = "source",
    seed: int = 0,
) -> Calibrated:
    """Fit a judge to labels, and say how good the fit is.

    Args:
        samples: What was said and what people said; see `reasonedit_agent.analysis.labelled.samples`.
        on: What was said: a confidence of 0 to 1, or an overall score of 0 to 10.
        method: ``auto`` is Platt's below 1000 labels, else isotonic.
        risks: Shares of bad accepts to bound, each apart.
        delta: With what probability a bound may be wrong.
        per: What is independent of each other.
        seed: Of the split by source image.

    Raises:
        UsageError: Packages are missing, there are too few labels, or what was said tells nothing.
    """
    _check(samples, risks, delta)
    fit, held = _split(samples, seed)
    _check_few(fit, len({sample.source for sample in samples}))
    used = method if method != "auto" else "isotonic" if len(fit) >= ISOTONIC else "platt"
    knots = (_isotonic if used == "isotonic" else _platt)(fit, TOP[on])
    if knots[-1][1] - knots[0][1] < 1e-6 or any(b[1] < a[1] for a, b in pairwise(knots)):
        raise UsageError(f"What people accept does not rise with the judge's {on}: there is nothing to go by.")
    bare = Calibration(on=on, knots=knots, labels=len(fit))
    probabilities = [bare.probability(sample.said) for sample in held]
    accepted = [sample.accepted for sample in held]
    bins, ece = _reliability(probabilities, accepted)
    _, before = _reliability([sample.said / TOP[on] for sample in held], accepted)
    single = _independent(held, per, seed)
    bounds = tuple(
        _bounded(risk, [bare.probability(s.said) for s in single], [s.accepted for s in single], delta)
        for risk in sorted(set(risks))
    )
    pairs = tuple((bound.risk, bound.threshold) for bound in bounds if bound.threshold is not None)
    return Calibrated(
        calibration=Calibration(on=on, knots=knots, risks=pairs, labels=len(fit)),
        method=used,
        fitted=len(fit),
        held_out=len(held),
        sources=(len({s.source for s in fit}), len({s.source for s in held})),
        bins=bins,
        ece=ece,
        ece_before=before,
        brier=_brier(probabilities, accepted),
        delta=delta,
        per=per,
        bounded_on=len(single),
        risks=bounds,
    )


def _check(samples: Sequence[Sample], risks: Sequence[float], delta: float) -> None:
    try:
        import scipy.stats  # noqa: F401
        import sklearn.frozen  # noqa: F401
    except ImportError as error:
        hint = "pip install 'reasonedit-agent[analysis]'"
        raise UsageError("Calibrating needs scikit-learn 1.6 or newer, and scipy.", hint=hint) from error
    if not all(0 < value < 1 for value in (*risks, delta)):
        raise UsageError("Risks and delta lie between 0 and 1.", hint="Such as --risk 0.1 --delta 0.05.")
    good = sum(sample.accepted for sample in samples)
    if min(good, len(samples) - good) < LEAST:
        counted = f"{good} accepted and {len(samples) - good} rejected pictures"
        raise UsageError(f"There are too few labels: {counted}.", hint=f"At least {LEAST} of each are needed.")


def _check_few(fit: Sequence[Sample], sources: int) -> None:
    good = sum(sample.accepted for sample in fit)
    if min(good, len(fit) - good) < LEAST // 2:
        problem = f"The labels are of too few source images ({sources}) to be split in two halves with both kinds"
        raise UsageError(f"{problem}.", hint="Label pictures of more photos.")


def _split(samples: Sequence[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
    from sklearn.model_selection import GroupShuffleSplit

    groups = [sample.source for sample in samples]
    if len(set(groups)) < 2:
        raise UsageError("All labels are of one source image.", hint="Label pictures of more photos.")
    halves = next(GroupShuffleSplit(n_splits=1, test_size=0.5, random_state=seed).split(groups, groups=groups))
    fit, held = ([samples[int(index)] for index in half] for half in halves)
    return fit, held


def _isotonic(fit: Sequence[Sample], top: float) -> tuple[tuple[float, float], ...]:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    model.fit([sample.said for sample in fit], [float(sample.accepted) for sample in fit])
    return tuple((float(x), float(p)) for x, p in zip(model.X_thresholds_, model.y_thresholds_, strict=True))


def _platt(fit: Sequence[Sample], top: float) -> tuple[tuple[float, float], ...]:
    """Return the sigmoid at 21 places; between them the map is linear."""
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Judge(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """What the judge said, as scikit-learn sees it."""

        classes_ = np.array([False, True])

        def fit(self, said: Any, accepted: Any) -> Judge:
            return self

        def decision_function(self, said: Any) -> Any:
            return np.asarray(said)[:, 0]

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, said: Any) -> Any:
            return np.asarray(said)[:, 0] > top / 2

    said, accepted = np.array([[s.said] for s in fit]), np.array([s.accepted for s in fit])
    model = CalibratedClassifierCV(FrozenEstimator(Judge()), method="sigmoid").fit(said, accepted)
    places = np.linspace(0, top, 21)
    found = model.predict_proba(places[:, None])[:, 1]
    return tuple((round(float(x), 6), float(p)) for x, p in zip(places, found, strict=True))


def _reliability(probabilities: Sequence[float], accepted: Sequence[bool]) -> tuple[tuple[Bin, ...], float]:
    import numpy as np
    from scipy.stats import binomtest
    from sklearn.calibration import calibration_curve

    share, mean = calibration_curve(accepted, probabilities, n_bins=BINS, strategy="uniform")
    edges = np.linspace(0, 1, BINS + 1)[1:-1]
    counts = np.bincount(np.searchsorted(edges, probabilities), minlength=BINS)
    counts = counts[counts > 0]
    bins = []
    for predicted, good, count in zip(mean, share, counts, strict=True):
        span = binomtest(round(good * int(count)), int(count)).proportion_ci(0.95, method="exact")
        bins.append(Bin(float(predicted), float(good), float(span.low), float(span.high), int(count)))
    gaps: npt.NDArray[np.float64] = np.abs(share - mean)
    return tuple(bins), float(np.average(gaps, weights=counts))


def _brier(probabilities: Sequence[float], accepted: Sequence[bool]) -> float:
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(accepted, probabilities, pos_label=True))


# -- the risk ---------------------------------------------------------------------------------------------------------


def upper_bound(bad: int, count: int, delta: float) -> float:
    """Return the exact upper bound (Clopper-Pearson) on a share of which ``bad`` of ``count`` were seen."""
    from scipy.stats import binomtest

    return float(binomtest(bad, count, alternative="less").proportion_ci(1 - delta, method="exact").high)


def _independent(held: Sequence[Sample], per: Per, seed: int) -> list[Sample]:
    """Return one sample, drawn by chance, of each source or run; or all."""
    if per == "label":
        return list(held)
    unit: Callable[[Sample], str] = (lambda sample: sample.source) if per == "source" else (lambda sample: sample.run)
    shuffled = random.Random(seed).sample(list(held), len(held))
    return list({unit(sample): sample for sample in shuffled}.values())


def _bounded(risk: float, probabilities: Sequence[float], accepted: Sequence[bool], delta: float) -> Risk:
    """Test a risk at thresholds that only the probabilities choose; take the lowest that passes."""
    needed = math.ceil(math.log(delta) / math.log(1 - risk))
    ordered = sorted(probabilities, reverse=True)
    ranks = {math.ceil(len(ordered) * (2 / 3) ** level) for level in range(LEVELS)}
    counted = {ordered[rank - 1]: sum(p >= ordered[rank - 1] for p in ordered) for rank in ranks if rank}
    tested = {threshold: count for threshold, count in counted.items() if count >= needed}
    found = Risk(risk, None, 0, 0, 1.0, needed)
    for threshold in sorted(tested, reverse=True):
        bad = sum(not good for p, good in zip(probabilities, accepted, strict=True) if p >= threshold)
        bound = upper_bound(bad, tested[threshold], delta / len(tested))
        if bound <= risk:
            found = Risk(risk, threshold, tested[threshold], bad, bound, needed)
        elif not found.accepted:
            found = Risk(risk, None, tested[threshold], bad, bound, needed)
    return found
