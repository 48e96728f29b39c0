"""``reasonedit ui``: the studio in the browser."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from reasonedit_agent.cli.regions import read_region
from reasonedit_agent.cli.tables import Runs
from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    from reasonedit_agent.schemas import Region
    from reasonedit_agent.viewer.studio.workshop import Agent, Part, Workshop

__all__ = ["ui"]


def ui(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of 127.0.0.1; 0 takes a free one.")] = 7861,
    runs: Runs = None,
) -> None:
    """Open a page on this machine to edit in: drop a photo, type, watch, correct, go on."""
    if importlib.util.find_spec("gradio") is None:
        raise UsageError("The studio needs Gradio.", hint="`pip install 'reasonedit-agent[ui]'` brings it.")
    from reasonedit_agent.viewer.studio.server import serve

    serve(workshop(runs), port, lambda address: typer.echo(f"The studio is at {address} (Ctrl-C ends it)"))


def workshop(runs: Path | None = None) -> Workshop:
    """Return what the page needs and may not import."""
    from reasonedit_agent import tracing
    from reasonedit_agent.graphs.agent import EditAgent
    from reasonedit_agent.viewer.studio.workshop import Workshop

    folder = tracing.runs_folder(runs).absolute()
    folder.mkdir(parents=True, exist_ok=True)

    def make(reasoner: str, tool: str, policy: str) -> Agent:
        return EditAgent(reasoner, tool, policy, runs=folder)

    def of_run(run: Path) -> Agent:
        return EditAgent.of_run(run)

    def fork(agent: Agent, run: Path, round_: int) -> str:
        from reasonedit_agent.graphs.forking import fork_run

        session = fork_run(cast(EditAgent, agent).parts, run, round_, runs=folder)
        session.close()
        return session.fold.run.run

    def region(text: str) -> Region:
        try:
            return read_region(text)
        except UsageError as error:  # its hint names files, of which the page takes none
            raise UsageError(error.message, hint=_REGIONS) from error

    return Workshop(runs=folder, parts=parts(), make=make, of_run=of_run, fork=fork, region=region)


_REGIONS = "Draw on the photo, or write 'left,top,right,bottom', 'x,y x,y x,y' or a phrase."

_NEEDS_TEXT = {
    "openai": "openai(url=http://localhost:8000/v1)",
    "recorded": "recorded(run=RUN)",
    "images": "images(url=http://localhost:8000/v1)",
}
"""Parts that a name alone does not build, with the text that does."""


def parts() -> list[Part]:
    """Return the reasoners and tools that have a name, with what this machine lacks for them, as `doctor` finds it."""
    from reasonedit_agent import registry
    from reasonedit_agent.cli.parts import findings
    from reasonedit_agent.viewer.studio.workshop import Part

    found = {finding["what"]: finding for finding in findings()}
    made = []
    for role, kind in (("reasoner", "reasoners"), ("tool", "tools")):
        for name in registry.names(kind):  # type: ignore[arg-type]
            needs = {"classical": ("extra embedded",), "embedded": ("extra embedded", "weights embedded")}
            absent = [found[what] for what in needs.get(name, (f"extra {name}",)) if what in found]
            absent = [finding for finding in absent if not finding["ok"]]
            lacks = "; ".join(finding["found"] for finding in absent)
            command = " && ".join(finding["command"] for finding in absent)
            if not absent and (name in _NEEDS_TEXT):
                lacks, command = "needs settings; write them into the field", _NEEDS_TEXT[name]
            made.append(Part(role, name, lacks, command))
    return made
