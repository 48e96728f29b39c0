"""``reasonedit report``: runs as one HTML file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from reasonedit_agent.cli.console import printable
from reasonedit_agent.cli.tables import AsJson, Runs

__all__ = ["report"]

HEAVY = 50
"""From so many runs on, a file with whole pictures gets large."""


def report(
    run: Annotated[
        list[str], typer.Argument(help="Ids of runs, their folders, or a folder of runs.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
    light: Annotated[bool, typer.Option("--light", help="Thumbnails only, and the starts of long texts.")] = False,
    policy: Annotated[
        list[str] | None, typer.Option(help="A policy to judge over the runs; may be given several times.")
    ] = None,
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Write a page that shows runs and loads nothing from outside: to look at, to send, to print."""
    from reasonedit_agent import registry
    from reasonedit_agent.viewer.beside import labels_beside, what_if
    from reasonedit_agent.viewer.report import find_runs, write_report

    policies = {text: registry.build_policy(text) for text in policy or ()}
    folders = find_runs(run, runs)
    if len(folders) >= HEAVY and not light:
        typer.echo(f"{len(folders)} runs with whole pictures make a large file; --light keeps thumbnails.", err=True)

    def progress(done: int, total: int) -> None:
        if total > 20 and (done % 50 == 0 or done == total):
            typer.echo(f"\r{done} of {total} runs", err=True, nl=done == total)

    problems: list[str] = []
    labels = labels_beside(folders, problems)
    for problem in problems:
        typer.echo(f"left out: {printable(problem)}", err=True)
    judged = what_if(folders, policies) if policies else {}
    told = None if as_json else progress
    written = write_report(folders, out, light=light, what_if=judged, labels=labels, progress=told)
    for problem in written.left_out.values():
        typer.echo(f"left out: {printable(problem)}", err=True)
    if as_json:
        print(json.dumps({"out": str(out), **vars(written)}))
    else:
        noun = "run" if written.runs == 1 else "runs"
        typer.echo(f"{out}: {written.runs} {noun}, {written.size / 1e6:.1f} MB")
