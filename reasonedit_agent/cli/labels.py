"""``reasonedit labels``: what people say of results, to calibrate a judge by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from reasonedit_agent.cli.console import console, printable
from reasonedit_agent.cli.tables import AsJson, Runs, cell
from reasonedit_agent.errors import UsageError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What people say of results: accept, reject, or a comment.")


@app.callback()
def group() -> None:
    """What people say of results: accept, reject, or a comment."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns run, round, label and more.", show_default=False)],
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Add the labels of a CSV file; rows that cannot be used are named, the others are taken."""
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.labels import LABELS, import_labels

    done = import_labels(file, runs)
    if done.problems and not done.added and not done.known:
        more = f" ({len(done.problems)} rows)" if len(done.problems) > 1 else ""
        raise UsageError(f"{file} has no row that can be used{more}: {done.problems[0]}")
    if as_json:
        print(json.dumps({"added": len(done.added), "known": done.known, "problems": list(done.problems)}))
        return
    for problem in done.problems:
        typer.echo(f"left out: {printable(problem)}", err=True)
    place = tracing.runs_folder(runs) / LABELS
    typer.echo(f"{len(done.added)} labels added to {place}; {done.known} were there; {len(done.problems)} left out.")


@app.command("list")
def list_(
    run: Annotated[str, typer.Option(help="Only of this run: its id, or the start of it.")] = "",
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """List the labels in the order in which they were given."""
    from rich.table import Table

    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.labels import read_labels

    problems: list[str] = []
    labels = [label for label in read_labels(runs, problems) if label.run.startswith(run)]
    for problem in problems:
        typer.echo(f"left out: {printable(problem)}", err=True)
    if as_json:
        print(json.dumps([label.model_dump() for label in labels], ensure_ascii=False))
        return
    if not labels:
        typer.echo(f"No labels{f' of {run}' if run else ''} in {tracing.runs_folder(runs)}.")
        return
    table = Table("run", "picture", "label", "annotator", "guideline", "comment", box=None)
    for label in labels:
        place = f"{label.round}.{label.candidate}"
        table.add_row(
            *(cell(v) for v in (label.run, place, label.label, label.annotator, label.guideline, label.comment))
        )
    console().print(table)
