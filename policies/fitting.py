"""What a policy is fitted to, before a run starts: calibrations, costs and gains.

A fit comes from a file (``fit=FILE``: JSON or TOML with a table per fit, ``[calibration]``, ``[costs]``, ``[gains]``)
or stands in the policy's text. It is read once, when the policy is made, and printed whole into the policy's text. So
the text in a trace rebuilds the same decisions, whatever becomes of the file.
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pydantic import JsonValue

from reasonedit_agent.errors import UsageError
from reasonedit_agent.registry import Call
from reasonedit_agent.schemas import Failure, History, Round, standing

__all__ = [
    "SPENT",
    "Calibration",
    "Costs",
    "Fit",
    "Gains",
    "as_json",
    "call_text",
    "check_number",
    "fit_costs",
    "fit_gains",
    "number_text",
    "p95",
    "quality",
    "quantiles",
    "read_fit",
    "spent_in",
]

SPENT = ("seconds", "gpu_seconds", "prompt_tokens", "completion_tokens", "usd")
"""What a round spends, by the names of `reasonedit_agent.schemas.Usage`; ``seconds`` are active wall time."""


# -- text -------------------------------------------------------------------------------------------------------------


def number_text(value: float) -> str:
    """Return a number as a text that reads back as the same number."""
    whole_ = isinstance(value, int) or (value == int(value) and abs(value) < 1e15)
    return str(int(value)) if whole_ else repr(float(value))


def call_text(name: str, **arguments: object) -> str:
    """Return a call in the policy's grammar; arguments that are None are left out."""
    parts = [f"{key}={_value_text(value)}" for key, value in arguments.items() if value is not None and value != ()]
    return f"{name}({', '.join(parts)})" if parts else name


def _value_text(value: object) -> str:
    if isinstance(value, tuple):
        return (
            '"'
            + " ".join(
                ":".join(number_text(n) for n in item) if item.__class__ is tuple else number_text(item)
                for item in value
            )
            + '"'
        )
    return number_text(value) if isinstance(value, int | float) else str(value)


def check_number(value: object, name: str, least: float, most: float = math.inf) -> None:
    """Raise unless ``value`` is None or a finite number from ``least`` to ``most``."""
    if value is None:
        return
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or not least <= value <= most:  # type: ignore[operator]
        span = f"from {least:g}" if math.isinf(most) else f"from {least:g} to {most:g}"
        raise UsageError(f"{name} takes a number {span}, not {value!r}.")


# -- the fits ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Calibration:
    """From what a judge says to the probability that a person accepts: a monotone map, and the risks it bounds.

    Args:
        on: What is mapped: the verdict's ``confidence`` (0 to 1), or its ``overall`` score (0 to 10).
        knots: Of the map, ``x:p`` with growing x and p that never falls; linear between them, flat beyond them.
        risks: ``risk:threshold``: of what is accepted from that probability on, at most this share is bad, by the
            labels.
        labels: How many labels it was fitted on.
    """

    name: ClassVar[str] = "calibration"

    on: Literal["confidence", "overall"] = "confidence"
    knots: tuple[tuple[float, float], ...] = ()
    risks: tuple[tuple[float, float], ...] = ()
    labels: int | None = None

    def __post_init__(self) -> None:
        if self.on not in ("confidence", "overall"):
            raise UsageError(f"A calibration is on confidence or overall, not on {self.on!r}.")
        for field in ("knots", "risks"):
            object.__setattr__(self, field, tuple(sorted(_pairs(getattr(self, field), field))))
        if not self.knots:
            raise UsageError("A calibration has no knots.", hint='Such as knots="0:0.05 0.5:0.4 1:0.97".')
        xs, ps = [x for x, _ in self.knots], [p for _, p in self.knots]
        if len(set(xs)) < len(xs) or ps != sorted(ps):
            raise UsageError("The knots of a calibration need different x, and p that never falls.")
        if not all(0 <= value <= 1 for value in (*ps, *(n for pair in self.risks for n in pair))):
            raise UsageError("The probabilities, risks and thresholds of a calibration lie between 0 and 1.")
        check_number(self.labels, "labels", 0)

    def probability(self, said: float) -> float:
        """Return the probability that a person accepts, for what the judge said."""
        at = bisect_right(self.knots, (said, math.inf))
        if at == 0:
            return self.knots[0][1]
        if at == len(self.knots):
            return self.knots[-1][1]
        (x0, p0), (x1, p1) = self.knots[at - 1], self.knots[at]
        return min(p1, max(p0, p0 + (p1 - p0) * (said - x0) / (x1 - x0)))

    def threshold(self, risk: float) -> float | None:
        """Return the lowest probability from which on at most ``risk`` is bad; None where no label says so."""
        return min((threshold for bound, threshold in self.risks if bound <= risk), default=None)

    def __str__(self) -> str:
        return call_text(self.name, on=self.on, knots=self.knots, risks=self.risks, labels=self.labels)


@dataclass(frozen=True)
class Costs:
    """What a round of earlier runs cost: the 95th percentile of each, None where it is not known.

    Args:
        seconds: Active wall time.
        gpu_seconds: Busy time of accelerators.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        usd: US dollars.
    """

    name: ClassVar[str] = "costs"

    seconds: float | None = None
    gpu_seconds: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    usd: float | None = None

    def __post_init__(self) -> None:
        for name in SPENT:
            check_number(getattr(self, name), f"costs: {name}", 0)

    def __str__(self) -> str:
        return call_text(self.name, **{name: getattr(self, name) for name in SPENT})


@dataclass(frozen=True)
class Gains:
    """What another round brings, as quantiles of its quality (0 to 10) by how the round before it ended.

    Args:
        first: Of the first round.
        accepted: Of a round after an accepted one.
        refine: After Refine.
        rejected: After Rejected.
        failure: After a failure.
        seconds: What a round takes on average.
        usd: What a round costs on average.
    """

    name: ClassVar[str] = "gains"
    states: ClassVar[tuple[str, ...]] = ("first", "accepted", "refine", "rejected", "failure")

    first: tuple[float, ...] = ()
    accepted: tuple[float, ...] = ()
    refine: tuple[float, ...] = ()
    rejected: tuple[float, ...] = ()
    failure: tuple[float, ...] = ()
    seconds: float | None = None
    usd: float | None = None

    def __post_init__(self) -> None:
        for state in self.states:
            object.__setattr__(self, state, _numbers(getattr(self, state), f"gains: {state}"))
            for value in getattr(self, state):
                check_number(value, f"gains: {state}", 0, 10)
        if not any(getattr(self, state) for state in self.states):
            raise UsageError("The gains are empty.", hint='Such as gains(first="3 5 7", refine="4 6 8", seconds=12).')
        check_number(self.seconds, "gains: seconds", 0)
        check_number(self.usd, "gains: usd", 0)

    def after(self, state: str) -> tuple[float, ...]:
        """Return the qualities after a state; of all states together where that one was never seen."""
        pooled = tuple(value for name in self.states for value in getattr(self, name))
        found: tuple[float, ...] = getattr(self, state)
        return found or pooled

    def __str__(self) -> str:
        samples = {state: getattr(self, state) for state in self.states}
        return call_text(self.name, **samples, seconds=self.seconds, usd=self.usd)


Fit = Calibration | Costs | Gains
F = TypeVar("F", Calibration, Costs, Gains)


def read_fit(kind: type[F], given: object) -> F:
    """Return a fit of ``kind`` from one, from its call in a policy's text, or from the file that a text names.

    Raises:
        UsageError: The file cannot be read, holds no such fit, or a value is wrong.
    """
    if isinstance(given, kind):
        return given
    if isinstance(given, Call):
        if given.name != kind.name or given.args:
            raise UsageError(f"fit takes {kind.name}(name=value, ...) or a file, not {given.name}(...).")
        return _made(kind, given.kwargs, "fit")
    if not isinstance(given, str) or not given:
        raise UsageError(f"fit takes {kind.name}(...) or a file, not {given!r}.")
    table = _table(Path(given).expanduser())
    if not isinstance(table.get(kind.name), dict):
        raise UsageError(f"The file {given} has no table {kind.name!r}.", hint=f"It has: {', '.join(table) or 'none'}.")
    return _made(kind, table[kind.name], given)


def _table(path: Path) -> Mapping[str, Mapping[str, object]]:
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise UsageError(f"The fit {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"The fit {path} is no {'TOML' if path.suffix == '.toml' else 'JSON'}: {error}.") from error
    if not isinstance(table, dict):
        raise UsageError(f"The fit {path} holds no tables.")
    return table


def _made(kind: type[F], values: Mapping[str, object], where: str) -> F:
    known = [field.name for field in dataclasses.fields(kind)]
    if unknown := [name for name in values if name not in known]:
        raise UsageError(f"{where}: {kind.name} has no {unknown[0]!r}.", hint=f"Known: {', '.join(known)}.")
    return kind(**values)  # type: ignore[arg-type]


def _numbers(given: object, what: str) -> tuple[float, ...]:
    items = given.split() if isinstance(given, str) else [given] if isinstance(given, int | float) else given
    try:
        return tuple(float(item) for item in items)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise UsageError(f"{what}: {given!r} are no numbers.", hint='Such as "3 5 7.5".') from None


def _pairs(given: object, what: str) -> list[tuple[float, float]]:
    items = given.split() if isinstance(given, str) else given
    try:
        pairs = [item.split(":") if isinstance(item, str) else item for item in items]  # type: ignore[attr-defined]
        return [(_finite(x), _finite(y)) for x, y in pairs]
    except (TypeError, ValueError):
        raise UsageError(f"{what}: {given!r} are no pairs.", hint='Such as "0:0.1 0.5:0.4 1:0.9".') from None


def _finite(value: float | str) -> float:
    if not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)


# -- fitting on recorded runs -----------------------------------------------------------------------------------------


def p95(values: Iterable[float]) -> float | None:
    """Return the 95th percentile: the smallest value that at least 95 % do not exceed (nearest rank); None of none."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None


def spent_in(round_: Round, name: str) -> float | None:
    """Return what a round spent of ``name`` (one of `SPENT`); None where it is not known."""
    value: float | None = round_.seconds if name == "seconds" else getattr(round_.usage, name)
    return value


def quality(round_: Round) -> float | None:
    """Return the overall score (0 to 10) of a round's standing verdict; None where it failed."""
    verdict = standing(round_)[1]
    return None if isinstance(verdict, Failure) else verdict.scores.overall


def quantiles(values: Sequence[float], count: int = 11) -> tuple[float, ...]:
    """Return ``count`` evenly spaced quantiles, rounded to 2 digits; all values where there are no more than that."""
    ordered = sorted(values)
    if len(ordered) <= count:
        return tuple(round(value, 2) for value in ordered)
    return tuple(round(ordered[math.floor((k + 0.5) * len(ordered) / count)], 2) for k in range(count))


def fit_costs(histories: Iterable[History]) -> Costs:
    """Return the 95th percentile of what a round of these runs cost."""
    costs = _costs(histories)
    return Costs(**{name: p95(costs[name]) for name in SPENT})


def fit_gains(histories: Iterable[History]) -> Gains:
    """Return what rounds of these runs were worth, by how the round before ended; a failed round is worth 0."""
    histories = tuple(histories)
    samples: dict[str, list[float]] = {state: [] for state in Gains.states}
    for history in histories:
        state = "first"
        for round_ in history.rounds:
            samples[state].append(quality(round_) or 0.0)
            state = standing(round_)[1].kind
    costs = _costs(histories)
    means = {name: sum(costs[name]) / len(costs[name]) if costs[name] else None for name in ("seconds", "usd")}
    return Gains(**{state: quantiles(values) for state, values in samples.items()}, **means)  # type: ignore[arg-type]


def _costs(histories: Iterable[History]) -> dict[str, list[float]]:
    """Return what the rounds cost, as far as it is known; the dollars of a run with an unknown price are not."""
    found: dict[str, list[float]] = {name: [] for name in SPENT}
    for history in histories:
        for name in SPENT:
            if name != "usd" or not history.unpriced:
                found[name] += [v for round_ in history.rounds if (v := spent_in(round_, name)) is not None]
    return found


def as_json(fit: Fit) -> dict[str, JsonValue]:
    """Return a fit as plain JSON, for the first event of a run."""
    found: dict[str, JsonValue] = json.loads(json.dumps(dataclasses.asdict(fit)))
    return found
