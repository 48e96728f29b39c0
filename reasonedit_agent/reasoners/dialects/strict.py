"""JSON schemas that constrained decoders accept: closed objects, all fields required, no tagged unions."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from reasonedit_agent.errors import Malformed, Refused

__all__ = ["declines", "read_json", "strict_schema", "unbounded"]

T = TypeVar("T")

_BOUNDS = {
    "maxLength", "minLength", "maxItems", "minItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"
}  # fmt: skip
_DROPPED = {"default", "title", "discriminator", "description"}


def strict_schema(model: TypeAdapter[Any]) -> dict[str, JsonValue]:
    """Return a model's schema in the form that OpenAI's strict mode, xgrammar and llguidance share."""
    return _strict(model.json_schema())  # type: ignore[no-any-return]


def unbounded(schema: Any) -> Any:
    """Return a schema without bounds on lengths and numbers, for servers that take none."""
    if isinstance(schema, list):
        return [unbounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: unbounded(value) for key, value in schema.items() if key not in _BOUNDS or not _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties" or key == "$defs":  # names of fields, which may be "title"
            out[key] = {name: _strict(inner) for name, inner in value.items()}
        elif key not in _DROPPED:
            out["anyOf" if key == "oneOf" else key] = _strict(value)
    if "prefixItems" in out:  # a pair; decoders know arrays of one kind better
        items = out.pop("prefixItems")
        out["items"] = items[0]
    if out.get("type") == "object" and "properties" in out:
        out["additionalProperties"] = False
        out["required"] = list(out["properties"])
    return out


def read_json(text: str, model: TypeAdapter[T]) -> T:
    """Read a reply that should be one JSON object; code fences and text around it are let through.

    Raises:
        Malformed: It is none, or does not fit; the message says where.
        Refused: There is no object, and the words are those of a refusal.
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        if declines(text):
            raise Refused("The model declined.", raw=text)
        raise Malformed("The reply holds no JSON object.", raw=text)
    try:
        # Some constrained decoders let raw control characters through inside strings.
        return model.validate_python(json.loads(text[start : end + 1], strict=False))
    except json.JSONDecodeError as error:
        raise Malformed(f"The JSON breaks at character {error.pos}: {error.msg}.", raw=text) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the object"
        raise Malformed(f"{place}: {first['msg']}.", raw=text) from error


def declines(text: str) -> bool:
    """Whether the words are those of a refusal."""
    words = text.strip().lower().replace("’", "'")[:120]
    return words.startswith(("i'm sorry", "i am sorry", "sorry", "i cannot", "i can't", "抱歉", "对不起", "我无法"))
