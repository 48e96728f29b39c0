"""``reasonedit plugins``, ``doctor`` and ``fetch``: what is there, and how to get what is not."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import platform
import shutil
import sys
import textwrap
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reasonedit_agent.cli.console import console
from reasonedit_agent.errors import UsageError

__all__ = ["doctor", "fetch", "findings", "plugins"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]


def plugins(as_json: AsJson = False) -> None:
    """List the registered reasoners, tools, comparers and policies."""
    from reasonedit_agent import registry

    rows = [
        {
            "kind": kind,
            "name": name,
            "package": point.dist.name if point.dist else "",
            "target": point.value,
        }
        for kind in registry.KINDS
        for name, point in registry.names(kind).items()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("kind", "name", "package", "target", box=None)
    for row in rows:
        table.add_row(*(Text(value) for value in row.values()))
    console().print(table)


_EXTRAS = {
    "diffusers": ("accelerate", "cv2", "diffusers", "numpy", "peft", "torch", "transformers"),
    "embedded": ("cv2", "ncnn", "numpy", "onnxruntime", "safetensors", "tokenizers"),
    "langchain": ("langchain",),
    "transformers": ("llguidance", "numpy", "peft", "torch", "transformers"),
    "ui": ("gradio",),
}


def doctor(
    reasoner: Annotated[str, typer.Option(help="Also ask this reasoner whether it answers: a name, text or URL.")] = "",
    tool: Annotated[
        str, typer.Option(help="Ask this tool's server, or say how a GPU can hold it: a part, or a published model.")
    ] = "",
    gpu: Annotated[float | None, typer.Option(help="GB of the GPU that is meant with --tool.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine has, and what adds what is missing; exit code 4 if the named part does not answer."""
    if tool:
        from reasonedit_agent.cli.fits import fits

        told = fits(tool, gpu)
        print(json.dumps(told)) if as_json else _print_findings(told)
        if not all(finding["ok"] for finding in told if finding.get("asked")):
            sys.exit(4)
        return
    found = findings()
    asked = asyncio.run(_probed(reasoner)) if reasoner else []
    if as_json:
        print(json.dumps(found + asked))
    else:
        _print_findings(found + asked)
    if not all(finding["ok"] for finding in asked):
        sys.exit(4)


def findings() -> list[dict[str, Any]]:
    """Return what this machine has: ``what``, ``ok``, ``found``, and the ``command`` that adds what is missing."""
    from reasonedit_agent import __version__, tracing, weights

    found: list[dict[str, Any]] = [
        _finding("python", True, platform.python_version()),
        _finding("reasonedit-agent", True, __version__),
    ]
    for extra, modules in _EXTRAS.items():
        absent = [name for name in modules if importlib.util.find_spec(name) is None]
        note = f"missing {', '.join(absent)}" if absent else "installed"
        command = f"{sys.executable} -m pip install 'reasonedit-agent[{extra}]'"
        found.append(_finding(f"extra {extra}", not absent, note, command))
    absent_files = [entry.name for entry in weights.missing()]
    note = f"missing {', '.join(absent_files)}" if absent_files else str(weights.weights_dir())
    found.append(_finding("weights embedded", not absent_files, note, "reasonedit fetch embedded"))
    found.append(_gpu())
    home = tracing.home()
    writable = os.access(next(p for p in (home, *home.parents) if p.exists()), os.W_OK)
    found.append(_finding("data folder", writable, str(home), "set REASONEDIT_HOME to a folder that can be written"))
    return found


async def _probed(spec: str) -> list[dict[str, Any]]:
    from reasonedit_agent import registry
    from reasonedit_agent.cli.probe import probe

    return await probe(registry.build("reasoners", spec))


_WIDTH = 100
_INDENT = 24


def _print_findings(findings: list[dict[str, Any]]) -> None:
    """Print a block per finding; a command stands on a line of its own, so that it can be copied whole."""
    out = console()
    for finding in findings:
        mark, style = ("ok", "green") if finding["ok"] else ("--", "yellow")
        text = f"{finding['what']:{_INDENT - 5}} {finding['found']}"
        lines = textwrap.wrap(text, _WIDTH - 4, subsequent_indent=" " * (_INDENT - 4), break_on_hyphens=False) or [""]
        out.print(Text(f"{mark}  ", style=style).append(lines[0], style="default"))
        for line in [
            *(f"    {line}" for line in lines[1:]),
            *([f"    {finding['command']}"] * bool(finding["command"])),
        ]:
            out.print(line, markup=False)


def _finding(what: str, ok: bool, found: str, command: str = "") -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "command": "" if ok else command}


def _gpu() -> dict[str, Any]:
    present = shutil.which("nvidia-smi") is not None or os.path.exists("/dev/kfd")
    note = "found" if present else "none; the embedded default needs none"
    return _finding("GPU", present, note, "")


def fetch(
    what: Annotated[str, typer.Argument(help="What to fetch: embedded (the weights of the embedded default).")],
) -> None:
    """Fetch weights into the user's cache; afterwards no network is needed."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from reasonedit_agent import weights

    if what != "embedded":
        raise UsageError(f"There is nothing to fetch under the name {what!r}.", hint="Known: embedded.")
    absent = weights.missing()
    err = Console(stderr=True, highlight=False)
    if not absent:
        err.print(f"All weights are in {weights.weights_dir()}.", markup=False)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("fetching", total=None)
        weights.fetch(
            progress=lambda done, total, label: bar.update(task, completed=done, total=total, description=label)
        )
    err.print(f"The weights are in {weights.weights_dir()}.", markup=False)
