"""Several servers of one model: the least busy first, none that is known to be down, none that is being drained."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reasonedit_agent.errors import Lost, UsageError

__all__ = ["Pool", "Server"]

_THRESHOLD = 3
"""Failures in a row that open a server's circuit."""

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 120.0
"""Seconds that an open circuit stays open; each further failure doubles them."""

_PROBE = 0.5
"""Seconds to wait while somebody else finds out whether a server is back."""

_HELD = 512
"""Pictures that a server is believed to remember."""


@dataclass(eq=False)
class Server:
    """One server, and what is known of it.

    Attributes:
        url: Of its API, without a slash at the end.
        models: Names that it serves; empty until asked.
        is_vllm: Whether it says so.
        context: Most tokens of prompt and reply together, where it tells.
        busy: Calls under way.
        draining: Whether it gets no new calls.
        held: Names of pictures that it has seen, the latest last.
        problem: Why it last failed.
    """

    url: str
    models: tuple[str, ...] = ()
    is_vllm: bool = False
    context: int | None = None
    busy: int = 0
    draining: bool = False
    held: OrderedDict[str, None] = field(default_factory=OrderedDict)
    problem: str = ""
    _failures: int = 0
    _closed_at: float = 0.0
    _trying: bool = False

    def hold(self, names: list[str]) -> None:
        """Remember that the server has seen these pictures."""
        for name in names:
            self.held.pop(name, None)
            self.held[name] = None
        while len(self.held) > _HELD:
            self.held.popitem(last=False)


class Pool:
    """Hands out servers.

    Args:
        urls: At least one.
        clock: Seconds that never go back.

    Raises:
        UsageError: There is no URL, or one twice.
    """

    def __init__(self, urls: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        if not urls or len(set(urls)) != len(urls):
            raise UsageError("Give at least one URL, and none twice.")
        self.servers = [Server(url) for url in urls]
        self._clock = clock

    @contextmanager
    def take(self) -> Iterator[Server]:
        """Lend the least busy server that is up; of equals, the one with the fewest failures.

        Raises:
            Lost: None is up; the same call may succeed later.
        """
        now = self._clock()
        up = [s for s in self.servers if not s.draining and self._usable(s, now)]
        if not up:
            told = "; ".join(s.problem or f"{s.url} is being drained." for s in self.servers)
            raise Lost(f"No server is up. {told}", hint="They are tried again later.", retryable=True)
        server = min(up, key=lambda s: (s.busy, s._failures))
        tries = server._failures >= _THRESHOLD  # a single call finds out whether it is back
        server._trying = server._trying or tries
        server.busy += 1
        try:
            yield server
        finally:
            server.busy -= 1
            if tries:
                server._trying = False

    def _usable(self, server: Server, now: float) -> bool:
        if len(self.servers) == 1:
            return True  # there is nobody else to ask; whoever calls waits between attempts anyway
        return server._failures < _THRESHOLD or (now >= server._closed_at and not server._trying)

    def succeeded(self, server: Server) -> None:
        """Note that a server answered."""
        server._failures = 0

    def pause(self) -> float:
        """Return the seconds until some server may be tried again; 0 if one may now."""
        waits = [
            max(s._closed_at - self._clock(), _PROBE) if s._failures >= _THRESHOLD else 0.0
            for s in self.servers
            if not s.draining
        ]
        return min(waits, default=_PROBE)

    def failed(self, server: Server, problem: str = "") -> None:
        """Note that a server did not answer, and why; after some failures in a row it gets a pause."""
        server._failures += 1
        server.problem = problem or f"{server.url} does not answer."
        # It may be another process when it comes back: what it serves is asked again before it is trusted with a call.
        server.held.clear()
        server.models = ()
        if server._failures >= _THRESHOLD:
            pause = min(_FIRST_PAUSE * 2 ** (server._failures - _THRESHOLD), _LONGEST_PAUSE)
            server._closed_at = self._clock() + pause

    def drain(self, url: str, draining: bool = True) -> None:
        """Give a server no new calls, or give it some again; those under way go on.

        Raises:
            UsageError: There is no such server.
        """
        found = [s for s in self.servers if s.url == url]
        if not found:
            raise UsageError(f"{url} is not in the pool.", hint=f"It has: {', '.join(s.url for s in self.servers)}.")
        found[0].draining = draining
