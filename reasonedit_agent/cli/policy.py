"""``reasonedit policy``: what another policy would have done on recorded runs, and which one to use."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasonedit_agent.cli.calibrate import calibrate
from reasonedit_agent.cli.console import console, printable
from reasonedit_agent.cli.tables import cell, counted, events_of
from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    from reasonedit_agent.analysis.replay import Recorded, Summary

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Judge and tune policies over recorded runs, without any model.")

Which = Annotated[list[str] | None, typer.Argument(help="Ids or paths of runs; all of the folder by default.")]
Runs = Annotated[Path | None, typer.Option(help="Folder of the runs.")]
Where = Annotated[str, typer.Option("--where", help="Only runs for which this holds (SQL on the table runs).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]


@app.callback()
def group() -> None:
    """Judge and tune policies over recorded runs, without any model."""


app.command("calibrate")(calibrate)


@app.command("replay")
def replay(
    which: Which = None,
    policy: Annotated[list[str] | None, typer.Option(help="A policy to judge; may be given several times.")] = None,
    fits: Annotated[
        Path | None, typer.Option(help="Write what rounds cost and gained there (.json), for fit=FILE.")
    ] = None,
    where: Where = "",
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Say what each policy would have kept, and at what cost; runs of different parts are kept apart."""
    from reasonedit_agent import registry
    from reasonedit_agent.analysis.fits import fitted_on
    from reasonedit_agent.analysis.replay import replay as judge
    from reasonedit_agent.analysis.replay import summarise

    if not policy and fits is None:
        raise UsageError("No policy is named.", hint='Give at least one: --policy "accepted | rounds(2)".')
    if fits is not None and fits.suffix != ".json":
        raise UsageError(f"The fits are written as JSON, not as {fits}.", hint="Use a name that ends with .json.")
    policies = {text: registry.build_policy(text) for text in policy or ()}
    recorded = read_runs(which, runs, where)
    if fits is not None:
        _write(fits, json.dumps(fitted_on(recorded), indent=1))
    outcomes = [judge(run, made, text) for text, made in policies.items() for run in recorded]
    summaries = summarise(outcomes)
    if as_json:
        rows = [{**dataclasses.asdict(summary), "unjudged": dict(summary.unjudged)} for summary in summaries]
        print(json.dumps({"runs": len(recorded), "policies": rows}))
        return
    _show(summaries)
    if fits is not None:
        console().print(f"What rounds of {counted(len(recorded), 'run')} cost and gained is in {fits}.", markup=False)


@app.command("tune")
def tune(
    which: Which = None,
    family: Annotated[list[str] | None, typer.Option(help="Policies to try: rounds({1,2,3}) is three.")] = None,
    cost: Annotated[str, typer.Option(help="What is saved: rounds, seconds or usd.")] = "rounds",
    keep: Annotated[float, typer.Option(min=0, max=1, help="Share of the full horizon's quality to keep.")] = 0.99,
    out: Annotated[Path | None, typer.Option(help="Write the policy's text there.")] = None,
    where: Where = "",
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Find the cheapest policy that keeps enough quality, and say what it is worth on held-out runs."""
    from reasonedit_agent import registry
    from reasonedit_agent.analysis import tuning

    if cost not in ("rounds", "seconds", "usd"):
        raise UsageError(f"There is no cost {cost!r}.", hint="It is rounds, seconds or usd.")
    kind: Any = cost
    found = tuning.tune(read_runs(which, runs, where), tuning.family(family or tuning.FAMILY), cost=kind, keep=keep)
    if out is not None:
        _write(out, registry.build_policy(found.policy).text)  # with the numbers of a fit, not the file's name
    if as_json:
        print(json.dumps(dataclasses.asdict(found)))
        return
    screen = console()
    screen.print(f"Tuned on {counted(found.tuned_on, 'run')}; the Pareto set of quality against {cost}:", markup=False)
    for point in found.front:
        mark = "->" if point.policy == found.policy else "  "
        screen.print(f"{mark} {point.quality:5.2f}  {point.cost:8.2f}  {point.policy}", markup=False)
    screen.print(f"On {counted(found.held_out, 'held-out run')} it keeps {found.quality} of 10,", markup=False)
    screen.print(f"{found.share} of the full horizon's quality at {found.cost} of its {cost}.", markup=False)
    if found.unjudged:
        screen.print(f"{counted(found.unjudged, 'more held-out run')} cannot tell: left out.", markup=False)
    if found.later is not None:
        screen.print(f"Where the first verdict is not Accepted ({found.later.count}): {found.later}.", markup=False)
    screen.print(found.policy, markup=False)


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from error


def read_runs(which: list[str] | None, runs: Path | None, where: str = "") -> list[Recorded]:
    """Return the recorded runs that can judge something; one that cannot be read is told and left out.

    Raises:
        UsageError: There is none.
        TraceError: There is none, and some cannot be read.
    """
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.forks import started_in
    from reasonedit_agent.analysis.replay import record
    from reasonedit_agent.errors import TraceError

    folder = tracing.runs_folder(runs)
    places = [tracing.find_run(name, folder) for name in which or ()]
    if not which:
        places = sorted(file.parent for file in folder.glob(f"*/{tracing.EVENTS}"))
    if where:
        chosen = _chosen(runs, where)
        places = [place for place in places if place.name in chosen]
        if not places:
            raise UsageError(f"There is no run in {folder} for which {where} holds.")
    found: list[Recorded] = []
    problems: list[str] = []
    find = started_in(folder)
    for place in places:
        try:
            run = record(events_of(place), find)
        except TraceError as error:
            problems.append(str(error))
            continue
        if run is not None:
            found.append(run)
    if problems and not found:
        more = f" ({len(problems)} runs cannot be read)" if len(problems) > 1 else ""
        raise TraceError(f"{problems[0]}{more}")
    for problem in problems:
        typer.echo(f"left out: {printable(problem)}", err=True)
    if not found:
        raise UsageError(f"There is no run with a plan in {folder}.", hint="Name runs, or their folder with --runs.")
    return found


def _chosen(runs: Path | None, where: str) -> set[str]:
    """Return the runs for which a condition on the table `runs` holds."""
    from reasonedit_agent.analysis.query import query
    from reasonedit_agent.cli.tables import updated

    return set(query(updated(runs, None), f"SELECT run FROM runs WHERE {where}").column("run").to_pylist())


def _show(summaries: tuple[Summary, ...]) -> None:
    from rich.table import Table

    screen = console()
    for parts in dict.fromkeys(summary.group for summary in summaries):
        table = Table("policy", "runs", "quality", "rounds", "seconds", "usd", "regret", "not judged", box=None)
        for summary in summaries:
            if summary.group == parts:
                cells = (summary.quality, summary.rounds, summary.seconds, summary.usd, summary.regret)
                reasons = "; ".join(f"{count} x {reason}" for reason, count in summary.unjudged)
                told = (summary.policy, str(summary.runs), *(str(cell or "-") for cell in cells), reasons)
                table.add_row(*(cell(value) for value in told))
        screen.print(cell(" with ".join(parts)))
        screen.print(table)
