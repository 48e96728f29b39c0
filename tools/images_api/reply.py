"""The answer: pictures, or what is wrong with it. Bytes in, values out; no network."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping
from typing import Any

from PIL import Image

from reasonedit_agent.errors import ImageError, Malformed, UsageError
from reasonedit_agent.images import MAX_BYTES, ingest
from reasonedit_agent.schemas import Usage
from reasonedit_agent.tools.images_api.dialects import Dialect
from reasonedit_agent.tools.images_api.settings import Settings

__all__ = ["body_of", "pictures_of", "usage_of"]


def body_of(text: str, kind: str) -> dict[str, Any]:
    """Return a reply's JSON object.

    Args:
        text: The body.
        kind: Its content type.

    Raises:
        ValueError: It is none; the message says what came.
    """
    if "html" in kind or text.lstrip()[:1] == "<":
        raise ValueError("an HTML page came, as from a proxy before it")
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(f"what came is no whole JSON, and begins with {text[:40]!r}") from None
    if not isinstance(found, dict) or not isinstance(found.get("data"), list):
        raise ValueError(f"the JSON has no list of pictures, and begins with {text[:80]!r}")
    return found


def pictures_of(body: Mapping[str, Any], count: int, dialect: Dialect) -> list[Image.Image]:
    """Return the first ``count`` pictures of a reply, checked, RGB or RGBA.

    Raises:
        UsageError: The server answers with addresses, which are never fetched.
        Malformed: There are too few, or one is no picture or too large.
    """
    entries = body["data"]
    if len(entries) < count:
        wanted = "one picture" if count == 1 else f"{count} pictures"
        raise Malformed(f"The server was asked for {wanted} and gave {len(entries) or 'none'}.", raw=_short(body))
    return [_picture(entry, dialect, body) for entry in entries[:count]]


def _picture(entry: Any, dialect: Dialect, body: Mapping[str, Any]) -> Image.Image:
    told = entry if isinstance(entry, dict) else {}
    text, address = told.get("b64_json"), told.get("url")
    if not text and isinstance(address, str) and address.startswith("data:"):
        text = address
    if not text and address:
        raise UsageError(
            "The server answers with the address of a picture, and addresses are never fetched.", hint=dialect.bytes_by
        )
    if not isinstance(text, str) or not text:
        raise Malformed("The server's reply holds no picture.", raw=_short(body))
    if len(text) > MAX_BYTES * 4 // 3 + 64:
        raise Malformed(f"The server's picture is larger than {MAX_BYTES // 2**20} MiB.")
    try:
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("The server's picture is not in base64.", raw=_short(body)) from None
    try:
        return Image.open(io.BytesIO(ingest(data).data))
    except ImageError as error:
        said = error.message.replace("the image", "it", 1).replace("The image", "It", 1)
        raise Malformed(f"The server's picture cannot be used: {said}", hint="Look at the server's log.") from None


def _short(body: Mapping[str, Any]) -> str:
    """Return the reply for the trace, with long texts cut: pictures do not belong there."""

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return value if len(value) < 200 else f"{value[:40]}... ({len(value)} characters)"
        if isinstance(value, dict):
            return {name: cut(inner) for name, inner in value.items()}
        return [cut(inner) for inner in value[:20]] if isinstance(value, list) else value

    return json.dumps(cut(dict(body)))[:2000]


def usage_of(body: Mapping[str, Any], header: str | None, count: int, seconds: float, settings: Settings) -> Usage:
    """Return what a reply cost.

    Args:
        body: Of the reply.
        header: LiteLLM's header of what it cost, if there is one.
        count: How many pictures.
        seconds: How long it took.
        settings: With prices.
    """
    told = body.get("usage")
    told = told if isinstance(told, dict) else {}
    read, wrote = (
        _number(told, *names) for names in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))
    )
    details = told.get("input_tokens_details") or told.get("prompt_tokens_details")
    cached = _number(details, "cached_tokens") if isinstance(details, dict) else None
    usd = None
    if settings.price is not None:
        usd = settings.price * count
    elif settings.usd_in is not None and settings.usd_out is not None and read is not None and wrote is not None:
        usd = (read * settings.usd_in + wrote * settings.usd_out) / 1e6
    elif header:
        usd = _dollars(header)
    return Usage(
        seconds=seconds, prompt_tokens=read, cached_tokens=cached, completion_tokens=wrote, images=count, usd=usd
    )


def _number(told: Mapping[str, Any], *names: str) -> int | None:
    found = next((told[name] for name in names if told.get(name) is not None), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _dollars(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < 1e6 else None
