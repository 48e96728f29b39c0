"""Which attempts of a call are made again, and when: one rule for every backend that calls over a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from reasonedit_agent.errors import TimedOut
from reasonedit_agent.protocols import Context
from reasonedit_agent.remote.breaker import late
from reasonedit_agent.remote.faults import Fault

__all__ = ["Failed", "insist"]

T = TypeVar("T")

_jitter = wait_random_exponential(multiplier=0.25, max=20)
_LONGEST = 120.0
"""Most seconds of a wait that a server asks for."""
_LOOK = 5.0
"""Most seconds between two looks for a server that is gone."""


class Failed(Exception):
    """A failed attempt, on its way to whoever knows what helps."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.error.message)
        self.fault = fault


async def insist(attempt: Callable[[int], Awaitable[T]], ctx: Context, *, retries: int, patience: float) -> T | Fault:
    """Return what the first attempt gives that does not fail, or the fault that stays.

    The fault is returned and not raised, so that no traceback shows what a client said: it may hold the key.

    Args:
        attempt: Gets its number, from 1; raises `Failed`.
        ctx: Its deadline ends the waiting.
        retries: Further attempts after faults that may pass.
        patience: Seconds that a server which was there and is gone is waited for; such attempts are no retries.

    Raises:
        TimedOut: The deadline is nearer than the next attempt.
    """
    rule = _Rule(retries, patience)
    retrying = AsyncRetrying(
        stop=rule.stop,
        wait=_wait,
        retry=retry_if_exception(lambda e: isinstance(e, Failed) and e.fault.retryable and not late(ctx)),
        sleep=lambda seconds: _sleep(seconds, ctx),
        reraise=True,
    )
    try:
        async for one in retrying:
            with one:
                return await attempt(one.retry_state.attempt_number)
    except Failed as failed:
        return failed.fault
    raise AssertionError("tenacity re-raises")


class _Rule:
    """When one call has had enough attempts."""

    def __init__(self, retries: int, patience: float) -> None:
        self._retries, self._patience = retries, patience
        self._counted = 0
        self._gone_since: float | None = None

    def stop(self, state: RetryCallState) -> bool:
        fault, now = _fault(state), time.monotonic()
        if not fault.gone:
            self._gone_since = None
        else:
            self._gone_since = now if self._gone_since is None else self._gone_since
            if now + state.upcoming_sleep - self._gone_since < self._patience:
                return False
        self._counted += 1
        return self._counted > self._retries


def _fault(state: RetryCallState) -> Fault:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Failed), "no other is tried again"
    return error.fault


def _wait(state: RetryCallState) -> float:
    """As long as the server asked for, else a random time that grows."""
    fault = _fault(state)
    if fault.retry_after is not None:
        return min(fault.retry_after, _LONGEST)
    return min(_jitter(state), _LOOK) if fault.gone else _jitter(state)


async def _sleep(seconds: float, ctx: Context) -> None:
    if ctx.deadline is not None and time.monotonic() + seconds >= ctx.deadline:
        raise TimedOut("The deadline is nearer than the next attempt.")
    await asyncio.sleep(seconds)
