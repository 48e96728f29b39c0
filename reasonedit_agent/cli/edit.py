"""``reasonedit edit`` and ``reasonedit resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reasonedit_agent.cli.outcome import AsJson, Out, Runs, check_out, conclude, interruptible, read_thought
from reasonedit_agent.cli.progress import Narrator
from reasonedit_agent.cli.regions import parse_region
from reasonedit_agent.errors import UsageError

__all__ = ["edit", "resume"]


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

    check_out(out)
    agent = EditAgent(reasoner, _with_font(tool, font), _with_rounds(policy, max_rounds), comparer or None, runs=runs)
    where = parse_region(region, image, agent.runs / tracing.IMAGES) if region is not None else None
    with interruptible(as_json, out), Narrator(quiet=as_json) as narrator:
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
    conclude(agent, result, out, as_json)


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

    check_out(out)
    agent = EditAgent.of_run(run, runs)
    plan = read_thought(thought) if thought else None
    with interruptible(as_json, out), Narrator(quiet=as_json) as narrator:
        result = agent.resume(run, answer, thought=plan, timeout=timeout, on_event=narrator.tell)
    conclude(agent, result, out, as_json)


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
