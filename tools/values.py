"""Settings by name, checked against the annotations of the fields that they fill: one line for whatever is wrong."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from reasonedit_agent.errors import UsageError

__all__ = ["Between", "checked"]


@dataclass(frozen=True)
class Between:
    """The range of a number, both ends in it: ``Annotated[int, Between(1)]``."""

    low: float
    high: float = math.inf


_KINDS: Final[dict[Any, str]] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def checked(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the fields of ``kind`` take them; a path becomes a text.

    Args:
        kind: A dataclass whose fields are texts, truth values, numbers with a range, choices, or one of these or None.
        given: Values by the name of the field.

    Raises:
        UsageError: There is no such setting, or its value is not one that it can have; the hint says which it can.
    """
    hints = get_type_hints(kind, include_extras=True)
    if unknown := [name for name in given if name not in hints]:
        raise UsageError(f"There is no setting {unknown[0]!r}.", hint=f"Settings are {', '.join(hints)}.")
    return {name: _checked(name, hints[name], value) for name, value in given.items()}


def _checked(name: str, hint: Any, value: Any) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None and NoneType in options:
        return None
    (plain,) = (option for option in options if option is not NoneType)
    if plain is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    fits, words = _choice(plain, value) if get_origin(plain) is Literal else _number_or_word(plain, value)
    if not fits:
        raise UsageError(f"{name}={value!r} is not possible.", hint=f"It is {words}.")
    return value


def _choice(hint: Any, value: Any) -> tuple[bool, str]:
    choices = get_args(hint)
    return value in choices, f"one of {', '.join(choices)}"


def _number_or_word(hint: Any, value: Any) -> tuple[bool, str]:
    kind, between = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
    wanted = (int, float) if kind is float else kind
    fits, words = isinstance(value, wanted) and (kind is bool or not isinstance(value, bool)), _KINDS[kind]
    if between is None:
        return fits, words
    ends = f"at least {between.low:g}" if between.high == math.inf else f"from {between.low:g} to {between.high:.10g}"
    # Neither no number (nan) nor an endless one lies between.
    return fits and between.low <= value <= between.high and math.isfinite(value), f"{words}, {ends}"
