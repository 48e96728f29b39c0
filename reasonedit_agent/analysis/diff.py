"""Two runs side by side: what is the same, where they part, and what each came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from reasonedit_agent.analysis.columns import TABLES
from reasonedit_agent.analysis.rows import rows_of
from reasonedit_agent.analysis.verify import describe
from reasonedit_agent.events import AnyEvent, RunStarted
from reasonedit_agent.folding import Fold
from reasonedit_agent.schemas import Candidate, Failure, Round

__all__ = ["Difference", "Line", "diff"]

COSTS = (
    "status",
    "stopped_by",
    "rounds",
    "kept_round",
    "kept_overall",
    "seconds",
    "gpu_seconds",
    "prompt_tokens",
    "completion_tokens",
    "usd",
    "calls",
)
"""Columns of `runs` that are set side by side at the end."""


@dataclass(frozen=True)
class Line:
    """One fact of both runs; None where a run has none."""

    name: str
    a: str | None
    b: str | None
    same: bool


@dataclass(frozen=True)
class Difference:
    """What telling two runs apart found.

    Attributes:
        a: Name of the first run.
        b: Name of the second.
        settings: Parts, policy and seed that differ: by name, both texts.
        lines: The facts in order: source, instruction, plan, then each round's call, result and verdict, each decision.
        shared: How many lines are the same before the runs part.
        costs: By column of `runs`, both values.
    """

    a: str
    b: str
    settings: dict[str, tuple[str, str]]
    lines: tuple[Line, ...]
    shared: int
    costs: dict[str, tuple[Any, Any]]

    @property
    def parted(self) -> str | None:
        """The fact at which they part, or None."""
        return self.lines[self.shared].name if self.shared < len(self.lines) else None


def diff(a: Iterable[AnyEvent], b: Iterable[AnyEvent]) -> Difference:
    """Compare two traces. Seeds, times and usage do not make facts different; pictures and words do.

    Raises:
        TraceError: One of them is no trace.
    """
    events = [list(a), list(b)]
    folds = [Fold(one) for one in events]
    names = [fold.run.run for fold in folds]
    facts = [_facts(fold) for fold in folds]
    lines = []
    order = list(dict.fromkeys(name for pair in zip_longest(*facts) for name in pair if name))
    for name in sorted(order, key=_place):
        left, right = facts[0].get(name), facts[1].get(name)
        same = left is not None and right is not None and left[0] == right[0]
        lines.append(Line(name, left[1] if left else None, right[1] if right else None, same))
    shared = next((number for number, line in enumerate(lines) if not line.same), len(lines))
    settings = [_settings(fold.run) for fold in folds]
    pairs = {key: (settings[0].get(key, ""), settings[1].get(key, "")) for key in {**settings[0], **settings[1]}}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    columns = TABLES["runs"].names
    rows = [dict(zip(columns, rows_of(n, e)["runs"][0], strict=True)) for n, e in zip(names, events, strict=True)]
    costs = {name: (rows[0][name], rows[1][name]) for name in COSTS}
    return Difference(names[0], names[1], differing, tuple(lines), shared, costs)


def _settings(started: RunStarted) -> dict[str, str]:
    parts = {}
    for role in ("reasoner", "tool", "comparer"):
        part = getattr(started, role)
        parts[role] = "" if part is None else f"{part.spec or part.name} {part.version} {part.settings or ''}".strip()
    fitted = {name: str(value) for name, value in started.fitted.items()}
    return {**parts, "policy": started.policy, **fitted, "seed": str(started.request.seed)}


_ORDER = ("asked", "result", "verdict", "compared", "decision")


def _place(name: str) -> tuple[int, int]:
    """Return where a fact stands in the course of a run."""
    if name.startswith("round "):
        _, number, what = name.split(" ")
        return int(number), _ORDER.index(what)
    return {"source": (-4, 0), "instruction": (-3, 0), "plan": (-2, 0), "start decision": (-1, 0)}.get(name, (10**9, 0))


def _facts(fold: Fold) -> dict[str, tuple[Any, str]]:
    """Return each fact with its value, to compare, and its text, to read."""
    history, request = fold.history, fold.run.request
    about = request.model_dump(mode="json", exclude={"seed", "image"})
    facts: dict[str, tuple[Any, str]] = {
        "source": (request.image.sha256, f"{request.image.sha256[:12]} {request.image.width}x{request.image.height}"),
        "instruction": (about, request.instruction),
    }
    if history.thought is not None:
        facts["plan"] = (history.thought, history.thought.instruction)
    elif fold.failure is not None:
        facts["plan"] = (fold.failure.reason, f"{fold.failure.reason}: {fold.failure.message}")
    for decision in history.decisions:
        name = f"round {decision.after} decision" if decision.after else "start decision"
        value = decision.model_dump(mode="json", exclude={"author": True, "action": {"seeds", "detail"}})
        facts[name] = (value, describe(decision))
    for round_ in history.rounds:
        facts |= _round_facts(round_)
    if fold.ended is not None:
        ended = fold.ended
        facts["end"] = ((ended.status, ended.keep), f"{ended.status}, kept round {ended.keep.round}")
    return facts


def _round_facts(round_: Round) -> dict[str, tuple[Any, str]]:
    call = round_.call.model_dump(mode="json", exclude={"seeds": True, "base": {"seed", "measures"}})
    found = [c.image.sha256[:12] if isinstance(c, Candidate) else c.reason for c in round_.candidates]
    name = f"round {round_.index}"
    verdicts = [
        f"{v.reason}: {v.message}"
        if isinstance(v, Failure)
        else f"{v.kind} {v.scores.overall:.1f} {v.critique}".strip()
        for v in round_.verdicts
    ]
    facts: dict[str, tuple[Any, str]] = {
        f"{name} asked": (call, round_.call.instruction),
        f"{name} result": (found, ", ".join(found)),
        f"{name} verdict": (round_.verdicts, "; ".join(verdicts)),
    }
    if round_.comparisons:
        said = [
            one.result.reason if isinstance(one.result, Failure) else one.result.better for one in round_.comparisons
        ]
        facts[f"{name} compared"] = (said, ", ".join(said))
    return facts
