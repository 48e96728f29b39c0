"""One small question to a part: does its server answer, and which model is it? A reasoner: does it take pictures?"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasonedit_agent.events import Called
    from reasonedit_agent.reasoners.dialects.base import Prompt
    from reasonedit_agent.schemas import ImageRef

__all__ = ["probe", "probe_tool"]

_SECONDS = 20.0
"""That the answer may take."""


async def probe(reasoner: Any) -> list[dict[str, Any]]:
    """Return a finding per server that a reasoner calls: ``what``, ``ok``, ``found``, and what helps as ``command``.

    One call with two pictures of 64 pixels and a reply of a few tokens goes to each; nothing is asked again.
    """
    found = []
    for member in getattr(reasoner, "members", (reasoner,)):
        backend = getattr(member, "backend", None)
        pool = getattr(backend, "pool", None)
        if hasattr(member, "members"):
            found += await probe(member)
        elif backend is None:
            found.append(_finding(f"reasoner {member.info.name}", True, "answers in this process, without a server"))
        elif pool is None:
            found.append(await _asked(f"reasoner {member.info.name}", backend))
        else:
            for server in pool.servers:
                for other in pool.servers:
                    pool.drain(other.url, other is not server)
                found.append(await _asked("server", backend, server))
                pool.drain(server.url, False)
    return found


async def probe_tool(tool: Any) -> list[dict[str, Any]]:
    """Return a finding per server that an editor calls, asked once for its models; none for an editor without one.

    Nothing is drawn: a picture costs minutes or money.
    """
    from reasonedit_agent.errors import ReasonEditError
    from reasonedit_agent.testing import SimpleContext

    asker: Any = getattr(tool, "asker", None)
    found: list[dict[str, Any]] = []
    for server in asker.pool.servers if asker is not None else ():
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            ctx = SimpleContext(Path(folder))
            ctx.deadline = started + _SECONDS
            try:
                met = await asker.look(server, ctx)
            except ReasonEditError as error:
                where = "" if server.url in error.message else f"{server.url}: "
                found.append(_finding("server", False, f"{where}{error.message}", error.hint))
                continue
        told = f"{server.url}: answers in {time.monotonic() - started:.1f} s as {met.dialect.name}"
        models = ", ".join(met.models) or "not listed"
        said = f"{told}; models: {models}; takes {met.dialect.pictures - 1} reference photos"
        found.append(_finding("server", True, f"{said}; {'seeds' if met.dialect.seeds else 'no seeds'}"))
    return found


async def _asked(what: str, backend: Any, server: Any = None) -> dict[str, Any]:
    from reasonedit_agent.errors import ReasonEditError

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        ctx, prompt = _question(Path(folder))
        try:
            await backend.complete(prompt, ctx)
        except _Answered as answered:
            call = answered.call
        except ReasonEditError as error:
            where = f"{server.url}: " if server and server.url not in error.message else ""
            return _finding(what, False, f"{where}{error.message}", error.hint)
    told = [f"{call.backend} answers in {time.monotonic() - started:.1f} s and takes pictures"]
    if server is not None:
        told[0] = f"{server.url}: {told[0]}"
        told.append(f"models: {', '.join(server.models)}")
        told.append(f"context: {server.context} tokens" if server.context else "context: not told")
    return _finding(what, True, "; ".join(told))


def _finding(what: str, ok: bool, found: str, command: str = "") -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "command": command}


class _Answered(Exception):
    """The first answer is enough; a cut-off one need not be asked for again."""

    def __init__(self, call: Called) -> None:
        super().__init__()
        self.call = call


def _question(folder: Path) -> tuple[Any, Prompt]:
    from PIL import Image

    from reasonedit_agent.events import Called
    from reasonedit_agent.reasoners.dialects.base import Prompt, Turn
    from reasonedit_agent.testing import SimpleContext

    class Once(SimpleContext):
        def emit(self, event: Any) -> None:
            if isinstance(event, Called):
                if not event.error:
                    raise _Answered(event)
                self.given_up = True  # the backend need not try again

    ctx = Once(folder)
    ctx.deadline = time.monotonic() + _SECONDS
    pictures: list[ImageRef] = [ctx.images.save(Image.new("RGB", (64, 64), name)) for name in ("white", "gray")]
    words = "Do these two pictures differ? Answer with one word."
    return ctx, Prompt("doctor", "", (Turn("user", (*pictures, words)),), read=lambda reply: reply.text, max_tokens=8)
