"""Which kind of server it is, and what its model is called: asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import openai

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tools.images_api.dialects import DIALECTS, OWNERS, Dialect

__all__ = ["Met", "meet"]


@dataclass(frozen=True)
class Met:
    """What a server said of itself.

    Attributes:
        dialect: How it is asked.
        model: What the form says; empty where the server has one and does not name it.
        models: All that it lists.
    """

    dialect: Dialect
    model: str
    models: tuple[str, ...] = ()


async def meet(
    client: openai.AsyncOpenAI, url: str, model: str, dialect: Dialect | None, tell: Callable[[str], None]
) -> Met:
    """Ask a server for its models, and tell its kind by their owner where no dialect is given.

    Args:
        client: Of the server.
        url: Of its API.
        model: The one wanted; empty is the only one.
        dialect: The one wanted, or None.
        tell: Told what was taken on trust.

    Raises:
        UsageError: It has no such model, or several and none is wanted.
        OpenAIError: It does not answer.
        ValueError: What it answers is no list.
    """
    listed = await _listed(client)
    names = tuple(str(name) for name, _ in listed or ())
    if dialect is None:
        dialect = DIALECTS[await _kind(client, listed)]
        tell(f"{url} is taken for a server of the dialect {dialect.name}.")
    if model and names and model not in names:
        raise UsageError(f"{url} has no model {model!r}.", hint=f"It has: {_some(names)}.")
    if model and not names:
        tell(f"{url} does not list its models: that it has {model!r} is taken on trust.")
    if not model and len(names) > 1:
        raise UsageError(f"{url} has {len(names)} models.", hint=f"Name one (model=): {_some(names)}.")
    return Met(dialect, model or "".join(names), names)


def _some(names: tuple[str, ...]) -> str:
    """Return some names, those of picture models first."""
    return ", ".join(sorted(names, key=lambda name: "image" not in name.lower())[:20])


async def _listed(client: openai.AsyncOpenAI) -> list[tuple[str, str]] | None:
    """Return the names of the models and their owners; None where the server lists none."""
    try:
        return [(model.id, str(model.owned_by)) async for model in await client.models.list()]
    except openai.APIStatusError as error:
        if error.status_code not in (404, 405):
            raise
        return None
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"its list of models is none ({error})") from error


async def _kind(client: openai.AsyncOpenAI, listed: list[tuple[str, str]] | None) -> str:
    if listed is not None:
        return next((OWNERS[owner] for _, owner in listed if owner in OWNERS), "plain")
    try:  # LightX2V lists no models, and tells of its queue
        found = await client.get("/service/status", cast_to=object)
    except openai.APIStatusError:
        return "plain"
    return "lightx2v" if isinstance(found, dict) else "plain"
