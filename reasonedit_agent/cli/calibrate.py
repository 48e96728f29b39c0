"""``reasonedit policy calibrate``: fit a judge to what people say, and bound the risk of accepting unasked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasonedit_agent.cli.console import console, printable
from reasonedit_agent.cli.tables import AsJson, Runs
from reasonedit_agent.errors import StoreError, UsageError

if TYPE_CHECKING:
    from reasonedit_agent.analysis.calibration import Calibrated
    from reasonedit_agent.analysis.labelled import Labelled

__all__ = ["calibrate"]


def calibrate(
    which: Annotated[list[str] | None, typer.Argument(help="Ids of runs; all labelled ones by default.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the fit there (JSON), for confident().")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the reliability diagram there (.png or .svg).")] = None,
    risk: Annotated[list[float] | None, typer.Option(help="Share of bad accepts to bound; several times.")] = None,
    delta: Annotated[float, typer.Option(help="With what probability a bound may be wrong.")] = 0.05,
    method: Annotated[str, typer.Option(help="auto, isotonic or platt.")] = "auto",
    on: Annotated[str, typer.Option(help="auto, confidence or overall.")] = "auto",
    per: Annotated[str, typer.Option(help="A bound counts one label per source, run or label.")] = "source",
    guideline: Annotated[str | None, typer.Option(help="Only labels under this guideline.")] = None,
    judge: Annotated[str | None, typer.Option(help="Only verdicts of this reasoner.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split by source image.")] = 0,
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Fit the judge's confidence (or score) to labels, say how good it is, and from where on a risk is bounded."""
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis import calibration
    from reasonedit_agent.analysis.labelled import samples
    from reasonedit_agent.analysis.labels import read_labels

    for name, value, known in (
        ("--method", method, ("auto", "isotonic", "platt")),
        ("--on", on, ("auto", "confidence", "overall")),
        ("--per", per, ("source", "run", "label")),
    ):
        if value not in known:
            raise UsageError(f"{name} has no {value!r}.", hint=f"It is {', '.join(known[:-1])} or {known[-1]}.")
    if out is not None and out.suffix != ".json":
        raise UsageError(f"The fit is written as JSON, not as {out}.", hint="Use a name that ends with .json.")
    folder = tracing.runs_folder(runs)
    problems: list[str] = []
    labels = read_labels(folder, problems)
    only = {tracing.find_run(name, folder).name for name in which or ()}
    kind: Any = None if on == "auto" else on
    found = samples(labels, folder, only=only, guideline=guideline, judge=judge, on=kind)
    for problem in (*problems, *found.left_out):
        typer.echo(printable(problem), err=True)
    chosen: dict[str, Any] = {"method": method, "per": per, "delta": delta, "seed": seed}
    fit = calibration.calibrate(found.samples, found.on, risks=risk or (0.05, 0.1, 0.2), **chosen)
    report = _report(fit, found)
    if plot is not None:
        from reasonedit_agent.analysis.calibration_plot import plot as draw

        draw(fit, plot)
    if out is not None:
        _write(out, report)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _show(fit, found, out)


def _report(fit: Calibrated, found: Labelled) -> dict[str, Any]:
    from reasonedit_agent.policies.fitting import as_json

    told = dataclasses.asdict(fit)
    del told["calibration"]
    return {"calibration": as_json(fit.calibration), "report": {"judge": found.judge, **told}}


def _write(out: Path, report: dict[str, Any]) -> None:
    try:
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}.") from error


def _show(fit: Calibrated, found: Labelled, out: Path | None) -> None:
    from rich.table import Table

    screen = console()
    on = "confidence" if fit.calibration.on == "confidence" else "overall score"
    screen.print(f"Judge {found.judge}, by its {on}; {fit.method}.", markup=False)
    screen.print(
        f"Fitted on {fit.fitted} labels of {fit.sources[0]} source images; "
        f"judged on {fit.held_out} labels of {fit.sources[1]} others:",
        markup=False,
    )
    table = Table("predicted", "accepted", "95 % interval", "labels", box=None)
    for row in fit.bins:
        cells = (f"{row.predicted:.2f}", f"{row.accepted:.2f}", f"{row.low:.2f} to {row.high:.2f}", str(row.count))
        table.add_row(*cells)
    screen.print(table)
    screen.print(f"ECE {fit.ece:.3f} (before: {fit.ece_before:.3f}); Brier score {fit.brier:.3f}", markup=False)
    counted = {"source": "one per source image", "run": "one per run", "label": "each label taken as independent"}
    held = f"The bounds are on {fit.bounded_on} labels ({counted[fit.per]}), each true with {1 - fit.delta:g}:"
    screen.print(held, markup=False)
    for bound in fit.risks:
        seen = f"{bound.bad} of {bound.accepted} bad, bound {bound.bound:.3f}"
        if bound.threshold is not None:
            text = f"at most {bound.risk:g} bad accepts from probability {bound.threshold:.3f} on ({seen})"
        elif bound.accepted:
            text = f"at most {bound.risk:g} bad accepts: not bounded (the strictest: {seen})"
        else:
            text = f"at most {bound.risk:g} bad accepts: too few labels, {bound.needed} accepted ones without a bad one"
        screen.print(f"  {text}", markup=False)
    bounded = [bound.risk for bound in fit.risks if bound.threshold is not None]
    if out is not None and bounded:
        screen.print(f'Use it: --policy "confident(0.5, risk={bounded[0]:g}, fit={out}) | rounds(3)"', markup=False)
    elif out is not None:
        screen.print(f'Use it: --policy "confident(0.9, fit={out}) | rounds(3)"', markup=False)
