"""A proxy that does to HTTP answers what networks and servers do: each request meets one fault, or none, by a seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from urllib.parse import urlsplit

from tests.servers.chat import ThreadedServer, closed, read_message

__all__ = ["FAULTS", "FaultProxy"]

FAULTS = ("drop", "delay", "cut", "duplicate", "busy", "error", "html", "half_json", "content_type", "drip")


class FaultProxy(ThreadedServer):
    """Stands before a server.

    Args:
        url: Of the server's API.
        share: Of the requests that meet each fault, 0 to 0.1; or one fault by its name for every request.
        seed: Of the choice.
        pause: Seconds of a delay and between the bytes of a drip.
    """

    def __init__(self, url: str, share: float | str, *, seed: int = 0, pause: float = 0.5) -> None:
        super().__init__()
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._share, self._random, self._pause = share, random.Random(seed), pause
        self.met: Counter[str] = Counter()
        self.forwarded = 0

    def _fault(self, head: bytes) -> str:
        if not head.startswith(b"POST"):
            return ""
        if isinstance(self._share, str):
            return self._share
        number = self._random.random()
        return next((fault for i, fault in enumerate(FAULTS) if number < (i + 1) * self._share), "")

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection lives on."""
        head, body = await read_message(reader)
        fault = self._fault(head)
        self.met[fault] += 1
        if fault == "drop":
            return False
        if fault in ("busy", "error", "html"):
            writer.write(_OWN[fault])
            await writer.drain()
            return True
        if fault == "delay":
            await asyncio.sleep(self._pause)
        answer = await self._forward(head, body)
        if fault == "duplicate":
            answer = await self._forward(head, body)
        return await self._back(fault, answer, writer)

    async def _forward(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        self.forwarded += 1
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=2**26)
        try:
            writer.write(head + body)
            await writer.drain()
            return await read_message(reader)
        finally:
            await closed(writer)

    async def _back(self, fault: str, answer: tuple[bytes, bytes], writer: asyncio.StreamWriter) -> bool:
        head, body = answer
        if fault == "cut":  # the length promises more than comes
            writer.write(head + body[: len(body) // 2])
            await writer.drain()
            return False
        if fault == "half_json":
            half = body[: len(body) // 2]
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(half) + half
            )
        elif fault == "content_type":
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(body) + body
            )
        elif fault == "drip":
            writer.write(head)
            for at in range(0, len(body), 16):
                writer.write(body[at : at + 16])
                await writer.drain()
                await asyncio.sleep(self._pause)
        else:
            writer.write(head + body)
        await writer.drain()
        return True


def _own(status: str, kind: str, body: bytes, extra: bytes = b"") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n".encode()
        + extra
        + b"\r\n"
        + body
    )


_OWN = {
    "busy": _own(
        "429 Too Many Requests", "application/json", b'{"error": {"message": "slow down"}}', b"retry-after: 0.05\r\n"
    ),
    "error": _own("500 Internal Server Error", "application/json", b'{"error": {"message": "boom"}}'),
    "html": _own("502 Bad Gateway", "text/html", b"<html><body>Bad gateway</body></html>"),
}
