"""Values of tables as JSON."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

__all__ = ["dumps", "plain"]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: no NaN, no infinity, whole numbers whole, times as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def dumps(value: Any, indent: int | None = None) -> str:
    """Return JSON of `plain` values."""
    return json.dumps(plain(value), ensure_ascii=False, indent=indent)
