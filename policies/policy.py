"""The three policies as one, and its text.

Grammar::

    policy   = stopping { ";" clause }
    clause   = "keep" "=" call | "next" "=" call
    stopping = all { "|" all }
    all      = unary { "&" unary }
    unary    = "not" unary | "(" stopping ")" | call
    call     = name [ "(" arguments ")" ]
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reasonedit_agent import registry
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies.following import Rollback
from reasonedit_agent.policies.keeping import Reference
from reasonedit_agent.policies.stopping import AllOf, AnyOf, Not
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
        """The policy in its grammar."""
        return f"{self.stopping}; keep={self.keeping}; next={self.following}"

    @property
    def needs(self) -> frozenset[str]:
        """What the parts need to have recorded."""
        parts = (self.stopping, self.keeping, self.following)
        return frozenset().union(*(getattr(part, "needs", ()) for part in parts))

    def stop(self, history: History) -> Stop | Ask | None:
        """Ask the stopping policy."""
        return self.stopping.stop(history)

    def keep(self, history: History) -> Pick:
        """Ask the keep policy."""
        return self.keeping.keep(history)

    def next(self, history: History) -> Continue:
        """Ask the next policy."""
        return self.following.next(history)

    def decide(self, history: History) -> Decision:
        """Return the decision after the rounds of ``history``."""
        action = self.stop(history) or self.next(history)
        return Decision(after=len(history.rounds), author="policy", action=action, keep=self.keep(history))


def parse_policy(text: str) -> CombinedPolicy:
    """Read a policy's text.

    Raises:
        UsageError: It has an error (the message names the column), or a name is unknown.
    """
    scanner = registry.Scanner(text, "policy")
    stopping = _any_of(scanner)
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
        clauses[name] = _build(scanner, "keep_policies" if name == "keep" else "next_policies")
    if scanner.peek():
        raise scanner.error(f"{scanner.peek()!r} is not expected here")
    keeping, following = clauses.get("keep", Reference()), clauses.get("next", Rollback())
    return CombinedPolicy(stopping, keeping, following)  # type: ignore[arg-type]


def _any_of(scanner: registry.Scanner) -> StoppingPolicy:
    members = [_all_of(scanner)]
    while scanner.take("|"):
        members.append(_all_of(scanner))
    return members[0] if len(members) == 1 else AnyOf(tuple(members))


def _all_of(scanner: registry.Scanner) -> StoppingPolicy:
    members = [_unary(scanner)]
    while scanner.take("&"):
        members.append(_unary(scanner))
    return members[0] if len(members) == 1 else AllOf(tuple(members))


def _unary(scanner: registry.Scanner) -> StoppingPolicy:
    if scanner.take("not ") or scanner.take("not("):
        if scanner.text[scanner.position - 1] == "(":
            scanner.position -= 1
        return Not(_unary(scanner))
    if scanner.take("("):
        inner = _any_of(scanner)
        scanner.expect(")")
        return inner
    return _build(scanner, "policies")  # type: ignore[return-value]


def _build(scanner: registry.Scanner, kind: registry.Kind) -> object:
    call = scanner.call("|&;")
    try:
        return registry.build(kind, call)
    except UsageError as error:
        problem = f"{error.message.rstrip('.')}. {error.hint}".strip().rstrip(".")
        raise scanner.error(problem, call.column - 1) from error
