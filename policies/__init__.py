"""When to stop, which round to keep, what comes next.

A policy is pure: a function of a History, that is of a prefix of a trace. It can be judged over recorded traces
without any model. As text: ``accepted | rounds(3) | budget(seconds=60); keep=reference; next=rollback``.
"""

from reasonedit_agent.policies.budget import Budget
from reasonedit_agent.policies.calibrated import Confident
from reasonedit_agent.policies.combining import AllOf, AnyOf, Not
from reasonedit_agent.policies.fitting import Calibration, Costs, Gains, fit_costs, fit_gains
from reasonedit_agent.policies.following import DraftThenFinal, Previous, Reanchored, Rollback, Source, seeds_for
from reasonedit_agent.policies.gain import ExpectedGain
from reasonedit_agent.policies.keeping import Best, Harmless, Last, Reference
from reasonedit_agent.policies.policy import DEFAULT, CombinedPolicy, parse_policy
from reasonedit_agent.policies.presets import editthinker, reasonedit, single
from reasonedit_agent.policies.stopping import (
    AcceptedPolicy,
    ChecklistDone,
    Drift,
    NoImprovement,
    Rounds,
    ScoreAtLeast,
    UnchangedInstruction,
)

__all__ = [
    "DEFAULT",
    "AcceptedPolicy",
    "AllOf",
    "AnyOf",
    "Best",
    "Budget",
    "Calibration",
    "ChecklistDone",
    "CombinedPolicy",
    "Confident",
    "Costs",
    "DraftThenFinal",
    "Drift",
    "ExpectedGain",
    "Gains",
    "Harmless",
    "Last",
    "NoImprovement",
    "Not",
    "Previous",
    "Reanchored",
    "Reference",
    "Rollback",
    "Rounds",
    "ScoreAtLeast",
    "Source",
    "UnchangedInstruction",
    "editthinker",
    "fit_costs",
    "fit_gains",
    "parse_policy",
    "reasonedit",
    "seeds_for",
    "single",
]
