"""How a model is asked and how its replies are read: pure text functions, by name."""

from __future__ import annotations

from reasonedit_agent.errors import UsageError
from reasonedit_agent.reasoners.dialects.base import Dialect
from reasonedit_agent.reasoners.dialects.json_dialect import JsonDialect

__all__ = ["DIALECTS", "make_dialect"]

DIALECTS: dict[str, type[Dialect]] = {"json": JsonDialect}
"""By name."""


def make_dialect(name: str, prompts: str = "") -> Dialect:
    """Return a dialect.

    Args:
        name: A key of `DIALECTS`.
        prompts: A TOML file with a user's own words.

    Raises:
        UsageError: There is none of that name, or the file cannot be used.
    """
    if name not in DIALECTS:
        raise UsageError(f"There is no dialect {name!r}.", hint=f"Known: {', '.join(DIALECTS)}.")
    return DIALECTS[name](prompts)  # type: ignore[call-arg]
