"""The application: its commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Annotated

# Interrupts and checkpoints hold plain JSON; nothing else may come back from a checkpoint. Read at import.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
os.environ.setdefault("LANGSMITH_TRACING", "false")

import typer

from reasonedit_agent import __version__
from reasonedit_agent.cli import conformance, edit, fork, labels, parts, policy, report, serve, trace, ui
from reasonedit_agent.cli.outcome import nothing
from reasonedit_agent.errors import BackendError, ReasonEditError, ReplyError, StoreError, UsageError

__all__ = ["EXIT", "app", "run"]

EXIT = {"accepted": 0, "best_effort": 0, "invalid": 2, "unsupported": 3, "failed": 4, "waiting": 5}
"""The exit code of each status; 130 is an interruption that left nothing."""

app = typer.Typer(
    name="reasonedit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Edit images by a loop that thinks, edits, reflects, and knows when to stop.",
)
app.command("edit")(edit.edit)
app.command("resume")(edit.resume)
app.command("fork")(fork.fork)
app.add_typer(trace.app, name="trace")
app.command("report")(report.report)
app.command("ui")(ui.ui)
app.add_typer(policy.app, name="policy")
app.add_typer(labels.app, name="labels")
app.add_typer(serve.app, name="serve")
app.command("plugins")(parts.plugins)
app.command("doctor")(parts.doctor)
app.command("fetch")(parts.fetch)
app.add_typer(conformance.app, name="conformance")


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Edit images by a loop that thinks, edits, reflects, and knows when to stop."""


def exit_code(error: ReasonEditError) -> int:
    """Return the exit code of an error: who must act."""
    if isinstance(error, UsageError):
        return EXIT["invalid"]
    if isinstance(error, BackendError | ReplyError | StoreError):
        return EXIT["failed"]
    return 1


def run() -> None:
    """Run, and turn an error of this library into one line on standard error."""
    for library in ("torchao", "torch.utils._pytree", "diffusers.quantizers.torchao.torchao_quantizer"):
        logging.getLogger(library).setLevel(logging.ERROR)  # of kernels and types that are not used: not for a user
    try:
        app()
    except ReasonEditError as error:
        if "--json" in sys.argv[1:]:
            status = "invalid" if isinstance(error, UsageError) else "failed"
            print(json.dumps(nothing(status, str(error), stopped_by=status)))
        else:
            print(f"reasonedit: {error}", file=sys.stderr)
        sys.exit(exit_code(error))
