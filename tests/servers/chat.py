"""A server that speaks OpenAI's chat completions and answers what a function says: for control flow and overhead."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any, Self

__all__ = ["ChatServer", "ThreadedServer", "closed", "completion", "read_message"]

Answer = Callable[[dict[str, Any]], dict[str, Any] | tuple[int, dict[str, Any]]]


def completion(
    text: str, *, finish: str = "stop", logprobs: list[dict[str, Any]] | None = None, **message: Any
) -> dict[str, Any]:
    """Return a chat completion that says ``text``."""
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{
            "index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message},
            "logprobs": {"content": logprobs} if logprobs else None,
        }],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 60}},
    }  # fmt: skip


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return head and body of one HTTP message with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (
            int(v)
            for k, _, v in (line.partition(b":") for line in head.lower().split(b"\r\n"))
            if k == b"content-length"
        ),
        0,
    )
    return head, await reader.readexactly(length)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait until it is."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


class ThreadedServer:
    """Listens in a thread of its own, in a ``with``; what it does with a connection is `talk`.

    Args:
        port: Where; one that is free by default.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection lives on."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._done = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self.talk(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            await closed(writer)
            self._tasks.discard(task)


class ChatServer(ThreadedServer):
    """Answers chat completions.

    Args:
        answer: Gets the request's body; returns a completion, or a status and a body.
        latency: Seconds before each answer.
        models: Names that it serves.
        owner: ``vllm`` makes it look like one.
        port: Where it listens; one that is free by default.
        lists: The status of its list of models.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        latency: float = 0.0,
        models: tuple[str, ...] = ("scripted",),
        owner: str = "test",
        port: int = 0,
        lists: int = 200,
    ) -> None:
        super().__init__(port)
        self._lists = lists
        self._answer, self._latency, self._models, self._owner = answer, latency, models, owner
        self.requests: list[dict[str, Any]] = []
        self.heads: list[bytes] = []
        self.listed = 0
        self.page = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head, body = await read_message(reader)
        status, answer = await self._handled(head, body)
        kind = "text/html" if self.page else "application/json"
        data = (self.page or json.dumps(answer)).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data
        )
        await writer.drain()
        return True

    async def _handled(self, head: bytes, body: bytes) -> tuple[int, dict[str, Any]]:
        if b"/models" in head.split(b"\r\n")[0]:
            self.listed += 1
            data = [
                {"id": m, "object": "model", "created": 1, "owned_by": self._owner, "max_model_len": 4096}
                for m in self._models
            ]
            return self._lists, {"object": "list", "data": data}
        asked = json.loads(body)
        self.requests.append(asked)
        self.heads.append(head)
        if self._latency:
            await asyncio.sleep(self._latency)
        answer = self._answer(asked)
        return answer if isinstance(answer, tuple) else (200, answer)
