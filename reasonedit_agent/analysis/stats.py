"""Statistics over many runs, grouped by the parts that ran them: runs of different parts are never mixed silently.

Seconds are what the parts measured by a clock that does not jump; the times of day in a trace are not used. Shadow
rounds count in no cost; what a fork took over from its parent counts with the parent alone. What was not told is null,
and beside each sum stands how many runs told it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reasonedit_agent.analysis.columns import TABLES
from reasonedit_agent.analysis.failures import RULES
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import connect
from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    import duckdb

__all__ = ["BY", "COSTS", "statistics"]

BY = ("reasoner", "tool", "comparer", "policy")
"""What may tell groups apart; `parts` tells settings apart as well."""

COSTS = ("seconds", "gpu_seconds", "prompt_tokens", "cached_tokens", "completion_tokens", "images", "usd")

EXAMPLES = 5
"""How many runs are named for each kind of failure; the table `failures` has all of them."""

Rows = list[dict[str, Any]]


def statistics(index: Index, by: tuple[str, ...] = (*BY, "parts"), where: str = "") -> list[dict[str, Any]]:
    """Return the statistics of each group of runs, the largest group first.

    Args:
        index: Up to date.
        by: Columns of `runs` that tell groups apart; with fewer than all of them, runs of different parts are mixed
            because it was asked for, and ``mixed`` says how many settings of the parts a group holds.
        where: A condition on the columns of `runs`, in SQL.

    Returns:
        Per group: ``parts``; ``mixed`` (how many settings of the parts it holds); how many ``runs``, of those ``open``
        (not ended), ``shadowed`` (with rounds past the stop) and ``forks``; ``calls``, ``unpriced_calls``; ``status``;
        ``rounds`` (histogram); ``nodes`` (p50 and p95 of seconds); ``cost``; ``gain`` by round; ``transitions``;
        ``failures``.

    Raises:
        UsageError: A column is unknown, the condition is no SQL, or a package is missing.
    """
    unknown = [name for name in by if name not in TABLES["runs"].names]
    if unknown:
        raise UsageError(f"Runs cannot be grouped by {unknown[0]!r}.", hint=f"Take {', '.join(BY)} or parts.")
    connection = connect(index)
    import duckdb

    try:
        keys = ", ".join(by) if by else "''"
        connection.execute(
            f"CREATE TEMP TABLE chosen AS SELECT *, dense_rank() OVER (ORDER BY {keys}) AS g "
            f"FROM (SELECT * FROM runs WHERE {where or 'true'})"
        )
        return _Groups(connection, by).all()
    except duckdb.Error as error:
        problem = str(error).split("\n")[0].strip(" .!")
        raise UsageError(f"The statistics fail: {problem}.", hint="--where takes a condition on `runs`.") from error
    finally:
        connection.close()


class _Groups:
    """Asks each question once for all groups."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, by: tuple[str, ...]) -> None:
        self.connection = connection
        self.by = by

    def rows(self, sql: str) -> Rows:
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def all(self) -> list[dict[str, Any]]:
        """Return every group."""
        keys = "".join(f"any_value({name}) AS {name}, " for name in self.by)
        heads = self.rows(
            f"""SELECT g, {keys} count(*) AS runs, count(DISTINCT parts) AS mixed,
                count(*) FILTER (status IS NULL) AS open, count(*) FILTER (shadow_rounds > 0) AS shadowed,
                count(parent) AS forks,
                sum(own_calls)::BIGINT AS calls, sum(own_unpriced_calls)::BIGINT AS unpriced_calls
            FROM chosen GROUP BY g ORDER BY runs DESC, g"""
        )
        groups = {
            head["g"]: {
                "parts": {name: head[name] for name in self.by},
                **{
                    name: head[name]
                    for name in ("mixed", "runs", "open", "shadowed", "forks", "calls", "unpriced_calls")
                },
                "status": {},
                "rounds": {},
                "nodes": {},
                "cost": {},
                "gain": [],
                "transitions": [],
                "failures": {},
            }
            for head in heads
        }
        for name in ("status", "rounds", "nodes", "cost", "gain", "transitions", "failures"):
            for row in getattr(self, f"_{name}")():
                part: Any = groups[row.pop("g")][name]
                if isinstance(part, list):
                    part.append(row)
                else:
                    key = row.pop("key")
                    part[key] = row["n"] if row.keys() == {"n"} else row
        return list(groups.values())

    def _status(self) -> Rows:
        return self.rows(
            """SELECT g, status AS key, count(*) AS n FROM chosen
            WHERE status IS NOT NULL GROUP BY ALL ORDER BY n DESC, key"""
        )

    def _rounds(self) -> Rows:
        return self.rows("SELECT g, rounds AS key, count(*) AS n FROM chosen GROUP BY ALL ORDER BY key")

    def _nodes(self) -> Rows:
        return self.rows(
            """SELECT g, node AS key, count(*) AS n, quantile_cont(e.seconds, 0.5) AS p50,
                quantile_cont(e.seconds, 0.95) AS p95
            FROM events e JOIN chosen USING (run)
            WHERE e.seconds >= 0 AND e.seq >= taken_events AND reused IS DISTINCT FROM true
            GROUP BY g, node ORDER BY g, min(seq)"""
        )

    def _cost(self) -> Rows:
        found: Rows = []
        for name in COSTS:
            found += self.rows(
                f"""SELECT g, '{name}' AS key, sum(own_{name}) AS total, sum(own_{name}) / count({name}) AS per_edit,
                sum(own_{name}) / nullif(count({name}) FILTER (status = 'accepted'), 0) AS per_accepted,
                count({name}) AS runs_known, count(*) AS runs
                FROM chosen WHERE status IS NOT NULL AND status <> 'waiting' GROUP BY g"""
            )
        return found

    def _gain(self) -> Rows:
        return self.rows(
            """WITH kept AS (
                SELECT run, g, round, first, best_overall,
                    lag(best_overall) OVER (PARTITION BY run ORDER BY round) AS before
                FROM rounds JOIN (SELECT run, g, coalesce(parent_round, 0) AS first FROM chosen) USING (run)
                WHERE NOT shadow)
            SELECT g, round, count(*) AS runs, avg(best_overall) AS score, avg(best_overall - before) AS gain,
                count(*) FILTER (best_overall > before) AS better, count(before) AS known
            FROM kept WHERE round > first GROUP BY g, round ORDER BY g, round"""
        )

    def _transitions(self) -> Rows:
        return self.rows(
            """WITH steps AS (
                SELECT g, run, first, verdict, round, lead(verdict) OVER (PARTITION BY run ORDER BY round) AS later
                FROM rounds JOIN (SELECT run, g, coalesce(parent_round, 0) AS first FROM chosen) USING (run)
                WHERE NOT shadow)
            SELECT g, 'start' AS "from", verdict AS "to", count(*) AS n FROM steps
            WHERE round = 1 AND first = 0 GROUP BY ALL
            UNION ALL SELECT g, verdict, coalesce(later, 'end'), count(*) FROM steps WHERE round >= first GROUP BY ALL
            ORDER BY g, n DESC, "from", "to\""""
        )

    def _failures(self) -> Rows:
        rows = self.rows(
            f"""WITH by_run AS (
                SELECT g, kind, run, count(*) AS n, count(*) FILTER (kept) AS kept,
                    min(struct_pack(run := run, round := round, why := why)) AS first
                FROM failures JOIN (SELECT run, g, coalesce(parent_round, 0) AS first FROM chosen) USING (run)
                WHERE round > first OR kept OR first = 0 GROUP BY g, kind, run)
            SELECT g, kind AS key, sum(n)::BIGINT AS rounds, count(*) AS runs, sum(kept)::BIGINT AS kept,
                min(first, {EXAMPLES}) AS examples
            FROM by_run GROUP BY g, kind"""
        )
        order = [rule.kind for rule in RULES]
        return sorted(rows, key=lambda row: order.index(row["key"]))
