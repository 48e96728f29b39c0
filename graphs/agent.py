"""The agent: the public door to the loop.

Asynchronous inside, synchronous at the door: `EditAgent.edit` runs on the agent's own background loop, so it works in
a script, in a notebook and inside a running event loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import os
import queue
import time
import weakref
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

from reasonedit_agent import tracing
from reasonedit_agent.errors import ReasonEditError, StoreError, UsageError
from reasonedit_agent.events import AnyEvent, Noted
from reasonedit_agent.folding import Fold
from reasonedit_agent.graphs.answers import answered
from reasonedit_agent.graphs.background import BackgroundLoop
from reasonedit_agent.graphs.forking import fork_run, lend_edits
from reasonedit_agent.graphs.idempotency import start_once
from reasonedit_agent.graphs.nodes import outcome
from reasonedit_agent.graphs.results import EditResult, load_result, result_of
from reasonedit_agent.graphs.session import Listener, Session, build_parts, open_run, start_run
from reasonedit_agent.graphs.state import Context
from reasonedit_agent.graphs.think_edit_reflect import build_graph, recursion_limit
from reasonedit_agent.schemas import Thought

__all__ = ["EditAgent", "Source"]

Source = str | os.PathLike[str] | bytes
"""A file, or encoded bytes."""

_GRACE = 30.0
"""Seconds that an interrupted run may take to write down its end."""


class EditAgent:
    """Edits images by thinking, editing and reflecting until a policy stops it.

    Args:
        reasoner: A `reasonedit_agent.protocols.Reasoner`, a registered name, ``"module:attr"``, or a text such as
            ``openai(url=...)``.
        tool: An `reasonedit_agent.protocols.EditTool`, likewise.
        policy: A policy, or its text such as ``accepted | rounds(3) | budget(seconds=60)``.
        comparer: A `reasonedit_agent.protocols.Comparer`, for policies that compare.
        prices: What calls cost: a TOML file that goes over the user's own table and the built-in one; None is those.
        runs: Folder for traces and images; None is ``$REASONEDIT_HOME/runs``.
        checkpointer: A LangGraph checkpointer; none is needed, resuming works from the trace alone.

    Raises:
        UsageError: A part's name is unknown, or its text has an error.
    """

    def __init__(
        self,
        reasoner: object = "embedded",
        tool: object = "classical",
        policy: object = "",
        comparer: object = None,
        *,
        prices: object = None,
        runs: str | os.PathLike[str] | None = None,
        checkpointer: Any = None,
    ) -> None:
        self.parts = build_parts(reasoner, tool, policy, comparer, prices)
        self.runs = tracing.runs_folder(runs)
        self._graph = build_graph(checkpointer)
        self._loop = BackgroundLoop()
        weakref.finalize(self, self._loop.stop).atexit = False  # its thread ends with the agent, not with the process
        self._interrupted: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    @classmethod
    def of_run(
        cls,
        run: str | os.PathLike[str],
        runs: str | os.PathLike[str] | None = None,
        **changed: object,
    ) -> EditAgent:
        """Return an agent with the parts that a run's trace names.

        Args:
            run: Its id or its path.
            runs: Folder of the runs.
            **changed: Other parts than the run's: ``reasoner``, ``tool``, ``policy``, ``comparer``.

        Raises:
            UsageError: There is no such run, or a part of it was handed over as an object.
        """
        folder = tracing.find_run(run, runs)
        started = Fold(tracing.read_events(folder)).run
        parts: dict[str, Any] = {"policy": started.policy}
        for role in ("reasoner", "tool", "comparer"):
            part = getattr(started, role)
            if part is not None and not part.spec and role not in changed:
                raise UsageError(
                    f"The {role} of this run ({part.name}) was handed over as an object.",
                    hint=f"Use EditAgent(...) with the same object, or name another {role}.",
                )
            parts[role] = part.spec if part is not None else None
        return cls(**{**parts, **changed}, runs=folder.parent)

    # the doors

    def edit(self, image: Source, instruction: str, **options: Any) -> EditResult:
        """Edit an image; the arguments are those of `aedit`.

        Ctrl-C ends the run and returns the best round so far; before the first round is done it raises
        KeyboardInterrupt.
        """
        return self._at_the_door(self._begin_and_drive(image, instruction, **options))

    async def aedit(self, image: Source, instruction: str, **options: Any) -> EditResult:
        """Edit an image.

        Args:
            image: A file, or encoded bytes.
            instruction: What to change, in any language that the reasoner reads.
            **options: ``references`` (more images), ``region`` (`reasonedit_agent.schemas.Region` in source
                pixels), ``seed``, ``candidates`` (per round), ``approve`` and ``review`` (a person is asked: the
                result's status is ``waiting``; go on with `resume`), ``shadow`` (rounds that are recorded past
                the stop, to judge later stops; they change nothing of the result), ``timeout`` (seconds), ``key``
                (the same idempotency key returns the stored result), ``title`` (of the run) and ``on_event`` (called
                with every event, from the thread that emits it).

        Returns:
            The result. A part that fails is no exception: see ``status`` and ``error``.

        Raises:
            UsageError: The input is wrong; nothing was run.
            StoreError: The run cannot be written.
        """
        return await self._begin_and_drive(image, instruction, **options)

    def resume(self, run: str | os.PathLike[str], answer: str | None = None, **options: Any) -> EditResult:
        """Go on with a run; the arguments are those of `aresume`."""
        return self._at_the_door(self._resume(run, answer, **options))

    async def aresume(self, run: str | os.PathLike[str], answer: str | None = None, **options: Any) -> EditResult:
        """Go on with a run that was killed, was interrupted, or waits for a person.

        Args:
            run: Its id or its path.
            answer: ``accept``, ``reject``, ``stop``, or advice in words.
            **options: ``thought`` (the plan as a person changed it; implies accept), ``timeout`` and ``on_event``.

        Returns:
            The result; that of a finished run is returned as it is.
        """
        return await self._resume(run, answer, **options)

    def fork(self, run: str | os.PathLike[str], round: int, **options: Any) -> EditResult:
        """Go another way from a round of a run; the arguments are those of `afork`."""
        return self._at_the_door(self._fork(run, round, **options))

    async def afork(self, run: str | os.PathLike[str], round: int, **options: Any) -> EditResult:
        """Take over the first rounds of a run into a new one, and go on with this agent's parts.

        Args:
            run: Id or path of the run that is forked; it stays as it is.
            round: How many of its rounds are kept, with the decisions between them; 0 keeps the plan alone.
            **options: ``think_again`` (with round 0: keep not even the plan), ``shadow`` (as of `aedit`; the run's own
                by default), ``timeout`` and ``on_event``.

        Returns:
            The result of the new run.

        Raises:
            UsageError: There is no such run or round, or no plan.
            StoreError: The run is going on, pictures of those rounds are gone, or the new one cannot be written.
        """
        return await self._fork(run, round, **options)

    def stream(self, image: Source, instruction: str, **options: Any) -> Iterator[AnyEvent]:
        """Edit an image and yield every event as it happens; the last one is `RunEnded` or `PersonAsked`."""
        events: queue.SimpleQueue[AnyEvent | None] = queue.SimpleQueue()
        future = self._loop.submit(self._begin_and_drive(image, instruction, on_event=events.put, **options))
        future.add_done_callback(lambda _: events.put(None))
        try:
            while (event := events.get()) is not None:
                yield event
            future.result()
        finally:
            future.cancel()

    async def astream(self, image: Source, instruction: str, **options: Any) -> AsyncIterator[AnyEvent]:
        """Edit an image and yield every event as it happens."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[AnyEvent | None] = asyncio.Queue()

        def tell(event: AnyEvent | None) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        task = asyncio.create_task(self._begin_and_drive(image, instruction, on_event=tell, **options))
        task.add_done_callback(lambda _: tell(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()

    def close(self) -> None:
        """End the background loop."""
        self._loop.stop()

    # how it goes on

    def _at_the_door(self, work: Coroutine[Any, Any, EditResult]) -> EditResult:
        tasks: list[asyncio.Task[Any]] = []

        async def at_work() -> EditResult:
            tasks.append(cast("asyncio.Task[Any]", asyncio.current_task()))
            return await work

        future = self._loop.submit(at_work())
        try:
            return future.result()
        except KeyboardInterrupt:
            for task in tasks:
                self._interrupted.add(task)
                task.get_loop().call_soon_threadsafe(task.cancel)
            try:
                result = future.result(timeout=_GRACE)
            except concurrent.futures.CancelledError:  # before there was a run
                raise KeyboardInterrupt from None
            if result.kept.round == 0:
                raise KeyboardInterrupt(str(result.trace)) from None
            return result

    async def _begin_and_drive(
        self,
        image: Source,
        instruction: str,
        *,
        key: str | None = None,
        timeout: float | None = None,
        on_event: Listener | None = None,
        **options: Any,
    ) -> EditResult:
        deadline = None if timeout is None else time.monotonic() + timeout
        listeners = [on_event] if on_event else []

        def start() -> Session:
            run = tracing.new_run_id()
            more: dict[str, Any] = {"run": run, "key": key, "deadline": deadline, "listeners": listeners}
            return start_run(self.parts, image, instruction, runs=self.runs, **more, **options)

        def once() -> Session | Path:
            return (
                start() if key is None else start_once(self.parts, self.runs, key, start, image, instruction, options)
            )

        started = await asyncio.to_thread(once)
        if isinstance(started, Path):
            return await self._resume(started, None, timeout=timeout, on_event=on_event)
        return await self._drive(started)

    async def _resume(
        self,
        run: str | os.PathLike[str],
        answer: str | None,
        *,
        thought: Thought | None = None,
        timeout: float | None = None,
        on_event: Listener | None = None,
    ) -> EditResult:
        folder = tracing.find_run(run, self.runs)
        fold = Fold(tracing.read_events(folder))
        said = answer is not None or thought is not None
        if fold.ended is not None and fold.ended.stopped_by != "interrupted":
            if said:
                raise UsageError(f"The run {fold.run.run} has ended; it asks nothing.")
            return load_result(folder)
        deadline = None if timeout is None else time.monotonic() + timeout
        session = open_run(self.parts, folder, deadline=deadline, listeners=[on_event] if on_event else [])
        try:
            lend_edits(session)
            if session.fold.ended is not None and session.fold.ended.stopped_by != "interrupted":
                session.close()  # somebody else ended it meanwhile
                return load_result(folder)
            if said:
                session.record(answered(session.fold, answer, thought))
            else:
                session.record(Noted(text="The run goes on."))
        except BaseException:
            session.close()
            raise
        return await self._drive(session)

    async def _fork(
        self,
        run: str | os.PathLike[str],
        round: int,
        *,
        think_again: bool = False,
        shadow: int | None = None,
        timeout: float | None = None,
        on_event: Listener | None = None,
    ) -> EditResult:
        deadline = None if timeout is None else time.monotonic() + timeout
        parent = tracing.find_run(run, self.runs)

        def start() -> Session:
            more: dict[str, Any] = {"deadline": deadline, "listeners": [on_event] if on_event else []}
            more |= {"think_again": think_again, "shadow": shadow}
            return fork_run(self.parts, parent, round, runs=self.runs, **more)

        return await self._drive(await asyncio.to_thread(start))

    async def _drive(self, session: Session) -> EditResult:
        run = session.fold.run.run
        config = {"recursion_limit": recursion_limit(), "configurable": {"thread_id": run}}
        try:
            state = await self._graph.ainvoke(
                {"run": run},
                cast(Any, config),
                context=Context(session=session),
                # A crash loses the checkpoint and nothing else: the trace is the truth. One write, at the end.
                durability="exit" if self._graph.checkpointer else None,
            )
        except asyncio.CancelledError:
            session.cancelled = True
            if session.fold.ended is not None:  # it had ended; what was recorded past that is given up
                session.close()
                result = load_result(session.folder)
            else:
                result = _end(session, stopped_by="interrupted", detail="The run was interrupted.")
            task = asyncio.current_task()
            if task is None or task not in self._interrupted:
                raise
            # Ctrl-C at the synchronous door wants the best round, not an exception.
            task.uncancel()
            return result
        except StoreError as error:
            return _end(session, stopped_by="failed", error=str(error), status="failed")
        except ReasonEditError as error:
            return _end(session, stopped_by="invalid", error=str(error), status="invalid")
        finally:
            session.close()
        waiting = state.get("__interrupt__")
        return load_result(session.folder, question=waiting[0].value if waiting else None)


def _end(session: Session, *, stopped_by: str, detail: str = "", error: str = "", status: str = "") -> EditResult:
    """Write the end of a run that the graph could not end, and return it with the best round so far."""
    ended = outcome(session, stopped_by=stopped_by, detail=detail, error=error)
    if status:
        ended = ended.model_copy(update={"status": status})
    # A full disk must not hide the result that is there.
    with_trace = True
    try:
        session.record(ended)
    except StoreError:
        with_trace = False
    finally:
        try:
            session.close()
        except StoreError:
            with_trace = False
    result = result_of(session.fold.run.run, ended, session.fold.history, session.folder)
    return result if with_trace else dataclasses.replace(result, error=result.error or "The trace is incomplete.")
