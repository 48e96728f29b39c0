"""``reasonedit fork``: go another way from a round of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reasonedit_agent.cli.outcome import AsJson, Out, Runs, check_out, conclude, interruptible
from reasonedit_agent.cli.progress import Narrator

__all__ = ["fork"]


def fork(
    run: Annotated[str, typer.Argument(help="The run's id, the start of it, or its folder.", show_default=False)],
    round_: Annotated[
        int,
        typer.Option("--round", min=0, help="How many rounds are kept; 0 keeps the plan alone.", show_default=False),
    ],
    reasoner: Annotated[str | None, typer.Option(help="Who thinks and reflects from there on.")] = None,
    tool: Annotated[str | None, typer.Option(help="Who edits from there on.")] = None,
    policy: Annotated[str | None, typer.Option(help="When to stop from there on.")] = None,
    comparer: Annotated[str | None, typer.Option(help="Who compares from there on.")] = None,
    think_again: Annotated[bool, typer.Option("--think-again", help="With --round 0: make a new plan.")] = False,
    shadow: Annotated[
        int | None, typer.Option(min=0, max=20, help="Rounds recorded past the stop; as in the run by default.")
    ] = None,
    out: Out = Path(),
    as_json: AsJson = False,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds from now on.")] = None,
    runs: Runs = None,
) -> None:
    """Take over the first rounds of a run into a new one, and go on with other parts; the run stays as it is."""
    from reasonedit_agent.graphs.agent import EditAgent

    check_out(out)
    given = {"reasoner": reasoner, "tool": tool, "policy": policy, "comparer": comparer}
    agent = EditAgent.of_run(run, runs, **{role: text for role, text in given.items() if text is not None})
    with interruptible(as_json, out), Narrator(quiet=as_json) as narrator:
        result = agent.fork(
            run, round_, think_again=think_again, shadow=shadow, timeout=timeout, on_event=narrator.tell
        )
    conclude(agent, result, out, as_json)
