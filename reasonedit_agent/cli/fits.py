"""What a tool is, and the ways in which a GPU can hold it: ``reasonedit doctor --tool``."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasonedit_agent.tools.diffusers.fitting import Sizes

__all__ = ["fits", "memory"]


def memory() -> float | None:
    """Return the GB of the first GPU, or None where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    asked = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return int(said[0]) / 1024 if said and said[0].isdigit() else None


def fits(spec: str, gpu: float | None) -> list[dict[str, Any]]:
    """Return findings on a tool, or on a published model that is not here; those of a server have ``asked``.

    Args:
        spec: A part's text, or a published model's name.
        gpu: GB of the GPU that is meant; None is this machine's.

    Raises:
        UsageError: There is no such tool.
    """
    from reasonedit_agent import registry
    from reasonedit_agent.tools.diffusers.fitting import PUBLISHED

    known = {name.lower(): name for name in PUBLISHED}
    name = known.get(spec.rpartition("/")[2].lower(), "")
    if name:
        return _ways(name, PUBLISHED[name], gpu)
    return _told(spec, registry.build("tools", spec), gpu)


def _told(what: str, tool: Any, gpu: float | None) -> list[dict[str, Any]]:
    """Return findings on a tool: of the servers that it calls, of a model in this process, of each of several."""
    from reasonedit_agent.cli.probe import probe_tool

    if members := getattr(tool, "members", ()):
        names = ", ".join(member.info.name for member in members)
        inside = [found for member in members for found in _told(member.info.name, member, gpu)]
        return [_finding(f"tool {tool.info.name}", True, f"{len(members)} tools: {names}"), *inside]
    if asked := asyncio.run(probe_tool(tool)):
        return [{**each, "asked": True} for each in asked]
    sizes: Sizes | None = getattr(tool, "sizes", None)
    if sizes is not None:
        return _ways(what, sizes, gpu)
    can = f"{len(tool.card.operations)} operations" if tool.card.operations else "reads text"
    return [_finding(f"tool {what}", True, f"needs no GPU here; {can}")]


def _ways(name: str, sizes: Sizes, gpu: float | None) -> list[dict[str, Any]]:
    """Return the ways in which a GPU can hold a model."""
    from reasonedit_agent.tools.diffusers.adapters import ADAPTERS
    from reasonedit_agent.tools.diffusers.fitting import ways

    row = ADAPTERS.get(sizes.adapter)
    state = "tested" if row is not None and row.tested else "untested: no test runs this class"
    whole = sum(sizes.parts.values())
    found = [
        _finding("tool", True, f"{name}: {sizes.adapter}, {state}"),
        _finding("weights", True, f"{whole:.1f} GB in bfloat16 ({sizes.source})"),
    ]
    room = memory() if gpu is None else gpu
    found.append(_finding("GPU", room is not None, f"{room:.0f} GB" if room else "none here; name one with --gpu GB"))
    for way in ways(sizes.parts):
        enough = room is not None and way.gigabytes <= room
        found.append(_finding("with", enough, f"{way.settings}: about {way.gigabytes} GB at one megapixel"))
    return found


def _finding(what: str, ok: bool, found: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "command": ""}
