"""When to stop, which round to keep, what comes next.

A policy is pure: a function of a History, that is of a prefix of a trace. It can be judged over recorded traces
without any model. As text: ``accepted | rounds(3) | budget(seconds=60); keep=reference; next=rollback``.
"""

from reasonedit_agent.policies.following import Rollback, seeds_for
from reasonedit_agent.policies.keeping import Reference
from reasonedit_agent.policies.policy import DEFAULT, CombinedPolicy, parse_policy
from reasonedit_agent.policies.stopping import AcceptedPolicy, AllOf, AnyOf, Budget, NoImprovement, Not, Rounds

__all__ = [
    "DEFAULT",
    "AcceptedPolicy",
    "AllOf",
    "AnyOf",
    "Budget",
    "CombinedPolicy",
    "NoImprovement",
    "Not",
    "Reference",
    "Rollback",
    "Rounds",
    "parse_policy",
    "seeds_for",
]
