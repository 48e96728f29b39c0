"""Every exception that this library raises, sorted by who must act.

::

    ReasonEditError
    ├── UsageError            the caller: a wrong argument, an unknown name, something missing
    │   └── ImageError        the caller: an image that cannot be read or is not allowed
    ├── BackendError          the backend: a server, a device or a model in process
    │   ├── TimedOut          it did not answer before the deadline
    │   └── Lost              the answer will never come (connection, crash, out of memory)
    ├── ReplyError            the model: it answered, but not with what was asked
    │   ├── Unsupported       the instruction asks for what this part cannot do
    │   ├── Refused           the model declined
    │   └── Malformed         the reply cannot be read; ``raw`` keeps its text
    └── StoreError            the disk: a store that cannot be written or read
        └── TraceError        a trace that is torn, foreign, or in use by another process

A part (reasoner, tool, comparer) raises; the graph's node turns a ``BackendError`` or a ``ReplyError`` into a
`Failure` value once and records it. ``UsageError`` and ``StoreError`` end the run.
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "ImageError",
    "Lost",
    "Malformed",
    "ReasonEditError",
    "Refused",
    "ReplyError",
    "StoreError",
    "TimedOut",
    "TraceError",
    "Unsupported",
    "UsageError",
]


class ReasonEditError(Exception):
    """Base of all errors of this library.

    Attributes:
        message: One line that says what is wrong.
        hint: What to do about it, or an empty text.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(ReasonEditError):
    """The caller must change something: an argument, a name, an installation."""


class ImageError(UsageError):
    """An image that cannot be read, or that the limits do not allow."""


class BackendError(ReasonEditError):
    """A backend failed.

    Attributes:
        retryable: Whether the same call may succeed later.
    """

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


class TimedOut(BackendError):
    """No answer before the deadline."""


class Lost(BackendError):
    """The answer will never come: a broken connection, a crash, memory that ran out."""


class ReplyError(ReasonEditError):
    """A model answered, but not with what was asked.

    Attributes:
        raw: The reply as it came, for the trace.
    """

    def __init__(self, message: str, *, hint: str = "", raw: str = "") -> None:
        super().__init__(message, hint=hint)
        self.raw = raw


class Unsupported(ReplyError):
    """The instruction asks for what this part cannot do; ``hint`` names a backend that could."""


class Refused(ReplyError):
    """The model declined to answer."""


class Malformed(ReplyError):
    """The reply could not be read as the value that was asked for."""


class StoreError(ReasonEditError):
    """Something could not be written to, or read from, the disk."""


class TraceError(StoreError):
    """A trace that is torn, foreign, of a newer version, or held by another process."""
