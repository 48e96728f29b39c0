"""``reasonedit trace``: list, show and verify here; many runs in `tables`, out and in by `exchange`."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from reasonedit_agent.cli import exchange, tables
from reasonedit_agent.cli.console import PlainConsole
from reasonedit_agent.cli.console import console as wide
from reasonedit_agent.cli.tables import AsJson, Runs, cell, counted, events_of
from reasonedit_agent.cli.tables import show as show_table
from reasonedit_agent.errors import ReasonEditError, TraceError

if TYPE_CHECKING:
    from reasonedit_agent.events import AnyEvent, Called
    from reasonedit_agent.folding import Fold
    from reasonedit_agent.schemas import ImageRef

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Read what was decided, and why.")
app.command("index")(tables.index_runs)
app.command("query")(tables.query)
app.command("stats")(tables.stats)
app.command("diff")(exchange.diff_runs)
app.command("export")(exchange.export)
app.command("import")(exchange.import_)

Run = Annotated[str, typer.Argument(help="The run's id, the start of it, or its folder.", show_default=False)]


@app.command("list")
def list_runs(runs: Runs = None, as_json: AsJson = False) -> None:
    """List the runs, the newest last."""
    from reasonedit_agent import tracing

    folder = tracing.runs_folder(runs)
    rows = [_row(entry.parent) for entry in sorted(folder.glob(f"*/{tracing.EVENTS}"))]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    console = wide()
    if not rows:
        console.print(f"No runs in {folder}.", markup=False)
        return
    table = Table(
        "run", "image", "instruction", "status", "rounds", "shadow", "kept", "stopped by", "seconds", box=None
    )
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    console.print(table)


def _row(folder: Path) -> dict[str, Any]:
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.reading import TraceLines
    from reasonedit_agent.folding import Fold

    try:
        fold = Fold(TraceLines(folder / tracing.EVENTS))
        ended, history = fold.ended, fold.history
    except ReasonEditError as error:
        return dict.fromkeys(("run", "image", "instruction", "status"), "") | {"run": folder.name, "status": str(error)}
    return {
        "run": folder.name,
        "image": fold.run.title,
        "instruction": fold.run.request.instruction,
        "status": ended.status if ended else f"open ({fold.next})",
        "rounds": sum(not round_.shadow for round_ in history.rounds),
        "shadow_rounds": sum(round_.shadow for round_ in history.rounds),
        "kept": ended.keep.round if ended else None,
        "stopped_by": ended.stopped_by if ended else None,
        "seconds": round(history.elapsed, 2) if _recorded(fold, "seconds") else None,
    }


@app.command("show")
def show(run: Run, runs: Runs = None, as_json: AsJson = False) -> None:
    """Show a run: the plan, each round with its verdict, scores and images, who was called, and why it stopped."""
    from reasonedit_agent import tracing
    from reasonedit_agent.folding import Fold
    from reasonedit_agent.images import open_store
    from reasonedit_agent.schemas import Candidate
    from reasonedit_agent.viewer.terminal import filmstrip

    folder = tracing.find_run(run, runs)
    if as_json:
        _print_json(folder)
        return
    fold, calls = Fold(), _Calls()
    for event in events_of(folder):
        fold.add(event)
        calls.add(event)
    console = wide()
    store = open_store(folder.parent / tracing.IMAGES)
    _head(console, fold, folder)
    console.print(_rounds_table(fold))
    for strip in filmstrip(console, store, _pictures(fold)):
        console.print(strip)
    for round_ in fold.history.rounds:
        for index, found in enumerate(round_.candidates):
            if isinstance(found, Candidate):
                console.print(f"  {round_.index}.{index}  {store.path(found.image)}", markup=False)
    for round_ in fold.history.rounds:
        for verdict in round_.verdicts:
            for answer in getattr(verdict, "answers", ()):
                mark = {True: "yes", False: "no ", None: "?  "}[answer.yes]
                console.print(f"  {round_.index}  {mark} {answer.question}  {answer.note}", markup=False)
    calls.show(console, known=fold.history.thought.instruction if fold.history.thought else "")
    _foot(console, fold)


def _head(console: Console, fold: Fold, folder: Path) -> None:
    started, thought = fold.run, fold.history.thought
    console.print(f"Run {started.run}  {folder}", markup=False, style="bold")
    console.print(f"Asked: {started.request.instruction}", markup=False)
    console.print(
        f"By {started.reasoner.name} and {started.tool.name}, policy {started.policy}, seed {started.request.seed}",
        markup=False,
    )
    if thought is not None:
        console.print(f"Plan: {thought.instruction}", markup=False)
        for number, step in enumerate(thought.steps, 1):
            where = getattr(step.region, "label", "") or getattr(step.region, "text", "")
            console.print(f"  {number}. {step.text}{f'  [{where}]' if where else ''}", markup=False)
        if thought.keep:
            console.print(f"Keep: {', '.join(thought.keep)}", markup=False)


def _pictures(fold: Fold) -> list[tuple[str, ImageRef]]:
    """Return the source and the candidates with their places."""
    from reasonedit_agent.schemas import Candidate

    found = [
        (f"{round_.index}.{index}", candidate.image)
        for round_ in fold.history.rounds
        for index, candidate in enumerate(round_.candidates)
        if isinstance(candidate, Candidate)
    ]
    return [("source", fold.run.request.image), *found]


def _rounds_table(fold: Fold) -> Table:
    from reasonedit_agent.analysis.verify import describe
    from reasonedit_agent.schemas import Failure

    table = Table("round", "verdict", "success", "kept rest", "natural", "clean", "seconds", "then", box=None)
    decisions = {decision.after: decision for decision in fold.history.decisions}
    scored, timed = _recorded(fold, "scores"), _recorded(fold, "seconds")
    for round_ in fold.history.rounds:
        for index, verdict in enumerate(round_.verdicts):
            name = f"{round_.index}.{index}" if len(round_.verdicts) > 1 else str(round_.index)
            name += " shadow" * round_.shadow
            last = index == len(round_.verdicts) - 1
            then = describe(decisions[round_.index]) if last and round_.index in decisions else ""
            took = f"{round_.seconds:.2f}" if timed else ""
            if isinstance(verdict, Failure):
                cells = [name, verdict.reason, "", "", "", "", took, f"{verdict.message} {then}"]
            else:
                four = (f"{value:.1f}" if scored else "" for value in verdict.scores.model_dump().values())
                cells = [name, verdict.kind, *four, took, then]
            table.add_row(*(cell(text) for text in cells))
    return table


def _recorded(fold: Fold, what: str) -> bool:
    """Return whether the run's scores or seconds stand for something: an imported one's may not."""
    from reasonedit_agent.analysis.collected import NOT_RECORDED

    return fold.run.reasoner.settings.get(what) != NOT_RECORDED


class _Calls:
    """Who was called in each round, what it took, and what was noted: counted, since a trace can have a million."""

    def __init__(self) -> None:
        self._called: dict[tuple[int, str], dict[str, Any]] = {}
        self._told: dict[tuple[int, str, str, tuple[str, ...]], int] = {}

    def add(self, event: AnyEvent) -> None:
        """Take one event."""
        from reasonedit_agent.events import Called, Noted

        told: tuple[str, ...] = ()
        backend = ""
        if isinstance(event, Called):
            self._count(event)
            backend, told = event.backend, (event.note, event.error)
        elif isinstance(event, Noted):
            told = (event.text,)
        if any(told):
            key = (event.round, event.node, backend, told)
            self._told[key] = self._told.get(key, 0) + 1

    def _count(self, call: Called) -> None:
        from reasonedit_agent.schemas import Usage

        if not call.raw and not call.error and call.usage == Usage():
            return  # it only explains an answer: a panel's votes
        row = self._called.setdefault((call.round, call.node), {"backends": {}, "calls": 0, "attempts": 0, **_SUMS})
        row["attempts"] += 1
        if not call.error:
            row["calls"] += 1
            row["backends"][call.backend] = True
        for name, field in _COUNTED.items():
            value = getattr(call.usage, field)
            if value is not None:
                row[name] = (row[name] or 0) + value

    def show(self, console: PlainConsole, known: str) -> None:
        """Print it, without what was noted that is ``known``."""
        rows = [
            {"round": round_, "call": node, "answered by": ", ".join(row.pop("backends")) or "nobody", **row}
            for (round_, node), row in self._called.items()
        ]
        if rows:
            names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
            show_table(console, names, ([row[name] for name in names] for row in rows))
        lines: dict[str, int] = {}
        for (round_, node, backend, told), times in self._told.items():
            text = " ".join(part for part in told if part not in ("", known))
            if text:
                said = f"{backend}: {text}" if backend else text
                line = shorten(f"{round_}  {node:8} {said}", 110, placeholder=" ...")
                lines[line] = lines.get(line, 0) + times
        for line, times in lines.items():
            console.print(f"  {line}{f'  ({times} times)' if times > 1 else ''}", markup=False)


_COUNTED = {"prompt": "prompt_tokens", "cached": "cached_tokens", "reply": "completion_tokens", "pictures": "images"}
_SUMS = dict.fromkeys(_COUNTED)


def _print_json(folder: Path) -> None:
    """Print the events as one list, line by line."""
    before = "["
    for event in events_of(folder):
        print(before + json.dumps(event.model_dump(mode="json"), ensure_ascii=False), end="")
        before = ", "
    print("]")


def _foot(console: Console, fold: Fold) -> None:
    ended, history = fold.ended, fold.history
    for answer in history.human:
        console.print(f"A person said after round {answer.after}: {answer.kind} {answer.text}", markup=False)
    spent = {name: value for name, value in history.spent.model_dump().items() if value is not None}
    cost = ", ".join(f"{name} {value:.4g}" for name, value in spent.items())
    if _recorded(fold, "seconds"):
        console.print(f"Active {history.elapsed:.2f} s; {cost}", markup=False)
    if ended is None:
        console.print(f"Not finished; next: {fold.next}", markup=False)
        return
    kept = "the source" if ended.keep.round == 0 else f"round {ended.keep.round}.{ended.keep.candidate}"
    console.print(f"{ended.status}: kept {kept}; stopped by {ended.stopped_by}. {ended.detail}", markup=False)
    if ended.error:
        console.print(ended.error, markup=False)


@app.command("verify")
def verify_run(run: Run, runs: Runs = None, as_json: AsJson = False) -> None:
    """Decide every decision again, without any model, and compare."""
    from reasonedit_agent import tracing
    from reasonedit_agent.analysis.verify import verify
    from reasonedit_agent.images import open_store

    folder = tracing.find_run(run, runs)
    result = verify(events_of(folder), open_store(folder.parent / tracing.IMAGES))
    if as_json:
        wrong = [vars(mismatch) for mismatch in result.mismatches]
        report = {"passed": result.passed, "recomputed": result.recomputed, "given": result.given}
        print(json.dumps(report | {"mismatches": wrong, "missing": list(result.missing)}))
    else:
        console = wide()
        console.print(f"{counted(result.recomputed, 'decision')} of the policy came out again, {result.given} given.")
    if not result.passed:
        lines = [f"after round {m.after}: recorded {m.recorded!r}, now {m.recomputed!r}" for m in result.mismatches]
        lines += [f"image {sha256[:12]} is missing or damaged" for sha256 in result.missing]
        raise TraceError(f"The run {folder.name} does not verify: {'; '.join(lines)}.")
