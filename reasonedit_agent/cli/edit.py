"""``reasonedit edit`` and ``reasonedit resume``."""

from __future__ import annotations

import json
import math
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
    from reasonedit_agent.schemas import Region, Thought

__all__ = ["edit", "parse_region", "resume"]

Out = Annotated[Path, typer.Option("--out", help="Folder that receives the kept image.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
Runs = Annotated[Path | None, typer.Option("--runs", help="Folder of traces and images (the user's by default).")]


def edit(
    image: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, TIFF or BMP.", show_default=False)],
    instruction: Annotated[str, typer.Argument(help="What to change, in plain words.", show_default=False)],
    out: Out = Path(),
    as_json: AsJson = False,
    reasoner: Annotated[str, typer.Option(help="Who thinks and reflects.")] = "embedded",
    tool: Annotated[str, typer.Option(help="Who edits.")] = "classical",
    comparer: Annotated[str, typer.Option(help="Who compares results, for policies that need it.")] = "",
    policy: Annotated[str | None, typer.Option(help="When to stop, such as 'accepted | budget(seconds=60)'.")] = None,
    max_rounds: Annotated[
        int | None, typer.Option(min=0, help="Stop after that many rounds, whatever the policy.")
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=64, help="Results per round.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the run; drawn by default.")] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Where: 'left,top,right,bottom', 'x,y x,y x,y', a mask image, or a phrase."),
    ] = None,
    reference: Annotated[list[Path] | None, typer.Option(help="Another photo that the instruction speaks of.")] = None,
    font: Annotated[Path | None, typer.Option(help="Font file for added text.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key and request return the stored result.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds for the whole run.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Ask before the plan is carried out.")] = False,
    review: Annotated[bool, typer.Option("--review", help="Ask after each round.")] = False,
    shadow: Annotated[
        int, typer.Option(min=0, max=20, help="Record so many rounds past the stop, to judge stops.")
    ] = 0,
    runs: Runs = None,
) -> None:
    """Edit an image: think, edit, reflect, and keep the best round."""
    from reasonedit_agent import tracing
    from reasonedit_agent.graphs.agent import EditAgent

    _check_out(out)
    agent = EditAgent(reasoner, _with_font(tool, font), _with_rounds(policy, max_rounds), comparer or None, runs=runs)
    where = parse_region(region, image, agent.runs / tracing.IMAGES) if region is not None else None
    with _interruptible(as_json, out), Narrator(quiet=as_json) as narrator:
        result = agent.edit(
            image,
            instruction,
            references=reference or [],
            region=where,
            seed=seed,
            candidates=candidates,
            key=idempotency_key,
            timeout=timeout,
            approve=approve,
            review=review,
            shadow=shadow,
            on_event=narrator.tell,
        )
    _conclude(agent, result, out, as_json)


def resume(
    run: Annotated[str, typer.Argument(help="The run's id, the start of it, or its folder.", show_default=False)],
    answer: Annotated[
        str | None, typer.Option(help="accept, reject, stop, or advice in words, when the run waits for a person.")
    ] = None,
    thought: Annotated[Path | None, typer.Option(help="The plan as you changed it (JSON).")] = None,
    out: Out = Path(),
    as_json: AsJson = False,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds from now on.")] = None,
    runs: Runs = None,
) -> None:
    """Go on with a run that was killed, was interrupted, or waits for a person."""
    from reasonedit_agent.graphs.agent import EditAgent

    _check_out(out)
    agent = EditAgent.of_run(run, runs)
    plan = _read_thought(thought) if thought else None
    with _interruptible(as_json, out), Narrator(quiet=as_json) as narrator:
        result = agent.resume(_in(agent, run), answer, thought=plan, timeout=timeout, on_event=narrator.tell)
    _conclude(agent, result, out, as_json)


def _in(agent: EditAgent, run: str) -> Path:
    from reasonedit_agent import tracing

    return tracing.find_run(run, agent.runs)


def nothing(status: str, error: str, *, stopped_by: str = "", trace: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a command that made no image; the keys are those of every other one."""
    kept = {"status": status, "image": None, "kept_round": 0, "stopped_by": stopped_by}
    return {**kept, "rounds": [], "usage": {}, "trace": trace, "error": error}


@contextmanager
def _interruptible(as_json: bool, out: Path) -> Iterator[None]:
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


# -- arguments --------------------------------------------------------------------------------------------------------


def _check_out(out: Path) -> None:
    """Find out now, not after the work, whether the result can be written."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file.", hint="Give a folder.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".reasonedit-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {error.strerror}.", hint="Give another folder.") from error


def _with_font(tool: str, font: Path | None) -> str:
    if font is None:
        return tool
    if not font.is_file():
        raise UsageError(f"The font {font} does not exist.", hint="Give a .ttf, .otf or .ttc file.")
    if "(" in tool:
        raise UsageError("--font cannot be added to a tool with settings.", hint="Write font=... into the tool.")
    return f'{tool}(font="{font.resolve()}")'


def _with_rounds(policy: str | None, max_rounds: int | None) -> str:
    from reasonedit_agent import registry

    if policy is not None and not policy.strip():
        raise UsageError("--policy is empty.", hint="Leave it out for the usual one, or write 'accepted | rounds(3)'.")
    if max_rounds is None:
        return policy or ""
    stopping, _, rest = registry.build_policy(policy or "").text.partition(";")
    return f"({stopping}) | rounds({max_rounds}){';' + rest if rest else ''}"


_REGIONS = "Write 'left,top,right,bottom', 'x,y x,y x,y', a mask image's name, or a phrase."


def parse_region(text: str, source: Path, images: Path) -> Region:
    """Read a region: a box, a polygon, a mask image of the source's size, or a phrase.

    Raises:
        UsageError: It cannot be read.
    """
    from pydantic import ValidationError

    from reasonedit_agent.images import ingest, open_store
    from reasonedit_agent.schemas import Box, Mask, Phrase, Polygon

    if not text.strip():
        raise UsageError("--region is empty.", hint=_REGIONS)
    if _is_file(text):
        store = open_store(images)
        mask = store.put(ingest(text).data)
        picture = store.put(ingest(source).data)
        if mask.size != picture.size:
            sizes = [f"{ref.width}x{ref.height}" for ref in (mask, picture)]
            raise UsageError(f"The mask {text} has {sizes[0]} pixels, the photo {sizes[1]}.", hint="Make it as large.")
        return Mask(image=store.save(store.open(mask).convert("L")), label=Path(text).stem)
    if Path(text).suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"):
        raise UsageError(f"The mask {text} does not exist.", hint="Give a mask image of the photo's size.")
    numbers = _numbers(text)
    if numbers is None:
        return Phrase(text=text)
    try:
        if len(numbers) == 1:
            left, top, right, bottom = numbers[0]
            return Box(left=left, top=top, right=right, bottom=bottom)
        points: Any = numbers
        return Polygon(points=points)
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ").rstrip(".")
        raise UsageError(f"The region {text!r} cannot be read: {reason}.", hint=_REGIONS) from error


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a name can be: a polygon of many points, or a long phrase
        return False


def _numbers(text: str) -> tuple[tuple[float, ...], ...] | None:
    """Return the four numbers of a box, or the pairs of a polygon; None where it is a text."""
    try:
        numbers = tuple(tuple(float(part) for part in group.split(",")) for group in text.replace(";", " ").split())
    except ValueError:
        if any(character.isalpha() for character in text):
            return None
        raise UsageError(f"The region {text!r} cannot be read.", hint=_REGIONS) from None
    box = [len(group) for group in numbers] == [4]
    wrong = ""
    if not box and (len(numbers) < 3 or any(len(point) != 2 for point in numbers)):
        wrong = f"it has {sum(map(len, numbers))} numbers; a box has four, a polygon three pairs or more"
    elif not all(math.isfinite(number) for point in numbers for number in point):
        wrong = "one of its numbers is none"
    if wrong:
        raise UsageError(f"The region {text!r} cannot be read: {wrong}.", hint=_REGIONS)
    return numbers


def _read_thought(path: Path) -> Thought:
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


# -- results ----------------------------------------------------------------------------------------------------------


def _conclude(agent: EditAgent, result: EditResult, out: Path, as_json: bool) -> None:
    from reasonedit_agent.cli.app import EXIT

    while result.status == "waiting" and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        result = _ask(agent, result, out)
    path, problem = None, ""
    if result.ref is not None and result.status not in ("unsupported", "invalid"):
        try:
            path = result.save(_free_name(out, result))
        except StoreError as error:
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
    suffix = SUFFIX[result.ref.media_type]
    title = Fold(tracing.read_events(result.trace)).run.title
    path, number = out / f"{title}-edited{suffix}", 2
    while path.exists():
        path, number = out / f"{title}-edited-{number}{suffix}", number + 1
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
    with _interruptible(False, out), Narrator() as narrator:
        if given == "file" and question.get("file"):
            plan = _read_thought(Path(question["file"]))
            return agent.resume(result.trace, thought=plan, on_event=narrator.tell)
        return agent.resume(result.trace, given or "accept", on_event=narrator.tell)
