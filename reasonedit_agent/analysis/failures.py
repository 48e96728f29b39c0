"""Failures by kind: the rules, in this one table. Each is a query; each finding names its run and its round.

A fault is looked for in the verdict that stands for a round and is not Accepted. An axis is *weak* below 5 of 10; where
no axis is, the lowest one is (the first of success, rest, picture where they tie). A round can show several kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COLUMNS", "RULES", "WEAK", "Rule", "document", "failures_sql"]

WEAK = 5.0
"""Below this of 10, an axis is weak: the middle of VIEScore's scale."""

FELL = 2.0
"""So much of 10 must be lost against the base for a drift."""

BETTER = 0.5
"""So much of 10 a shadow round must be better for a stop that was too early."""

COLUMNS = ("kind", "run", "round", "candidate", "kept", "why")


@dataclass(frozen=True)
class Rule:
    """How one kind is told.

    Attributes:
        kind: Its name.
        about: The rule in words.
        sql: Rows of run, round, candidate, kept, why.
    """

    kind: str
    about: str
    sql: str


def _fault(condition: str) -> str:
    return f"SELECT run, round, candidate, kept, critique AS why FROM faults WHERE {condition}"


RULES: tuple[Rule, ...] = (
    Rule(
        "missed",
        "edit success is weak, and nothing else was changed",
        _fault("weak_success AND NOT weak_rest"),
    ),
    Rule(
        "wrong target",
        "edit success is weak, and something else was changed (over-editing is weak)",
        _fault("weak_success AND weak_rest"),
    ),
    Rule(
        "over-edited",
        "what was asked was done (edit success is not weak), and more than that (over-editing is weak)",
        _fault("weak_rest AND NOT weak_success"),
    ),
    Rule(
        "artefact",
        "the lower of naturalness and artefacts is weak",
        _fault("weak_picture"),
    ),
    Rule(
        "drifted",
        "a round on the result of another whose rest or picture is 2 or more of 10 below that result's",
        f"""SELECT c.run, c.round, c.candidate, c.kept,
            format('{{:.1f}} after {{:.1f}} in round {{}}', least(c.over_editing, c.perceptual),
                   least(b.over_editing, b.perceptual), b.round) AS why
        FROM candidates c JOIN rounds r USING (run, round)
        JOIN candidates b ON b.run = c.run AND b.round = r.base_round AND b.candidate = r.base_candidate
        WHERE c.standing AND NOT c.shadow
            AND least(c.over_editing, c.perceptual) <= least(b.over_editing, b.perceptual) - {FELL}""",
    ),
    Rule(
        "stopped early",
        "a shadow round is better than the result by 0.5 or more of 10; only runs with shadow rounds can show it",
        f"""SELECT r.run, arg_max(c.round, c.keep_key), arg_max(c.candidate, c.keep_key), false,
            format('{{:.1f}} past the stop, {{:.1f}} kept', max(c.overall), coalesce(any_value(r.kept_overall), 0))
        FROM runs r JOIN candidates c USING (run)
        WHERE c.shadow AND r.kept_round IS NOT NULL AND c.overall IS NOT NULL
            AND (r.kept_round = 0 OR r.kept_overall IS NOT NULL)
        GROUP BY r.run HAVING max(c.overall) >= coalesce(any_value(r.kept_overall), 0) + {BETTER}""",
    ),
    Rule(
        "stopped late",
        "rounds were paid for after the one that was kept",
        """SELECT run, kept_round, kept_candidate, true, format('{} more after it', rounds - kept_round)
        FROM runs WHERE kept_round >= 1 AND rounds > kept_round""",
    ),
    Rule(
        "backend",
        "a part gave no value: malformed, refused, timed out or lost; or the run broke",
        """SELECT run, round, candidate, kept, format('{} {}: {}', failed_node, failure, message)
        FROM candidates WHERE failure <> 'unsupported' AND NOT shadow
        UNION ALL SELECT run, round, candidate, false, format('{} {}: {}', node, failure, text)
        FROM events WHERE failure <> 'unsupported' AND node = 'think'
        UNION ALL SELECT run, round, candidate, kept, 'compare failed'
        FROM candidates WHERE preference = 'failure' AND NOT shadow
        UNION ALL SELECT r.run, r.rounds, 0, false, r.error FROM runs r
        WHERE r.status = 'failed' AND NOT EXISTS (
            SELECT 1 FROM events e WHERE e.run = r.run AND e.failure IS NOT NULL)""",
    ),
    Rule(
        "unsupported",
        "a part says that it cannot do what was asked",
        """SELECT run, round, candidate, kept, message FROM candidates WHERE failure = 'unsupported' AND NOT shadow
        UNION ALL SELECT run, round, candidate, false, text
        FROM events WHERE failure = 'unsupported' AND node = 'think'""",
    ),
    Rule(
        "person",
        "a person rejected it, whatever the Reasoner's verdict was",
        "SELECT run, round, candidate, kept, critique FROM candidates WHERE overruled AND standing AND NOT shadow",
    ),
    Rule(
        "unscored",
        "the verdict is not Accepted, and its scores were not recorded",
        """SELECT run, round, candidate, kept, critique FROM candidates
        WHERE standing AND NOT shadow AND verdict IN ('refine', 'rejected') AND NOT overruled AND overall IS NULL""",
    ),
)
"""All rules, in the order in which they are shown."""

_FAULTS = f"""SELECT *,
    CASE WHEN worst < {WEAK} THEN edit_success < {WEAK} ELSE edit_success = worst END AS weak_success,
    CASE WHEN worst < {WEAK} THEN over_editing < {WEAK}
         ELSE over_editing = worst AND edit_success > worst END AS weak_rest,
    CASE WHEN worst < {WEAK} THEN perceptual < {WEAK}
         ELSE perceptual = worst AND semantic > worst END AS weak_picture
FROM (SELECT *, least(semantic, perceptual) AS worst FROM candidates
      WHERE standing AND NOT shadow AND NOT overruled AND verdict IN ('refine', 'rejected') AND overall IS NOT NULL)"""


def failures_sql() -> str:
    """Return the query of the view `failures`, with the columns `COLUMNS`."""
    parts = [f"SELECT '{rule.kind}', * FROM ({rule.sql})" for rule in RULES]
    return f"WITH faults AS ({_FAULTS}), found({', '.join(COLUMNS)}) AS ({' UNION ALL '.join(parts)}) FROM found"


def document() -> str:
    """Return the rules as Markdown."""
    return "| kind | rule |\n| --- | --- |\n" + "".join(f"| {rule.kind} | {rule.about} |\n" for rule in RULES)
