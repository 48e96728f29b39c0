"""Which policy to use: the Pareto set of quality against cost over a family, and what it keeps on runs it never saw.

The runs are split by their source picture, so that no photo is on both sides. On one half every policy of the family is
replayed; those that no other one beats in both quality and cost are the Pareto set. Of these the cheapest is chosen
that keeps the wanted share of what the longest recorded horizon gives. The other half says what that is worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from reasonedit_agent import registry
from reasonedit_agent.analysis.chance import Interval, interval
from reasonedit_agent.analysis.fits import check_same_parts
from reasonedit_agent.analysis.replay import Outcome, Quality, Recorded, by_family, overall, replay
from reasonedit_agent.errors import UsageError

__all__ = ["FAMILY", "Cost", "Point", "Tuned", "family", "split", "tune"]

Cost = Literal["rounds", "seconds", "usd"]

FAMILY = (
    "accepted | rounds({1,2,3,4,5,6})",
    "accepted | score_at_least(overall={6,7,8,9}) | rounds({2,3,4,5,6})",
    "accepted | no_improvement({1,2}) | rounds({3,4,5,6})",
    "rounds({1,2,3,4,5,6})",
    "no_improvement({1,2}) | rounds({3,4,5,6})",
)
"""Policies that are tried by default; what stands in braces is put in one by one."""


@dataclass(frozen=True)
class Point:
    """A policy on a half of the runs.

    Attributes:
        policy: Its text.
        quality: Mean quality kept.
        cost: Mean cost.
    """

    policy: str
    quality: float
    cost: float


@dataclass(frozen=True)
class Tuned:
    """What was found.

    Attributes:
        policy: The text to use.
        front: The Pareto set on the runs that it was tuned on, the cheapest first.
        tuned_on: Runs.
        held_out: Runs that it was not tuned on, and that can judge it.
        quality: Mean quality that it keeps on those, with its interval.
        share: Of the quality of the full horizon, with its interval.
        cost: Share of the full horizon's cost, with its interval.
        later: The share of quality over the held-out runs whose first verdict is not Accepted; None without such.
        unjudged: Held-out runs that are left out: they cannot judge the policy, or nobody knows their quality, or the
            full horizon's is 0, so that there is no share of it.
    """

    policy: str
    front: tuple[Point, ...]
    tuned_on: int
    held_out: int
    quality: Interval
    share: Interval
    cost: Interval
    later: Interval | None
    unjudged: int = 0


MIN_PHOTOS = 8
"""So many different photos are needed to tune."""

MIN_LATER = 2
"""So many held-out runs with more than one recorded round; a run and its forks are one."""


def family(templates: Iterable[str]) -> tuple[str, ...]:
    """Return the policies of templates: ``rounds({1,2})`` is two.

    Raises:
        UsageError: A brace is not closed, or a policy has an error.
    """
    found: list[str] = []
    for template in templates:
        parts = template.split("{")
        choices: list[list[str]] = []
        rests = [parts[0]]
        for part in parts[1:]:
            inside, closed, rest = part.partition("}")
            if not closed:
                raise UsageError(f"A brace is not closed in {template!r}.", hint="Write rounds({1,2,3}).")
            choices.append([choice.strip() for choice in inside.split(",")])
            rests.append(rest)
        for chosen in product(*choices):
            text = rests[0] + "".join(value + rest for value, rest in zip(chosen, rests[1:], strict=True))
            registry.build_policy(text)
            found.append(text)
    return tuple(dict.fromkeys(found))


def split(runs: Sequence[Recorded], share: float = 0.5) -> tuple[list[Recorded], list[Recorded]]:
    """Return the runs to tune on and the held-out ones; all runs of one photo are on one side, always the same.

    Args:
        runs: Of one group.
        share: Of the photos that are tuned on, about.
    """
    halves: tuple[list[Recorded], list[Recorded]] = ([], [])
    for run in runs:
        photo = run.prefixes[0].request.image.sha256
        place = int.from_bytes(hashlib.sha256(photo.encode()).digest()[:4], "big") / 2**32
        halves[place >= share].append(run)
    return halves


def tune(
    runs: Sequence[Recorded],
    texts: Sequence[str],
    *,
    cost: Cost = "rounds",
    keep: float = 0.99,
    quality: Quality = overall,
) -> Tuned:
    """Find the cheapest policy that keeps enough of the quality of the full horizon.

    Args:
        runs: Of one group, recorded past their stops (``--shadow``).
        texts: The family.
        cost: What is saved.
        keep: Share of the full horizon's quality that must be kept on the runs that are tuned on, 0 to 1.
        quality: Of a pick.

    Raises:
        UsageError: There are too few runs, or none can judge the family.
    """
    check_same_parts(runs)
    if cost == "seconds" and not all(run.timed for run in runs):
        raise UsageError("The seconds of some of these runs were not recorded.", hint="Tune on rounds.")
    if cost == "usd" and any(run.prefixes[-1].unpriced or run.prefixes[-1].spent.usd is None for run in runs):
        raise UsageError("What some of these runs cost is not known.", hint="Price their calls, or tune on seconds.")
    if cost == "usd" and not any(run.prefixes[-1].spent.usd for run in runs):
        raise UsageError("These runs cost no dollars: there is nothing to save.", hint="Tune on rounds or seconds.")
    ours, others = split(runs)
    _check_enough(runs, ours, others)
    points = [point for text in texts if (point := _point(text, ours, cost, quality)) is not None]
    if not points:
        raise UsageError("No policy of the family can be judged on these runs.", hint="Record more rounds: --shadow N.")
    front = _pareto(points)
    full = by_family(
        (run.family or run.run, value) for run in ours if (value := _full(run, cost, quality)[0]) is not None
    )
    best = sum(full) / len(full) if full else 0.0
    chosen = next((point for point in front if point.quality >= keep * best - 1e-9), front[-1])
    judged = [(outcome, run) for run in others if not (outcome := _replayed(run, chosen.policy, quality)).missing]
    known = [(outcome, run) for outcome, run in judged if outcome.quality is not None and _full(run, cost, quality)[0]]
    if not known:
        raise UsageError("The held-out runs cannot judge the policy.", hint="Record more rounds: --shadow N.")
    worth = _held_out(known, cost, quality)
    return Tuned(chosen.policy, front, len(ours), len(known), *worth, unjudged=len(others) - len(known))


def _check_enough(runs: Sequence[Recorded], ours: Sequence[Recorded], others: Sequence[Recorded]) -> None:
    """Raise where an interval over the held-out half would say nothing."""
    photos = len({run.prefixes[0].request.image.sha256 for run in runs})
    later = len({run.family or run.run for run in others if len(run.actions) > 1})
    if photos < MIN_PHOTOS or not ours:
        raise UsageError(
            f"{len(runs)} runs of {photos} photos are too few: tuning needs {MIN_PHOTOS} different photos.",
            hint="Record more photos, with --shadow, so that a half of them can be held out.",
        )
    if later < MIN_LATER:
        raise UsageError(
            f"Of {len(others)} held-out runs {later} have more than one recorded round: tuning needs {MIN_LATER}.",
            hint="Record rounds past the stop: --shadow N.",
        )


def _held_out(
    judged: list[tuple[Outcome, Recorded]], cost: Cost, quality: Quality
) -> tuple[Interval, Interval, Interval, Interval | None]:
    kept, shares, costs, later = [], [], [], []
    for outcome, run in judged:
        whole, spent = _full(run, cost, quality)
        assert whole and outcome.quality is not None
        kept.append((outcome.family, outcome.quality))
        shares.append((outcome.family, outcome.quality / whole))
        costs.append((outcome.family, _cost(outcome, cost) / spent if spent else 1.0))
        if not outcome.first_accepted:
            later.append(shares[-1])
    told = [interval(by_family(pairs)) for pairs in (kept, shares, costs)]
    return told[0], told[1], told[2], interval(by_family(later)) if later else None


def _replayed(run: Recorded, text: str, quality: Quality) -> Outcome:
    return replay(run, registry.build_policy(text), text, quality)


def _point(text: str, runs: Sequence[Recorded], cost: Cost, quality: Quality) -> Point | None:
    outcomes = [_replayed(run, text, quality) for run in runs]
    judged = [outcome for outcome in outcomes if not outcome.missing and outcome.quality is not None]
    # A policy that some runs cannot judge would be compared on others: it is left out.
    if len(judged) < len(outcomes):
        return None
    worth = by_family((outcome.family, outcome.quality or 0.0) for outcome in judged)
    costs = by_family((outcome.family, _cost(outcome, cost)) for outcome in judged)
    return Point(text, sum(worth) / len(worth), sum(costs) / len(costs))


def _cost(outcome: Outcome, cost: Cost) -> float:
    if cost == "usd":
        return outcome.spent.usd or 0.0
    return float(outcome.rounds) if cost == "rounds" else outcome.seconds or 0.0


def _full(run: Recorded, cost: Cost, quality: Quality) -> tuple[float | None, float]:
    """Return quality and cost of going on to the last recorded round; None where nobody knows the quality."""
    whole = run.prefixes[-1]
    keep = registry.build_policy("").keep(whole)
    spent = {"rounds": float(len(whole.rounds)), "seconds": whole.elapsed, "usd": whole.spent.usd or 0.0}
    return quality(whole, keep), spent[cost]


def _pareto(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points that no other one beats, the cheapest first; of equal ones the shorter text."""
    ordered = sorted(points, key=lambda point: (point.cost, -point.quality, len(point.policy)))
    front: list[Point] = []
    for point in ordered:
        if not front or point.quality > front[-1].quality + 1e-12:
            front.append(point)
    return tuple(front)
