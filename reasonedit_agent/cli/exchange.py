"""``reasonedit trace diff|export|import``: runs beside each other, out and in."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import Annotated

import typer

from reasonedit_agent.cli.console import console as wide
from reasonedit_agent.cli.tables import AsJson, IndexFolder, Runs, counted, events_of, show, updated
from reasonedit_agent.errors import UsageError

__all__ = ["diff_runs", "export", "import_"]

Run = Annotated[str, typer.Argument(help="The run's id, the start of it, or its folder.", show_default=False)]


def diff_runs(a: Run, b: Run, runs: Runs = None, as_json: AsJson = False) -> None:
    """Set two runs side by side: what is the same, where they part, what each came to."""
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.diff import diff
    from reasonedit_agent.analysis.plain import dumps

    found = diff(*(events_of(tracing.find_run(run, runs)) for run in (a, b)))
    if as_json:
        print(dumps({**vars(found), "parted": found.parted, "lines": [vars(line) for line in found.lines]}))
        return
    console = wide()
    for name, (left, right) in found.settings.items():
        console.print(f"{name}: {left or 'none'} | {right or 'none'}", markup=False)
    where = f"They part at: {found.parted}." if found.parted else "They are the same."
    console.print(f"The first {found.shared} of {len(found.lines)} lines are the same. {where}", markup=False)
    rows = []
    for line in found.lines:
        sides = [shorten(side or "", 70, placeholder=" ...") for side in (line.a, line.b)]
        rows.append((line.name, "=" if line.same else "|", *sides))
    for name, (left, right) in found.costs.items():
        if left is not None or right is not None:
            rows.append((name, "=" if left == right else "|", left, right))
    show(console, ("", "", found.a, found.b), rows)


def export(
    what: Annotated[list[str], typer.Argument(help="A table (docs/traces.md), or runs.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", help="A table: .parquet, .csv or .jsonl. Runs: a folder or .zip.")
    ] = None,
    otlp: Annotated[str, typer.Option("--otlp", help="Runs: an OpenTelemetry collector's address (HTTP).")] = "",
    runs: Runs = None,
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write a table to a file, or runs with their images to a folder or a zip; or send runs to a collector."""
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.columns import TABLES
    from reasonedit_agent.analysis.exchange import export_runs
    from reasonedit_agent.analysis.plain import dumps
    from reasonedit_agent.analysis.query import query
    from reasonedit_agent.analysis.table_files import write_table

    tables = (*TABLES, "failures")
    if (out is None) == (not otlp):
        raise UsageError("Where to?", hint="Give --out FILE or --otlp URL.")
    if out is None:
        done, text = _send(what, otlp, runs)
    elif what[0] in tables:
        if len(what) > 1:
            raise UsageError("One table goes into one file.", hint="Call it once for each table.")
        table = query(updated(runs, index), f'SELECT * FROM "{what[0]}"')
        write_table(table, out)
        done = {"table": what[0], "rows": table.num_rows, "out": str(out)}
        text = f"{counted(table.num_rows, 'row')} of {what[0]} in {out}."
    else:
        moved = export_runs([tracing.find_run(run, runs) for run in what], out)
        done = {**vars(moved), "out": str(out)}
        both = f"{counted(len(moved.runs), 'run')} and {counted(moved.images, 'image')}"
        text = f"{both} in {out}; {len(moved.missing)} missing."
    if as_json:
        print(dumps(done))
    else:
        wide().print(text, markup=False)


def _send(what: list[str], otlp: str, runs: Path | None) -> tuple[dict[str, object], str]:
    from reasonedit_agent import tracing
    from reasonedit_agent.telemetry.otlp import export_otlp

    sent = {run: export_otlp(tracing.read_events(tracing.find_run(run, runs)), otlp) for run in what}
    return {"spans": sent, "otlp": otlp}, f"{sum(sent.values())} spans of {counted(len(sent), 'run')} are at {otlp}."


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Exported folders or zips, or JSON logs.", show_default=False)],
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Take over exported runs, logs of EditThinker (*_meta.json), or output of Step1X-Edit v1p2 as JSON."""
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.exchange import Moved, import_runs
    from reasonedit_agent.analysis.foreign import import_foreign
    from reasonedit_agent.analysis.plain import dumps
    from reasonedit_agent.errors import ReasonEditError

    folder = tracing.runs_folder(runs)
    taken: list[str] = []
    problems: dict[str, str] = {}
    images, missing = 0, set()
    for path in _logs(paths):
        try:
            if path.suffix == ".json":
                moved = Moved((import_foreign(path, folder).name,))
            else:
                moved = import_runs(path, folder)
        except ReasonEditError as error:
            problems[str(path)] = str(error)
            continue
        taken += moved.runs
        images += moved.images
        missing |= set(moved.missing)
        problems |= moved.problems
    told = [text if text.startswith(name) else f"{name}: {text}" for name, text in problems.items()]
    if not taken:
        raise UsageError("; ".join(told))
    if as_json:
        print(dumps({"runs": taken, "images": images, "missing": sorted(missing), "problems": problems}))
        return
    console = wide()
    for line in told:
        console.print(line, markup=False)
    console.print(
        f"{counted(len(taken), 'run')} in {folder}: {', '.join(taken[:5])}{' ...' if len(taken) > 5 else ''}",
        markup=False,
    )
    if missing:
        console.print(f"Not there or damaged: {counted(len(missing), 'image')}; the runs can be read without.")


def _logs(paths: list[Path]) -> list[Path]:
    """Return the paths, with a folder of other programs' logs replaced by the logs."""
    found: list[Path] = []
    for path in paths:
        logs = sorted(path.rglob("*_meta.json")) if path.is_dir() else []
        found += logs or [path]
    return found
