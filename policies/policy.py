"""The three policies as one, and its text.

Grammar::

    policy   = stopping { ";" clause }
    clause   = "keep" "=" call | "next" "=" call
    stopping = all { "|" all }
    all      = unary { "&" unary }
    unary    = "not" unary | "(" stopping ")" | call
    call     = name [ "(" arguments ")" ]

A name of a whole policy (``reasonedit``) stands for its stopping part, and brings its keep and next where no clause
says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from pydantic import JsonValue

from reasonedit_agent import registry
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.budget import Budget
from reasonedit_agent.policies.combining import AllOf, AnyOf, Not, parts_of
from reasonedit_agent.policies.fitting import Calibration, Costs, Gains, as_json
from reasonedit_agent.policies.following import Closing, Rollback
from reasonedit_agent.policies.keeping import Reference
from reasonedit_agent.protocols import KeepPolicy, NextPolicy, StoppingPolicy
from reasonedit_agent.schemas import Ask, Continue, Decision, History, Pick, Stop

__all__ = ["DEFAULT", "CombinedPolicy", "parse_policy"]

DEFAULT = "accepted | rounds(3) | no_improvement(2)"
"""What runs when nothing is said."""


@dataclass(frozen=True)
class CombinedPolicy:
    """When to stop, what to keep, what comes next.

    Attributes:
        stopping: Whether to stop.
        keeping: Which candidate is the result.
        following: What the next round does.
    """

    stopping: StoppingPolicy
    keeping: KeepPolicy = field(default_factory=Reference)
    following: NextPolicy = field(default_factory=Rollback)

    @property
    def text(self) -> str:
        """The policy in its grammar; what it was fitted to stands in it whole."""
        return f"{self.stopping}; keep={self.keeping}; next={self.following}"

    def __str__(self) -> str:
        return self.text

    @property
    def needs(self) -> frozenset[str]:
        """What the parts need to have recorded: "comparison", "confidence", "answers", "drift_outside", "usd", ..."""
        parts = [part for whole in self._wholes() for part in parts_of(whole)]
        return frozenset().union(*(getattr(part, "needs", ()) for part in parts))

    @property
    def fitted(self) -> dict[str, JsonValue]:
        """What the parts were fitted to, by the name of the fit: the same as in the text, for those who read traces."""
        fits = [getattr(part, "fit", None) for whole in self._wholes() for part in parts_of(whole)]
        found: dict[str, JsonValue] = {}
        for fit in fits:
            if isinstance(fit, Calibration | Costs | Gains):
                same = sum(name.partition(" ")[0] == fit.name for name in found)
                found[f"{fit.name} {same + 1}" if same else fit.name] = as_json(fit)
        return found

    def _wholes(self) -> tuple[object, object, object]:
        return self.stopping, self.keeping, self.following

    def stop(self, history: History) -> Stop | Ask | None:
        """Ask the stopping policy."""
        return self.stopping.stop(history)

    def keep(self, history: History) -> Pick:
        """Ask the keep policy; a final picture stands for its draft."""
        pick = self.keeping.keep(history)
        return self._closing.settle(history, pick) if self._closing else pick

    def next(self, history: History) -> Continue:
        """Ask the next policy."""
        return self.following.next(history)

    def decide(self, history: History) -> Decision:
        """Return the decision after the rounds of ``history``."""
        keep = self.keep(history)
        stop = self.stop(history)
        action: Continue | Stop | Ask | None = stop
        # Nothing comes on top of a budget that is spent.
        if self._closing and not isinstance(stop, Ask):
            if stop is None or not self._overspent(history):
                action = self._closing.close(history, stop, keep)
        return Decision(after=len(history.rounds), author="policy", action=action or self.next(history), keep=keep)

    @property
    def _closing(self) -> Closing | None:
        # Asking isinstance of a protocol takes longer than all the rest of a decision.
        return cast(Closing, self.following) if hasattr(self.following, "close") else None

    def _overspent(self, history: History) -> bool:
        budgets = [part for part in parts_of(self.stopping) if isinstance(part, Budget)]
        return any(budget.stop(history) is not None for budget in budgets)


def parse_policy(text: str) -> CombinedPolicy:
    """Read a policy's text.

    Raises:
        UsageError: It has an error (the message names the column), or a name is unknown.
    """
    return _Parser(text).policy()


class _Parser:
    """Reads one policy from left to right."""

    def __init__(self, text: str) -> None:
        self.scanner = registry.Scanner(text, "policy")
        self.preset: CombinedPolicy | None = None
        self.negations = 0

    def policy(self) -> CombinedPolicy:
        scanner = self.scanner
        stopping = self.any_of()
        clauses: dict[str, object] = {}
        while scanner.take(";"):
            if not scanner.peek():
                break
            start = scanner.position
            name = scanner.word("=;|&()")
            if name not in ("keep", "next"):
                raise scanner.error(f"expected keep=... or next=..., not {name!r}", start)
            if name in clauses:
                raise scanner.error(f"{name} is given twice", start)
            scanner.expect("=")
            clauses[name] = self.build("keep_policies" if name == "keep" else "next_policies")
        if scanner.peek():
            raise scanner.error(f"{scanner.peek()!r} is not expected here")
        usual = self.preset or CombinedPolicy(stopping)
        keeping, following = clauses.get("keep", usual.keeping), clauses.get("next", usual.following)
        return CombinedPolicy(stopping, keeping, following)  # type: ignore[arg-type]

    def any_of(self) -> StoppingPolicy:
        members = [self.all_of()]
        while self.scanner.take("|"):
            members.append(self.all_of())
        return members[0] if len(members) == 1 else AnyOf(tuple(members))

    def all_of(self) -> StoppingPolicy:
        members = [self.unary()]
        while self.scanner.take("&"):
            members.append(self.unary())
        return members[0] if len(members) == 1 else AllOf(tuple(members))

    def unary(self) -> StoppingPolicy:
        scanner = self.scanner
        if scanner.take("not ") or scanner.take("not("):
            if scanner.text[scanner.position - 1] == "(":
                scanner.position -= 1
            self.negations += 1
            if self.negations > registry.DEEPEST:
                raise scanner.error(f"it has more than {registry.DEEPEST} negations")
            return Not(self.unary())
        if scanner.take("("):
            inner = self.any_of()
            scanner.expect(")")
            return inner
        scanner.peek()
        start = scanner.position
        found = self.build("policies")
        if isinstance(found, CombinedPolicy):
            if self.preset is not None:
                raise scanner.error("there is a whole policy already; one names keep and next", start)
            self.preset = found
            return found.stopping
        return found  # type: ignore[return-value]

    def build(self, kind: registry.Kind) -> object:
        call = self.scanner.call("|&;")
        try:
            return registry.build(kind, call)
        except UsageError as error:
            problem = f"{error.message.rstrip('.')}. {error.hint}".strip().rstrip(".")
            raise self.scanner.error(problem, call.column - 1) from error
