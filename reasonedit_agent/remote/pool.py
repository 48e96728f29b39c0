"""Several servers of one model: the least busy first, none that is known to be down, none that is being drained."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reasonedit_agent.errors import Lost, UsageError
from reasonedit_agent.remote.breaker import Breaker

__all__ = ["Pool", "Server"]

_DRAINED = 0.5
"""Seconds until the next look where every server is being drained."""

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
        answered: Whether it ever answered.
        held: Names of pictures that it has seen, the latest last.
        problem: Why it last failed.
        breaker: Whether it is left alone.
    """

    url: str
    models: tuple[str, ...] = ()
    is_vllm: bool = False
    context: int | None = None
    busy: int = 0
    draining: bool = False
    answered: bool = False
    held: OrderedDict[str, None] = field(default_factory=OrderedDict)
    problem: str = ""
    breaker: Breaker = field(default_factory=Breaker)

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
        self.servers = [Server(url, breaker=Breaker(clock=clock)) for url in urls]

    @contextmanager
    def take(self) -> Iterator[Server]:
        """Lend the least busy server that is up; of equals, the one with the fewest failures.

        Raises:
            Lost: None is up; the same call may succeed later.
        """
        alone = len(self.servers) == 1  # there is nobody else to ask; whoever calls waits between attempts anyway
        up = [s for s in self.servers if not s.draining and (alone or s.breaker.ready)]
        if not up:
            told = "; ".join(s.problem or f"{s.url} is being drained." for s in self.servers)
            raise Lost(f"No server is up. {told}", hint="They are tried again later.", retryable=True)
        server = min(up, key=lambda s: (s.busy, s.breaker.failures))
        server.busy += 1
        try:
            with server.breaker.trying():
                yield server
        finally:
            server.busy -= 1

    def pause(self) -> float:
        """Return the seconds until some server may be tried again; 0 if one may now."""
        return min((s.breaker.pause for s in self.servers if not s.draining), default=_DRAINED)

    def succeeded(self, server: Server) -> None:
        """Note that a server answered."""
        server.answered = True
        server.breaker.succeeded()

    def failed(self, server: Server, problem: str = "") -> None:
        """Note that a server did not answer, and why; after some failures in a row it gets a pause."""
        server.problem = problem or f"{server.url} does not answer."
        # It may be another process when it comes back: what it serves is asked again before it is trusted with a call.
        server.held.clear()
        server.models = ()
        server.breaker.failed()

    def drain(self, url: str, draining: bool = True) -> None:
        """Give a server no new calls, or give it some again; those under way go on.

        Raises:
            UsageError: There is no such server.
        """
        found = [s for s in self.servers if s.url == url]
        if not found:
            raise UsageError(f"{url} is not in the pool.", hint=f"It has: {', '.join(s.url for s in self.servers)}.")
        found[0].draining = draining
