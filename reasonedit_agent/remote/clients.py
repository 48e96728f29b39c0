"""One client per event loop and server, shared by all who call it, and closed with the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from weakref import WeakKeyDictionary

import openai

__all__ = ["client_of"]

_Kept = dict[tuple[str, str, float], tuple[openai.AsyncOpenAI, AsyncGenerator[openai.AsyncOpenAI, None]]]
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()


async def client_of(url: str, key: str, timeout: float) -> openai.AsyncOpenAI:
    """Return the running loop's client of a server; it retries nothing by itself.

    Args:
        url: Of the API.
        key: The API key.
        timeout: Seconds for one attempt.
    """
    kept = _clients.setdefault(asyncio.get_running_loop(), {})
    name = url, key, timeout
    if name not in kept:
        limits = openai.Timeout(timeout, connect=min(5.0, timeout))
        client = openai.AsyncOpenAI(base_url=url, api_key=key or "none", timeout=limits, max_retries=0)
        keeper = _closed_with_the_loop(client)
        kept[name] = client, keeper
        await anext(keeper)
    return kept[name][0]


async def _closed_with_the_loop(client: openai.AsyncOpenAI) -> AsyncGenerator[openai.AsyncOpenAI, None]:
    """Event loops end the asynchronous generators that they have begun: a place to let go of connections."""
    try:
        yield client
    finally:
        await client.close()
