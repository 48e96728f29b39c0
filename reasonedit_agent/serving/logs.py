"""What a server's log says about why it ended."""

from __future__ import annotations

import re

__all__ = ["cause", "last_lines"]

_PREFIX = re.compile(r"^(\([^)]*\) )?((ERROR|WARNING|INFO|CRITICAL) [\d-]+ [\d:]+ \[[^\]]*\] )?\s*")
_RAISED = re.compile(r"^[\w.]*(Error|Exception|Interrupt)(: .+)?$")
_CONSEQUENCES = ("initialization failed", "See root cause above", "See stack trace (above)", "validation error for")
"""What is said of an error that another line tells better."""
_SPOKEN = re.compile(r"^(Value error|Assertion failed), ")


def cause(log: str) -> str:
    """Return the line of a Python log that says best why the program ended; an empty text if none does."""
    found = ""
    for raw in log.splitlines():
        line = _PREFIX.sub("", raw).strip()
        told = _RAISED.match(line) or _SPOKEN.match(line)
        if told and not any(words in line for words in _CONSEQUENCES):
            found = line
    return found[:400]


def last_lines(log: str, count: int = 15) -> str:
    """Return the last lines that are not empty."""
    return "\n".join([line for line in log.splitlines() if line.strip()][-count:])
