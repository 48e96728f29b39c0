"""What another policy would have done: decided over recorded rounds, without any model.

A policy is a function of a prefix of a trace. So it is asked again after no round, after one, after two, each time with
exactly the history that it would have seen, until it stops. As long as it goes on as the run went on, the recorded
rounds are the ones that it would have got, and the answer is exact. Where it would have gone another way, asks a
person, needs what was not recorded, or wants a round that nobody recorded, the run cannot judge it; that is said, with
what is missing, and nothing is extrapolated.

The one implementation of each policy is used, that of the live loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasonedit_agent.analysis.chance import Interval, interval
from reasonedit_agent.analysis.collected import NOT_RECORDED
from reasonedit_agent.analysis.forks import Find, Lineage, lineage
from reasonedit_agent.analysis.parts import group_of
from reasonedit_agent.events import AnyEvent, Decided, RunStarted
from reasonedit_agent.folding import Fold
from reasonedit_agent.protocols import Policy
from reasonedit_agent.schemas import (
    SOURCE,
    Candidate,
    Continue,
    Decision,
    Failure,
    History,
    Pick,
    Round,
    Stop,
    Usage,
    standing,
)

__all__ = ["Outcome", "Quality", "Recorded", "Summary", "by_family", "overall", "record", "replay", "summarise"]

Quality = Callable[[History, Pick], float | None]
"""How good a pick of a history is, 0 to 10; None where nobody knows."""


def overall(history: History, pick: Pick) -> float | None:
    """Return the Reasoner's own score of a pick (VIEScore's ``sqrt(SC * PQ)``, 0 to 10); 0 for the source."""
    if pick == SOURCE:
        return 0.0
    verdict = history.rounds[pick.round - 1].verdicts[pick.candidate]
    return None if isinstance(verdict, Failure) else verdict.scores.overall


@dataclass(frozen=True)
class Recorded:
    """A run as policies are judged on it.

    Attributes:
        run: Its id.
        group: Of the parts that made it, with their settings: runs of different ones are never put together silently.
        prefixes: The history before round 1, after it, after the second, to the last that was recorded.
        actions: What was done after each prefix but the last.
        scored: Whether its scores stand for something; an imported run's may not.
        timed: Whether its seconds do.
        family: The run that it goes back to: a run and its forks share rounds, and count as one.
    """

    run: str
    group: tuple[str, ...]
    prefixes: tuple[History, ...]
    actions: tuple[Continue, ...]
    scored: bool = True
    timed: bool = True
    family: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a policy did on a run.

    Attributes:
        run: The run's id.
        group: Of its parts.
        policy: Its text.
        rounds: That it paid for.
        kept: The pick that it returned.
        quality: Of that pick; None where nobody knows.
        best: The best quality that any stop on this run could have kept.
        seconds: Active seconds up to its stop; None where they were not recorded.
        spent: All that was spent up to its stop.
        stopped_by: Its reason.
        missing: Why the run cannot judge it; empty where it can, and then the fields above count.
        first_accepted: Whether the verdict that stands for the run's first round was Accepted.
        family: The run that this one goes back to.
    """

    run: str
    group: tuple[str, ...]
    policy: str
    rounds: int = 0
    kept: Pick = SOURCE
    quality: float | None = None
    best: float | None = None
    seconds: float | None = None
    spent: Usage = field(default_factory=Usage)
    stopped_by: str = ""
    missing: str = ""
    first_accepted: bool = False
    family: str = ""

    @property
    def regret(self) -> float | None:
        """How much better the best stop would have been."""
        return None if self.quality is None or self.best is None else self.best - self.quality


def record(events: Iterable[AnyEvent], find: Find = lambda run: None) -> Recorded | None:
    """Return a run as policies are judged on it, or None where it has no plan.

    Args:
        events: Of one run, also of one that is not finished.
        find: The first event of another run, which tells a fork's ancestors.
    """
    fold, seen = Fold(), dict[int, History]()
    for event in events:
        if isinstance(event, Decided) and event.decision.author == "policy":
            seen.setdefault(event.decision.after, fold.history)
        fold.add(event)
    history = fold.history
    if fold.started is None or history.thought is None:
        return None
    actions = tuple(_action(round_, history) for round_ in history.rounds)
    prefixes: list[History] = []
    for count in range(len(history.rounds) + 1):
        # What the policy saw then; beyond the stop nobody asked it, so the shadow rounds are put on top.
        prefixes.append(seen[count] if count in seen else _one_more(prefixes[-1] if prefixes else None, history, count))
    scored, timed = (fold.run.reasoner.settings.get(what) != NOT_RECORDED for what in ("scores", "seconds"))
    origin = lineage(fold.run, find)
    return Recorded(fold.run.run, _group(fold.run, origin), tuple(prefixes), actions, scored, timed, origin.root)


def _group(started: RunStarted, origin: Lineage) -> tuple[str, ...]:
    """Return the parts of all rounds: those of a fork's first ones are its parent's."""
    makers = [group_of(ancestor) for ancestor in reversed(origin.ancestors)] + [group_of(started)]
    if not origin.whole:
        makers.insert(0, (f"that of {origin.root}",) * 3)
    together = (", then ".join(name or "none" for name in dict.fromkeys(names)) for names in zip(*makers, strict=True))
    return tuple(name for name in together if name != "none")


def _one_more(before: History | None, whole: History, count: int) -> History:
    """Return the history after ``count`` rounds where it was not seen: the one before it, with one round more."""
    if before is None:
        return whole.model_copy(update={"rounds": (), "decisions": (), "human": ()})
    round_ = whole.rounds[count - 1].model_copy(update={"shadow": False})
    action = _action(round_, whole)
    decision = Decision(after=count - 1, author="policy", action=action, keep=SOURCE)
    return before.model_copy(
        update={
            "rounds": (*before.rounds, round_),
            "decisions": (*before.decisions, decision),
            "spent": before.spent.plus(round_.usage),
            "elapsed": before.elapsed + round_.seconds,
        }
    )


def _action(round_: Round, history: History) -> Continue:
    """Return the action that a round carried out."""
    call = round_.call
    return Continue(
        base=_pick_of(call.base, history),
        steps=call.steps,
        instruction=call.instruction,
        seeds=call.seeds,
        quality=call.quality,
    )


def _pick_of(base: Candidate, history: History) -> Pick:
    for round_ in reversed(history.rounds):
        for index, found in enumerate(round_.candidates):
            if found == base:
                return Pick(round=round_.index, candidate=index)
    return SOURCE


def replay(run: Recorded, policy: Policy, text: str, quality: Quality = overall) -> Outcome:
    """Let a policy decide over a recorded run.

    Args:
        run: As `record` returns it.
        policy: What is judged.
        text: Its name in the outcome.
        quality: Of a pick.
    """
    first = len(run.prefixes) > 1 and standing(run.prefixes[1].rounds[0])[1].kind == "accepted"
    common: dict[str, Any] = {"run": run.run, "group": run.group, "policy": text, "first_accepted": first}
    common["family"] = run.family or run.run
    if quality is overall and not run.scored:
        return Outcome(**common, missing="its scores were not recorded")
    if not run.timed and "seconds" in policy.needs:
        return Outcome(**common, missing="it needs seconds, and they were not recorded")
    if absent := missing_for(policy, run.prefixes[-1]):
        return Outcome(**common, missing=absent)
    for count, history in enumerate(run.prefixes):
        decision = policy.decide(history)
        if isinstance(decision.action, Stop):
            whole = run.prefixes[-1]
            return Outcome(
                **common,
                rounds=count,
                kept=decision.keep,
                quality=quality(whole, decision.keep),
                best=best_of(run, policy, quality),
                seconds=history.elapsed if run.timed else None,
                spent=history.spent,
                stopped_by=decision.action.reason,
            )
        if not isinstance(decision.action, Continue):
            return Outcome(**common, missing=f"after {count} rounds it asks a person")
        if count == len(run.actions):
            return Outcome(**common, missing=f"it wants round {count + 1}, and {count} were recorded")
        if difference := _difference(decision.action, run.actions[count]):
            return Outcome(**common, missing=f"round {count + 1} would have {difference}")
    raise AssertionError("a policy that goes on for ever was given a round for ever")


def best_of(run: Recorded, policy: Policy, quality: Quality) -> float | None:
    """Return the best quality that a stop after any number of rounds could have kept, by the policy's keep rule."""
    whole = run.prefixes[-1]
    found = [quality(whole, policy.keep(history)) for history in run.prefixes]
    known = [value for value in found if value is not None]
    return max(known, default=None)


def missing_for(policy: Policy, history: History) -> str:
    """Return what a policy needs and a run does not have, in words; empty where nothing is missing."""
    rounds = history.rounds
    for need in sorted(policy.needs):
        if need == "comparison" and not all(round_.comparisons for round_ in rounds):
            return "it needs comparisons, and none were recorded"
        if need == "confidence" and not any(
            getattr(v, "confidence", None) is not None for r in rounds for v in r.verdicts
        ):
            return "it needs the judge's confidence, and none was recorded"
        if need == "answers" and not any(getattr(v, "answers", ()) for r in rounds for v in r.verdicts):
            return "it needs answers to the checklist, and none were recorded"
        if need == "drift_outside" and not any(
            need in getattr(c, "measures", ()) for r in rounds for c in r.candidates
        ):
            return "it needs the drift outside of the region, and the tool measured none"
        if need == "usd" and (history.unpriced or history.spent.usd is None):
            return "it needs what the calls cost in dollars, and some have no price"
        if need in Usage.model_fields and need not in ("seconds", "usd") and getattr(history.spent, need) is None:
            return f"it needs {need.replace('_', ' ')}, and the calls do not tell"
    return ""


def _difference(wanted: Continue, recorded: Continue) -> str:
    """Return how a round would have differed; the seeds of one request and round are the same by construction."""
    if wanted.base != recorded.base:
        return f"another base ({_where(wanted.base)} instead of {_where(recorded.base)})"
    if wanted.instruction != recorded.instruction or wanted.steps != recorded.steps:
        return "another instruction"
    if wanted.quality != recorded.quality:
        return f"quality {wanted.quality} instead of {recorded.quality}"
    return "other seeds" if wanted.seeds != recorded.seeds else ""


def _where(pick: Pick) -> str:
    return "the source" if pick == SOURCE else f"round {pick.round}.{pick.candidate}"


# -- many runs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """A policy over the runs of one group.

    Attributes:
        policy: Its text.
        group: Reasoner, tool, and the comparer if there is one.
        runs: How many could judge it.
        quality: Mean quality kept, with its interval.
        rounds: Mean rounds.
        seconds: Mean active seconds; None where they were not recorded.
        usd: Mean dollars; None where some are unknown.
        regret: Mean regret against the best stop.
        later: Mean quality over the runs whose first verdict is not Accepted, with its interval; None without such.
        unjudged: Reasons why runs could not judge it, with their counts.
    """

    policy: str
    group: tuple[str, ...]
    runs: int
    quality: Interval | None
    rounds: Interval | None
    seconds: Interval | None
    usd: Interval | None
    regret: Interval | None
    later: Interval | None
    unjudged: tuple[tuple[str, int], ...]


def summarise(outcomes: Iterable[Outcome]) -> tuple[Summary, ...]:
    """Return one summary per policy and group, in the order in which they came.

    Intervals are by run; a run and its forks are one.

    Args:
        outcomes: Of `replay`, over many runs.
    """
    sorted_: dict[tuple[str, tuple[str, ...]], list[Outcome]] = {}
    for outcome in outcomes:
        sorted_.setdefault((outcome.policy, outcome.group), []).append(outcome)
    return tuple(_summary(policy, group, found) for (policy, group), found in sorted_.items())


def _summary(policy: str, group: tuple[str, ...], found: list[Outcome]) -> Summary:
    judged = [outcome for outcome in found if not outcome.missing]
    prices = [outcome.spent.usd for outcome in judged]
    reasons = Counter(_kind(outcome.missing) for outcome in found if outcome.missing)
    return Summary(
        policy=policy,
        group=group,
        runs=len(judged),
        quality=_known(judged, [outcome.quality for outcome in judged]),
        rounds=_known(judged, [float(outcome.rounds) for outcome in judged]),
        seconds=_known(judged, [outcome.seconds for outcome in judged]),
        usd=_known(judged, prices) if all(price is not None for price in prices) else None,
        regret=_known(judged, [outcome.regret for outcome in judged]),
        later=_known(judged, [None if outcome.first_accepted else outcome.quality for outcome in judged]),
        unjudged=tuple(reasons.most_common()),
    )


def _kind(missing: str) -> str:
    """Return a reason without its numbers, so that runs with the same one are counted together."""
    return "".join("N" if letter.isdigit() else letter for letter in missing)


def _known(outcomes: Sequence[Outcome], values: Sequence[float | None]) -> Interval | None:
    pairs = [(o.family or o.run, value) for o, value in zip(outcomes, values, strict=True) if value is not None]
    return interval(by_family(pairs)) if pairs else None


def by_family(pairs: Iterable[tuple[str, float]]) -> list[float]:
    """Return one value per family, the mean over its runs: a fork is no second throw of the same photo."""
    found: dict[str, list[float]] = {}
    for family, value in pairs:
        found.setdefault(family, []).append(value)
    return [sum(values) / len(values) for values in found.values()]
