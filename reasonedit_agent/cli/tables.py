"""``reasonedit trace index|query|stats``: many runs at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from reasonedit_agent.cli.console import PlainConsole, printable
from reasonedit_agent.cli.console import console as wide

if TYPE_CHECKING:
    from reasonedit_agent.analysis.index import Index
    from reasonedit_agent.events import AnyEvent

__all__ = [
    "AsJson",
    "IndexFolder",
    "Runs",
    "cell",
    "counted",
    "events_of",
    "index_runs",
    "query",
    "show",
    "stats",
    "updated",
]

Runs = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs (the user's by default).")]
IndexFolder = Annotated[Path | None, typer.Option("--index", help="Folder of the index (index, in that of the runs).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]

SHOWN = 200
"""So many rows are printed for people."""


def cell(value: Any) -> Text:
    """Return a value as text for a table: nothing in it is markup, nothing is obeyed by a terminal."""
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    return Text("" if value is None else printable(str(value)).replace("\n", " "))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 run, 2 runs."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def events_of(folder: Path) -> Iterator[AnyEvent]:
    """Yield a run's events one by one, so that a long trace needs no memory; a torn last line is told at the end.

    Raises:
        TraceError: It is empty, foreign, damaged, or of a newer version.
    """
    from reasonedit_agent.analysis.reading import TraceLines
    from reasonedit_agent.tracing import EVENTS

    lines = TraceLines(folder / EVENTS)
    yield from lines
    if lines.torn:
        typer.echo(printable(f"{lines.path}: its last line is torn and was left out."), err=True)


def updated(runs: Path | None, folder: Path | None) -> Index:
    """Return the index of a folder, with what is new; what was skipped is told on standard error."""
    from reasonedit_agent.analysis.index import Index

    index = Index(runs, folder)
    report = index.update()
    for problem in list(report.problems.values())[:3]:
        typer.echo(f"skipped: {printable(problem)}", err=True)
    if len(report.problems) > 3:
        typer.echo(f"and {len(report.problems) - 3} more; `reasonedit trace index` names all.", err=True)
    return index


def index_runs(
    runs: Runs = None,
    index: IndexFolder = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read all runs again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read new and changed runs into the index; say what could not be read."""
    import time

    from reasonedit_agent.analysis.index import Index
    from reasonedit_agent.analysis.plain import dumps

    made = Index(runs, index)
    if rebuild:
        made.clear()
    start = time.perf_counter()
    progress = None if as_json else lambda done, total: typer.echo(f"\r{done} of {total} runs", err=True, nl=False)
    report = made.update(progress if made.runs.is_dir() else None)
    seconds = time.perf_counter() - start
    if as_json:
        print(dumps({"folder": str(made.folder), **vars(report), "seconds": seconds}))
        return
    if report.read:
        typer.echo("", err=True)
    console = wide()
    for problem in report.problems.values():
        console.print(f"{problem}", markup=False)
    console.print(
        f"{counted(report.runs, 'run')} in {made.folder}: "
        f"{report.read} read ({counted(report.events, 'event')}, {seconds:.1f} s), "
        f"{report.gone} gone, {len(report.problems)} with problems.",
        markup=False,
    )


def query(
    sql: Annotated[str, typer.Argument(help="What to select; docs/traces.md has tables and columns.")],
    runs: Runs = None,
    index: IndexFolder = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the rows to .parquet, .csv or .jsonl.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the index in SQL (DuckDB); it can only read."""
    from reasonedit_agent.analysis.plain import dumps
    from reasonedit_agent.analysis.query import query as ask
    from reasonedit_agent.analysis.table_files import write_table

    answer = ask(updated(runs, index), sql)
    if out is not None:
        write_table(answer, out)
    if as_json:
        print(dumps(answer.to_pylist()))
        return
    console = wide()
    if out is None:
        rows = [tuple(row.values()) for row in answer.slice(0, SHOWN).to_pylist()]
        show(console, answer.column_names, rows)
    more = f"; the first {SHOWN} are shown" if out is None and answer.num_rows > SHOWN else ""
    console.print(f"{counted(answer.num_rows, 'row')}{f' in {out}' if out else ''}{more}.", markup=False)


def stats(
    runs: Runs = None,
    index: IndexFolder = None,
    by: Annotated[
        str, typer.Option("--by", help="What tells groups apart: reasoner,tool,comparer,policy,parts or fewer of them.")
    ] = "reasoner,tool,comparer,policy,parts",
    where: Annotated[str, typer.Option("--where", help="Only runs for which this holds (SQL on the table runs).")] = "",
    prices: Annotated[
        bool, typer.Option("--prices", help="Print the prices that new runs are given, each with its day and source.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell rounds, times, costs, gains, verdicts and failures; runs of different parts are kept apart."""
    if prices:
        _prices(as_json)
        return
    from reasonedit_agent.analysis.plain import dumps
    from reasonedit_agent.analysis.stats import statistics

    names = tuple(name.strip() for name in by.split(",") if name.strip())
    groups = statistics(updated(runs, index), names, where)
    if as_json:
        print(dumps(groups))
        return
    console = wide()
    if not groups:
        console.print("No runs.")
    for number, group in enumerate(groups):
        if number:
            console.print("")
        _group(console, group)


def _prices(as_json: bool) -> None:
    from reasonedit_agent.analysis.plain import dumps
    from reasonedit_agent.analysis.prices import load_prices, user_file

    table, own = load_prices(), user_file()
    if as_json:
        print(dumps({"dated": table.dated, "file": str(own), "own": own.is_file(), "prices": table.rows()}))
        return
    console = wide()
    names = ("price of", "usd", "per", "as of", "source")
    rows = [(row["name"], row["usd"], row["per"], row["as_of"], row["source"]) for row in table.rows()]
    show(console, names, rows)
    there = "goes over the built-in table" if own.is_file() else "would go over the built-in table; it is not there"
    console.print(f"Dated {table.dated}. {own} {there}. What is not listed is unknown, not 0.", markup=False)


def _group(console: PlainConsole, group: dict[str, Any]) -> None:
    parts = ", ".join(f"{name} {value}" for name, value in group["parts"].items() if value is not None)
    console.print(f"{counted(group['runs'], 'run')}: {parts or 'all'}", markup=False, style="bold")
    if group["forks"]:
        are = "is a fork" if group["forks"] == 1 else "are forks"
        console.print(f"{group['forks']} of them {are}: rounds that were taken over count with their parents alone.")
    if group["mixed"] > 1:
        console.print(f"These are runs of {group['mixed']} different settings of the parts, mixed as asked.")
    listed = ", ".join(f"{name} {n}" for name, n in group["status"].items())
    console.print(
        f"Ended: {listed or 'none'}; open {group['open']}; with shadow rounds {group['shadowed']}", markup=False
    )
    histogram = (f"{counted(int(rounds), 'round')} in {counted(n, 'run')}" for rounds, n in group["rounds"].items())
    console.print(f"Rounds: {', '.join(histogram)}")
    _table(
        console,
        ("node", "times", "p50 s", "p95 s"),
        [(k, v["n"], v["p50"], v["p95"]) for k, v in group["nodes"].items()],
    )
    costs = [
        (name, c["total"], c["per_edit"], c["per_accepted"], f"{c['runs_known']} of {c['runs']}")
        for name, c in group["cost"].items()
        if c["runs_known"]
    ]
    _table(console, ("cost", "in all", "per edit", "per accepted edit", "runs that told it"), costs)
    if group["unpriced_calls"] and group["cost"].get("usd", {}).get("runs_known"):
        calls = counted(group["calls"], "call")
        console.print(f"No price: {group['unpriced_calls']} of {calls}; usd is a lower bound.")
    gains = [(g["round"], g["runs"], g["score"], g["gain"], f"{g['better']} of {g['known']}") for g in group["gain"]]
    _table(console, ("round", "runs", "kept score", "gain", "better"), gains)
    moves = [(f"{step['from']} -> {step['to']}", step["n"]) for step in group["transitions"]]
    _table(console, ("verdicts", "times"), moves)
    failures = [
        (
            kind,
            f["runs"],
            f["rounds"],
            f["kept"],
            ", ".join(f"{e['run']} round {e['round']}" for e in f["examples"][:2]),
        )
        for kind, f in group["failures"].items()
    ]
    _table(console, ("failure", "runs", "rounds", "kept", "such as"), failures)


def _table(console: PlainConsole, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        show(console, names, rows)


def show(console: PlainConsole, names: Iterable[Any], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table; names and values are text and nothing else."""
    table = Table(box=None)
    for name in names:
        table.add_column(cell(name))
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console.print(table)
