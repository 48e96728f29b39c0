"""What tests ask a server, with the plain OpenAI client."""

import base64
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
PHOTO = (PHOTOS / "coffee.jpg").read_bytes()


def client(url: str, key: str = "none") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=120)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def image(data: bytes | None, uuid: str = "", kind: str = "jpeg") -> dict[str, Any]:
    """An image part; without bytes the server has to know it by its uuid."""
    url = None if data is None else {"url": f"data:image/{kind};base64,{base64.b64encode(data).decode()}"}
    part: dict[str, Any] = {"type": "image_url", "image_url": url}
    return part | {"uuid": uuid} if uuid else part


async def ask(openai: AsyncOpenAI, model: str, content: Any, **settings: Any) -> ChatCompletion:
    fields = {"temperature": 0, "max_tokens": 12} | settings
    answer = await openai.chat.completions.create(
        model=model, messages=[{"role": "user", "content": content}], **fields
    )
    assert isinstance(answer, ChatCompletion)
    return answer
