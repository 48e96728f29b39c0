"""A server of ``POST /v1/images/edits`` that holds a tiny pipeline of diffusers, in the manner of each real one.

What each kind takes, refuses and answers follows the sources that `reasonedit_agent.tools.images_api.dialects` names,
written down here once more from them: fields that a kind does not know are an error where it says so, and ignored
where it ignores them.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from PIL import Image

from tests.servers.chat import ThreadedServer, read_message

KINDS = ("vllm-omni", "sglang", "lightx2v", "openai", "plain")
_OWNERS = {"vllm-omni": "vllm", "sglang": "sglang", "openai": "openai", "plain": "somebody"}
_SECRET = "s3cret-of-the-server"


@dataclass
class Asked:
    """A request as it came."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    head: bytes = b""

    def pictures(self) -> list[Image.Image]:
        return [Image.open(io.BytesIO(data)) for name, data in self.files if name in ("image", "image[]")]

    def mask(self, name: str) -> Image.Image | None:
        found = [data for its, data in self.files if its == name]
        return Image.open(io.BytesIO(found[0])) if found else None

    @property
    def size(self) -> tuple[int, int] | None:
        text = self.fields.get("size", "auto")
        if text == "auto":
            return None
        width, height = text.split("x")
        return int(width), int(height)


Answer = tuple[int, Any]
"""A status, and a body: JSON, or bytes as they are (then it says it is JSON), or a text (then HTML)."""
Say = Callable[[Asked], Answer | None]


def read_form(head: bytes, body: bytes) -> Asked:
    """Parse a multipart form."""
    kind = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:"))
    message = BytesParser(policy=policy.HTTP).parsebytes(kind + b"\r\n\r\n" + body)
    asked = Asked(head=head)
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_filename():
            asked.files.append((name, data))
        else:
            asked.fields[name] = data.decode()
    return asked


class TinyPipeline:
    """Draws with a folder of diffusers; one at a time."""

    def __init__(self, folder: Path) -> None:
        kind: Any = DiffusionPipeline
        self._pipe = kind.from_pretrained(folder)
        self._pipe.set_progress_bar_config(disable=True)
        self._lock = threading.Lock()

    def draw(self, asked: Asked, seed: int, count: int = 1) -> list[Image.Image]:
        pictures = [picture.convert("RGB") for picture in asked.pictures()]
        width, height = asked.size or pictures[0].size
        with self._lock:
            made = self._pipe(
                prompt=asked.fields["prompt"],
                image=pictures,
                width=width,
                height=height,
                num_inference_steps=int(asked.fields.get("num_inference_steps", 2)),
                num_images_per_prompt=count,
                generator=torch.Generator("cpu").manual_seed(seed),
            )
        return list(made.images)


def encoded(picture: Image.Image, kind: str = "PNG") -> str:
    out = io.BytesIO()
    picture.save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


class ImageServer(ThreadedServer):
    """Answers image edits.

    Args:
        kind: One of `KINDS`.
        draw: Gets the request, a seed and a count; returns the pictures.
        model: The name that it serves.
        key: Whether it wants `_SECRET`.
        say: Answers in its place when it returns something.
        others: Further names that it lists.
        headers: Of every answer.
        port: Where it listens; one that is free by default.
    """

    def __init__(
        self,
        kind: str,
        draw: Callable[[Asked, int, int], list[Image.Image]],
        *,
        model: str = "tiny-editor",
        key: bool = False,
        say: Say = lambda _: None,
        others: tuple[str, ...] = (),
        headers: str = "",
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self._kind, self._draw, self._model, self._key, self.say = kind, draw, model, key, say
        self._others, self._headers = others, headers
        self.requests: list[Asked] = []
        self.gone = threading.Event()
        """Set when a client closed its connection while it waited."""
        self.begun = threading.Event()
        self.hold = False
        """Whether requests are kept waiting for ever."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head, body = await read_message(reader)
        if head.startswith(b"POST") and self.hold:
            self.begun.set()
            await reader.read()  # ends when the client hangs up
            self.gone.set()
            return False
        status, answer = await self._handled(head, body)
        kind, data = _bytes(answer)
        head_of_answer = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n"
        writer.write(f"{head_of_answer}{self._headers}\r\n".encode())
        writer.write(data)
        await writer.drain()
        return True

    async def _handled(self, head: bytes, body: bytes) -> Answer:
        if self._key and f"bearer {_SECRET}".encode() not in head.lower():
            told = head.lower().partition(b"bearer ")[2].split(b"\r\n")[0].decode()
            return 401, {"error": {"message": f"Incorrect API key provided: {told}"}}
        path = head.split(b" ")[1].decode()
        if path == "/v1/models" and self._kind != "lightx2v":
            return 200, {"object": "list", "data": [self._card(name) for name in (self._model, *self._others)]}
        if path == "/v1/service/status" and self._kind == "lightx2v":
            return 200, {"service_status": "idle"}
        if path != "/v1/images/edits":
            return 404, {"detail": "Not Found"}
        asked = read_form(head, body)
        self.requests.append(asked)
        if said := self.say(asked):
            return said
        try:
            return await asyncio.to_thread(self._edited, asked)
        except Exception as error:  # as the frameworks of the real ones do
            return 500, {"detail": f"Image edit failed: {error}"}

    def _card(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": 1, "owned_by": _OWNERS[self._kind]}

    def _edited(self, asked: Asked) -> Answer:
        handler = {
            "vllm-omni": self._vllm_omni,
            "sglang": self._sglang,
            "lightx2v": self._lightx2v,
            "openai": self._openai,
            "plain": self._plain,
        }[self._kind]
        return handler(asked)

    def _vllm_omni(self, asked: Asked) -> Answer:
        form = asked.fields
        if form.get("model", self._model) != self._model:
            said = f"Model mismatch: request specifies '{form['model']}' but server is running '{self._model}'."
            return 400, _vllm_error(said)
        if form.get("response_format", "b64_json") != "b64_json":
            return 400, _vllm_error("Only response_format 'b64_json' is supported now.")
        made = self._draw(asked, int(form.get("seed", 1)), int(form.get("n", 1)))
        data = [{"b64_json": encoded(picture, form.get("output_format", "png")), "url": None} for picture in made]
        return 200, {"created": 1, "data": data, "output_format": "png", "metrics": {"peak_memory_mb": 1.0}}

    def _sglang(self, asked: Asked) -> Answer:
        form = asked.fields
        if form.get("response_format", "b64_json") == "url":
            return 400, {"detail": "response_format='url' requires cloud storage to be configured."}
        count, first = max(1, min(int(form.get("n", 1)), 10)), int(form.get("seed", 42))
        made = [self._draw(asked, first + i, 1)[0] for i in range(count)]
        data = [{"b64_json": encoded(picture, form.get("output_format", "jpeg"))} for picture in made]
        return 200, {"id": "x", "created": 1, "data": data, "inference_time_s": 0.5, "usage": {"image_count": count}}

    def _lightx2v(self, asked: Asked) -> Answer:
        form = asked.fields
        if form.get("n", "1") != "1":
            return 400, {"detail": "Only n=1 is currently supported"}
        if asked.mask("mask") and len(asked.pictures()) != 1:
            return 400, {"detail": "mask is only supported when exactly one image is uploaded"}
        (made,) = self._draw(asked, int(form.get("seed", 1)), 1)
        if form.get("response_format", "url") == "url":
            return 200, {"created": 1, "data": [{"url": f"{self.url}/files/download/x.png"}]}
        return 200, {"created": 1, "data": [{"b64_json": encoded(made)}], "output_format": "png"}

    def _openai(self, asked: Asked) -> Answer:
        known = {"model", "prompt", "n", "size", "quality", "output_format", "background", "user", "input_fidelity"}
        if strange := sorted(set(asked.fields) - known):
            return 400, {"error": {"message": f"Unknown parameter: '{strange[0]}'.", "code": "unknown_parameter"}}
        mask, base = asked.mask("mask"), asked.pictures()[0]
        if mask is not None and (mask.size != base.size or mask.mode != "RGBA"):
            return 400, {"error": {"message": "Invalid mask: it must be a PNG with alpha, of the image's size."}}
        made = self._draw(asked, len(self.requests), int(asked.fields.get("n", 1)))  # a seed that nobody knows
        usage = {"input_tokens": 400, "output_tokens": 1000 * len(made), "total_tokens": 400 + 1000 * len(made)}
        return 200, {"created": 1, "data": [{"b64_json": encoded(picture)} for picture in made], "usage": usage}

    def _plain(self, asked: Asked) -> Answer:
        made = self._draw(asked, len(self.requests), int(asked.fields.get("n", 1)))
        if asked.fields.get("response_format") != "b64_json":
            return 200, {"data": [{"url": "https://example.com/x.png"} for _ in made]}
        return 200, {"created": 1, "data": [{"b64_json": encoded(picture)} for picture in made]}


def _bytes(answer: Any) -> tuple[str, bytes]:
    if isinstance(answer, bytes):
        return "application/json", answer
    if isinstance(answer, str):
        return "text/html; charset=utf-8", answer.encode()
    return "application/json", json.dumps(answer).encode()


def _vllm_error(said: str) -> dict[str, Any]:
    return {"error": {"message": said, "type": "BadRequestError", "param": None, "code": 400}}
