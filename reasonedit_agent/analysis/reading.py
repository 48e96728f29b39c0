"""Reading a trace line by line, so that a million lines need no memory of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reasonedit_agent.errors import TraceError
from reasonedit_agent.events import AnyEvent
from reasonedit_agent.tracing import parse_line

__all__ = ["TraceLines"]


class TraceLines:
    """The events of a file, one after the other; what `read_events` says of bad files is said here too.

    Args:
        path: Of ``events.jsonl``.

    Attributes:
        torn: Bytes of a last line without an end, which is left out; known once all events were read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0

    def __iter__(self) -> Iterator[AnyEvent]:
        """Yield the events.

        Raises:
            TraceError: The file is empty, foreign, damaged, or of a newer version.
        """
        number = 0
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if not line.endswith(b"\n"):
                        self.torn = len(line)
                        number -= 1
                        break
                    yield parse_line(self.path, number, line[:-1])
        except OSError as error:
            raise TraceError(f"The trace {self.path} cannot be read: {error.strerror}.") from error
        if number == 0:
            raise TraceError(f"The trace {self.path} is empty.")
