"""How a model is asked and how its replies are read: pure text functions, by name."""

from __future__ import annotations

from collections.abc import Callable

from reasonedit_agent.errors import UsageError
from reasonedit_agent.reasoners.dialects.base import Dialect
from reasonedit_agent.reasoners.dialects.editthinker import EditThinkerDialect
from reasonedit_agent.reasoners.dialects.json_dialect import JsonDialect
from reasonedit_agent.reasoners.dialects.reasonedit import ReasonEditDialect
from reasonedit_agent.registry import Call, parse_call

__all__ = ["DIALECTS", "make_dialect"]

DIALECTS: dict[str, Callable[..., Dialect]] = {
    "json": JsonDialect,
    "reasonedit": ReasonEditDialect,
    "editthinker": EditThinkerDialect,
}
"""By name."""


def make_dialect(spec: str | Call, prompts: str = "") -> Dialect:
    """Return a dialect.

    Args:
        spec: A key of `DIALECTS`, with settings if need be: ``reasonedit(judge=rewritten)``.
        prompts: A TOML file with a user's own words.

    Raises:
        UsageError: There is none of that name, a setting is unknown, or the file cannot be used.
    """
    call = parse_call(spec, "dialect") if isinstance(spec, str) else spec
    if call.name not in DIALECTS:
        raise UsageError(f"There is no dialect {call.name!r}.", hint=f"Known: {', '.join(DIALECTS)}.")
    settings = {**({"prompts": prompts} if prompts else {}), **call.kwargs}
    try:
        return DIALECTS[call.name](*call.args, **settings)
    except TypeError as error:
        raise UsageError(f"The dialect {call.name!r} cannot be made: {error}.") from error
