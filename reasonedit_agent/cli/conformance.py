"""``reasonedit conformance``: whether a part keeps the contract, and what it can do."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    from reasonedit_agent.testing.suite import Report

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Check that a part keeps the contract, and see what it can do.")


@app.callback()
def group() -> None:
    """Check that a part keeps the contract, and see what it can do."""


@app.command("reasoner")
def reasoner(
    part: Annotated[str, typer.Argument(help="Name, text or URL of the reasoner.")],
    tool: Annotated[str, typer.Option(help="The tool whose card it plans for.")] = "classical",
    image: Annotated[Path | None, typer.Option(help="A photo; a painted picture by default.")] = None,
    instruction: Annotated[str, typer.Option(help="That both can serve on the photo.")] = "make the picture cooler",
    out: Annotated[Path | None, typer.Option(help="Write the card there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")] = False,
) -> None:
    """Run the conformance kit on a reasoner and print its capability card; exit code 4 if it breaks the contract."""
    from reasonedit_agent import registry
    from reasonedit_agent.images import ingest
    from reasonedit_agent.testing import check_reasoner

    source = ingest(image).data if image else _painted()
    mind, hand = registry.build("reasoners", part), registry.build("tools", tool)
    with tempfile.TemporaryDirectory() as folder:
        _tell(asyncio.run(check_reasoner(mind, hand, source, instruction, Path(folder))), out, as_json)


@app.command("tool")
def tool(
    part: Annotated[str, typer.Argument(help="Name, text or URL of the tool.")],
    image: Annotated[Path | None, typer.Option(help="A photo; a painted picture by default.")] = None,
    instruction: Annotated[str, typer.Option(help="That it can serve on the photo.")] = "make the picture cooler",
    out: Annotated[Path | None, typer.Option(help="Write the card there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")] = False,
) -> None:
    """Run the conformance kit on a tool and print its capability card; exit code 4 if it breaks the contract."""
    from reasonedit_agent import registry
    from reasonedit_agent.images import ingest
    from reasonedit_agent.operations import Adjust
    from reasonedit_agent.schemas import EditStep
    from reasonedit_agent.testing import check_tool

    source = ingest(image).data if image else _painted()
    hand = registry.build("tools", part)
    typed = Adjust(what="warmth", amount=-0.3) if "adjust" in hand.card.operations else None
    with tempfile.TemporaryDirectory() as folder:
        step = EditStep(text=instruction, operation=typed)
        _tell(asyncio.run(check_tool(hand, source, (step,), Path(folder))), out, as_json)


def _tell(report: Report, out: Path | None, as_json: bool) -> None:
    """Print a card, write it down, and end with 4 where the contract is broken."""
    text = json.dumps(report.as_json(), ensure_ascii=False)
    if out is not None:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}.") from error
    print(text if as_json else report)
    if not report.passed:
        sys.exit(4)


def _painted() -> bytes:
    """Return a warm gradient with a disc: a picture without a photo at hand."""
    from PIL import Image, ImageDraw

    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    tinted = Image.blend(picture, Image.new("RGB", picture.size, (240, 160, 60)), 0.5)
    ImageDraw.Draw(tinted).ellipse((110, 70, 210, 170), fill=(190, 40, 30))
    out = io.BytesIO()
    tinted.save(out, "PNG")
    return out.getvalue()
