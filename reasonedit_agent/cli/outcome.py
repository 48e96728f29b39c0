"""What a command that runs the loop takes and gives: its common options, the image's folder, the answer."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from reasonedit_agent.cli.progress import Narrator
from reasonedit_agent.errors import StoreError, UsageError

if TYPE_CHECKING:
    from reasonedit_agent.graphs.agent import EditAgent
    from reasonedit_agent.graphs.results import EditResult
    from reasonedit_agent.schemas import Thought

__all__ = ["AsJson", "Out", "Runs", "check_out", "conclude", "interruptible", "nothing", "read_thought"]

Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder that receives the kept image, or its file (.png, .jpg, .webp).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
Runs = Annotated[Path | None, typer.Option("--runs", help="Folder of traces and images (the user's by default).")]


def check_out(out: Path) -> None:
    """Find out now, not after the work, whether the result can be written."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file.", hint="Give another name, or a folder.")
    folder = out.parent if _is_file(out) else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".reasonedit-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {error.strerror}.", hint="Give another folder.") from error


def _is_file(out: Path) -> bool:
    """Whether ``--out`` names the image's file; what has no suffix of an image is a folder."""
    from reasonedit_agent.graphs.results import MEDIA

    return out.suffix.lower() in MEDIA and not out.is_dir()


@contextmanager
def interruptible(as_json: bool, out: Path) -> Iterator[None]:
    """End with 130 when Ctrl-C left nothing to keep."""
    try:
        yield
    except KeyboardInterrupt as error:
        trace = str(error) or None
        if as_json:
            print(json.dumps(nothing("failed", "interrupted", stopped_by="interrupted", trace=trace)))
        goes_on = f"; go on with: {_goes_on(trace, '', out)}" if trace else ""
        print(f"reasonedit: interrupted before the first round was done{goes_on}", file=sys.stderr)
        raise typer.Exit(130) from None


def read_thought(path: Path) -> Thought:
    """Read a plan as a person changed it.

    Raises:
        UsageError: It cannot be read.
    """
    from pydantic import ValidationError

    from reasonedit_agent.schemas import Thought

    try:
        return Thought.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The plan {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The plan {path} has an error at {where or 'its start'}: {first['msg']}.") from error


def conclude(agent: EditAgent, result: EditResult, out: Path, as_json: bool) -> None:
    """Write the kept image, tell how the run ended, and end the command with its exit code.

    On a terminal a run that waits for a person asks here, and goes on.
    """
    from reasonedit_agent.cli.app import EXIT

    while result.status == "waiting" and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        result = _ask(agent, result, out)
    path, problem = None, ""
    if result.ref is not None and result.status not in ("unsupported", "invalid"):
        try:
            path = result.save(_free_name(out, result))
        except (StoreError, UsageError) as error:  # the work is done: say what can't be, and where the run is
            problem = str(error)
    if as_json:
        print(json.dumps(_as_json(result, path, problem, out), ensure_ascii=False))
    else:
        _print(result, path, problem, out)
    raise typer.Exit(4 if problem else EXIT[result.status])


def _free_name(out: Path, result: EditResult) -> Path:
    """Return a file name that is not taken: an earlier result is never overwritten."""
    from reasonedit_agent import tracing
    from reasonedit_agent.folding import Fold
    from reasonedit_agent.graphs.results import SUFFIX

    assert result.ref is not None
    if _is_file(out):
        wanted = out
    else:
        title = Fold(tracing.read_events(result.trace)).run.title
        wanted = out / f"{title}-edited{SUFFIX[result.ref.media_type]}"
    path, number = wanted, 2
    while path.exists():
        path, number = wanted.with_stem(f"{wanted.stem}-{number}"), number + 1
    return path


def _goes_on(trace: Path | str, answer: str, out: Path) -> str:
    """Return the command that goes on with a run, with the folder that was to receive the image."""
    answered = f" --answer {answer}" if answer else ""
    folder = "" if out == Path() else f" --out {shlex.quote(str(out))}"
    return f"reasonedit resume {shlex.quote(str(trace))}{answered}{folder}"


def _as_json(result: EditResult, path: Path | None, problem: str, out: Path) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "status": "failed" if problem else result.status,
        "image": str(path) if path else None,
        "kept_round": result.kept.round,
        "stopped_by": result.stopped_by,
        "rounds": result.rounds(),
        "usage": result.history.spent.model_dump() if result.history else {},
        "trace": str(result.trace),
        "error": problem or result.error or None,
    }
    if result.status == "waiting" and result.question:
        answer["question"] = {
            "node": result.question["node"],
            "text": result.question["question"],
            "thought": result.question.get("file"),
            "answers": ["accept", "reject", "stop", "advice in words"],
            "command": _goes_on(result.trace, "accept", out),
        }
    return answer


def _print(result: EditResult, path: Path | None, problem: str, out: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if result.status == "waiting":
        question = result.question or {}
        console.print(f"Waiting for a person: {question.get('question')}", markup=False)
        if result.error:
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"reasonedit: {result.error}", markup=False)
        if question.get("file"):
            console.print(f"The plan: {question['file']}", markup=False)
        answers = _goes_on(result.trace, "accept|reject|stop|'advice'", out)
        console.print(f"Answer with: {answers}", markup=False)
        return
    if path is not None:
        kept = "the source, unchanged" if result.kept.round == 0 else f"round {result.kept.round}"
        console.print(
            f"{path}  ({result.status.replace('_', ' ')}, {kept}, stopped by {result.stopped_by})", markup=False
        )
    problem = problem or result.error
    if problem:
        stderr = Console(stderr=True, highlight=False, soft_wrap=True)
        stderr.print(f"reasonedit: {result.status.replace('_', ' ')}: {problem}", markup=False)
    console.print(f"Trace: reasonedit trace show {result.trace}", markup=False, style="dim")


def _ask(agent: EditAgent, result: EditResult, out: Path) -> EditResult:
    """Ask the person at the terminal, and go on."""
    from rich.prompt import Prompt
    from rich.text import Text

    question = result.question or {}
    console = Console(highlight=False)
    thought = result.history.thought if result.history else None
    if question.get("node") == "approve" and thought is not None:
        console.print(thought.instruction, markup=False)
        for number, step in enumerate(thought.steps, 1):
            console.print(f"  {number}. {step.text}", markup=False)
        console.print(f"The plan's file, if you want to change it: {question.get('file')}", markup=False)
    elif result.history and result.history.rounds:
        last = result.rounds()[-1]
        console.print(f"Round {last['round']}: {last['verdict']}. {last['critique']}", markup=False)
    prompt = Text(f"{question.get('question')} (accept, reject, stop, file, or advice in words)")
    given = Prompt.ask(prompt, console=console).strip()
    with interruptible(False, out), Narrator() as narrator:
        if given == "file" and question.get("file"):
            plan = read_thought(Path(question["file"]))
            return agent.resume(result.trace, thought=plan, on_event=narrator.tell)
        return agent.resume(result.trace, given or "accept", on_event=narrator.tell)


def nothing(status: str, error: str, *, stopped_by: str = "", trace: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a command that made no image; the keys are those of every other one."""
    kept = {"status": status, "image": None, "kept_round": 0, "stopped_by": stopped_by}
    return {**kept, "rounds": [], "usage": {}, "trace": trace, "error": error}
