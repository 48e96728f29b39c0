"""A chat model of LangChain, without retries of its own, and the secrets that it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from reasonedit_agent.errors import UsageError
from reasonedit_agent.remote.faults import scrubbed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["chat_model", "secrets_of"]


def chat_model(model: object) -> BaseChatModel:
    """Return a chat model that retries nothing by itself: a copy of an object, or what a text names.

    Raises:
        UsageError: It is none, a package is missing, or LangChain cannot make it.
    """
    try:
        from langchain_core.exceptions import ModelError as _  # noqa: F401 - of 1.7, which is needed
        from langchain_core.language_models import BaseChatModel
    except ImportError as error:
        hint = "Install it: pip install 'reasonedit-agent[langchain]'."
        raise UsageError("The reasoner 'langchain' needs langchain-core 1.7 or later.", hint=hint) from error
    if isinstance(model, BaseChatModel):
        return _asking_once(model)
    if not isinstance(model, str):
        hint = "Give an object such as ChatOpenAI(...), or a text such as openai:gpt-5."
        raise UsageError(f"{type(model).__name__} is no chat model of LangChain.", hint=hint)
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        hint = "Install it: pip install 'reasonedit-agent[langchain]'."
        raise UsageError(f"The model {model!r} is made by the package langchain.", hint=hint) from error
    try:
        made = init_chat_model(model)
        if "max_retries" in type(made).model_fields:
            made = init_chat_model(model, max_retries=0)
    except Exception as error:  # the provider's own checks: a missing package, key or name
        said = scrubbed(" ".join(str(error).split()))[:300].rstrip(".")
        raise UsageError(f"LangChain cannot make the model {model!r}: {said}.") from error
    assert isinstance(made, BaseChatModel)
    return made


def _asking_once(model: BaseChatModel) -> BaseChatModel:
    """Return a copy of a model that retries nothing by itself."""
    fields = type(model).model_fields
    if "max_retries" not in fields:
        return model
    once = model.model_copy(update={"max_retries": 0})
    for name, value in tuple(vars(once).items()):
        if name in fields:
            vars(once)[name] = _client_asking_once(value)
        else:  # a client that was made at its first use, with the old number: it is made again
            del vars(once)[name]
    return once


def _client_asking_once(value: Any) -> Any:
    """Return a provider's client, or a part of it, without retries; openai's, anthropic's and groq's are made alike."""
    if hasattr(value, "with_options") and hasattr(value, "max_retries"):
        return value.with_options(max_retries=0)
    owner = getattr(value, "_client", None)  # of a part such as client.chat.completions
    return value if owner is None or (once := _client_asking_once(owner)) is owner else type(value)(once)


def secrets_of(model: BaseChatModel) -> tuple[str, ...]:
    """Return what a model holds and nobody may read: its key, that of its client, those in its headers."""
    return tuple(_secrets(vars(model)))


_SECRET = re.compile(r"(^|[_-])(key|token|secret|password|authorization)$", re.IGNORECASE)


def _secrets(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, str) and _SECRET.search(str(name)):
            yield value.removeprefix("Bearer ")
        elif isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(key := getattr(value, "api_key", None), str):
            yield key
